"""What a question would tell: bounds of information, candidates, what is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Brute, random_graph, random_person, random_posterior

from backrisk import CausalGraph, Codebook, Posterior, QueryError, ask_next, recommend, risk
from backrisk.queries import Questions
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
    ]
    assert asked.notes == ()  # of one draw, no parameter is uncertain


def test_what_an_answer_would_change_is_said_where_it_is_noticeable(posterior):
    # Setting x to no helps whoever has x; knowing x changes nothing about that.
    asked = ask_next(posterior, {})
    assert asked.best == pytest.approx(0.5)
    assert asked.gain.tolist() == pytest.approx([0.0, 0.0])
    assert asked.sentences()[-1].startswith("No single answer")
    assert "monotone coupling" in asked.notes[-1]
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
    assert asked.notes[-1].startswith("The answers report y, and this leaves that out")
    assert asked.questions == ("x", "z")


@pytest.fixture
def asked_by_items():
    """X and z bear on y; the codebook asks two questions about x, and about z in other words."""
    graph = CausalGraph.from_edges([("x", "y"), ("z", "y")], dict.fromkeys("xyz", TWO))
    columns = {
        "sore": {"item": "x", "reliability": 0.5, "question": " Is it sore? "},
        "stiff": {"item": "x", "reliability": 0.8},
        "now": {"node": "z", "question": "And now?"},
        "y": {"node": "y"},
    }
    book = Codebook.from_dict({"name": "b", "graph": graph.name, "columns": columns}, graph)
    posterior = random_posterior(np.random.default_rng(4), book.extend(graph), draws=3)
    return replace(posterior, codebook=book)


def bits_by_enumeration(joint):
    outer = joint.sum(axis=0, keepdims=True) * joint.sum(axis=1, keepdims=True)
    return (joint * np.log2(joint / outer)).sum()


@pytest.mark.parametrize("person", [{}, {"now": "yes"}, {"x": "yes"}, {"sore": "no"}])
def test_an_item_tells_of_the_target_what_its_construct_lets_through(asked_by_items, person):
    graph = asked_by_items.graph
    found = ask_next(asked_by_items, person)
    names = {"now": "z"}
    seen = {names.get(name, name): TWO.index(state) for name, state in person.items()}
    assert found.questions == tuple(n for n in ("z", "sore", "stiff") if n not in seen)
    brutes = [Brute(asked_by_items, draw) for draw in range(3)]
    actions = [{cause: 0} for cause in ("x", "z") if seen.get(cause) != 0]
    for column, name in enumerate(found.questions):
        joint = np.zeros((2, 2, 3))
        after = np.zeros((len(actions) + 1, 2, 3))  # no action first
        for y, k, draw in np.ndindex(joint.shape):
            brute = brutes[draw]
            joint[y, k, draw] = brute.probability(
                lambda s, n=name, y=y, k=k: (s["y"], s[n]) == (y, k), seen
            )
        for row, do in enumerate(actions, start=1):
            for k, draw in np.ndindex(2, 3):
                told = {**seen, name: k}
                would = brutes[draw].counterfactual(lambda s: s["y"] > 0, told, do)
                after[row, k, draw] = joint[1, k, draw] - joint[:, k, draw].sum() * would
        for draw in range(3):
            np.testing.assert_allclose(
                found.draws[draw, column], bits_by_enumeration(joint[..., draw]), atol=1e-12
            )
        mean, reduced = joint.mean(axis=-1), after.mean(axis=-1)
        np.testing.assert_allclose(found.bits[column], bits_by_enumeration(mean), atol=1e-12)
        best = reduced.sum(axis=1).max()
        np.testing.assert_allclose(found.best, best, atol=1e-12)
        gain = reduced.max(axis=0).sum() - best
        np.testing.assert_allclose(found.gain[column], gain, atol=1e-12)
    there = mean[1].sum()
    entropy = -(there * np.log2(there) + (1 - there) * np.log2(1 - there))
    assert found.entropy == pytest.approx(entropy)
    np.testing.assert_allclose(found.table["share"], found.table["bits"] / entropy)
    assert graph.names == ("x", "y", "z", "sore", "stiff")


def test_an_item_of_what_is_known_tells_of_the_parameters_alone(asked_by_items):
    found = ask_next(asked_by_items, {"x": "yes"}, candidates=["sore"])
    np.testing.assert_allclose(found.draws, np.zeros((3, 1)), atol=1e-12)
    assert found.gain == pytest.approx(0, abs=1e-12)
    risks, said = risk(asked_by_items, {"x": "yes"}).draws, asked_by_items.cpt("sore")[:, 1].T
    joint = np.stack([1 - risks, risks])[:, None] * said
    assert found.bits[0] == pytest.approx(bits_by_enumeration(joint.mean(axis=-1)))
    there = risks.mean()
    entropy = -(there * np.log2(there) + (1 - there) * np.log2(1 - there))
    assert found.entropy == pytest.approx(entropy)
    # The best that can be done without an answer is what the advice finds.
    best = recommend(asked_by_items, {"x": "yes"}).draws.mean(axis=0).max()
    assert found.best == pytest.approx(max(best, 0.0))


def test_answers_without_a_gain_say_none(posterior):
    asked = ask_next(posterior, {}, gain=False)
    bare = Questions(
        asked.draws,
        asked.target,
        asked.evidence,
        asked.questions,
        asked.wording,
        asked.bits,
        asked.entropy,
        graph=posterior.graph,
    )
    assert bare.gain is bare.best is asked.gain is asked.best is None
    assert bare.sentences() == asked.sentences()


def test_questions_are_worded_as_the_codebook_asks(asked_by_items):
    found = ask_next(asked_by_items, {})
    worded = {"z": "And now?", "sore": "Is it sore?", "stiff": ""}
    assert dict(zip(found.questions, found.wording, strict=True)) == worded
    assert found.table["question"].to_dict() == worded
    order = found.bits.argsort()[::-1]
    assert found.table.index.tolist() == [found.questions[at] for at in order]
    text = found.text
    worth = found.table["share"] >= 0.005
    assert ('("And now?")' in text) == worth["z"]
    assert ('("Is it sore?")' in text) == worth["sore"]
    assert worth["sore"]
    assert 'stiff ("' not in text


def test_a_question_is_chosen_by_its_column_and_once(asked_by_items):
    chosen = ["now", "sore", "z"]
    assert ask_next(asked_by_items, {}, candidates=chosen).questions == ("z", "sore")
    with pytest.raises(QueryError, match="already reports 'now'"):
        ask_next(asked_by_items, {"now": "no"}, candidates=chosen)
    with pytest.raises(QueryError, match=r"'nov'.* \(did you mean 'now'\?\)"):
        ask_next(asked_by_items, {}, candidates=["nov"])


def test_no_more_than_three_questions_are_said():
    names = ["a", "b", "c", "d"]
    graph = CausalGraph.from_edges([(n, "y") for n in names], dict.fromkeys([*names, "y"], TWO))
    posterior = random_posterior(np.random.default_rng(0), graph)
    found = ask_next(posterior, {}, gain=False)
    assert len(found.questions) == 4
    assert [said.split(" is ")[1].split(":")[0] for said in found.sentences()] == (
        found.table.index[:3].tolist()
    )
    assert found.table["bits"].is_monotonic_decreasing
    low, high = np.quantile(found.draws, [0.05, 0.95], axis=0)
    columns = [found.questions.index(name) for name in found.table.index]
    np.testing.assert_allclose(found.table["low"], low[columns])
    np.testing.assert_allclose(found.table["high"], high[columns])


def test_what_draws_disagree_on_tells_nothing_on_average():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", TWO))
    sure = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    found = ask_next(Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": sure}), {})
    assert found.draws.ravel().tolist() == [1.0, 1.0]
    assert found.bits.tolist() == [0.0]
    assert found.entropy == pytest.approx(1.0)
    assert found.best == pytest.approx(0.0)


def test_a_gain_of_a_hundredth_of_a_point_is_said(posterior):
    found = ask_next(posterior, {})
    for gain, said in ((5e-5, "expected to add 0.01 points"), (4.9e-5, "No single answer")):
        assert said in replace(found, gain=np.array([0.0, gain])).sentences()[-1]
    assert "z matters most" in replace(found, gain=np.array([0.0, 0.1])).sentences()[-1]
