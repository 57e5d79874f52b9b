"""A column that hardly fits its codebook is told once; what to do about it is said."""

import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Column, Survey, read_panel, read_survey

GRAPH = CausalGraph.from_edges(
    [("strength", "pain"), ("fatigue", "pain")],
    {"strength": ["regular", "none"], "fatigue": ["low", "high"], "pain": ["no", "yes"]},
)
HINT = "'backrisk codebook TABLE --graph GRAPH --out codebook.yaml' drafts one"
ODD = (
    "answers.csv, column 'pain': 60 of 60 answers cannot be read ('0' and '1', the first in row "
    "2), expected one of 'no', 'yes'."
)


def refused(read):
    with pytest.raises(SurveyError) as caught:
        read()
    return caught.value


def test_codes_in_place_of_states_are_told_once_a_column(tmp_path):
    path = tmp_path / "answers.csv"
    rows = "".join(f"{n},{n % 2},{('low', 'high')[n % 2]},{n % 2}\n" for n in range(60))
    path.write_text("id,strength,fatigue,pain\n" + rows)
    error = refused(lambda: read_survey(path, GRAPH))
    assert len(error.problems) == 3
    assert "'id': no node of the graph has this name" in error.problems[0]
    assert "in a codebook's file" in error.problems[0]
    assert error.problems[2] == ODD
    assert HINT in str(error).splitlines()[-1]


@pytest.mark.parametrize(("wrong", "told"), [(4, 4), (5, 5), (6, 1)])
def test_most_answers_are_more_than_half_of_those_given(wrong, told):
    """Of ten answers and ten gaps; up to half are told one by one."""
    answers = ["0"] * wrong + ["no"] * (10 - wrong) + [None] * 10
    frame = pd.DataFrame({"pain": answers})
    problems = refused(lambda: Survey.from_frame(frame, GRAPH)).problems or ("one",)
    assert len(problems) == told


def test_a_few_answers_are_told_one_by_one():
    frame = pd.DataFrame({"pain": ["0", "1", "0", "1"]})
    assert len(refused(lambda: Survey.from_frame(frame, GRAPH)).problems) == 4


def test_whoever_has_a_codebook_is_not_told_to_draft_one():
    book = Codebook(name="mine", graph=GRAPH.name, columns={"pain": Column(node="pain")}).resolved(
        GRAPH
    )
    frame = pd.DataFrame({"pain": ["0", "1"] * 10, "x": 1})
    error = refused(lambda: Survey.from_frame(frame, GRAPH, codebook=book))
    assert len(error.problems) == 2
    assert "'x': unknown, expected a column of codebook 'mine'" in error.problems[0]
    assert "under 'ignore' in the codebook's file" in error.problems[0]
    assert HINT not in str(error)


def test_visits_are_told_alike():
    frame = pd.DataFrame({"id": range(20), "t": 0, "pain": ["0", "1"] * 10})
    error = refused(lambda: read_panel(frame, GRAPH, id="id", time="t", every=1))
    assert str(error).startswith(
        "frame, column 'pain': 20 of 20 answers cannot be read ('0' and '1'"
    )
    assert HINT in str(error)
