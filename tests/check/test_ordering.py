"""The order of two risks, both left out: by its definition, pair by pair, and for many people."""

import numpy as np
import pytest

from backrisk import CausalGraph, Codebook, Posterior, Survey
from backrisk.check import outcome_calibration
from backrisk.check.ordering import Influence, Order
from backrisk.check.reliability import TIED, auc


def by_pairs(odds, influence, event, weights):
    """The AUC by its definition: every two people, each told what both leave out."""
    moves = influence.moved @ influence.by.T
    right = pairs = 0.0
    for i in np.flatnonzero(event):
        for j in np.flatnonzero(~event):
            first = odds[i] - moves[i, i] - moves[i, j]
            gap = first - (odds[j] - moves[j, j] - moves[j, i])
            share = 0.5 if abs(gap) < TIED else float(gap > 0)
            right += weights[i] * weights[j] * share
            pairs += weights[i] * weights[j]
    return right / pairs


@pytest.mark.parametrize("size", [0.0, 0.003, 0.3])
@pytest.mark.parametrize("count", [2, 7, 600])
def test_the_order_is_that_of_every_two_people_left_out(count, size):
    """More than one block, with ties, whatever the influence is beside how risks differ."""
    rng = np.random.default_rng(count)
    odds = np.round(rng.normal(size=count), 1)
    event = np.arange(count) % 2 == 0
    influence = Influence(*rng.normal(scale=np.sqrt(size), size=(2, count, 4)))
    weights = rng.uniform(0.5, 2.0, (2, count))
    found = Order(odds, influence, event).auc(weights)
    expected = [by_pairs(odds, influence, event, each) for each in weights]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_two_people_who_gave_the_same_answers_are_tied_when_both_are_left_out():
    """One share for all: left out one by one, each is told what speaks against them."""
    event = np.array([True, True, False, False, False])
    pull = 0.1 * (event - event.mean())  # of each person, on the log odds of everybody
    odds, ones = np.full(5, -0.4), np.ones((1, 5))
    assert auc(odds - pull, event, ones)[0] == 0.0
    order = Order(odds, Influence(np.ones((5, 1)), pull[:, None]), event)
    assert order.auc(ones)[0] == 0.5
    assert order.beyond.nnz == 0  # groups of equal risks need no pair looked at


def test_chance_is_chance_among_more_than_four_thousand_different_people():
    """Thirteen answers that have nothing to do with the outcome: nobody's tie is broken."""
    others = [f"q{i}" for i in range(13)]
    two = ["no", "yes"]
    graph = CausalGraph.from_edges([], dict.fromkeys([*others, "y"], two), outcome="y")
    given = Posterior.from_cpts(graph, {name: [0.5, 0.5] for name in graph.names})
    codes = np.indices((2,) * 13, np.int8).reshape(13, -1).T[:4100]
    y = np.random.default_rng(1).integers(0, 2, (len(codes), 1), np.int8)
    survey = Survey(graph, np.concatenate([codes, y], axis=1), Codebook.plain(graph))
    found = outcome_calibration(given, survey, seed=1).scores.loc["auc"]
    assert found["model"] == 0.5
    # Left out one by one the regression, which learned its level alone, had an AUC of 0.
    assert found["regression"] > 0.45
