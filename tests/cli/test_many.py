"""A model for each part of a survey, from the shell."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from backrisk import load_posterior
from backrisk.cli import app


def said(*arguments):
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def rows(tmp_path):
    rng = np.random.default_rng(2)
    (tmp_path / "g.txt").write_text("a -> b")
    frame = pd.DataFrame({name: rng.choice(["no", "yes"], 61) for name in "ab"})
    frame["club"] = rng.choice(["north", "south"], 61)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    few = ("--draws", "20", "--chains", "1", "--graph", tmp_path / "g.txt")
    return frame, ("fit", tmp_path / "rows.csv", *few, "--out", tmp_path / "models")


@pytest.mark.parametrize("column", ["club", "a"])
def test_each_part_has_a_model_and_is_kept(rows, tmp_path, column):
    frame, call = rows
    call = (*call, "--site", "club")
    code, text = said(*call, "--each", column)
    assert code == 0, text
    sizes = frame[column].value_counts()
    for value, size in sizes.items():
        assert load_posterior(tmp_path / "models" / f"{value}.nc").meta["people"] == size
    assert "2 models in" in text
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "models").iterdir()}
    assert said(*call, "--each", column)[0] == 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "models").iterdir()}
    code, text = said(*call, "--each", column, "--seed", "2")
    assert (code, "holds the model of another survey" in " ".join(text.split())) == (2, True)


def test_a_column_of_the_file_alone_is_its_sites(rows, tmp_path):
    _, call = rows
    code, text = said(*call, "--each", "club")
    assert code == 0, text
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"north.nc", "south.nc"}


def test_a_file_that_is_no_model_of_these_is_not_replaced(rows, tmp_path):
    _, call = rows
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "south.nc").write_text("notes")
    code, text = said(*call, "--each", "club")
    assert (code, "south.nc is there already and is no model that could be kept" in text) == (
        2,
        True,
    )
    assert [path.read_text() for path in (tmp_path / "models").iterdir()] == ["notes"]


def test_a_part_that_fails_is_named_with_exit_code_1(rows, monkeypatch):
    from backrisk.fitting import each

    fit = each.fit

    def broken(graph, survey, **kwargs):
        if survey.n == broken.n:
            raise MemoryError("no room")
        return fit(graph, survey, **kwargs)

    frame, call = rows
    broken.n = int((frame["club"] == "south").sum())
    monkeypatch.setattr(each, "fit", broken)
    code, text = said(*call, "--each", "club")
    assert (code, "south: no model. MemoryError: no room" in text) == (1, True)
    assert "1 model in" in text


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--runner", "joblib"], "--runner is of many fits"),
        (["--each", "club", "--every", "1W"], "--every"),
        (["--each", "club", "--panel", "--engine", "duckdb"], "--engine"),
        (["--each", "club", "--least-cell", "5"], "--least-cell cannot be combined"),
        (["--each", "clob"], "did you mean 'club'?"),
        (["--each", "club", "--runner", "slurm"], "no runner 'slurm'"),
    ],
)
def test_what_cannot_be_is_refused(rows, tmp_path, more, told):
    code, text = said(*rows[1], *more)
    assert (code, told in " ".join(text.split())) == (2, True), text


@pytest.mark.parametrize("more", [(), ("--each", "a")])
def test_an_address_is_not_taken_for_a_path(rows, tmp_path, monkeypatch, more):
    monkeypatch.chdir(tmp_path)
    code, text = said(*rows[1][:-1], "s3://clinic/models", *more)
    assert code == 2
    assert "s3://clinic/models is an address" in text
    assert not (tmp_path / "s3:").exists()


def test_each_site_of_a_panel_has_a_model_over_time(tmp_path):
    (tmp_path / "g.txt").write_text("a -> b; b[-1] -> b")
    rng = np.random.default_rng(3)
    who, when = np.divmod(np.arange(90), 3)
    frame = pd.DataFrame({"who": who, "day": 7 * when})
    for name in "ab":
        frame[name] = rng.choice(["no", "yes"], 90)
    frame["club"] = np.where(who < 12, "north", "south")
    frame.to_csv(tmp_path / "visits.csv", index=False)
    over_time = ("--panel", "--id", "who", "--time", "day", "--every", "7", "--no-trait")
    call = ("fit", tmp_path / "visits.csv", "--graph", tmp_path / "g.txt", *over_time)
    call = (*call, "--draws", "20", "--chains", "1", "--out", tmp_path / "models")
    code, text = said(*call, "--each", "club")
    assert code == 0, text
    for club, people in (("north", 12), ("south", 18)):
        model = load_posterior(tmp_path / "models" / f"{club}.nc")
        assert (model.meta["people"], model.meta["panel"]["periods"]) == (people, 3)
    assert "2 models in" in said(*call, "--each", "club")[1]
    code, text = said(*call, "--site", "club", "--each", "a")
    assert (code, "'a' changes over time" in text) == (2, True), text
