"""What is said of a node's mechanism and priors is what its layout has."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk.graph import (
    CausalGraph,
    Edge,
    Layout,
    Node,
    Prior,
    mechanism_reasons,
)
from tests.strategies import every_mechanism, nominal_causes, random_graph, runner_with_items, seeds

KINDS = {
    "Saturated": {"saturated"},
    "OrdinalLogit": {"ordinal_logit", "response"},
    "NoisyMax": {"noisy_max"},
    "Item": {"item"},
    "KnownItem": {"item"},
}


def some_priors(seed):
    """A random graph some of whose edges state a prior."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 5, 0.7)
    edges = [
        replace(edge, prior=Prior(0.3, 0.4)) if rng.random() < 0.3 else edge for edge in graph.edges
    ]
    return replace(graph, edges=tuple(edges))


GRAPHS = {"every": every_mechanism, "nominal": nominal_causes, "runner": runner_with_items}


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_every_node_of_every_kind_is_explained(make):
    graph = make()
    said = mechanism_reasons(graph)
    assert [each.node for each in said] == list(graph.names)
    for each in said:
        assert each.mechanism in KINDS[type(Layout(graph).mechanisms[each.node]).__name__]
        assert each.why
        assert each.priors
        assert all(each.priors)


@pytest.mark.parametrize("seed", seeds(10, 60))
def test_what_decided_is_what_the_family_has(seed):
    graph = some_priors(seed)
    for each in mechanism_reasons(graph):
        edges = graph.edges_into(each.node)
        stated = [edge.cause for edge in edges if edge.priors]
        rows = int(np.prod(graph.shape(each.node)[:-1]))
        expected = (
            "root"
            if not edges
            else "priors"
            if stated
            else "few_rows"
            if rows <= 12
            else "many_rows"
        )
        assert each.decided == expected
        assert all(cause in each.why for cause in stated)
        mechanism = Layout(graph).mechanisms[each.node]
        vague = {e.label.split(", ")[1] for e in mechanism.effects if (e.mean, e.sd) == (0.0, 1.0)}
        said = " ".join(each.priors)
        assert vague == {c for c in graph.parents(each.node) if c not in stated} or not vague
        if vague:
            assert "0 ± 1" in said
            assert all(cause in said for cause in vague)


def test_one_more_prior_changes_the_kind_and_the_reason_names_the_edge():
    two = ("no", "yes")
    edges = tuple(Edge(a, "y", "Claim.", "stated", "weak") for a in ("a", "b"))
    graph = CausalGraph("g", (Node("a", two), Node("b", two), Node("y", two)), edges)
    (*_, before) = mechanism_reasons(graph)
    assert (before.mechanism, before.decided) == ("saturated", "few_rows")
    stated = replace(graph, edges=(replace(edges[0], prior=Prior(0.5, 0.2)), edges[1]))
    (*_, after) = mechanism_reasons(stated)
    assert (after.mechanism, after.decided) == ("ordinal_logit", "priors")
    assert "a" in after.why.values["causes"]
    assert [each.values.get("causes") for each in after.priors][-1] == "b"


@pytest.mark.parametrize(
    ("about", "rows", "said"),
    [
        ({}, [1.0, 1.0], "unknown"),
        ({"reliability": 0.7, "concentration": 40.0}, [34.0, 6.0], "reliability"),
        (
            {"misclassification": ((0.9, 0.1), (0.2, 0.8)), "concentration": 50.0},
            [45.0, 5.0],
            "rates",
        ),
        ({"reliability": 0.7, "fixed": True}, None, "reliability_fixed"),
        ({"misclassification": ((0.9, 0.1), (0.2, 0.8)), "fixed": True}, None, "rates_fixed"),
    ],
)
def test_an_item_says_what_its_rows_are_worth(about, rows, said):
    two = ("no", "yes")
    nodes = (Node("c", two), Node("i", two, mechanism="item", **about))
    graph = CausalGraph("g", nodes, (Edge("c", "i", "Claim.", "measurement", "weak"),))
    (_, reason) = mechanism_reasons(graph)
    assert [each.key for each in reason.priors] == [f"graph.reasons.{said}"]
    simplexes = Layout(graph).mechanisms["i"].simplexes
    if rows is None:
        assert not simplexes
    else:
        assert simplexes[0].alpha == pytest.approx(rows)
        worth = reason.priors[0].values["people"]
        assert said == "unknown" or sum(simplexes[0].alpha) == pytest.approx(float(worth))
