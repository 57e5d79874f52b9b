"""What a query needs of the network in one world or two."""

import pytest

from backrisk import CausalGraph
from backrisk.inference.twin_network import BOTH, Signature, Source, reached, sources, states

BINARY = ["no", "yes"]


def chain():
    """X leads to m, m to y; w leads to m; b is y's barren effect."""
    edges = [("x", "m"), ("w", "m"), ("m", "y"), ("y", "b")]
    names = {"x": BINARY, "w": BINARY, "m": list("uvw"), "y": BINARY, "b": BINARY}
    return CausalGraph.from_edges(edges, names, outcome="y")


def signature(seen=(), done=(), free=(), told=(), keep=(), noise=True, people=1):
    sets = map(frozenset, (seen, done, free, told))
    return Signature(chain(), *sets, tuple(keep), frozenset(), noise, people)


def test_what_is_reached_is_the_set_and_what_lies_below():
    assert reached(chain(), frozenset("m")) == {"m", "y", "b"}
    assert reached(chain(), frozenset()) == frozenset()
    assert signature(done="x", free="w").changed == {"x", "w", "m", "y", "b"}


@pytest.mark.parametrize(
    ("variable", "known"),
    [(("x", 0), True), (("x", 1), False), (("w", 1), True), (("w", 0), False), (("y", 1), True)],
)
def test_what_is_known_in_which_world(variable, known):
    assert signature(seen="x", done="w", told="y").known(variable) is known


def test_in_one_world_barren_nodes_are_left_out_and_tables_sliced():
    found = list(sources(signature(seen="w", keep=[("y", 0)])))
    assert found == [
        Source("x", (0,), (), (("x", 0),)),
        Source("w", (0,), (("w", 0),), ()),
        Source("m", (0,), (("w", 0),), (("x", 0), ("m", 0))),
        Source("y", (0,), (), (("m", 0), ("y", 0))),
    ]


def test_under_an_intervention_the_set_node_has_no_causes():
    found = {s.name: s for s in sources(signature(done="m", keep=[("y", 1)]))}
    assert set(found) == {"y"}
    assert found["y"] == Source("y", (1,), (("m", 1),), (("y", 1),))


def test_with_evidence_below_the_descendants_have_two_worlds():
    found = {s.name: s for s in sources(signature(seen="y", done="x", keep=[("y", 1)]))}
    assert set(found) == {"x", "w", "m", "y"}
    assert found["x"].worlds == (0,)
    assert found["m"].worlds == found["y"].worlds == (0, 1)
    # The two worlds of m always appear together: one variable, whose parents are x seen and set.
    assert found["m"].paired
    assert found["m"].own == (("m", BOTH),)
    assert found["m"].known == (("x", 1),)
    assert found["m"].scope == (("x", 0), ("w", 0), ("m", BOTH))
    assert found["y"].known == (("y", 0),)
    assert found["y"].scope == (("m", BOTH), ("y", 1))
    assert not found["y"].paired


def test_what_is_told_of_the_other_world_counts_as_known():
    found = {s.name: s for s in sources(signature(done="x", told="y", keep=[]))}
    assert found["y"] == Source("y", (1,), (("y", 1),), (("m", 1),))


def test_a_node_kept_apart_has_a_variable_for_each_world():
    (m,) = (s for s in sources(signature(seen="y", done="x"), {"m"}) if s.name == "m")
    assert not m.paired
    twice = signature(seen="y", done="x", told="y")
    (m,) = (s for s in sources(twice, {"m"}) if s.name == "m")
    assert m.own == (("m", 0), ("m", 1))
    kept = signature(seen="y", done="x", told="y", keep=[("m", 0)])
    (m,) = (s for s in sources(kept) if s.name == "m")
    assert m.own == (("m", 0), ("m", 1))


def test_a_free_node_is_an_axis_that_nothing_need_mention():
    found = list(sources(signature(free="y", keep=[("y", 1)])))
    assert found == [Source("y", (), (), (("y", 1),))]


@pytest.mark.parametrize(("noise", "pairs"), [(True, 5), (False, 9)])
def test_a_pair_of_worlds_has_few_states_where_noise_is_shared(noise, pairs):
    asked = signature(noise=noise)
    assert states(asked, ("m", BOTH)) == pairs
    assert states(asked, ("m", 0)) == states(asked, ("m", 1)) == 3
