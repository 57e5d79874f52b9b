"""Likely nodes by name, states by label, cut points by the names of states."""

import pytest

from backrisk.graph import CausalGraph, Node, load_graph
from backrisk.survey.forms.fields import Field
from backrisk.survey.forms.matching import cut_points, matches, states_said, words
from backrisk.survey.schema import UNDECIDED

GRAPH = CausalGraph.from_edges(
    [("core_strength", "pain"), ("previous_pain", "pain"), ("sex", "pain")],
    {
        "core_strength": ["strong", "weak"],
        "previous_pain": ["no", "yes"],
        "sex": ["male", "female"],
        "pain": ["none", "not_limiting", "limiting"],
    },
)


def found(*fields):
    return {name: (each.node, each.sure) for name, each in matches(fields, GRAPH).items()}


YES_NO = {"1": "Yes", "0": "No"}


@pytest.mark.parametrize(
    "name", ["core_strength", "CoreStrength", "Core strength", "core-strength", "strength_core"]
)
def test_a_column_with_the_words_of_a_node_is_that_node(name):
    assert found(Field(name, "choice", choices=YES_NO)) == {name: ("core_strength", True)}


def test_every_node_is_proposed_once_and_for_the_best_column():
    fields = (
        Field("pain_at_visit", "choice", choices=YES_NO),
        Field("pain", "choice", choices=YES_NO),
        Field("previous_pain", "choice", choices=YES_NO),
    )
    assert found(*fields) == {"pain": ("pain", True), "previous_pain": ("previous_pain", True)}


def test_a_question_and_its_labels_tell_of_a_node():
    labels = {"1": "Male", "2": "Female"}
    assert found(Field("gender", "choice", choices=labels)) == {"gender": ("sex", False)}
    asked = Field("q7", "choice", "How is your core strength?", {"1": "Strong", "2": "Weak"})
    assert found(asked) == {"q7": ("core_strength", False)}


@pytest.mark.parametrize(
    "field",
    [
        Field("favourite_colour", "choice", "Which colour?", YES_NO),
        Field("pain", "text"),
        Field("pain", "closed"),
        Field("record_id", "number"),
    ],
)
def test_nothing_is_proposed_for_anything_else(field):
    assert found(field) == {}


def test_a_box_is_judged_by_the_answer_that_it_stands_for():
    box = Field("hurts___3", "choice", "What hurts? (choice=Pain)", {"1": "Checked"}, box="Pain")
    assert found(box) == {"hurts___3": ("pain", False)}


def test_labels_say_states_by_their_letters_and_nothing_is_guessed():
    labels = {
        "0": "None", "1": "Not limiting", "2": "(2) Limiting", "3": "Sometimes", "9": "Don't know",
    }  # fmt: skip
    assert states_said(labels, GRAPH.node("pain"), GRAPH) == {
        "0": "none", "1": "not_limiting", "2": "limiting", "3": UNDECIDED, "9": None,
    }  # fmt: skip
    assert states_said(YES_NO, GRAPH.node("previous_pain"), GRAPH) == {"1": "yes", "0": "no"}
    assert states_said(YES_NO, GRAPH.node("pain"), GRAPH) == {"1": UNDECIDED, "0": "none"}
    assert states_said(YES_NO, GRAPH.node("sex"), GRAPH) == {"1": UNDECIDED, "0": UNDECIDED}


def test_a_bare_number_says_no_state_whatever_a_state_is_called():
    node = Node("episodes", ("0", "1", "2"))
    graph = CausalGraph.from_edges([("episodes", "b")], {"episodes": node.states, "b": ["n", "y"]})
    said = states_said({"1": "Never", "2": "Once"}, node, graph)
    assert said == {"1": UNDECIDED, "2": UNDECIDED}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("under_40", "40_54", "55_plus"), ([40, 55], True)),
        (("under_25", "25_plus"), ([25], True)),
        (("up_to_6y", "over_6y"), ([6], False)),
        (("low", "high"), None),
        (("55_plus", "40_54", "under_40"), None),
    ],
)
def test_cut_points_are_read_from_states_and_marked_where_they_may_be_off(states, expected):
    assert cut_points(Node("x", states)) == expected


def test_words_are_those_that_carry_meaning():
    assert words("How often do you feel tired (kg)?") == {"feel", "tired"}
    assert words("weeklyKilometres_2") == {"weekly", "kilometre", "2"}


RUNNER = load_graph("runner")


@pytest.mark.parametrize(
    ("field", "node"),
    [
        (Field("gender", "choice", choices={"1": "Woman", "2": "Man"}), "sex"),
        (Field("lbp_now", "choice", "Low back pain at the moment?", YES_NO), "pain"),
        (Field("run_years", "number"), "running_experience"),
        (Field("warmup", "choice", choices=YES_NO), "warm_up"),
        (Field("shoes", "choice", "Are they worn?", YES_NO), "footwear"),
        (Field("phq_down", "choice", "How often depressed?", YES_NO), "low_mood"),
        (Field("q3", "number", "How many hours of sleep?"), "recovery"),
    ],
)
def test_other_words_for_a_node_are_known(field, node):
    (match,) = matches([field], RUNNER).values()
    assert (match.node, match.sure) == (node, False)


def test_of_two_questions_the_one_with_as_many_answers_as_states_is_proposed():
    ever = Field("lbp_ever", "choice", "Have you ever had low back pain?", YES_NO)
    often = Field("lbp_n", "choice", "How many episodes?", {"0": "No", "1": "One", "2": "More"})
    found = matches([ever, often], RUNNER)
    assert {name: match.node for name, match in found.items()}["lbp_n"] == "previous_back_pain"


def test_other_labels_for_a_state_are_known():
    said = states_said({"1": "Woman", "2": "Man", "3": "Neither"}, RUNNER.node("sex"), RUNNER)
    assert said == {"1": "female", "2": "male", "3": UNDECIDED}
