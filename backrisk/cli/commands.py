"""The command line: every command by name, and the options of all.

Errors are one sentence and exit code 2; nothing is left half-written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

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
    fhir,
    flags,
    graphs,
    output,
    planning,
    questions,
)
from backrisk.cli.console import sentences
from backrisk.words import say, speaking

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "demo": output.demo,
    "example": examples.example,
    "simulate": data.simulate,
    "codebook": codebooks.codebook,
    "graph": graphs.graph,
    "schema": graphs.schema,
    "validate": data.validate,
    "fit": data.fit,
    "prior": data.prior,
    "plan": planning.plan,
    "check": checking.check,
    "effects": edges.effects,
    "transport": carrying.transport,
    "compare": doubts.compare,
    "standing": doubts.standing,
    "claims": doubts.claims,
    "power-scaling": doubts.power_scaling,
    "serve": output.serve,
    "flags": flags.flags,
    "consult": questions.consult,
    "risk": questions.risk,
    "diagnose": questions.diagnose,
    "forecast": questions.forecast,
    "intervene": questions.intervene,
    "counterfactual": questions.counterfactual,
    "attribute": questions.attribute,
    "mediate": questions.mediate,
    "confounding": confounding.confounding,
    "score": output.score,
    "recommend": questions.recommend,
    "ask-next": questions.ask_next,
    "follow-up": questions.follow_up,
    "report": output.report,
}
for _name, _command in COMMANDS.items():
    app.command(_name, help=say(f"cli.{_command.__name__}.help"))(_command)
app.add_typer(fhir.app, name="fhir", help=say("cli.fhir.help"))


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
