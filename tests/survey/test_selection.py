"""Which rows are read, and which column a question in the header is."""

import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Survey, read_survey
from backrisk.survey.selection import names_in, reads_row

GRAPH = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})


def book(**keys):
    columns = {
        "a": {"node": "a", "question": "Are you “a”?", "labels": {"1": "yes", "0": "no", "9": None},
              "choices": {"1": "Yes", "0": "No", "9": "Don't know"}},
        "b": {"node": "b", "question": "Complete?", "labels": {"1": "yes", "0": "no"}},
        "c": {"role": "input", "type": "text", "question": "Complete?"},
        "redcap_event_name": {"role": "input", "type": "text", "question": "Event Name"},
    }  # fmt: skip
    return Codebook.from_dict(
        {"name": "book", "graph": "graph", "columns": columns, "ignore": ["id"], **keys}, GRAPH
    )


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["a", "b", "id"], ("a", "b", "id")),
        (["Are  you “A”?", "b"], ("a", "b")),
        (["Are you “a”?", "Complete?", "id", "Complete?"], ("a", "b", "id", "c")),
        (["b", "Complete?"], ("b", "c")),
        (["a", "a"], ("a", "a")),
        (["a", "something else"], ("a", "something else")),
    ],
)
def test_a_column_is_found_under_its_name_or_its_question(header, names):
    assert names_in(header, book(), "t.csv") == names


def test_a_question_that_fits_several_columns_is_refused():
    with pytest.raises(SurveyError, match=r"'Complete\?' 1 time.*the columns b and c"):
        names_in(["a", "Complete?"], book(), "t.csv")


def test_labels_that_are_codes_of_others_are_refused_where_the_header_has_questions():
    data = book().to_dict()
    data["columns"]["a"]["choices"] = {"0": "1", "1": "2", "9": "9"}
    shifted = Codebook.from_dict(data, GRAPH)
    assert names_in(["a"], shifted, "t.csv") == ("a",)
    with pytest.raises(SurveyError, match="column 'a': the label '1' is also the code of another"):
        names_in(["Are you “a”?"], shifted, "t.csv")


@pytest.mark.parametrize("name", ["redcap_repeat_instance", "Repeat Instance"])
def test_several_rows_a_person_are_refused_without_a_word_on_them(name):
    with pytest.raises(SurveyError, match=f"column '{name}': tells the rows of a person apart"):
        names_in(["a", name], book(), "t.csv")
    assert names_in(["a", name], book(ignore=["redcap_repeat_instance", "Repeat Instance"]), "t")


@pytest.mark.parametrize(
    ("wanted", "cell", "read"),
    [
        ("baseline_arm_1", "baseline_arm_1", True),
        ("baseline_arm_1", "Baseline", True),
        ("baseline_arm_1", "Baseline (Arm 1: Drug)", True),
        ("baseline_arm_1", "Baseline (Arm 2: Placebo)", False),
        ("baseline_arm_1", "baseline_arm_2", False),
        ("Follow-up", "followup_arm_1", True),
        ("Follow-up", "followup_2_arm_1", False),
        ("six_months_after_t_arm_1", "Six months after the visit", True),
        ("six_months_arm_1", "Six months after the visit", False),
        ("baseline_arm_1", None, False),
        ("", None, True),
        ("", "x", False),
    ],
)
def test_an_event_is_known_by_its_name_and_by_its_label(wanted, cell, read):
    assert reads_row("redcap_event_name", cell, book(rows={"redcap_event_name": [wanted]})) is read


@pytest.mark.parametrize(
    ("cell", "read"), [("1", True), (1.0, True), (" 1.00 ", True), ("2", False), ("TRUE", True)]
)
def test_a_row_is_chosen_by_value_and_not_by_spelling(cell, read):
    assert reads_row("visit", cell, book(rows={"visit": [1, "true"]})) is read


TABLE = pd.DataFrame(
    {
        "a": ["Yes", "0", "Don't know", "1", None],
        "visit": ["first", "second", "first", None, "first"],
        "b": ["1", "0", "1", "0", "0"],
    }
)


@pytest.mark.parametrize(
    ("rows", "people"), [(["first"], 3), (["first", ""], 4), ([""], 1), (["second"], 1)]
)
def test_a_file_is_read_by_its_chosen_rows_in_every_engine(tmp_path, rows, people):
    chosen = book(rows={"visit": rows})
    path = tmp_path / "t.csv"
    TABLE.to_csv(path, index=False)
    for survey in (
        Survey.from_frame(TABLE, GRAPH, chosen),
        read_survey(path, GRAPH, chosen),
        read_survey(path, GRAPH, chosen, engine="duckdb"),
    ):
        assert survey.n == people


def test_labels_are_read_as_the_codes_that_they_stand_for():
    codes = Survey.from_frame(TABLE, GRAPH, book(rows={"visit": ["first"]})).codes
    assert codes.tolist() == [[1, 1], [-1, 1], [-1, 0]]


def test_a_row_that_is_not_read_may_hold_anything(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,visit,b\nThe question,text,"{""id"": 1}"\n1,first,0\n')
    for engine in ("duckdb", None):
        read = read_survey(path, GRAPH, book(rows={"visit": ["first"]}), engine=engine)
        assert read.codes.tolist() == [[1, 0]]
    path.write_text('a,visit,b\nThe question,text,"{""id"": 1}"\n1,first,7\n')
    with pytest.raises(SurveyError, match="row 3, column 'b': value '7'"):
        read_survey(path, GRAPH, book(rows={"visit": ["first"]}))


def test_no_cell_at_all_chooses_no_rows():
    with pytest.raises(SurveyError, match=r"key 'rows\.visit': value '\[\]', expected at least 1"):
        book(rows={"visit": []})


@pytest.mark.parametrize("engine", ["duckdb", None])
def test_rows_that_cannot_be_chosen_are_told(tmp_path, engine):
    path = tmp_path / "t.csv"
    path.write_text("a,b,visit\n1,0,second\n")
    with pytest.raises(SurveyError, match="column 'visit': no row has first"):
        read_survey(path, GRAPH, book(rows={"visit": ["first"]}), engine=engine)
    path.write_text("a,b\n1,0\n")
    with pytest.raises(SurveyError, match="chooses rows by 'visit', but there is no such column"):
        read_survey(path, GRAPH, book(rows={"visit": ["first"]}), engine=engine)


@pytest.mark.parametrize(("wanted", "cells"), [("", ["NA", None]), ("NA", ["NA"])])
def test_words_for_no_answer_are_blank_where_rows_are_chosen(wanted, cells):
    chosen = book(rows={"copy": [wanted]})
    found = [cell for cell in ("NA", None, "2") if reads_row("copy", cell, chosen)]
    assert found == cells


@pytest.mark.parametrize("wanted", ["1", "Berlin"])
def test_rows_are_chosen_by_the_label_of_a_file_or_by_its_code(wanted, tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame({"a": ["1", "0"], "place": [1.0, 2.0]})
    labels = {"place": {1: "Berlin", 2: "Paris"}}
    pyreadstat.write_sav(frame, str(tmp_path / "t.sav"), variable_value_labels=labels)
    survey = read_survey(tmp_path / "t.sav", GRAPH, book(rows={"place": [wanted]}))
    assert survey.codes[:, 0].tolist() == [1]
