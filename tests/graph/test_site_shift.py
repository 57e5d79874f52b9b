"""A site is a model whose linear predictors are shifted."""

import numpy as np
import pytest
from scipy.special import logit

from backrisk import CausalGraph, Edge, Node, Prior
from backrisk.graph import Layout, at_site


@pytest.mark.parametrize("states", [2, 3, 5])
def test_a_shift_moves_the_log_odds_of_every_level_and_of_no_other_node(states):
    labels = tuple(map(str, range(states)))
    kinds = {"x": None, "y": "ordinal_logit", "z": "ordinal_logit"}
    nodes = tuple(Node(name, labels, mechanism=kind) for name, kind in kinds.items())
    edge = Edge("x", "z", "c", "stated", "weak", Prior(0.5, 0.2))
    layout = Layout(CausalGraph("g", nodes, (edge,)))
    fractions, effects = layout.draw_prior(6, np.random.default_rng(states))
    assert layout.pooled == ("y", "z")
    shift = np.random.default_rng(1).normal(size=(6, 2))
    before = fractions.copy()
    moved = at_site(layout, fractions, shift)
    np.testing.assert_array_equal(fractions, before)

    def log_odds(values, name):
        below = layout.cpt(name, values, effects).cumsum(axis=-1)[..., :-1]
        return logit(1 - below)

    np.testing.assert_allclose(log_odds(moved, "x"), log_odds(fractions, "x"))
    for column, name in enumerate(layout.pooled):
        away = log_odds(moved, name) - log_odds(fractions, name)
        expected = shift[:, column].reshape(-1, *(1,) * (away.ndim - 1))
        np.testing.assert_allclose(away, np.broadcast_to(expected, away.shape), atol=1e-8)
