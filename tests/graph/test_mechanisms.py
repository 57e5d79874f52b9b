"""The PyTensor and NumPy forms of every mechanism are one function."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from backrisk import CausalGraph, Edge, Node, Prior, load_codebook, load_graph
from backrisk.fitting.log_cpts import log_cells
from backrisk.graph import Layout, independent_causes, mechanism
from backrisk.graph.mechanisms import break_sticks
from backrisk.likelihood import Cells


def node(name, states, kind=None, **rest):
    return Node(name, tuple(f"s{k}" for k in range(states)), mechanism=kind, **rest)


@pytest.fixture(scope="module")
def every_mechanism():
    pairs = ["ao", "bo", "co", "am", "bm", "cn", "mn", "as", "bs"]
    edges = [Edge(a, b, "claim", "stated", "weak", Prior(0.5, 0.5)) for a, b in pairs]
    return CausalGraph(
        "every",
        (
            node("a", 3),
            node("b", 2),
            node("c", 4),
            node("o", 3, "ordinal_logit", interactions=(("a", "b"),)),
            node("m", 3, "noisy_max"),
            node("n", 2, "noisy_max"),
            node("s", 3, "saturated"),
            node("i", 3, "item", reliability=0.7),
        ),
        (*edges, Edge("o", "i", "claim", "measurement", "moderate")),
    )


def runner_with_items():
    graph = load_graph("runner")
    return load_codebook("runner", graph).extend(graph)


@pytest.mark.parametrize("which", ["every mechanism", "runner"])
def test_pytensor_and_numpy_agree(which, every_mechanism):
    graph = every_mechanism if which == "every mechanism" else runner_with_items()
    layout, cells = Layout(graph), Cells.of(graph)
    fractions, beta = layout.draw_prior(3, np.random.default_rng(0))
    x, y = pt.dvector(), pt.dvector()
    compiled = pytensor.function([x, y], log_cells(layout, x, y), mode="FAST_COMPILE")
    for draw in range(3):
        found = np.exp(compiled(fractions[draw], beta[draw]))
        for name in graph.names:
            expected = layout.cpt(name, fractions, beta)[draw].ravel()
            np.testing.assert_allclose(found[cells.part(name)], expected, rtol=0, atol=1e-12)


def test_every_cpt_row_is_a_distribution(every_mechanism):
    layout = Layout(every_mechanism)
    fractions, beta = layout.draw_prior(50, np.random.default_rng(1))
    for name in every_mechanism.names:
        table = layout.cpt(name, fractions, beta)
        assert (table >= 0).all()
        np.testing.assert_allclose(table.sum(axis=-1), 1.0, atol=1e-12)


def test_stick_breaking_draws_a_dirichlet():
    rng = np.random.default_rng(2)
    alpha = np.array([2.0, 0.5, 3.0])
    v = np.column_stack([rng.beta(2.0, 3.5, 40_000), rng.beta(0.5, 3.0, 40_000)])
    draws = break_sticks(v)
    total = alpha.sum()
    mean = alpha / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    assert (np.abs(draws.mean(axis=0) - mean) < 4 * sd / np.sqrt(len(draws))).all()


def test_ordinal_logit_moves_the_odds_by_exactly_beta():
    graph = CausalGraph(
        "g",
        (node("x", 3), node("y", 4, "ordinal_logit")),
        (Edge("x", "y", "c", "stated", "weak", Prior(0.7, 0.3)),),
    )
    fractions = np.array([[0.4, 0.3, 0.5, 0.6]])
    table = mechanism(graph, "y").cpt(fractions, np.array([[0.7]]))[0]
    below = np.cumsum(table, axis=1)[:, :-1]
    odds = np.log(below / (1 - below))
    np.testing.assert_allclose(odds[0] - odds[2], 0.7, atol=1e-12)
    np.testing.assert_allclose(odds[0] - odds[1], 0.7 * 0.6, atol=1e-12)


def test_noisy_max_is_recovered_from_its_cpt(every_mechanism):
    layout = Layout(every_mechanism)
    draws = layout.draw_prior(5, np.random.default_rng(3))
    for name, has_the_form in (("m", True), ("n", True), ("o", False)):
        table = np.moveaxis(layout.cpt(name, *draws), 0, -1)
        assert (independent_causes(table) is not None) is has_the_form
