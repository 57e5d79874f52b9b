"""What a model tells of people is said when it is saved and checked, and refused where asked."""

import json

import pytest
from typer.testing import CliRunner

from backrisk import load_posterior
from backrisk.cli import app

run = CliRunner()
GRAPH = """
name: two
outcome: y
nodes: {x: {states: ["no", "yes"]}, y: {states: ["no", "yes"]}}
edges: [{cause: x, effect: y, claim: made up, origin: stated, grade: weak}]
"""


@pytest.fixture
def fitting(tmp_path):
    (tmp_path / "g.yaml").write_text(GRAPH)
    rows = ["no,no"] * 30 + ["no,yes"] * 9 + ["yes,no"] * 5 + ["yes,yes"]
    (tmp_path / "s.csv").write_text("\n".join(["x,y", *rows]))
    paths = [tmp_path / "s.csv", "--graph", tmp_path / "g.yaml", "--out", tmp_path / "m.nc"]
    return ["fit", *map(str, paths), "--draws", "20"]


def said(*arguments):
    result = run.invoke(app, list(map(str, arguments)))
    return result.exit_code, " ".join(result.output.split())


def test_a_smaller_count_is_refused_before_anything_is_sampled(fitting, tmp_path, monkeypatch):
    monkeypatch.setattr("backrisk.fitting.fit", None)
    code, text = said(*fitting, "--least-cell", 2)
    assert code == 2
    assert "Counts of people below 2 follow from the model (1 of them). The smallest is 1" in text
    assert {each.name for each in tmp_path.iterdir()} == {"g.yaml", "s.csv"}


def test_what_a_model_tells_of_people_is_said_when_it_is_saved_and_checked(fitting, tmp_path):
    told = "tell from the draws how many people gave which answers; the smallest such count is 1"
    code, text = said(*fitting)
    assert code == 0
    assert told in text
    code, text = said("check", tmp_path / "m.nc")
    assert code == 0
    assert told in text
    code, text = said("check", tmp_path / "m.nc", "--format", "json")
    found = json.loads(text)["least_cells"]
    assert (found["least"], found["draws"], found["likelihood"]) == (1, {"x": 6, "y": 1}, 1)
    assert any(told in each for each in found["text"])


def test_a_model_without_smaller_counts_is_saved(fitting, tmp_path):
    table = (tmp_path / "s.csv").read_text()
    (tmp_path / "s.csv").write_text(table + "\nyes,yes" * 4)
    code, _ = said(*fitting, "--least-cell", 5)
    assert code == 0
    assert load_posterior(tmp_path / "m.nc").least_cells.least == 5
