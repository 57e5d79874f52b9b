"""The command line: every command by name, and the options of all.

Errors are one sentence and exit code 2; nothing is left half-written. The files of commands import
the rooms that they need within their functions, so that no help waits for these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from backrisk import __version__
from backrisk.cli import (
    carrying,
    checking,
    codebooks,
    confounding,
    console,
    data,
    doubts,
    edges,
    examples,
    exchanging,
    fhir,
    flags,
    graphs,
    output,
    planning,
    questions,
)
from backrisk.cli.console import sentences, such_as
from backrisk.words import say, speaking

# A command is one line of its panel: its name, and its function or its own commands.
COMMANDS: Mapping[str, Mapping[str, Callable[..., None] | typer.Typer]] = {
    "begin": {
        "demo": output.demo,
        "example": examples.example,
    },
    "model": {
        "simulate": data.simulate,
        "codebook": codebooks.codebook,
        "graph": graphs.graph,
        "schema": graphs.schema,
        "prior": data.prior,
        "plan": planning.plan,
        "validate": data.validate,
        "fit": data.fit,
        "import": exchanging.import_network,
    },
    "ask": {
        "flags": flags.flags,
        "consult": questions.consult,
        "risk": questions.risk,
        "diagnose": questions.diagnose,
        "forecast": questions.forecast,
        "intervene": questions.intervene,
        "counterfactual": questions.counterfactual,
        "attribute": questions.attribute,
        "mediate": questions.mediate,
        "recommend": questions.recommend,
        "ask-next": questions.ask_next,
        "follow-up": questions.follow_up,
    },
    "believe": {
        "check": checking.check,
        "effects": edges.effects,
        "compare": doubts.compare,
        "standing": doubts.standing,
        "claims": doubts.claims,
        "power-scaling": doubts.power_scaling,
        "confounding": confounding.confounding,
        "transport": carrying.transport,
    },
    "share": {
        "score": output.score,
        "impute": exchanging.impute,
        "export": exchanging.export,
        "report": output.report,
        "serve": output.serve,
        "fhir": fhir.app,
    },
}


class _Commands(TyperGroup):
    """All commands: known by name and help at once, by their options when one is asked for."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {
            name: TyperCommand(name, help=_help(name), rich_help_panel=_panel(panel))
            for panel, held in COMMANDS.items()
            for name in held
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the arguments name, with its options."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else _command(name), rest


def _help(name: str) -> str:
    return say(f"cli.{name.replace('-', '_')}.help")


def _panel(name: str) -> str:
    return say(f"cli.panels.{name}")


def _command(name: str) -> Any:
    """Return a command with its options."""
    found = next(held[name] for held in COMMANDS.values() if name in held)
    if isinstance(found, typer.Typer):
        made = get_command(found)
    else:
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        made = get_command(alone)
    made.name, made.help = name, _help(name)
    made.epilog = such_as(name)
    return made


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=say("cli.exit_codes"),
)


def _version(asked: bool) -> None:
    if asked:
        console.out.print(f"backrisk {__version__}", markup=False)
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", callback=_version, is_eager=True, help=say("cli.options.version")),
]


@app.callback(help=say("cli.help"))
def _options(
    context: typer.Context,
    version: VersionOption = False,
    lang: Annotated[
        str | None, typer.Option("--lang", envvar="BACKRISK_LANG", help=say("cli.options.lang"))
    ] = None,
) -> None:
    with sentences():
        context.with_resource(speaking(lang))
