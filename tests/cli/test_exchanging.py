"""Models to and from other tools, and completed surveys, from the shell."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import backrisk as br
from backrisk.cli import app

run = CliRunner()


@pytest.fixture
def model(core_prior, tmp_path):
    return core_prior.save(tmp_path / "model.nc")


def asked(*words):
    result = run.invoke(app, list(map(str, words)))
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("kind", ["bif", "xmlbif", "xdsl", "net", "uai"])
def test_a_model_goes_out_and_comes_in(model, kind, tmp_path):
    code, said = asked("export", model, tmp_path / f"out.{kind}", "--draw", 2)
    assert code == 0, said
    assert "The file holds draw 2 of" in said
    assert "grades of the evidence" in said
    code, said = asked("import", tmp_path / f"out.{kind}", "--out", tmp_path / "back.nc")
    assert code == 0, said
    assert "7 nodes, 6 edges, outcome pain" in said
    assert "one set of tables" in said
    back, before = (br.load_posterior(tmp_path / name) for name in ("back.nc", "model.nc"))
    person = {"fatigue": "high"}
    expected = br.risk(before, person).draws[2]
    assert br.risk(back, person).draws == pytest.approx([expected], abs=1e-9)


def test_a_graph_gives_what_the_file_does_not_hold(model, tmp_path):
    asked("export", model, tmp_path / "out.bif")
    words = ("import", tmp_path / "out.bif", "--out", tmp_path / "back.nc")
    code, said = asked(*words, "--graph", "runner_core")
    assert code == 0, said
    assert br.load_posterior(tmp_path / "back.nc").graph == br.load_graph("runner_core")
    code, said = asked(*words, "--graph", "runner")
    assert code == 2
    assert "has no node 'age', which graph 'runner' has" in said


def test_a_drawing_has_the_grade_of_each_edge(model, tmp_path):
    graph = br.load_graph("runner_core")
    for kind, text in (("dot", graph.to_dot()), ("mmd", graph.to_mermaid())):
        code, said = asked("export", model, tmp_path / f"out.{kind}")
        assert code == 0, said
        assert (tmp_path / f"out.{kind}").read_text() == text
    code, said = asked("export", model, tmp_path / "out.dot", "--draw", 1)
    assert code == 2
    assert "has no draws" in said


def test_completed_data_sets_are_written(model, tmp_path):
    graph = br.load_graph("runner_core")
    frame = br.simulate(graph, 30, seed=1)
    frame.to_csv(tmp_path / "survey.csv", index=False)
    words = ("impute", model, tmp_path / "survey.csv", "--n", 4, "--seed", 1, "--out")
    for kind, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        code, said = asked(*words, tmp_path / f"out{kind}")
        assert code == 0, said
        assert "4 completed data sets of 30 people" in said
        assert "Rubin's rules" in said
        found = read(
            tmp_path / f"out{kind}", **({} if kind == ".parquet" else {"na_filter": False})
        )
        assert len(found) == 120
        assert list(found.columns[:2]) == ["imputation", "id"]
        for name in graph.names:
            known = np.tile(frame[name] != "", 4)
            assert (found[name][known] == np.tile(frame[name], 4)[known]).all()
            assert set(found[name]) <= set(graph.node(name).states)


def test_mistakes_are_told_in_a_sentence(model, tmp_path):
    (tmp_path / "bad.bif").write_text("network n { } variable x {")
    for words, told in [
        (("export", model, tmp_path / "out.docx"), "says no format that is written"),
        (("export", model, tmp_path / "out.bif", "--draw", 10**6), "There is no draw"),
        (("import", tmp_path / "bad.bif", "--out", tmp_path / "m.nc"), "cut short"),
        (("import", tmp_path / "gone.bif", "--out", tmp_path / "m.nc"), "no such file"),
        (("impute", model, model, "--out", tmp_path / "o.txt"), "as .csv or .parquet"),
    ]:
        code, said = asked(*words)
        assert code == 2
        assert told in said
        assert "Traceback" not in said
