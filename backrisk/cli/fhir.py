"""FHIR resources: the form, answers out and in, what they say, what to ask next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from backrisk import _json, _yaml
from backrisk._files import demand_place, no_file
from backrisk.cli import console
from backrisk.cli.console import sentences, such_as
from backrisk.cli.once import OnceCommand
from backrisk.cli.options import ModelFile, PersonFile, SiteOption, TargetOption
from backrisk.cli.persons import person_at
from backrisk.cli.terminal import write_text
from backrisk.errors import QueryError
from backrisk.words import say, unreadable

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

ResponseFile = Annotated[Path, typer.Option("--response", help=say("cli.fhir.response"))]
UrlOption = Annotated[str | None, typer.Option("--url", help=say("cli.fhir.url"))]
OutOption = Annotated[Path | None, typer.Option("--out", help=say("cli.fhir.out"))]


@app.command(
    "questionnaire",
    cls=OnceCommand,
    help=say("cli.fhir.questionnaire_help"),
    epilog=such_as("fhir_questionnaire"),
)
def questionnaire(model: ModelFile, url: UrlOption = None, out: OutOption = None) -> None:
    """Run `backrisk.fhir.questionnaire`."""
    from backrisk.fhir import questionnaire as make
    from backrisk.posterior import load_posterior

    with sentences():
        _demand(out, model)
        _give(make(load_posterior(model), url=url), out, model)


@app.command(
    "response", cls=OnceCommand, help=say("cli.fhir.response_help"), epilog=such_as("fhir_response")
)
def response(
    model: ModelFile,
    person: PersonFile,
    site: SiteOption = None,
    subject: Annotated[str | None, typer.Option(help=say("cli.fhir.subject"))] = None,
    authored: Annotated[str | None, typer.Option(help=say("cli.fhir.authored"))] = None,
    url: UrlOption = None,
    out: OutOption = None,
) -> None:
    """Run `backrisk.fhir.questionnaire_response`."""
    from backrisk.fhir import questionnaire_response as make
    from backrisk.posterior import load_posterior

    with sentences():
        _demand(out, model, person)
        told = {"site": site, "subject": subject, "authored": authored, "url": url}
        posterior = load_posterior(model)
        _give(make(posterior, person_at(posterior, person), **told), out, model, person)


@app.command(
    "person", cls=OnceCommand, help=say("cli.fhir.person_help"), epilog=such_as("fhir_person")
)
def person(
    model: ModelFile, response: ResponseFile, url: UrlOption = None, out: OutOption = None
) -> None:
    """Run `backrisk.fhir.read_response`: a person file, what was not read on the error output."""
    from backrisk.fhir import read_response
    from backrisk.posterior import load_posterior

    with sentences():
        _demand(out, model, response)
        posterior, resource = load_posterior(model), _read(response)
        with _about(response):
            answers = read_response(posterior, resource, url=url)
        for issue in answers.issues:
            told = say("cli.warning", warning=issue.text)
            console.err.print(told, style="yellow", markup=False, soft_wrap=True)
        if answers.site is not None:
            told = say("cli.fhir.at_site", site=answers.site)
            console.err.print(told, markup=False, soft_wrap=True)
        _give(answers.person, out, model, response)


@app.command(
    "assess", cls=OnceCommand, help=say("cli.fhir.assess_help"), epilog=such_as("fhir_assess")
)
def assess(
    model: ModelFile,
    response: ResponseFile,
    target: TargetOption = None,
    url: UrlOption = None,
    out: OutOption = None,
) -> None:
    """Run `backrisk.fhir.risk_assessment`."""
    from backrisk.fhir import risk_assessment

    _result(risk_assessment, model, response, target, url, out)


@app.command(
    "guide", cls=OnceCommand, help=say("cli.fhir.guide_help"), epilog=such_as("fhir_guide")
)
def guide(
    model: ModelFile,
    response: ResponseFile,
    target: TargetOption = None,
    url: UrlOption = None,
    out: OutOption = None,
) -> None:
    """Run `backrisk.fhir.guidance_response`."""
    from backrisk.fhir import guidance_response

    _result(guidance_response, model, response, target, url, out)


def _result(
    make: Callable[..., Mapping[str, Any]],
    model: Path,
    response: Path,
    target: str | None,
    url: str | None,
    out: Path | None,
) -> None:
    """Give what answers say, as one of the functions of `backrisk.fhir` has it."""
    from backrisk.posterior import load_posterior

    with sentences():
        _demand(out, model, response)
        posterior, resource = load_posterior(model), _read(response)
        with _about(response):
            made = make(posterior, resource, target=target, url=url)
        _give(made, out, model, response)


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Tell what is wrong with a resource by the name of its file."""
    from backrisk.fhir import FhirError

    try:
        yield
    except FhirError as error:
        lines = str(error).split("\n")
        told = (str(say("cli.person.saved", path=path, problem=line)) for line in lines)
        raise QueryError("\n".join(told)) from error


def _demand(out: Path | None, *inputs: Path) -> None:
    if out is not None:
        demand_place(out, QueryError, inputs)


def _read(path: Path) -> Any:
    """Read a resource.

    Raises
    ------
    QueryError
        There is no such file, or it is not JSON.
    """
    if not path.is_file():
        raise QueryError(no_file(path))
    try:
        return _json.parse(_yaml.contents(path))
    except _yaml.Unreadable as error:
        raise QueryError(unreadable(error, path)) from None


def _give(made: Mapping[str, Any], out: Path | None, *inputs: Path) -> None:
    """Write a resource to a file and say so, or print it as it is."""
    text = json.dumps(made, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if out is None:
        print(text, end="")
        return
    write_text(out, text, inputs)
    console.about(out).print(say("cli.fhir.done", out=out), markup=False, soft_wrap=True)
