"""Commands that read every option once: of two values the first would be lost without a word."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from backrisk.words import listed, say


class OnceCommand(TyperCommand):
    """A command that refuses an option which is given twice, unless it takes many values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments of the command line."""
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))
            counts = Counter(each.opts[0] for each in order if _single(each))
            if twice := [option for option, count in counts.items() if count > 1]:
                ctx.fail(say("cli.option_twice", options=listed(twice), n=len(twice)))
        return super().parse_args(ctx, args)


def _single(parameter: Any) -> bool:
    """Whether a parameter is an option that has one value."""
    many = any(getattr(parameter, kind, False) for kind in ("multiple", "count", "is_flag"))
    return parameter.param_type_name == "option" and not many
