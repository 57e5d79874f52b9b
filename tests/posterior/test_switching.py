"""Chains in mirror images of each other are found by their CPTs, and told with what helps."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk.graph import CausalGraph, Edge, Layout, Node, Prior
from backrisk.posterior import Diagnostics, Posterior, swapped
from tests.strategies import seeds

CHAINS, DRAWS = 3, 60
TWO = ("no", "yes")


def classes(rng, states):
    """A hidden cause of some tables and of an ordinal logit, in whose family is another cause."""
    nominal = bool(rng.random() < 0.5)
    nodes = [Node("k", tuple(f"k{i}" for i in range(states)), nominal=nominal), Node("z", TWO)]
    nodes += [Node(f"s{i}", TWO) for i in range(4)]
    nodes.append(Node("o", ("a", "b", "c"), mechanism="saturated"))
    edges = [Edge("k", f"s{i}", "Claim.", "stated", "weak") for i in range(4)]
    edges += [Edge(a, "o", "Claim.", "stated", "weak") for a in ("z", "k")]
    return CausalGraph("classes", tuple(nodes), tuple(edges), outcome="o")


def exchange(layout, fractions, order):
    """Fractions with the states of k exchanged throughout: the same model under other names."""
    found = fractions.copy()
    for name, each in layout.mechanisms.items():
        cpt = layout.cpt(name, fractions, np.zeros((len(fractions), 0)))
        family = (*each.parents, name)
        if "k" in family:
            cpt = np.take(cpt, order, axis=1 + family.index("k"))
        rest = np.cumsum(cpt[..., ::-1], axis=-1)[..., ::-1]
        found[:, layout.fraction_slices[name]] = (cpt[..., :-1] / rest[..., :-1]).reshape(
            len(fractions), -1
        )
    return found


def posterior_of(rng, states, orders, share=0.05):
    graph = classes(rng, states)
    layout = Layout(graph)
    one = rng.uniform(0.1, 0.9, size=len(layout.fraction_labels))
    each = np.clip(one + 0.01 * rng.normal(size=(CHAINS * DRAWS, len(one))), 0.01, 0.99)
    parts = [
        exchange(layout, each[c * DRAWS : (c + 1) * DRAWS], order) for c, order in enumerate(orders)
    ]
    return Posterior(
        graph,
        np.concatenate(parts),
        np.zeros((CHAINS * DRAWS, 0)),
        chains=CHAINS,
        diagnostics=Diagnostics("nutpie", {"r_hat": 2.0}),
        meta={"answered": dict.fromkeys(graph.names, 1.0) | {"k": share}, "people": 200},
    )


@pytest.mark.parametrize("share", [0.0, 0.05])
@pytest.mark.parametrize("seed", seeds(10, 100))
def test_states_that_changed_places_are_named(seed, share):
    rng = np.random.default_rng(seed)
    states = int(rng.integers(2, 5))
    usual = list(range(states))
    other = usual.copy()
    first, second = rng.choice(states, size=2, replace=False)
    other[first], other[second] = other[second], other[first]
    posterior = posterior_of(rng, states, [usual, other, usual], share)
    (found,) = swapped(posterior)
    assert found.node == "k"
    assert set(found.states) == {f"k{first}", f"k{second}"}
    assert found.people == round(200 * share)
    assert set(found.signs) == {"s0", "s1", "s2", "s3", "o"}
    assert ("known of 10 people" in found.sentence) == bool(share)
    assert "Sampling longer will not help" in found.sentence


@pytest.mark.parametrize("seed", seeds(10, 100))
def test_chains_that_agree_or_differ_in_no_mirror_are_not(seed):
    rng = np.random.default_rng(seed)
    states = int(rng.integers(2, 5))
    usual = list(range(states))
    agreed = posterior_of(rng, states, [usual] * CHAINS)
    assert not swapped(agreed)
    other = usual[::-1]
    mirrored = posterior_of(rng, states, [usual, other, usual])
    seen = {**mirrored.meta, "answered": dict.fromkeys(mirrored.graph.names, 1.0)}
    assert not swapped(replace(mirrored, meta=seen))
    assert not swapped(replace(mirrored, chains=1))


def test_an_effect_of_each_state_tells_them_apart():
    """A nominal cause of an ordinal logit: its states differ by their effects alone."""
    nodes = (Node("k", ("a", "b", "c"), nominal=True), Node("y", TWO, mechanism="ordinal_logit"))
    edges = (Edge("k", "y", "Claim.", "stated", "weak", Prior(0.0, 2.0)),)
    graph = CausalGraph("g", nodes, edges)
    size = CHAINS * DRAWS
    beta = np.tile([2.0, -2.0], (size, 1))
    beta[:DRAWS] = beta[:DRAWS, ::-1]
    meta = {"answered": {"k": 0.0, "y": 1.0}, "people": 50}
    posterior = Posterior(graph, np.full((size, 3), 0.5), beta, chains=CHAINS, meta=meta)
    posterior.fractions[:, 0] = 1 / 3
    (found,) = swapped(posterior)
    assert set(found.states) == {"b", "c"}
