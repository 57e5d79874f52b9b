"""`backrisk example` writes what the examples of README ask for, and replaces nothing."""

import json

from typer.testing import CliRunner

import backrisk as br
from backrisk.cli import app


def test_example_writes_model_people_and_survey(tmp_path):
    done = CliRunner().invoke(app, ["example", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "synthetic" in done.output
    written = br.load_posterior(tmp_path / "model.nc")
    assert written.draws == br.example_posterior().draws
    people = {p.stem: json.loads(p.read_text()) for p in (tmp_path / "data/persons").iterdir()}
    assert people == {name: br.example_person(name) for name in br.example_people()}
    assert len((tmp_path / "data" / "survey.csv").read_text().splitlines()) == 2001


def test_example_replaces_nothing(tmp_path):
    (tmp_path / "model.nc").write_text("mine")
    done = CliRunner().invoke(app, ["example", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert (tmp_path / "model.nc").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["model.nc"]
