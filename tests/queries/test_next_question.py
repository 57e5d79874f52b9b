"""What a question would tell: bounds of information, candidates, what is said."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_graph, random_person, random_posterior

from backrisk import CausalGraph, Posterior, QueryError, ask_next
from backrisk.queries.next_question import information

TWO = ["no", "yes"]


@settings(max_examples=40, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_information_and_gain_are_never_negative(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 6)
    posterior = random_posterior(rng, graph, draws=4)
    asked = ask_next(posterior, random_person(rng, graph))
    assert (asked.bits >= 0).all()
    assert (asked.gain >= 0).all()
    assert (asked.bits <= asked.entropy + 1e-12).all()


def test_without_the_gain_all_else_is_the_same(core_prior):
    whole = ask_next(core_prior, {"fatigue": "high"})
    short = ask_next(core_prior, {"fatigue": "high"}, gain=False)
    assert short.gain is None
    pd.testing.assert_frame_equal(short.table, whole.table.drop(columns="gain"))
    assert "action" not in short.text


def test_questions_can_be_chosen(core_prior):
    asked = ask_next(core_prior, {"fatigue": "high"}, candidates=["pelvic_tilt"])
    assert asked.questions == ("pelvic_tilt",)
    assert asked.draws.shape == (core_prior.draws, 1)
    for candidates, words in (
        (["tilt"], "neither a node of graph"),
        (["fatigue"], "already reports"),
        (["pain"], "is the target 'pain'"),
    ):
        with pytest.raises(QueryError, match=words):
            ask_next(core_prior, {"fatigue": "high"}, candidates=candidates)


@pytest.mark.parametrize(
    ("joint", "bits"),
    [
        ([[0.5, 0.0], [0.0, 0.5]], 1.0),
        ([[0.25, 0.25], [0.25, 0.25]], 0.0),
        ([[0.25, 0.0, 0.25], [0.0, 0.5, 0.0]], 1.0),
        ([[1.0, 0.0], [0.0, 0.0]], 0.0),
    ],
)
def test_information_in_bits(joint, bits):
    assert information(np.array(joint)) == pytest.approx(bits)


@pytest.fixture
def posterior():
    """X tells y; z tells nothing."""
    graph = CausalGraph.from_edges([("x", "y"), ("z", "y")], dict.fromkeys("xyz", TWO))
    table = np.array([[[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2])
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "z": [0.5, 0.5], "y": table})


def test_the_most_telling_question_comes_first(posterior):
    asked = ask_next(posterior, {}, gain=False)
    assert asked.table.index.tolist() == ["x", "z"]
    assert asked.entropy == pytest.approx(1.0)
    assert asked.table["share"].tolist() == pytest.approx([1.0, 0.0])
    assert asked.sentences() == [
        "What would tell most about y is x: 1.0000 bits, 100 % of what is uncertain.",
        "Next is z: 0.0000 bits, 0.0 % of what is uncertain.",
    ]
    assert len(asked.notes) == 1


def test_what_an_answer_would_change_is_said_where_it_is_noticeable(posterior):
    # Setting x to no helps whoever has x; knowing x changes nothing about that.
    asked = ask_next(posterior, {})
    assert asked.best == pytest.approx(0.5)
    assert asked.gain.tolist() == pytest.approx([0.0, 0.0])
    assert asked.sentences()[-1].startswith("No single answer")
    assert "monotone coupling" in asked.notes[1]
    # z turns what x does: the best action depends on z.
    graph = posterior.graph
    table = np.array([[[0.9, 0.1], [0.1, 0.9]], [[0.1, 0.9], [0.9, 0.1]]])
    turned = Posterior.from_cpts(graph, {"x": [0.4, 0.6], "z": [0.5, 0.5], "y": table})
    asked = ask_next(turned, {})
    first = asked.table["gain"].idxmax()
    assert asked.gain.max() > 0.1
    assert asked.sentences()[-1] == (
        f"For the choice of action, {first} matters most: knowing it is expected to add "
        f"{100 * asked.gain.max():.2f} points to a reduction of {100 * asked.best:.1f} points."
    )


def test_no_question_is_left(posterior):
    asked = ask_next(posterior, {"x": "no", "z": "no"})
    assert asked.sentences() == ["No question is left."]
    assert asked.draws.shape == (1, 0)
    assert asked.table.empty


def test_what_is_known_for_sure_leaves_nothing_uncertain(posterior):
    asked = ask_next(posterior, {"x": "yes"})
    assert asked.entropy == 0.0
    assert asked.table["share"].tolist() == [0.0]


def test_the_target_and_what_follows_from_it_are_set_aside(posterior):
    asked = ask_next(posterior, {"y": "yes"})
    assert asked.evidence == {}
    assert asked.notes[-1] == ("Set aside, because the question is about the risk from here on: y.")
    assert asked.questions == ("x", "z")
