"""Graphs from one form to another, as a person at the shell does it."""

import json

import pytest
from typer.testing import CliRunner

from backrisk import CausalGraph, load_graph
from backrisk.cli import app

run = CliRunner()
TEXT = "strength + sex -> core; core -> pain\npain: none, mild, severe"


def said(*arguments):
    result = run.invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.output


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_graph_is_printed_in_any_form(lines):
    graph = CausalGraph.from_text(TEXT, name="mine")
    assert said("graph", lines) == (0, graph.to_yaml())
    assert said("graph", lines, "--to", "dagitty") == (0, graph.to_dagitty())
    code, text = said("graph", lines, "--to", "json")
    assert (code, json.loads(text)) == (0, json.loads(json.dumps(graph.to_dict())))


@pytest.mark.parametrize(
    ("form", "suffix"), [("yaml", "yaml"), ("json", "json"), ("dagitty", "dag")]
)
def test_what_is_written_is_read_as_it_was(lines, tmp_path, form, suffix):
    out = tmp_path / f"out.{suffix}"
    code, text = said("graph", lines, "--to", form, "--out", out)
    assert code == 0
    told = f"Wrote the graph 'mine' (4 nodes, 3 edges) to {out}."
    assert "".join(text.split()) == told.replace(" ", "")  # lines break within a long path
    assert load_graph(out) == load_graph(lines)


def test_a_packaged_graph_goes_through_json(tmp_path):
    out = tmp_path / "runner.json"
    assert said("graph", "runner", "--to", "json", "--out", out)[0] == 0
    assert load_graph(out) == load_graph("runner")


def test_every_option_that_takes_a_graph_takes_these_files(lines, tmp_path):
    survey = tmp_path / "survey.csv"
    code, text = said("simulate", "--graph", lines, "--n", "50", "--out", survey)
    assert code == 0, text
    assert survey.read_text().splitlines()[0] == "strength,sex,core,pain"
    code, text = said("validate", survey, "--graph", lines)
    assert code == 0, text
    assert "50 people" in text


def test_mistakes_are_told_and_nothing_is_written(tmp_path):
    path, out = tmp_path / "mine.dag", tmp_path / "out.yaml"
    path.write_text("dag { x -> y -> x z [outcome] w [outcome] }", encoding="utf-8")
    code, text = said("graph", path, "--out", out)
    assert code == 2
    assert "Several nodes are outcomes: z and w" in text
    assert not out.exists()
    assert said("graph", "nothing")[0] == 2
    assert said("graph", "runner", "--to", "word")[0] == 2
