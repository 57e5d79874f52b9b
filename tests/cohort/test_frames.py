"""A table in memory is scored and reported as the file that holds it; nothing asks for a path."""

import pandas as pd
import pytest

from backrisk import report_cohort, risks, score, simulate
from backrisk.cohort import cohort_answers


@pytest.fixture(scope="module")
def people(core_prior):
    return simulate(core_prior.graph, 30, seed=5)


def test_a_frame_is_scored_as_its_file(core_prior, people, tmp_path):
    path = tmp_path / "people.csv"
    people.to_csv(path, index=False)
    found = {}
    for name, source in (("frame", people), ("file", path)):
        score(core_prior, source, tmp_path / f"{name}.parquet", draws=20)
        found[name] = pd.read_parquet(tmp_path / f"{name}.parquet").drop(columns="row")
    pd.testing.assert_frame_equal(found["frame"], found["file"])
    # What is scored leaves out the outcome, which each person reported.
    asked = people.drop(columns="pain").to_dict("records")
    each = risks(core_prior.subset(20), asked).mean(axis=0)
    assert found["frame"]["risk"].to_numpy() == pytest.approx(each, abs=1e-6)  # single precision


def test_a_report_on_a_frame_is_that_on_its_file(core_prior, people, tmp_path):
    path = tmp_path / "people.csv"
    people.to_csv(path, index=False)
    frame, file = (cohort_answers(core_prior, each, draws=20) for each in (people, path))
    assert frame.risk[0] == pytest.approx(file.risk[0], abs=1e-12)
    # Rows are called by their index in a frame, by their line in a file; every other number stands.
    rows = [
        [line for line in report_text(core_prior, each, tmp_path) if "%" in line]
        for each in (people, path)
    ]
    assert rows[0]
    assert rows[0] == rows[1]


def report_text(posterior, source, folder):
    out = report_cohort(posterior, source, folder / "r.html", date="2026-01-01", draws=20)
    return out.read_text(encoding="utf-8").splitlines()
