"""The command line: every command by name, and the options of all.

Errors are one sentence and exit code 2; nothing is left half-written. The files of commands import
the rooms that they need within their functions, so that no help waits for these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
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
from backrisk.cli.once import OnceCommand
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


class _Known(Mapping[str, Any]):
    """Commands by name, each made with its options when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        panel = next((panel for panel, held in COMMANDS.items() if name in held), None)
        if panel is None:
            raise KeyError(name)
        found = COMMANDS[panel][name]
        if isinstance(found, typer.Typer):
            made = get_command(found)
        else:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(name, cls=OnceCommand)(found)
            made = get_command(alone)
        made.name, made.epilog = name, such_as(name)
        made.help = say(f"cli.{name.replace('-', '_')}.help")
        made.rich_help_panel = say(f"cli.panels.{panel}")  # type: ignore[attr-defined]
        return made

    def __iter__(self) -> Iterator[str]:
        return (name for held in COMMANDS.values() for name in held)

    def __len__(self) -> int:
        return sum(map(len, COMMANDS.values()))


class _Commands(TyperGroup):
    """All commands, of which only those that are shown or run are made."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast("Any", _Known())


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
