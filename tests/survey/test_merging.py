"""The rows of a person read as one: each column's only answer, whichever row it stands in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, read_survey

GRAPH = CausalGraph.from_edges(
    [("bmi", "ache"), ("age", "ache")],
    {"bmi": ["low", "high"], "age": ["young", "old"], "ache": ["no", "yes"]},
)


def book(**keys):
    number = {"role": "input", "type": "number"}
    columns = {
        "kg": number,
        "cm": number,
        "years": {"node": "age", "type": "number", "cuts": [40], "missing": ["99"]},
        "ache": {"node": "ache"},
    }
    derived = {"index": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]}}
    one = {"one_row_per": {"column": "id", "merge": True}}
    data = {"name": "b", "graph": "graph", "columns": columns, "derived": derived, **one}
    return Codebook.from_dict({**data, "ignore": "rest", **keys}, GRAPH)


FRAME = pd.DataFrame(
    [
        ["a", "start", "80", None, "99", None],
        ["b", "start", "60", None, "41", None],
        ["a", "later", None, "170", "30", "yes"],
        [None, "start", "90", "170", None, None],
        ["b", "later", None, "180", "99", "no"],
        [None, "start", "50", "170", None, None],
    ],
    columns=["id", "visit", "kg", "cm", "years", "ache"],
)


def codes(survey):
    return survey.codes[:, [survey.graph.names.index(n) for n in ("bmi", "age", "ache")]].tolist()


def test_answers_in_different_rows_are_one_persons():
    """Worked out by hand: 80 kg at 170 cm is 27.7; of 99 and 30 only 30 is an answer."""
    read = read_survey(FRAME, GRAPH, book())
    assert codes(read) == [[1, 0, 1], [0, 1, 0], [1, -1, -1], [0, -1, -1]]


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_whichever_row_an_answer_stands_in_the_survey_is_the_same(data):
    people = data.draw(st.integers(1, 6))
    values = st.sampled_from(["30", "50", None])
    whole = pd.DataFrame(
        {
            "id": [f"p{n}" for n in range(people)],
            "years": data.draw(st.lists(values, min_size=people, max_size=people)),
            "ache": [data.draw(st.sampled_from(["no", "yes"])) for _ in range(people)],
        }
    )
    split = []
    for row in whole.itertuples(index=False):
        split += [[row.id, row.years, None], [row.id, None, row.ache]]
    order = data.draw(st.permutations(range(len(split))))
    apart = pd.DataFrame([split[n] for n in order], columns=whole.columns)
    found, expected = (read_survey(each, GRAPH, book()) for each in (apart, whole))
    assert sorted(codes(found)) == sorted(codes(expected))


def test_two_answers_of_one_person_are_refused_by_name():
    frame = FRAME.assign(ache=["no", None, "yes", None, "no", None])
    with pytest.raises(SurveyError, match="column 'ache': rows 0 and 2 are of one person and say "
                       "'no' and 'yes'"):  # fmt: skip
        read_survey(frame, GRAPH, book())


@pytest.mark.parametrize(("keep", "ache"), [("first", 0), ("last", 1)])
def test_an_order_says_which_of_two_answers_counts(keep, ache):
    frame = FRAME.assign(ache=["yes", None, "no", None, "no", None], day=[2, 1, 1, 1, 2, 1])
    rule = {"column": "id", "merge": True, "by": "day", "keep": keep}
    assert codes(read_survey(frame, GRAPH, book(one_row_per=rule)))[0][2] == ache


def test_a_refused_cell_is_told_of_its_own_row():
    frame = FRAME.assign(years=["1", "2", "3", "4", "old", "5"])
    with pytest.raises(SurveyError, match="row 4, column 'years': value 'old'"):
        read_survey(frame, GRAPH, book())


def test_a_ticked_box_comes_before_one_without_a_tick():
    """Exports write 0 in the rows of visits at which nobody was asked."""
    columns = {"box___1": {"node": "ache", "labels": {"0": "no", "1": "yes"}}}
    rows = [["a", "0"], ["a", "1"], ["b", "0"], ["b", "0"], ["c", "1"], ["c", "0"]]
    frame = pd.DataFrame(rows, columns=["id", "box___1"])
    read = read_survey(frame, GRAPH, book(columns=columns, derived={}))
    assert read.codes[:, read.graph.names.index("ache")].tolist() == [1, 0, 1]


@pytest.mark.parametrize("engine", ["duckdb", "pandas"])
def test_every_engine_merges(tmp_path, engine):
    path = tmp_path / "rows.csv"
    FRAME.to_csv(path, index=False)
    read = read_survey(path, GRAPH, book(), engine=engine)
    people = np.ones(len(read.codes), int) if read.people is None else read.people
    found = [row for row, n in zip(codes(read), people, strict=True) for _ in range(n)]
    assert sorted(found) == sorted(codes(read_survey(FRAME, GRAPH, book())))


def test_columns_that_no_row_answers_together_are_told():
    (told,) = [c for c in read_survey(FRAME.assign(years=["1", "2", *[None] * 4]), GRAPH,
               book(one_row_per=None)).cautions if "merge: true" in c]  # fmt: skip
    assert told.startswith("No row answers both 'years' and 'ache', but rows share their 'id'")


def test_what_only_rows_that_are_not_read_answer_is_told():
    keys = {"rows": {"visit": ["start"]}, "one_row_per": {"column": "id"}}
    cautions = read_survey(FRAME, GRAPH, book(**keys)).cautions
    assert any("have no answer to 'ache', but other rows" in each for each in cautions)
    assert not [each for each in read_survey(FRAME, GRAPH, book()).cautions if "merge" in each]
