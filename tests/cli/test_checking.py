"""What `check` lays out, and what it keeps with the model."""

import json

import pandas as pd
import pytest
from prior_core import prior_core
from typer.testing import CliRunner

from backrisk import load_posterior, simulate
from backrisk.cli import app
from backrisk.cli.checking import _failed


def said(*arguments):
    found = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "500"})
    return found.exit_code, found.output


@pytest.fixture
def model(tmp_path):
    return prior_core(60).save(tmp_path / "m.nc")


@pytest.fixture
def survey(tmp_path):
    path = tmp_path / "s.csv"
    frame = simulate(prior_core(2).graph, 800, seed=5)
    frame["pain"] = frame["fatigue"].map({"low": "none", "high": "limiting"})  # no load needed
    frame.to_csv(path, index=False)
    return path


def test_parameters_that_failed_for_one_reason_are_one_row():
    slow, ridge = ("slow", "more draws"), ("ridge", "a second item")
    columns = ["parameter", "r_hat", "ess", "why", "what_to_do"]
    rows = [("a", 1.30, 90.0, *slow), ("b", 1.20, 40.0, *slow), ("c", 1.10, 70.0, *ridge)]
    found, folded = _failed(pd.DataFrame(rows, columns=columns))
    assert found == {
        "parameters": ["a and 1 more", "c"],
        "worst": ["1.300", "1.100"],
        "least": ["40", "70"],
        "why": ["slow", "ridge"],
        "what_to_do": ["more draws", "a second item"],
    }
    assert set(folded) == {"parameters", "why", "what_to_do"}


def test_each_check_has_its_line_and_nothing_is_kept_unless_asked(model, survey):
    before = model.read_bytes()
    code, text = said("check", model, survey)
    assert code == 0, text
    assert "Independences that the graph implies: the survey contradicts" in text
    assert "Not kept" in text
    assert model.read_bytes() == before
    code, text = said("check", model, survey, "--format", "json", "--without", "pairwise")
    found = json.loads(text)["doubts"]
    assert {each["check"] for each in found["verdicts"]} == {
        "independences",
        "families",
        "calibration",
    }
    assert model.read_bytes() == before


def test_what_is_kept_is_told_with_every_answer(model, survey, tmp_path):
    person = tmp_path / "p.json"
    person.write_text('{"fatigue": "high"}')
    asked = ["risk", model, "--person", person, "--format", "json"]
    before = json.loads(said(*asked)[1])
    code, text = said("check", model, survey, "--keep")
    assert code == 0, text
    assert "Kept with the model" in text
    after = json.loads(said(*asked)[1])
    assert after["rows"] == before["rows"]
    (told,) = set(after["warnings"]) - set(before["warnings"])
    assert "independences that the graph implies" in told
    assert load_posterior(model).diagnostics.contradicted
    card = tmp_path / "card.md"
    assert said("report", model, "--card", "--out", card)[0] == 0
    assert "the survey contradicts" in " ".join(card.read_text().split())
    code, text = said("check", model)  # what is kept is shown without a survey too
    assert code == 0
    assert "Independences that the graph implies" in text


def test_nothing_is_kept_of_no_survey_and_a_check_nobody_knows_is_refused(model, survey):
    before = model.read_bytes()
    code, text = said("check", model, "--keep")
    assert code == 2
    assert "without a survey" in " ".join(text.split())
    code, text = said("check", model, survey, "--keep", "--without", "calibrate")
    assert code == 2
    assert "did you mean 'calibration'" in " ".join(text.split())
    assert model.read_bytes() == before
