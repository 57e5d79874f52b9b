"""`backrisk plan`: a table, a figure, JSON, and one sentence for each mistake."""

import json

import pytest
from typer.testing import CliRunner

from backrisk.cli import app
from backrisk.graph import CausalGraph

run = CliRunner()
QUICK = ["--missing", "0", "--fits", "2", "--draws", "50", "--effect", "x"]


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    made = CausalGraph.from_edges([("x", "y")], states, outcome="y", name="two")
    path = tmp_path_factory.mktemp("plan") / "two.json"
    path.write_text(json.dumps(made.to_dict()))
    return path


def said(*arguments):
    result = run.invoke(app, ["plan", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split()), result


def test_sizes_behind_the_graph_are_a_table_and_a_figure(graph, tmp_path):
    picture = tmp_path / "plan.png"
    code, out, _ = said(graph, "--n", 20, 40, 80, *QUICK, "--plot", picture)
    assert code == 0, out
    assert "Effect of x on the risk of y" in out
    for size in ("20", "40", "80"):
        assert f" {size} " in out
    assert "Synthetic: 2 surveys for each row" in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_json_is_the_plan(graph):
    result = run.invoke(app, ["plan", str(graph), "--n", "20", *QUICK, "--format", "json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["kind"] == "plan"
    assert found["synthetic"] is True
    assert [row["people"] for row in found["rows"]] == [20]
    again = run.invoke(
        app, ["plan", str(graph), "--n", "20", *QUICK, "--format", "json", "--seed", "2"]
    )
    assert json.loads(again.stdout)["rows"] != found["rows"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--item", "x"], "--item x: expected a node and a number, as in node=0.7."),
        (["--examined", "x=much"], "--examined x=much: expected"),
        (["--examined", "x=0.5"], "'x' is measured directly"),
        (["--effect", "z"], "'z' is not a cause of 'y'"),
        (["--wave"], "has no items"),
        (["--plot", "plan.doc"], "should end in .png, .svg or .pdf"),
        (["--missing", "2"], "share of missing answers is 2.0"),
        (["--person", "nobody.json"], "nobody.json"),
        (["--unmeasured", "z"], "neither a column"),
    ],
)
def test_a_mistake_is_one_sentence(graph, wrong, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = QUICK[2:] if wrong[0] == QUICK[0] else QUICK  # an option is given once
    code, out, _ = said(graph, "--n", 20, *quick, *wrong)
    assert code == 2
    assert told in out
    assert "Traceback" not in out


def test_a_graph_that_does_not_exist_is_told():
    code, out, _ = said("runer_core", "--n", 20)
    assert code == 2
    assert "runner_core" in out
