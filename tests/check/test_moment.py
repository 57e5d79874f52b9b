"""Checks of one moment refuse models of several; graphs are compared on their own people."""

import numpy as np
import pytest

from backrisk import (
    Codebook,
    PosteriorError,
    QueryError,
    Survey,
    confounded,
    fit,
    load_graph,
    unroll,
)
from backrisk.check import (
    doubts,
    family_residuals,
    local_tests,
    neighbours_of,
    pairwise,
    plan_study,
    prior_graphs,
    standing_graphs,
)
from backrisk.posterior import truth
from tests.strategies import random_graph

GRAPH = unroll(load_graph("runner_core"), 3)
MODEL = truth(GRAPH)
SURVEY = Survey(GRAPH, np.zeros((50, len(GRAPH.names)), np.int8), Codebook.plain(GRAPH))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: local_tests(MODEL, SURVEY),
        lambda: family_residuals(MODEL, SURVEY),
        lambda: pairwise(MODEL, SURVEY),
        lambda: neighbours_of(GRAPH),
        lambda: plan_study(GRAPH, people=[50], seed=1),
        lambda: prior_graphs(GRAPH),
    ],
)
def test_several_periods_are_refused_where_one_moment_is_meant(ask):
    with pytest.raises(QueryError, match="one of several periods"):
        ask()


def test_the_reason_is_told_check_by_check():
    found = doubts(MODEL, SURVEY, without=["calibration"])
    assert not found.verdicts
    assert all("several periods" in reason for reason in found.refused.values())
    with pytest.raises(PosteriorError, match="susceptibility"):
        confounded(MODEL, "fatigue")


def test_graphs_near_a_model_are_compared_on_the_people_it_learned_from():
    rng = np.random.default_rng(1)
    graph = random_graph(rng, 3)
    codes = rng.integers(0, 2, size=(200, 3)).astype(np.int8)
    whole = Survey(graph, codes, Codebook.plain(graph))
    found = fit(graph, whole, seed=1, draws=50)
    fewer = Survey(graph, codes[:1], Codebook.plain(graph))
    with pytest.raises(QueryError, match="1 people are not the 200"):
        standing_graphs(found, fewer)
