"""A synthetic panel from the shell."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from backrisk.cli import app


def said(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, " ".join(result.output.split())


def test_a_panel_is_written_visit_by_visit(tmp_path):
    out = tmp_path / "visits.csv"
    call = ["simulate", "--graph", "runner_core", "--panel", "--n", 20, "--out", out]
    code, text = said(*call, "--periods", 3, "--trait", "--missing", 0)
    frame = pd.read_csv(out, keep_default_na=False)
    assert code == 0
    assert f"{len(frame)} visits of 20 synthetic people" in text
    assert set(frame["time"]) == {0, 1, 2}
    assert frame["id"].nunique() == 20
    assert (frame != "").all(axis=None)
    code, _ = said(*call, "--truth", 1)
    assert code == 0
    assert set(pd.read_csv(out)["time"]) == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize("given", [["--periods", 3], ["--trait"], ["--missing", 0.1]])
def test_options_of_a_panel_need_a_panel(tmp_path, given):
    out = tmp_path / "s.csv"
    code, text = said("simulate", "--graph", "runner_core", "--n", 3, "--out", out, *given)
    assert code == 2
    assert f"{given[0]} needs --panel" in text
    assert not out.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--every", "30D"], "--every needs --panel"),
        (["--no-trait"], "--trait needs --panel"),
        (["--dropout", "pain"], "--dropout needs --panel"),
        (["--panel", "--engine", "duckdb"], "--engine has no meaning with --panel"),
        (
            ["--panel", "--combine", "last", "--combine", "worst"],
            "gives the same column two rules",
        ),
        (["--panel"], "says how long a slice is"),
        (["--panel", "--every", "1", "--id", "id", "--time", "tme"], "did you mean 'time'?"),
        (
            ["--panel", "--every", "1", "--id", "id", "--time", "time", "--trait"],
            "it takes 3",
        ),
    ],
)
def test_a_panel_that_cannot_be_fitted_is_one_sentence(tmp_path, given, words):
    visits = tmp_path / "visits.csv"
    visits.write_text("id,time,fatigue,pain\n1,0,low,none\n1,1,high,none\n")
    out = tmp_path / "m.nc"
    code, text = said("fit", visits, "--graph", "runner_core", "--out", out, *given)
    assert code == 2
    assert words in text
    assert not out.exists()
