"""How well a cause is known over time: by the strongest of its paths, in whatever periods."""

from types import SimpleNamespace

import pytest
from histories import TWO

from backrisk import CausalGraph, Edge, Node, unroll
from backrisk.graph import Lagged
from backrisk.queries.over_time.known import Known


def known(edges, lagged, period):
    """Return what is known of causes of y; edges and lagged ones are (cause, effect, grade)."""
    names = sorted({name for *pair, _ in (*edges, *lagged) for name in pair})
    graph = CausalGraph(
        "graded",
        tuple(Node(name, TWO) for name in names),
        tuple(Edge(a, b, "claim", "stated", grade) for a, b, grade in edges),
        lagged=tuple(Lagged(a, b, "claim", grade=grade) for a, b, grade in lagged),
        outcome="y",
    )
    target = SimpleNamespace(node="y")
    return Known(SimpleNamespace(graph=unroll(graph, 2), template=graph, target=target), period)


@pytest.mark.parametrize(("period", "grade"), [(0, "weak"), (1, "moderate"), (9, "moderate")])
def test_a_cause_is_as_well_known_as_its_strongest_path(period, grade):
    within = [("x", "y", "weak"), ("x", "m", "strong")]
    found = known(within, [("m", "y", "moderate"), ("y", "y", "none")], period)
    assert found.grade("x") == grade
    assert found.grade("y") == "strong"  # of the target itself nothing is claimed


def test_a_path_over_more_periods_than_are_looked_at_counts_as_the_worst():
    chain = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "y")]
    found = known([], [(*pair, "strong") for pair in chain], 9)
    assert [found.grade(name) for name in "abcd"] == ["contradicted", *["strong"] * 3]
