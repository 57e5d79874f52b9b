"""The joint of one variable with each of many others is what each elimination for itself gives."""

import itertools
import math

import numpy as np
import pytest
from strategies import random_graph, random_person, random_posterior

from backrisk import CausalGraph, QueryError
from backrisk.inference import World, bucket_tree, each, elimination, set_in_turn
from backrisk.inference.circuits import Drafted


@pytest.mark.parametrize("chunk", [4 * 2**20, 1])  # one chunk, or 64 draws at once
@pytest.mark.parametrize("seed", range(25))
def test_each_joint_equals_one_elimination(seed, chunk, monkeypatch):
    monkeypatch.setattr(bucket_tree, "_CACHE", chunk)
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 8)), density=0.4)
    posterior = random_posterior(rng, graph, draws=70)
    target = graph.outcome
    person = random_person(rng, graph, 0.3)
    seen = {n: graph.node(n).code(s) for n, s in person.items() if n != target}
    others = [(name, 0) for name in graph.names if name not in seen and name != target]
    codes = sorted({int(c) for c in rng.integers(0, len(graph.node(target).states), 2)})
    found = each(World(posterior, seen, {}, among={target: codes}), others)
    assert set(found) == set(others)
    world = World(posterior, seen, {})
    for other in others:
        inside = world.joint([(target, 0), other])[codes].sum(axis=0)
        np.testing.assert_allclose(found[other], inside, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_each_alone_equals_one_elimination(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(2, 8)), density=0.4)
    posterior = random_posterior(rng, graph, draws=70)
    person = random_person(rng, graph, 0.3)
    seen = {n: graph.node(n).code(s) for n, s in person.items()}
    world = World(posterior, seen, {})
    wanted = [(name, 0) for name in graph.names if name not in seen]
    found = each(world, wanted)
    assert set(found) == set(wanted)
    for variable in wanted:
        np.testing.assert_allclose(found[variable], world.joint([variable]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seen", [{}, {"x": 1}])
def test_of_no_variables_nothing_is_given(seen):
    graph = CausalGraph.from_text("x -> y")
    posterior = random_posterior(np.random.default_rng(0), graph)
    assert each(World(posterior, seen, {}), []) == {}


@pytest.mark.parametrize("chunk", [4 * 2**20, 1])
@pytest.mark.parametrize("seed", range(25))
def test_each_intervention_equals_one_of_its_own(seed, chunk, monkeypatch):
    monkeypatch.setattr(bucket_tree, "_CACHE", chunk)
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 8)), density=0.5)
    posterior = random_posterior(rng, graph, draws=40)
    target = graph.outcome
    person = random_person(rng, graph, 0.2)
    seen = {n: graph.node(n).code(s) for n, s in person.items() if n != target}
    causes = [n for n in graph.names if n in graph.ancestors(target)]
    free = [n for n in causes if not {n, *graph.descendants(n)} & set(seen)]
    codes = rng.permutation(len(graph.node(target).states)).tolist()
    events = [codes[:1], codes[1:]]
    found = set_in_turn(World(posterior, seen, {}), (target, 0), free, events)
    assert list(found) == free
    for name in free:
        for code in range(len(graph.node(name).states)):
            # The node's own state in the world that was seen, the target's in the other.
            joint = World(posterior, seen, {name: code}).joint([(target, 1), (name, 0)])
            for event, got in zip(events, found[name][:, code], strict=True):
                np.testing.assert_allclose(got, joint[event].sum(axis=0), rtol=0, atol=1e-12)


def test_tables_beyond_the_budget_are_refused(monkeypatch):
    rng = np.random.default_rng(0)
    graph = random_graph(rng, 5, density=1.0)
    world = World(random_posterior(rng, graph), {}, {}, among={graph.outcome: [0]})
    others = [(name, 0) for name in graph.names[:-1]]
    (_, cells) = bucket_tree._order(
        tuple(scope for scope, _ in world.sources(others)),
        tuple((other, len(graph.node(other[0]).states)) for other in others),
        None,
    )
    monkeypatch.setattr(bucket_tree, "BUDGET", 8 * cells)
    assert each(world, others)
    monkeypatch.setattr(bucket_tree, "BUDGET", 8 * cells - 1)
    with pytest.raises(QueryError, match=f"needs {cells:,} cells .* budget is {cells - 1:,}"):
        each(world, others)


@pytest.mark.parametrize("compiled", [False, True])
def test_each_draw_is_in_one_chunk_and_a_chunk_within_the_budget(compiled, monkeypatch):
    monkeypatch.setattr(bucket_tree, "worth_compiling", lambda work: compiled)
    monkeypatch.setattr(bucket_tree, "_CACHE", 1)
    monkeypatch.setattr(bucket_tree, "_GIVEN", 1)
    monkeypatch.setattr(bucket_tree, "_FEW", 6)
    v = ("v", 0)
    draft = Drafted([(v,)], {v: 10})
    circuit = draft.circuit([draft.multiplied([0], set())])
    for budget, most in ((8 * 10 * 100, 6), (8 * 10 * 4 + 79, 4), (8 * 10, 1)):
        monkeypatch.setattr(bucket_tree, "BUDGET", budget)
        chunks = list(bucket_tree._chunks(circuit, 10, 15))
        assert [how for _, how in chunks] == [compiled] * len(chunks)
        assert [z for some, _ in chunks for z in range(15)[some]] == list(range(15))
        assert max(some.stop - some.start for some, _ in chunks) == most
    monkeypatch.setattr(bucket_tree, "_GIVEN", 8 * 11 * 9)  # the table's cells, and one more
    monkeypatch.setattr(bucket_tree, "_CACHE", 8 * 10 * 8)
    monkeypatch.setattr(bucket_tree, "BUDGET", 2**20)
    some, _ = next(bucket_tree._chunks(circuit, 10, 15))
    assert some == slice(0, 9 if compiled else 8)


def cells_of(order, scopes, sizes, keep):
    """Return the cells of each table that is formed as variables are summed out in turn."""
    live, found = [set(scope) for scope in scopes], []
    for v in order:
        union = {v}.union(*(scope for scope in live if v in scope))
        live = [scope for scope in live if v not in scope] + [union - {v}]
        found.append(math.prod(sizes[u] for u in union | ({keep} if keep else set())))
    return found


@pytest.mark.parametrize(("worth", "most"), [(2**60, 1.3), (1, 1.05)])
def test_the_order_is_nearly_the_best_of_all(worth, most, monkeypatch):
    """All variables but one go, over hardly more cells than in the best of all orders."""
    monkeypatch.setattr(elimination, "WORTH", worth)
    bucket_tree._searched.cache_clear()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = {(f"v{i}", 0): int(rng.integers(2, 6)) for i in range(6)}
        scopes = tuple(tuple(v for v in sizes if rng.random() < 0.4) for _ in range(7))
        keep = ("v0", 0) if seed % 2 else None
        gone = [v for v in sizes if v != keep]
        order, cells = bucket_tree._order(scopes, tuple(sizes.items()), keep)
        assert sorted(order) == gone
        sources = [(scope, None) for scope in scopes]
        assert bucket_tree.elimination_order(sources, sizes, keep) == (order, cells)
        formed = cells_of(order, scopes, sizes, keep)
        assert cells == max(formed)
        every = itertools.permutations(gone)
        best = min(sum(cells_of(some, scopes, sizes, keep)) for some in every)
        assert sum(formed) <= most * best
    bucket_tree._searched.cache_clear()


def test_the_more_there_is_to_gain_the_longer_an_order_is_searched_for(monkeypatch):
    """The longer the search, the fewer cells; none is made where tables are small."""
    rng = np.random.default_rng(6)
    sizes = {(f"v{i:02}", 0): int(rng.integers(2, 6)) for i in range(14)}
    scopes = tuple(tuple(v for v in sizes if rng.random() < 0.25) for _ in range(20))

    def work(search):
        order, _ = bucket_tree._order(scopes, tuple(sizes.items()), None, search)
        return sum(cells_of(order, scopes, sizes, None))

    monkeypatch.setattr(elimination, "WORTH", 1)
    found = [work(search) for search in (0, 1, 4, elimination.TRIES)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1] == work(None)
    for times in (0, 1, 4):
        bucket_tree._searched.cache_clear()
        monkeypatch.setattr(elimination, "WORTH", found[0] // times if times else 2 * found[0])
        assert work(None) == found[(0, 1, 4).index(times)]
    bucket_tree._searched.cache_clear()


def test_cliques_are_the_tables_that_are_formed():
    rng = np.random.default_rng(1)
    for _ in range(10):
        sizes = {(f"v{i}", 0): int(rng.integers(2, 5)) for i in range(6)}
        sources = [(tuple(v for v in sizes if rng.random() < 0.4), None) for _ in range(6)]
        order, most = bucket_tree.elimination_order(sources, sizes, None)
        found = bucket_tree.cliques(sources, sizes)
        assert [cells for _, cells in found] == cells_of(order, [s for s, _ in sources], sizes, "")
        assert most == max(cells for _, cells in found)
        for v, (members, cells) in zip(order, found, strict=True):
            assert v in members
            assert cells == math.prod(sizes[u] for u in members)
    assert bucket_tree.cliques([], {}) == []
