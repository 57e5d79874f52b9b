"""Implied associations, beside their definitions written out over every joint state."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, every_mechanism, nominal_causes, seeds

from backrisk import Posterior
from backrisk.graph import CausalGraph, Edge, Layout, Node, Prior
from backrisk.likelihood import Contrast, Implied, implied, implied_margin

CONTRASTS = (
    Contrast("a", "o", (2,), (0,), (1, 2)),
    Contrast("a", "o", (1, 2), (0,), (2,)),
    Contrast("a", "o", (2,), (0, 1), (1, 2), ("b", "m")),
    Contrast("b", "o", (1,), (0,), (1, 2), ("c",), "risk"),
    Contrast("c", "o", (3,), (1,), (2,), (), "risk"),
    Contrast("m", "n", (1, 2), (0,), (1,), ("a", "c")),
    Contrast("m", "n", (2,), (0,), (1,), (), "odds", True),
    Contrast("m", "n", (2,), (0,), (1,), ("c",), "risk", True),
    Contrast("s", "o", (2,), (0,), (1, 2)),
)


def strata(model, contrast, draw):
    """The four probabilities of each stratum: group and event, exposed and event first."""
    brute = Brute(model, draw)
    states = len(model.graph.node(contrast.cause).states)
    lots = [{contrast.cause: k} for k in range(states)] if contrast.by_lot else [None]
    found = {}
    for do in lots:
        for full, p in brute.joint(do).items():
            state = dict(zip(model.graph.names, full, strict=True))
            group = dict.fromkeys(contrast.exposed, 0) | dict.fromkeys(contrast.reference, 1)
            if state[contrast.cause] in group:
                at = tuple(state[name] for name in contrast.adjusted)
                table = found.setdefault(at, np.zeros((2, 2)))
                event = 0 if state[contrast.effect] in contrast.event else 1
                table[group[state[contrast.cause]], event] += p / len(lots)
    return list(found.values())


def pooled(tables, scale):
    """Mantel and Haenszel's odds ratio and the ratio of risks pooled likewise."""
    above = below = 0.0
    for (a, b), (c, d) in tables:
        n = a + b + c + d
        above += a * (d if scale == "odds" else c + d) / n
        below += c * (b if scale == "odds" else a + b) / n
    return np.log(above / below)


@pytest.mark.parametrize("seed", seeds(2, 10))
def test_an_implied_ratio_is_its_definition(seed):
    layout = Layout(every_mechanism())
    drawn = layout.draw_prior(2, np.random.default_rng(seed))
    found = Implied(layout, CONTRASTS).values(*drawn)
    assert found.shape == (2, len(CONTRASTS))
    model = Posterior(layout.graph, *drawn)
    for i, contrast in enumerate(CONTRASTS):
        for draw in range(2):
            expected = pooled(strata(model, contrast, draw), contrast.scale)
            assert found[draw, i] == pytest.approx(expected, rel=1e-9, abs=1e-12), contrast


def test_how_ratios_are_computed_together_changes_nothing(monkeypatch):
    layout = Layout(every_mechanism())
    drawn = layout.draw_prior(5, np.random.default_rng(4))
    expected = Implied(layout, CONTRASTS).values(*drawn)
    point = [part[0] for part in drawn]
    together = Implied(layout, CONTRASTS)
    assert len(together._groups) < len(CONTRASTS)
    gradients = together.gradient(*point)
    monkeypatch.setattr(implied, "_AT_ONCE", 1)  # each draw alone
    for i, contrast in enumerate(CONTRASTS):
        apart = Implied(layout, (contrast,))
        np.testing.assert_allclose(apart.values(*drawn)[:, 0], expected[:, i], rtol=1e-12)
        for one, other in zip(apart.gradient(*point), gradients, strict=True):
            np.testing.assert_allclose(one[0], other[i], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("make", [every_mechanism, nominal_causes])
def test_gradients_are_derivatives(make):
    """Central differences: the error is of the order of the square of the step."""
    layout = Layout(make())
    contrasts = CONTRASTS
    if make is nominal_causes:
        contrasts = (
            Contrast("kind", "o", (2,), (0,), (1, 2), ("a",)),
            Contrast("a", "m", (2,), (0,), (2,)),
        )
    implied_by = Implied(layout, contrasts)
    fractions, effects = (part[0] for part in layout.draw_prior(1, np.random.default_rng(7)))
    fractions = np.clip(fractions, 0.05, 0.95)
    values, by_fractions, by_effects = implied_by.gradient(fractions, effects)
    np.testing.assert_allclose(values, implied_by.values(fractions[None], effects[None])[0])
    step = 1e-5
    for found, vector in ((by_fractions, 0), (by_effects, 1)):
        point = [fractions, effects]
        size = len(point[vector])
        ends = []
        for sign in (1, -1):
            moved = [np.repeat(part[None], size, axis=0) for part in point]
            moved[vector] = moved[vector] + sign * step * np.eye(size)
            ends.append(implied_by.values(*moved))
        np.testing.assert_allclose(
            found, ((ends[0] - ends[1]) / (2 * step)).T, rtol=1e-5, atol=1e-7
        )
    assert np.abs(by_effects).max() > 0.1


def confounded():
    """Two causes that depend on each other, and an outcome with the same odds ratio throughout."""
    nodes = (
        Node("z", ("s0", "s1", "s2")),
        Node("x", ("no", "yes"), mechanism="ordinal_logit"),
        Node("y", ("no", "yes"), mechanism="ordinal_logit"),
    )
    edges = tuple(
        Edge(a, b, "claim", "stated", "weak", Prior(0.5, 0.7))
        for a, b in (("z", "x"), ("z", "y"), ("x", "y"))
    )
    return Layout(CausalGraph("confounded", nodes, edges))


def test_an_odds_ratio_that_is_the_same_in_all_strata_is_the_effect():
    layout = confounded()
    fractions, effects = layout.draw_prior(50, np.random.default_rng(5))
    within = Contrast("x", "y", (1,), (0,), (1,), ("z",))
    crude = replace(within, adjusted=())
    found = Implied(layout, (within, crude)).values(fractions, effects)
    own = effects[:, layout.effect_labels.index("y, x")]
    np.testing.assert_allclose(found[:, 0], own, rtol=1e-9)
    assert np.abs(found[:, 1] - own).max() > 0.05


def test_a_factor_given_by_lot_is_not_confounded():
    """Its ratio of risks is that of two interventions; that of who has it is another."""
    layout = confounded()
    drawn = layout.draw_prior(10, np.random.default_rng(6))
    trial = Contrast("x", "y", (1,), (0,), (1,), (), "risk", True)
    found = Implied(layout, (trial, replace(trial, by_lot=False))).values(*drawn)
    model = Posterior(layout.graph, *drawn)
    for draw in range(10):
        risks = [
            Brute(model, draw).probability(lambda s: s["y"] == 1, {}, {"x": k}) for k in (1, 0)
        ]
        assert found[draw, 0] == pytest.approx(np.log(risks[0] / risks[1]), rel=1e-9)
    assert np.abs(found[:, 0] - found[:, 1]).max() > 0.02


def test_the_cells_of_each_ratio_are_those_of_its_largest_table():
    layout = confounded()
    trial = Contrast("x", "y", (1,), (0,), (1,), (), "risk", True)
    assert Implied(layout, (trial, replace(trial, by_lot=False, adjusted=("z",)))).cells == (12, 12)
    alone = Contrast("z", "x", (2,), (0,), (1,))
    assert Implied(layout, (trial, alone)).cells == (12, 6)


def test_an_implied_margin_is_that_of_the_population(monkeypatch):
    layout = Layout(every_mechanism())
    drawn = layout.draw_prior(5, np.random.default_rng(8))
    model = Posterior(layout.graph, *drawn)
    for at_once in (implied._AT_ONCE, 1):
        monkeypatch.setattr(implied, "_AT_ONCE", at_once)
        for name in layout.graph.names:
            found = implied_margin(layout, *drawn, name)
            np.testing.assert_allclose(found.T, model.marginal(name), rtol=1e-9, atol=1e-14)
