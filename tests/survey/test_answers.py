"""Surveys: files read or refused, weights, sites, repeated people, distinct patterns."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, load_graph
from backrisk.survey import Codebook, Survey, read_survey, tabulate

REAL = Path(__file__).parents[3] / "shared" / "data" / "ric_run_data_meta.csv"
GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("bmi", "pain")],
    {"core": ["strong", "weak"], "bmi": ["low", "high"], "pain": ["no", "yes"]},
    name="mine",
)
CODEBOOK = Codebook.from_dict(
    {
        "name": "small",
        "graph": "mine",
        "missing": ["", "NA"],
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "type": "number", "range": [0, 600],
                      "cuts": [60], "states": ["weak", "strong"]},
            "ache": {"node": "pain", "labels": {"never": "no", "often": "yes"}},
            "kg": {"role": "input", "type": "number"},
            "cm": {"role": "input", "type": "number"},
        },
        "derived": {"b": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]}},
        "weight": "w",
        "site": "club",
        "ignore": ["id", "day"],
        "one_row_per": {"column": "id", "by": "day", "keep": "first"},
    },
    GRAPH,
)  # fmt: skip


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "answers.csv"
    path.write_bytes(text.encode(encoding))
    return read_survey(path, GRAPH, CODEBOOK)


def column(survey, node):
    return survey.codes[:, survey.graph.names.index(node)].tolist()


def test_a_file_becomes_codes(tmp_path):
    text = 'plank,ache,kg,cm\n30,often,80,170\n"60",never,,170\n\nNA,,60,170\n'
    survey = read(tmp_path, text)
    assert survey.graph.names == ("core", "bmi", "pain", "plank")
    assert column(survey, "plank") == [1, 0, -1]
    assert column(survey, "pain") == [1, 0, -1]
    assert column(survey, "bmi") == [1, -1, 0]
    assert survey.codes.dtype == np.int8
    assert survey.n == 3
    assert survey.answered["core"] == 0
    assert survey.answered["plank"] == pytest.approx(2 / 3)
    assert survey.weights is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plnk,ache\n30,often\n", ["'plnk'", "did you mean 'plank'?"]),
        ("plank,ache\n30,offen\n", ["row 2", "'ache'", "'offen'", "did you mean 'often'?"]),
        ('plank,ache\n30,"\n"\n700,often\n', ["row 4", "'plank'", "'700'", "0 to 600"]),
        ("plank,ache\n30,often\nlong,often\n", ["row 3", "'plank'", "'long'", "a number"]),
        ("", ["is empty"]),
        ("plank,ache\n", ["no rows"]),
        ("plank,ache\n1,often\n2\n3,often,4\n", ["row 3", "1 values, expected 2", "row 4"]),
        ("plank,ache\n,NA\n,\n", ["no answers", "2 rows"]),
        ("plank,plank\n1,2\n", ["'plank'", "2 times", "once"]),
        ("plank,w\n1,-1\n", ["row 2", "'w'", "'-1'", "a weight"]),
        ("plank,w\n1,\n", ["row 2", "'w'", "a weight"]),
        ("plank,w\n1,inf\n", ["row 2", "'w'", "'inf'"]),
        ("plank,w\n1,0\n", ["'w'", "no weight is above 0"]),
        ("plank,club\n1,\n", ["row 2", "'club'", "name of a site"]),
        ("id,day\n1,2\n", ["no column of codebook 'small'"]),
        ('plank,ache\n1,"often\n', ["not a CSV file"]),
        ("\n\n", ["no header in its first line"]),
        ("plank;ache\n30,5;often\n", ["by semicolons, expected commas"]),
        ("plank\tache\n30\toften\n", ["by tabs, expected commas"]),
    ],
)
def test_bad_input_is_named(tmp_path, text, words):
    with pytest.raises(SurveyError) as caught:
        read(tmp_path, text)
    for word in ["answers.csv", *words]:
        assert word in str(caught.value)


def test_a_wrong_encoding_is_named(tmp_path):
    with pytest.raises(SurveyError, match=r"answers\.csv is not encoded in UTF-8 \(byte 0xe4"):
        read(tmp_path, "plank,ä\n1,2\n", "latin-1")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SurveyError, match="no such file"):
        read_survey(tmp_path / "none.csv", GRAPH)
    with pytest.raises(SurveyError, match="is a folder, expected a file"):
        read_survey(tmp_path, GRAPH)


def test_a_parquet_file_that_is_none(tmp_path):
    path = tmp_path / "answers.parquet"
    path.write_text("plank", encoding="utf-8")
    with pytest.raises(SurveyError, match=r"answers\.parquet is not a Parquet file"):
        read_survey(path, GRAPH, CODEBOOK)


def test_all_problems_are_told_together(tmp_path):
    with pytest.raises(SurveyError) as caught:
        read(tmp_path, "plank,ache,x\n-1,offen,1\n30,often,1\n900,often,1\n")
    problems = caught.value.problems
    assert len(problems) == 4
    assert ["'x'" in problems[0], "row 2" in problems[1], "row 2" in problems[2]] == [True] * 3
    assert "row 4" in problems[3]


def test_parquet_reads_as_csv_does(tmp_path):
    frame = pd.DataFrame({"plank": [30.0, np.nan], "ache": ["often", None], "club": ["a", "b"]})
    frame.to_parquet(tmp_path / "answers.parquet")
    frame.to_csv(tmp_path / "answers.csv", index=False)
    one, other = (
        read_survey(tmp_path / name, GRAPH, CODEBOOK) for name in ("answers.csv", "answers.parquet")
    )
    assert one.codes.tolist() == other.codes.tolist()
    assert one.sites == other.sites == ("a", "b")


def test_the_first_row_of_a_person_by_date_stands(tmp_path):
    rows = ["7,2012-03-01,30", "8,2011-01-01,90", "7,2011-12-24,90", *[",2010-01-01,30"] * 2]
    text = "\n".join(["id,day,plank", *rows])
    assert column(read(tmp_path, text), "plank") == [0, 0, 1, 1]


def test_without_a_codebook_columns_are_nodes():
    frame = pd.DataFrame({"core": ["weak", None], "pain": ["no", "yes"], "weight": [1.5, 2]})
    survey = Survey.from_frame(frame, GRAPH)
    assert column(survey, "core") == [1, -1]
    assert survey.weights.tolist() == [1.5, 2.0]


def test_every_kind_of_missing_cell_is_missing():
    frame = pd.DataFrame({"plank": pd.array([30, None], "Int64"), "ache": [pd.NA, "often"]})
    survey = Survey.from_frame(frame, GRAPH, CODEBOOK)
    assert column(survey, "plank") == [1, -1]
    assert column(survey, "pain") == [-1, 1]


def test_patterns_hold_what_the_rows_hold(tmp_path):
    rng = np.random.default_rng(3)
    rows = rng.choice(["30", "90", ""], 60), rng.choice(["often", "never", ""], 60)
    sites, weights = rng.choice(["a", "b"], 60), rng.integers(1, 5, 60)
    text = "plank,ache,club,w\n" + "\n".join(
        ",".join(map(str, row)) for row in zip(*rows, sites, weights, strict=True)
    )
    survey = read(tmp_path, text)
    patterns = tabulate(survey)
    expected = Counter()
    for row, site, weight in zip(survey.codes, survey.site, survey.weights, strict=True):
        expected[(site, *row)] += weight
    found = {
        (site, *row): weight
        for site, row, weight in zip(patterns.site, patterns.codes, patterns.weights, strict=True)
    }
    assert found == expected
    assert (patterns.codes[patterns.index] == survey.codes).all()


def test_without_weights_each_person_counts_one(tmp_path):
    patterns = tabulate(read(tmp_path, "plank\n30\n90\n30\n"))
    assert patterns.codes.tolist() == [[-1, -1, -1, 0], [-1, -1, -1, 1]]
    assert patterns.weights.tolist() == [1.0, 2.0]
    assert patterns.weights.dtype == np.float64


@pytest.mark.skipif(not REAL.is_file(), reason="the clinic's file is not beside the project")
def test_the_clinic_file_reads_as_counted_by_hand():
    survey = read_survey(REAL, load_graph("runner"), "clinic")
    first = (
        pd.read_csv(REAL)
        .sort_values("datestring", kind="stable")
        .drop_duplicates("sub_id")
        .sort_index()
    )
    assert survey.n == len(first) == 1402
    spine = first[["InjJoint", "InjJoint2"]].isin(["Lumbar Spine", "Sacroiliac Joint"]).any(axis=1)
    limits = first["InjDefn"].isin(
        ["2 workouts missed in a row", "Training volume/intensity affected"]
    )
    pain = np.array(column(survey, "pain"))
    assert ((pain == 2) == (spine & limits)).all()
    assert ((pain == 1) == (spine & (first["InjDefn"] == "Continuing to train in pain"))).all()
    age = first["age"].where(first["age"].between(12, 100))
    assert ((np.array(column(survey, "age")) == 2) == (age >= 55)).all()
