"""`backrisk confounding`, and hidden causes that other commands allow for."""

import json

import pytest
from typer.testing import CliRunner

from backrisk import CausalGraph, Posterior, load_posterior
from backrisk.check import sensitivity
from backrisk.cli import app


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    two = ["no", "yes"]
    graph = CausalGraph.from_edges([("z", "x"), ("z", "y"), ("x", "y")], dict.fromkeys("zxy", two))
    rows = [[0.8, 0.2], [0.5, 0.5]]
    cpts = {"z": [0.5, 0.5], "x": rows, "y": [rows, [[0.6, 0.4], [0.3, 0.7]]]}
    Posterior.from_cpts(graph, cpts).save(tmp_path / "model.nc")
    (tmp_path / "p.json").write_text(json.dumps({"x": "yes"}))
    return tmp_path


def said(*arguments):
    result = CliRunner().invoke(app, ["confounding", "model.nc", "--person", "p.json", *arguments])
    return result.exit_code, result.output


def test_it_says_what_python_says(folder):
    found = sensitivity(load_posterior("model.nc"), {"x": "yes"}, "x")
    code, text = said("--cause", "x")
    assert code == 0
    flat = " ".join(text.split())
    assert found.text in flat
    assert "the effect is halved" in flat
    assert "above 10" in flat
    code, text = said("--cause", "x", "--format", "json")
    assert code == 0
    assert json.loads(text) == json.loads(json.dumps(found.to_dict()))


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_a_figure_is_written_whole(folder, ending, start):
    code, text = said("--cause", "x", "--out", f"plot.{ending}")
    assert code == 0
    assert f"Wrote plot.{ending}." in text
    assert (folder / f"plot.{ending}").read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cause", "y"], "'y' is the target itself"),
        (["--cause", "nothing"], "'nothing'"),
        (["--cause", "x", "--shared", "x"], "expected two nodes"),
        (["--cause", "x", "--prevalence", "2"], "between 0 and 1"),
        (["--cause", "x", "--out", "plot.jpeg2"], "should end in .png, .svg or .pdf"),
        (["--cause", "x", "--out", "nowhere/plot.png"], "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(folder, arguments, words):
    before = sorted(folder.iterdir())
    code, text = said(*arguments)
    assert code == 2
    assert words in " ".join(text.split())
    assert "Traceback" not in text
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("command", [["attribute"], ["intervene", "--do", "x=no"]])
def test_answers_allow_for_a_hidden_cause(folder, command):
    name, *rest = command
    asked = [name, "model.nc", "--person", "p.json", *rest]
    result = CliRunner().invoke(app, [*asked, "--confounding", "x,y=0.5", "--confounding", "z=1"])
    assert result.exit_code == 0
    flat = " ".join(result.output.split())
    assert "common cause of x and y that nobody measured" in flat
    assert "common cause of z and y that nobody measured" in flat


@pytest.mark.parametrize("wrong", ["x", "=0.5", "x=wide", "x,y", ",y=1"])
def test_what_is_allowed_for_has_one_form(folder, wrong):
    asked = ["attribute", "model.nc", "--person", "p.json", "--confounding", wrong]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 2
    assert "expected cause=SD or cause,effect=SD" in " ".join(result.output.split())
