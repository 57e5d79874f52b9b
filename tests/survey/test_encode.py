"""Raw answers of a person as states."""

import pytest

from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, find_name, named_states
from tests.survey._small import GRAPH, book

BOOK = book()
EXTENDED = BOOK.extend(GRAPH)


@pytest.mark.parametrize(
    ("column", "raw", "node", "state"),
    [
        ("plank", 40.9, "plank", "weak"),
        ("plank", "41", "plank", "moderate"),
        ("plank", " 75 ", "plank", "strong"),
        ("plank", "NA", "plank", None),
        ("plank", None, "plank", None),
        ("warm_up", "no", "warm_up", "none"),
    ],
)
def test_an_answer_fills_a_node_with_a_state(column, raw, node, state):
    assert BOOK.encode_answer(column, raw) == (node, state)


@pytest.mark.parametrize(
    ("column", "raw", "words"),
    [
        ("plank", 601, "Column 'plank': value '601', expected a number from 0 to 600 (s)."),
        ("warm_up", "dril",
         "Column 'warm_up': value 'dril', expected one of 'drills', 'no' (did you mean "
         "'drills'?)."),
        ("plnk", 3,
         "Codebook 'small' has no 'plnk' here that measures a node (did you mean 'plank'?)."),
        ("kg", 70, "Codebook 'small' has no 'kg' here that measures a node."),
        ("ratio", 70, "Codebook 'small' has no 'ratio' here that measures a node."),
    ],
)  # fmt: skip
def test_a_bad_answer_is_one_sentence(column, raw, words):
    with pytest.raises(SurveyError) as caught:
        BOOK.encode_answer(column, raw)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("answers", "evidence"),
    [
        ({"plank": 35, "warm_up": "drills", "kg": 80, "cm": 170, "pain": "limiting", "core": None},
         {"plank": "weak", "warm_up": "dynamic", "bmi": "25_plus", "pain": "limiting"}),
        ({"plank": "weak", "warm_up": "none", "kg": 80}, {"plank": "weak", "warm_up": "none"}),
        ({"warm_up": "no"}, {"warm_up": "none"}),
        ({"warm_up": " NONE", "plank": "Weak"}, {"warm_up": "none", "plank": "weak"}),
        ({"warm_up": "NA", "plank": ""}, {}),
        ({"kg": 72.25, "cm": 170}, {"bmi": "25_plus"}),
        ({"kg": 72.24, "cm": 170, "week": 13, "month": 10}, {"bmi": "under_25", "load": "spike"}),
        ({"bmi": "25_plus", "kg": 90, "cm": 170}, {"bmi": "25_plus"}),
        ({}, {}),
    ],
)  # fmt: skip
def test_a_person_mixes_raw_answers_and_states(answers, evidence):
    assert BOOK.encode_person(answers, EXTENDED) == evidence


@pytest.mark.parametrize(
    ("answers", "problems"),
    [
        ({"pian": "none"}, ["The person's 'pian' is unknown (did you mean 'pain'?)."]),
        ({"plnk": 3}, ["The person's 'plnk' is unknown (did you mean 'plank'?)."]),
        ({"x1": None}, ["The person's 'x1' is unknown."]),
        ({"pain": "limitng"},
         ["The person's 'pain' has the value 'limitng', expected one of 'none', 'not_limiting', "
          "'limiting' (did you mean 'limiting'?)."]),
        ({"plank": -3},
         ["The person's 'plank' has the value '-3', expected a number from 0 to 600 (s)."]),
        ({"bmi": "under_25", "kg": 90, "cm": 170},
         ["The person's 'bmi' says bmi = under_25, but 'bmi_value' says 25_plus."]),
        ({"zz": 1, "plank": "a"},
         ["The person's 'zz' is unknown.",
          "The person's 'plank' has the value 'a', expected a number from 0 to 600 (s)."]),
    ],
)  # fmt: skip
def test_every_problem_of_a_person_is_told(answers, problems):
    with pytest.raises(QueryError) as caught:
        BOOK.encode_person(answers, EXTENDED)
    assert str(caught.value).split("\n") == problems


SAME = CausalGraph.from_edges([("a", "b")], {"a": ["1", "2", "3"], "b": ["no", "yes"]})


@pytest.mark.parametrize(
    ("columns", "answer", "said"),
    [
        ({"a": {"node": "a", "labels": {"0": "1", "1": "2", "2": "3"}}}, {"a": 1}, "says a = 2"),
        ({"a": {"node": "a", "type": "number", "cuts": [4, 7]}}, {"a": "2"}, "says a = 1"),
        ({"a": {"node": "b", "labels": {"1": "yes", "5": "no"}}}, {"a": 1.0}, "says b = yes"),
        ({"b": {"node": "b", "labels": {"yes": "no", "no": "yes"}}}, {"b": "no"}, "says b = yes"),
        ({"b": {"node": "b", "labels": {"1": "yes", "no": None}}}, {"b": "no"}, "for no answer"),
        ({"a": {"role": "input", "type": "number"}, "b": {"node": "b"}}, {"a": 1}, "a number"),
    ],
)
def test_a_state_that_is_another_answer_of_the_column_of_its_name_is_refused(columns, answer, said):
    """A table reads the answer, and a model writes the state: one word cannot be both."""
    made = Codebook.from_dict({"name": "n", "graph": "graph", "columns": columns}, SAME)
    with pytest.raises(QueryError, match=f"{said}.*Which is meant cannot be told"):
        made.encode_person(answer, SAME)


def test_a_state_that_is_the_same_answer_of_its_column_is_read():
    columns = {"a": {"node": "a", "labels": {"1": "1", "two": "2"}}, "b": {"role": "input"}}
    made = Codebook.from_dict({"name": "n", "graph": "graph", "columns": columns}, SAME)
    assert made.encode_person({"a": 1, "b": "no"}, SAME) == {"a": "1", "b": "no"}
    assert made.encode_person({"a": "two"}, SAME) == made.encode_person({"a": 2}, SAME)


@pytest.mark.parametrize("other", [" kg", "kg\xa0"])
def test_a_name_that_is_given_twice_is_refused(other):
    with pytest.raises(QueryError, match="'kg' is given more than once"):
        BOOK.encode_person({"kg": 70, other: 90, "cm": 170}, EXTENDED)
    with pytest.raises(QueryError, match="'a' is given more than once"):
        named_states({"a": "1", other.replace("kg", "a"): "2"}, SAME)


def test_the_name_that_is_to_go_reads_as_before_and_says_what_to_use():
    with pytest.warns(
        FutureWarning, match=r"^find_name .* version 0\.4: use find_state\.$"
    ) as told:
        assert find_name(" Fatigue ", ["fatigue", "pain"]) == "fatigue"
    assert told[0].filename == __file__  # the line that uses it
