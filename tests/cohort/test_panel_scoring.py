"""People over time, scored: each by the numbers of its own forecast."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from histories import chain
from typer.testing import CliRunner

import backrisk as br
from backrisk.cli import app
from backrisk.cohort import panel_scoring

GRAPH = br.CausalGraph.from_text("x -> y; x[-1] -> x; y[-1] -> y")
VISITS = pd.DataFrame(
    [
        ("b", 0, "no", "no"),
        ("a", 3, "yes", "no"),
        ("b", 8, "yes", None),
        ("a", 24, None, "yes"),
        ("c", 100, "no", "no"),
        ("c", 107, "yes", None),
        ("d", 5, None, None),
    ],
    columns=["who", "day", "x", "y"],
)
HISTORIES = {
    "b": [{"x": "no", "y": "no"}, {"x": "yes"}],
    "a": [{"x": "yes", "y": "no"}, {}, {}, {"y": "yes"}],
    "c": [{"x": "no", "y": "no"}, {"x": "yes"}],
    "d": [{}],
}


@pytest.fixture(scope="module")
def model():
    """Drawn exactly, for everything was answered."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"who": np.repeat(range(30), 2), "day": np.tile((0, 7), 30)})
    for name in ("x", "y"):
        frame[name] = np.array(["no", "yes"])[rng.integers(0, 2, 60)]
    panel = br.read_panel(frame, GRAPH, id="who", time="day", every=7)
    return br.fit(GRAPH, panel, seed=1, draws=40, chains=1, progress=False)


def test_everybody_has_the_numbers_of_a_forecast(model, tmp_path):
    done = br.score_panel(model, VISITS, tmp_path / "s.parquet", periods=3, target="y")
    found = pd.read_parquet(done.out).set_index("person")
    assert list(found.index) == list(HISTORIES)
    assert (done.people, done.profiles, done.draws) == (4, 3, 40)
    for who, history in HISTORIES.items():
        answer = br.forecast(model, history, 3, target="y")
        rows = answer.table[answer.table["kind"] == "risk"]
        for ahead, name in enumerate(("risk", "risk_2", "risk_3")):
            told = found.loc[who, [name, f"{name}_low", f"{name}_high"]].to_numpy(float)
            expected = rows.iloc[ahead][["mean", "low", "high"]].to_numpy(float)
            np.testing.assert_allclose(told, expected, rtol=0, atol=1e-12)
    assert found["last"].tolist()[:3] == [1, 3, 1]
    assert pd.isna(found.loc["d", "last"])
    assert found.loc["a", "reported"] == "yes"
    assert pd.isna(found.loc["b", "reported"])
    assert "no answers" in found.loc["d", "flags"]
    assert "no answers" not in found.loc["a", "flags"]


def test_equal_histories_are_asked_once(model, tmp_path, monkeypatch):
    asked = []

    def counted(posterior, history, *rest, **options):
        asked.append(history)
        return br.forecast(posterior, history, *rest, **options)

    monkeypatch.setattr(panel_scoring, "forecast", counted)
    br.score_panel(model, VISITS, tmp_path / "s.csv", target="y")
    assert len(asked) == 1 + 3  # the question is checked once


def test_the_shell_writes_the_same_file(model, tmp_path):
    model.save(tmp_path / "m.nc")
    VISITS.to_csv(tmp_path / "v.csv", index=False)
    call = ["score", tmp_path / "m.nc", tmp_path / "v.csv", "--target", "y", "--panel", "--out"]
    result = CliRunner().invoke(app, [*map(str, call), str(tmp_path / "s.csv")])
    assert result.exit_code == 0, result.output
    assert "4 people (3 distinct histories, 40 draws)" in " ".join(result.output.split())
    found = pd.read_csv(tmp_path / "s.csv")
    br.score_panel(model, VISITS, tmp_path / "p.csv", target="y")
    pd.testing.assert_frame_equal(found, pd.read_csv(tmp_path / "p.csv"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--cause", "x", "--panel"], "--cause has no meaning with --panel"),
        (["--periods", "2"], "--periods needs --panel"),
        (["--panel", "--id", "who", "--id", "day"], "one column says whose row it is"),
        (["--panel", "--target", "z"], "'z' is not a node"),
        (["--panel", "--target", "y", "--time", "dya"], "dya"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(model, tmp_path, given, words):
    model.save(tmp_path / "m.nc")
    VISITS.to_csv(tmp_path / "v.csv", index=False)
    call = ["score", tmp_path / "m.nc", tmp_path / "v.csv", "--out", tmp_path / "s.csv"]
    result = CliRunner().invoke(app, [*map(str, call), *given])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert not (tmp_path / "s.csv").exists()


def test_other_models_and_files_are_refused(tmp_path):
    graph = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    one = br.Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.3, 0.7]]})
    with pytest.raises(br.QueryError, match="of one moment"):
        br.score_panel(one, VISITS, tmp_path / "s.csv")
    with pytest.raises(br.QueryError, match=r"\.parquet or \.csv"):
        br.score_panel(chain(), VISITS, tmp_path / "s.txt", target="y")
    with pytest.raises(br.QueryError, match="at least one period"):
        br.score_panel(chain(), VISITS, tmp_path / "s.csv", periods=0)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A model one of whose nodes is the same in all periods, in a file and in memory."""
    template = br.CausalGraph.from_text("sex -> y; y[-1] -> y")
    nodes = tuple(replace(node, constant=node.name == "sex") for node in template.nodes)
    graph = replace(template, nodes=nodes)
    frame = pd.DataFrame({"who": np.repeat(range(20), 2), "day": np.tile((0, 7), 20)})
    rng = np.random.default_rng(2)
    frame["sex"] = np.repeat(np.array(["no", "yes"])[rng.integers(0, 2, 20)], 2)
    frame["y"] = np.array(["no", "yes"])[rng.integers(0, 2, 40)]
    panel = br.read_panel(frame, graph, id="who", time="day", every=7)
    posterior = br.fit(graph, panel, seed=1, draws=20, chains=1, progress=False)
    path = tmp_path_factory.mktemp("lasting") / "m.nc"
    posterior.save(path)
    return path, posterior, graph


def test_a_constant_that_changes_between_visits_is_told_as_a_fit_tells_it(lasting, tmp_path):
    path, posterior, graph = lasting
    rows = [
        ("a", 0, "no", "no"),
        ("a", 7, "yes", "no"),
        ("b", 0, "yes", "no"),
        ("b", 7, None, "no"),
    ]
    visits = pd.DataFrame(rows, columns=["who", "day", "sex", "y"])
    read = br.read_panel(visits, graph, id="who", time="day", every=7)
    (told,) = [each for each in read.cautions if "is constant" in each]
    done = br.score_panel(posterior, visits, tmp_path / "s.csv", target="y")
    assert done.notes == (told,)
    assert br.score_panel(posterior, visits[2:], tmp_path / "s.csv", target="y").notes == ()
    table = tmp_path / "visits.csv"
    visits.to_csv(table, index=False)
    asked = ["score", path, table, "--panel", "--out", tmp_path / "o.csv", "--target", "y"]
    assert told in said(*asked)
    visits[:2].to_csv(table, index=False)
    assert told in said("forecast", path, "--history", table, "--target", "y")
    visits[2:].to_csv(table, index=False)
    assert "is constant" not in said("forecast", path, "--history", table, "--target", "y")


def test_that_each_row_was_taken_for_a_person_is_said(model, lasting, tmp_path):
    table, note = tmp_path / "rows.csv", "each row was taken for a person in the first period"
    VISITS[["x", "y"]].dropna(how="all").to_csv(table, index=False)
    done = br.score(model, table, tmp_path / "s.csv", target="y")
    assert len(done.notes) == 1
    assert note in done.notes[0]
    pd.DataFrame({"sex": ["no"], "y": ["no"]}).to_csv(table, index=False)
    assert note in said("score", lasting[0], table, "--out", tmp_path / "o.csv", "--target", "y")
    once = br.Posterior.from_cpts(br.CausalGraph.from_text("x -> y"), {"x": [0.5, 0.5],
                                  "y": [[0.9, 0.1], [0.3, 0.7]]})  # fmt: skip
    pd.DataFrame({"x": ["no"]}).to_csv(table, index=False)
    assert br.score(once, table, tmp_path / "s.csv", target="y").notes == ()


def said(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())
