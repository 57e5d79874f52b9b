"""What comes with the package, written out so that the examples of README run anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backrisk._files import make_folder
from backrisk.cli import console
from backrisk.cli.console import sentences
from backrisk.errors import QueryError
from backrisk.words import listed, say


def example(
    out: Annotated[Path, typer.Option(help=say("cli.example.out"))] = Path(),
) -> None:
    """Write the packaged model, people and survey; nothing that exists is replaced."""
    from backrisk.cli.demo import packaged_survey
    from backrisk.cli.terminal import write_text
    from backrisk.posterior import example_people, example_person, example_posterior

    with sentences():
        model, survey = out / "model.nc", out / "data" / "survey.csv"
        people = {name: out / "data" / "persons" / f"{name}.json" for name in example_people()}
        for path in (model, survey, *people.values()):
            if path.exists():
                raise QueryError(say("cli.example.exists", path=path))
        folder = survey.parent / "persons"
        make_folder(folder, QueryError)
        write_text(survey, packaged_survey().to_csv(index=False))
        for name, path in people.items():
            write_text(path, json.dumps(example_person(name), indent=2) + "\n")
        example_posterior().save(model)
        files = listed(str(p.relative_to(out)) for p in (model, survey, *people.values()))
        console.out.print(say("cli.example.done", out=out, files=files), markup=False)
        told = say("cli.example.next", model=model, person=people["weak_core"])
        console.out.print(told, markup=False, soft_wrap=True)
