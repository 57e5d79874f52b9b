"""Exports of Qualtrics, LimeSurvey and Google Forms."""

import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.survey import draft_codebook, load_codebook, read_survey
from tests.survey.forms._project import GRAPH, written


def drafted(tmp_path, rows, **keys):
    """Return the draft of a table, and the survey that its codebook reads."""
    path, book = tmp_path / "answers.csv", tmp_path / "book.yaml"
    path.write_text(written(rows), encoding="utf-8")
    draft = draft_codebook(path, GRAPH, **keys)
    book.write_text(draft.text, encoding="utf-8")
    return draft, read_survey(path, GRAPH, load_codebook(book, GRAPH))


QUALTRICS = [
    ["StartDate", "Status", "Finished", "ResponseId", "Q1", "Q2", "Q3"],
    ["Start Date", "Response Type", "Finished", "Response ID", "<b>How old</b> are you? - Age",
     "Do you smoke? Smoker", "Pain"],
    ['{"ImportId":"startDate"}', '{"ImportId":"status"}', '{"ImportId":"finished"}',
     '{"ImportId":"_recordId"}', '{"ImportId":"QID1"}', '{"ImportId":"QID2"}',
     '{"ImportId":"QID3"}'],
    *[
        ["2024-01-01 10:00:00", "IP Address", ["True", "1"][n % 2], f"R_{n}", str(30 + n),
         ["Yes", "No"][n % 2], ["None", "Limiting", "Not limiting"][n % 3]]
        for n in range(24)
    ],
    ["2024-01-01 10:00:00", "IP Address", "False", "R_x", "31", "Yes", "None"],
]  # fmt: skip


@pytest.mark.parametrize("tool", ["qualtrics", None])
def test_the_rows_below_the_header_of_qualtrics_are_no_people(tmp_path, tool):
    draft, survey = drafted(tmp_path, QUALTRICS, tool=tool)
    assert draft.read == ("Q1", "Q2", "Q3")
    assert survey.n == 24  # the unfinished one is left out, which the draft asks about
    assert survey.answered[["smoker", "pain"]].tolist() == [1, 1]
    assert "ImportId" not in draft.text
    assert any(each.startswith("rows.Finished: ") for each in draft.decide)


def test_a_table_without_import_ids_is_not_of_qualtrics(tmp_path):
    with pytest.raises(SurveyError, match="has no row of import ids"):
        drafted(tmp_path, [["a"], ["1"], ["2"]], tool="qualtrics")


LIMESURVEY = [
    ["id", "submitdate", "lastpage", "startlanguage", "seed", "G01Q01. Smoker",
     "G01Q02[SQ001]. Sports [Cycling]", "G01Q02[other]. Sports [Other]", "G02Q01. Your sex"],
    *[
        [str(n), "2024-01-01 10:00:00", "4", "en", "77", ["Y", "N"][n % 2], ["Y", ""][n % 2], "ski",
         ["M", "F"][n % 2]]
        for n in range(1, 25)
    ],
]  # fmt: skip


def test_the_codes_of_limesurvey_are_told_apart_from_its_own_columns(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(written(LIMESURVEY), encoding="utf-8")
    draft = draft_codebook(path, GRAPH, tool="limesurvey")
    assert draft.read == (
        "G01Q01. Smoker", "G01Q02[SQ001]. Sports [Cycling]", "G02Q01. Your sex",
    )  # fmt: skip
    book = tmp_path / "book.yaml"
    book.write_text(draft.text, encoding="utf-8")
    read = read_survey(path, GRAPH, load_codebook(book, GRAPH))
    assert read.answered[["smoker", "sex"]].tolist() == [1, 1]


GOOGLE = [
    ["Timestamp", "What is your age?", "Do you smoke? (smoker)", "Pain", "Sports",
     "Email Address"],
    *[
        [f"1/{n}/2024 10:00:00", str(30 + n), ["Yes", "No"][n % 2], ["None", "Limiting"][n % 2],
         ["run, swim", "run", "swim, bike"][n % 3], f"a{n}@b.org"]
        for n in range(1, 25)
    ],
]  # fmt: skip


def test_the_questions_of_google_forms_are_names_of_columns(tmp_path):
    draft, survey = drafted(tmp_path, GOOGLE, tool="google")
    assert draft.read == ("What is your age?", "Do you smoke? (smoker)", "Pain")
    assert survey.n == 24
    assert survey.answered[["age", "smoker", "pain"]].tolist() == [1, 1, 1]
    assert "Email" not in draft.text.partition("# Not read")[0]


def test_titles_and_value_labels_of_a_statistics_file_are_used_as_questions_and_choices(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    path, book = tmp_path / "answers.sav", tmp_path / "book.yaml"
    frame = pd.DataFrame(
        {"q1": [1.0, 2, 1, 9] * 10, "q2": [0.0, 1, 3, 10] * 10, "q3": [30.0, 41, 52, 63] * 10}
    )
    pyreadstat.write_sav(
        frame, str(path), column_labels=["Your sex", "How tired (fatigue)?", "Age in years"],
        variable_value_labels={
            "q1": {1: "Male", 2: "Female", 9: "No answer"}, "q2": {0: "not at all", 10: "very"}
        },
    )  # fmt: skip
    draft = draft_codebook(path, GRAPH)
    assert draft.read == ("q1", "q2", "q3")
    assert "question: Your sex" in draft.text
    assert 'choices: {"1": Male, "2": Female, "9": No answer}' in draft.text
    book.write_text(draft.text.replace('cuts: ["?"]', "cuts: [2]"), encoding="utf-8")
    read = read_survey(path, GRAPH, load_codebook(book, GRAPH))
    place = read.graph.names.index
    assert read.codes[:4, [place("sex"), place("fatigue"), place("age")]].tolist() == [
        [0, 0, 0], [1, 0, 1], [0, 1, 1], [-1, 1, 1],
    ]  # fmt: skip
