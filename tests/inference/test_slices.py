"""Parts of wide tables: kept while there is room, and never another part or posterior's."""

import gc
import sys
import tracemalloc

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior, load_graph
from backrisk.graph import Layout
from backrisk.inference import World, filling, get_ready, slices
from backrisk.inference.circuits import Drafted, evaluated
from backrisk.inference.coupling import cumulated

ALL = slice(None)


@pytest.fixture
def posterior(monkeypatch):
    """Prior draws of the packaged graph, of which pain's table is not kept whole."""
    graph = load_graph("runner")
    monkeypatch.setattr("backrisk.graph.mechanisms.KEPT_TABLE", 0)
    monkeypatch.setattr(slices, "_LEAST", 0)
    slices.forget()
    return Posterior(graph, *Layout(graph).draw_prior(30, np.random.default_rng(1)))


def known(posterior, name="pain", free=2, state=1):
    """Where all parents but some are known."""
    parents = posterior.graph.parents(name)
    return (ALL,) * free + (np.array([state]),) * (len(parents) - free)


def test_a_part_is_that_of_the_table_whatever_was_asked_before(posterior):
    at, other = known(posterior), known(posterior, state=0)
    for piece in (slice(3, 9), slice(0, 30), slice(5, 7)):
        for where in (at, other):
            expected = posterior.cut("pain", where)(piece)
            found = slices.part_of(posterior, "pain", where)(piece)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
            found = slices.part_of(posterior, "pain", where, cdf=True)(piece)
            cdf = cumulated(expected, positive=True)
            np.testing.assert_allclose(found, cdf, rtol=0, atol=1e-15)


@pytest.mark.parametrize("cdf", [False, True])
def test_parts_are_the_same_with_a_compiler_and_without(posterior, cdf, monkeypatch):
    rng = np.random.default_rng(2)
    names = [name for name in posterior.graph.names if posterior.graph.parents(name)]
    for name in names:
        assert posterior.proportional_odds(name) is not None
        sizes = posterior.graph.shape(name)[:-1]
        for _ in range(3):
            at = tuple(
                ALL if rng.random() < 0.4 else np.array([int(rng.integers(n))]) for n in sizes
            )
            compiled = slices.part_of(posterior, name, at, cdf=cdf)(slice(4, 27))
            with monkeypatch.context() as without:
                without.delitem(sys.modules, "numba")
                slices.forget()
                plain = slices.part_of(posterior, name, at, cdf=cdf)(slice(4, 27))
            np.testing.assert_allclose(compiled, plain, rtol=0, atol=1e-15)


def test_what_is_asked_for_again_is_kept_and_not_computed_again(posterior, monkeypatch):
    monkeypatch.delitem(sys.modules, "numba")
    at, asked = known(posterior), []
    cut = Posterior.cut

    def counted(self, name, at):
        part = cut(self, name, at)
        return lambda some: asked.append(some) or part(some)

    monkeypatch.setattr(Posterior, "cut", counted)
    for _ in range(3):
        part = slices.part_of(posterior, "pain", at)
        part(slice(0, 20)), part(slice(10, 20)), part(slice(20, 30))
    once = [slice(0, 20), slice(10, 20), slice(20, 30)]  # and nothing kept
    assert asked == [*once, slice(0, 20), slice(20, 30)]


def test_what_is_kept_is_bounded_and_goes_with_its_posterior(posterior, monkeypatch):
    whole = [known(posterior, state=state) for state in (0, 1)]
    (size,) = {slices.part_of(posterior, "pain", at)(ALL).nbytes for at in whole}
    assert slices.kept() == 0
    for at in whole:
        slices.part_of(posterior, "pain", at)
    assert slices.kept() == 2 * size
    monkeypatch.setattr(slices, "KEPT", 2 * size)
    for cdf in (False, True, True):
        slices.part_of(posterior, "pain", whole[0], cdf=cdf)(ALL)
    assert size < slices.kept() <= 2 * size  # the part that was asked for longest ago is gone
    again = posterior.subset(7)
    for _ in range(2):
        slices.part_of(again, "pain", whole[0])(ALL)
    before = slices.kept()
    posterior._subsets.clear()
    del again
    gc.collect()
    assert slices.kept() < before
    slices.forget()
    assert slices.kept() == 0


@pytest.mark.parametrize("event", [(0,), (1,), (2,), (1, 2), (0, 2), (0, 1, 2)])
def test_an_event_is_the_sum_of_its_states(posterior, event, monkeypatch):
    for at in (known(posterior), known(posterior, free=0)):
        for piece in (slice(3, 9), slice(0, 30)):
            expected = posterior.cut("pain", at)(piece)[..., list(event), :].sum(axis=-2)
            found = slices.part_of(posterior, "pain", at, event=event)(piece)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
            fill = slices.unfilled_part(posterior, "pain", at, event)
            found = slices.as_array(fill(piece))
            assert fill(piece).shape == found.shape
            np.testing.assert_allclose(found, expected[0], rtol=0, atol=1e-15)
    monkeypatch.delitem(sys.modules, "numba")
    assert slices.unfilled_part(posterior, "pain", at, event) is None
    found = slices.part_of(posterior, "pain", at, event=event)(piece)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", [{}, {"cdf": True}, {"event": (1,)}])
def test_of_few_draws_little_more_is_filled_than_is_asked_for(kind):
    """Sixteen lanes of a table that hardly fits the budget would not fit the memory."""
    causes = [f"x{i}" for i in range(16)]
    binary = ["no", "yes"]
    names = dict.fromkeys([*causes, "y"], binary)
    graph = CausalGraph.from_edges([(cause, "y") for cause in causes], names, outcome="y")
    posterior = Posterior(graph, *Layout(graph).draw_prior(3, np.random.default_rng(1)))
    form = posterior.proportional_odds("y")
    filling.filled(form, (0,) * 16, slice(1, 3), **kind)  # compiled before it is measured
    expected = posterior.cut("y", (ALL,) * 16)(slice(1, 3))[0]
    if kind:
        expected = expected[..., :1, :] if "cdf" in kind else expected[..., 1, :]
    tracemalloc.start()
    try:
        found = filling.filled(form, (None,) * 16, slice(1, 3), **kind)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
    assert most < found.nbytes + 2**22


@pytest.mark.parametrize("states", [[0, 1, 2, 2], [1, 0, 1], [2, 2], [0]])
@pytest.mark.parametrize("above", [{}, {"sex": [1, 0]}, {"sex": [0]}])
def test_many_people_of_whom_but_a_wide_node_is_known_are_as_each_alone(posterior, states, above):
    """Each has a row of that node's table, though it is the same table for all."""
    get_ready()
    people = len(states)
    codes = {"fatigue": states} | {n: np.resize(given, people) for n, given in above.items()}
    evidence = {name: np.array(given) for name, given in codes.items()}
    found = World(posterior, evidence, {}).conditional([("age", 0)])
    for person in range(people):
        alone = {name: int(code[person]) for name, code in evidence.items()}
        expected = World(posterior, alone, {}).conditional([("age", 0)])
        np.testing.assert_allclose(found[person], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("event", [None, (1, 2)])
def test_loops_fill_what_they_read(posterior, event, monkeypatch):
    """A table that is filled on the way gives what the same one gives that is laid out."""
    at = known(posterior, free=3)
    names = posterior.graph.parents("pain")[:3]
    sizes = {(name, 0): len(posterior.graph.node(name).states) for name in names}
    scope = (*sizes, *([("pain", 0)] if event is None else []))
    sizes |= {("pain", 0): 3} if event is None else {}
    draft = Drafted([scope, (scope[1],)], sizes)
    roots = [draft.multiplied([0, 1], {scope[0]}), draft.multiplied([0], scope[:1]), 0]
    circuit = draft.circuit(roots)
    weight = np.random.default_rng(3).random((sizes[scope[1]], 30))
    fill = slices.unfilled_part(posterior, "pain", at, event)
    for piece in (slice(0, 30), slice(5, 26), slice(29, 30)):
        draws = piece.stop - piece.start
        table = posterior.cut("pain", at)(piece)[0]
        if event is not None:
            table = table[..., list(event), :].sum(axis=-2)
        expected = evaluated(circuit, [table, weight[:, piece]], draws, compiled=False)
        for compiled in (True, False):
            tables = [fill(piece), weight[:, piece]]
            found = evaluated(circuit, tables, draws, compiled=compiled)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", ["pain", "lumbar_load", "fatigue"])
def test_an_event_is_the_same_with_a_compiler_and_without(posterior, name, monkeypatch):
    sizes = posterior.graph.shape(name)[:-1]
    rng = np.random.default_rng(4)
    monkeypatch.delitem(sys.modules, "numba")
    for _ in range(4):
        at = tuple(ALL if rng.random() < 0.4 else np.array([int(rng.integers(n))]) for n in sizes)
        for piece in (slice(3, 9), slice(0, 30)):
            expected = posterior.cut(name, at)(piece)
            for event in ((0,), (1, 2), (0, 2)):
                found = slices.part_of(posterior, name, at, event=event)(piece)
                wanted = expected[..., list(event), :].sum(axis=-2)
                assert found.shape == wanted.shape
                np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-15)
