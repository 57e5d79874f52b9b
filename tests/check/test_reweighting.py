"""Draws moved to a graph one edge away: against the posterior and the evidence on a grid."""

from dataclasses import replace

import numpy as np
import pytest
from grid_posterior import Grid, independent, survey_of, two_nodes

from backrisk import CausalGraph, Edge, Node, Prior
from backrisk.check import neighbours_of
from backrisk.check.reweighting import Cloud, Model, OutOfReach

PRIOR = Prior(0.4, 0.8)
WEAK = np.array([[70, 30], [40, 30]])
STRONG = np.array([[150, 30], [25, 95]])
DRAWS = 2000


def moved(posterior, counts, name, added=PRIOR):
    survey = survey_of(counts, posterior.graph)
    around = neighbours_of(posterior.graph, added=added).neighbours
    neighbour = next(each for each in around if each.name == name)
    if neighbour.kind == "add" and neighbour.prior is None:  # a graph that states no prior
        neighbour = type(neighbour)(neighbour.base, "add", "x", "y", added)
    rng = np.random.default_rng(5)
    cloud = Cloud.of(Model.of(posterior, posterior.graph, survey), DRAWS)
    there = cloud.to(neighbour, survey, rng)
    return there, there.settled(rng)


def agrees(cloud, settled, log_evidence):
    """Within four Monte Carlo errors of the mean weight."""
    weights = np.exp(cloud.log_weights - cloud.log_weights.max())
    error = weights.std() / weights.mean() / np.sqrt(len(weights))
    assert settled.good
    assert abs(settled.log_evidence - log_evidence) < 4 * error + 0.002  # the grid's own


def mean_agrees(settled, column, exact):
    mean, sd = exact
    drawn = settled.posterior.beta[:, column]
    # Drawn again from weighted draws: twice the error of so many that are worth as much.
    assert abs(drawn.mean() - mean) < 5 * sd / np.sqrt(settled.effective)
    assert drawn.std() == pytest.approx(sd, rel=0.15)


def moments(grid):
    axis = grid.axes[1]
    share = grid.marginal / grid.marginal.sum()
    mean = share @ axis
    return mean, np.sqrt(share @ (axis - mean) ** 2)


@pytest.mark.parametrize("counts", [WEAK, STRONG], ids=["weak", "strong"])
def test_an_added_effect_is_found_wherever_it_is(counts):
    posterior, before = independent(counts, DRAWS, 1)
    cloud, found = moved(posterior, counts, "add x -> y")
    grid = Grid(two_nodes(PRIOR, ("x", "y")), counts)
    agrees(cloud, found, grid.log_evidence - before)
    mean_agrees(found, 0, moments(grid))


@pytest.mark.parametrize("counts", [WEAK, STRONG, 4 * STRONG], ids=["near", "far", "farther"])
def test_an_effect_can_be_dropped_however_far_from_zero_it_is(counts):
    """Up to twenty standard deviations: the other parameters move along."""
    grid = Grid(two_nodes(PRIOR, ("x", "y")), counts)
    cloud, found = moved(grid.draw(DRAWS, 1), counts, "drop x -> y")
    _, without = independent(counts, 1, 1)
    agrees(cloud, found, without - grid.log_evidence)
    yes, n = counts.sum(axis=0)[1] + 3.2, counts.sum() + 8
    share = found.posterior.cpt("y")[:, 1]
    error = share.std() / np.sqrt(found.effective)
    assert share.mean() == pytest.approx(yes / n, abs=5 * error)
    assert found.posterior.log_prior.shape == found.posterior.log_likelihood.shape == (DRAWS,)


def test_weights_that_are_of_no_use_are_told():
    grid = Grid(two_nodes(PRIOR, ("x", "y")), WEAK)
    posterior = grid.draw(500, 1)
    model = Model.of(posterior, posterior.graph, survey_of(WEAK, posterior.graph))
    cloud = Cloud.of(model, 500)
    rng = np.random.default_rng(1)
    even = cloud.settled(rng)
    assert even.good
    assert even.effective == pytest.approx(500)
    np.testing.assert_allclose(even.posterior.fractions, posterior.fractions)
    # Weights of an infinite mean.
    heavy = replace(cloud, log_weights=rng.exponential(3.0, size=500))
    assert not heavy.settled(rng).good


def test_an_edge_is_reversed():
    grid = Grid(two_nodes(PRIOR, ("x", "y")), WEAK)
    back = Grid(two_nodes(PRIOR, ("y", "x")), WEAK)
    cloud, found = moved(grid.draw(DRAWS, 1), WEAK, "reverse x -> y")
    agrees(cloud, found, back.log_evidence - grid.log_evidence)
    mean_agrees(found, 0, moments(back))
    assert found.posterior.graph.parents("x") == ("y",)


def test_rows_of_their_own_leave_nothing_to_move():
    nodes = (Node("x", ("no", "yes")), Node("y", ("no", "yes"), mechanism="saturated"))
    edge = Edge("x", "y", "Claim.", "stated", "weak", Prior(0.5, 0.5))
    graph = CausalGraph("two", nodes, (edge,), outcome="y")
    survey = survey_of(WEAK, graph)
    posterior = Grid(two_nodes(PRIOR, ("x", "y")), WEAK).draw(200, 1)
    rng = np.random.default_rng(0)
    fractions = rng.beta(2, 2, size=(200, 3))
    posterior = type(posterior)(graph, fractions, np.zeros((200, 0)))
    cloud = Cloud.of(Model.of(posterior, graph, survey), 200)
    drop = next(e for e in neighbours_of(graph).neighbours if e.kind == "drop")
    with pytest.raises(OutOfReach):
        cloud.to(drop, survey, rng)
