"""A second world, its switches on or off, against enumeration of everyone's noise."""

import itertools
import math
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, load_graph
from backrisk.graph import Layout
from backrisk.inference import SecondWorld, bucket_tree
from backrisk.inference.second_world import Kept
from backrisk.inference.twin_network import reached

EXACT = {"rtol": 0, "atol": 1e-12}


def pieces(graph):
    """Return into how many ways to be the noise of all nodes may be cut."""
    shapes = map(graph.shape, graph.names)
    return math.prod(math.prod(shape[:-1]) * (shape[-1] - 1) + 1 for shape in shapes)


def asked(seed):
    """Return a random second world: of own switches, of some together, or of routes as well."""
    rng = np.random.default_rng(70_000 + seed)
    while True:
        graph = random_graph(rng, int(rng.integers(3, 6)), density=0.6)
        if pieces(graph) < 1500:
            world = _asked(rng, graph, seed % 3)
            if len(world.switches) >= (1 if seed % 4 == 3 else 2):
                return world


def _asked(rng, graph, kind):
    person = random_person(rng, graph, rng.uniform(0.2, 0.8))
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    target = graph.outcome
    above = [name for name in graph.names if name in graph.ancestors(target)]
    states = len(graph.node(target).states)
    codes = sorted(rng.choice(states, int(rng.integers(1, states)), replace=False).tolist())
    reference = frozenset(name for name in above if rng.random() < 0.5)
    told = set(seen).union(*map(graph.ancestors, seen))
    able = [name for name in above if name in told | reference]  # the rest are as anyone is
    given = {}
    if kind:
        given["together"] = dict.fromkeys(above[:2], "both") if kind == 1 else {}
        switched = [name for name in able if rng.random() < 0.8] or able
    else:  # what routes lead to, and all that follows, hears what comes before over routes alone
        heads = frozenset(name for name in above if rng.random() < 0.3) or frozenset({target})
        inside = reached(graph, heads) & {*above, target}
        switched = [name for name in able if name in inside and rng.random() < 0.5]
        given["lost"] = frozenset(above) - inside
        changed = reached(graph, given["lost"].union(switched))
        given["heard"] = {
            (cause, effect): f"route {rng.integers(2)}"
            for effect in graph.names
            for cause in graph.parents(effect)
            if effect in inside and cause in changed - inside
        }
    posterior = random_posterior(rng, graph)
    return SecondWorld(posterior, seen, switched, reference, target, codes, **given)


def values(world, draw):
    """Return P(event in world 1 | evidence) for each set of switches that are on."""
    brute, graph = Brute(world.tables, draw), world.graph
    people = brute.people(world.evidence)
    whole = sum(weight for weight, _ in people)
    sets = itertools.product((False, True), repeat=len(world.switches))
    found = {frozenset(itertools.compress(world.switches, on)): 0.0 for on in sets}
    for weight, noise in people:
        here = {}
        for name in graph.topological:
            here[name] = brute.respond(name, here, noise[name])
        for on in found:
            worlds = [({}, weight / whole)]
            for name in graph.topological:
                grown = []
                for there, p in worlds:
                    causes = {
                        cause: here[cause] if world.heard.get((cause, name)) in on else there[cause]
                        for cause in graph.parents(name)
                    }
                    own = name in world.switched and world.switch_of(name) in on
                    if own or name not in world.lost.union(world.switched):
                        chances = {brute.respond(name, causes, noise[name]): 1.0}
                    elif name in world.reference:
                        chances = {0: 1.0}
                    else:
                        chances = dict(enumerate(brute.row(name, causes)))
                    grown += [({**there, name: k}, p * chance) for k, chance in chances.items()]
                worlds = grown
            found[on] += sum(p for there, p in worlds if there[world.target] in world.codes)
    return found


def three_reported():
    """Return three reported causes of one node, each at its reference where its switch is off."""
    states = {"a": ["0", "1"], "b": ["0", "1", "2"], "c": ["0", "1"], "y": ["0", "1"]}
    graph = CausalGraph.from_edges([(cause, "y") for cause in "abc"], states, outcome="y")
    posterior = random_posterior(np.random.default_rng(0), graph)
    seen = {"a": 1, "b": 2, "c": 1, "y": 1}
    return SecondWorld(posterior, seen, "abc", frozenset("abc"), "y", [1])


@pytest.mark.parametrize("seed", [None, *seeds(60, 200)])
def test_a_second_world_is_what_enumeration_of_the_noise_says(seed):
    world, points = three_reported() if seed is None else asked(seed), (0.5, 0.9)
    slopes = world.slopes(points)
    for draw in range(world.tables.draws):
        truth = values(world, draw)
        np.testing.assert_allclose(world.nobody[draw], truth[frozenset()], **EXACT)
        if world.heard or not world.lost:
            np.testing.assert_allclose(
                world.everybody[draw], truth[frozenset(world.switches)], **EXACT
            )
        for found, chance in zip(slopes, points, strict=True):
            assert found.shape == (len(world.switches), world.tables.draws)
            for place, switch in enumerate(world.switches):
                others = len(world.switches) - 1
                slope = sum(
                    (truth[on | {switch}] - value)
                    * chance ** len(on)
                    * (1 - chance) ** (others - len(on))
                    for on, value in truth.items()
                    if switch not in on
                )
                np.testing.assert_allclose(found[place, draw], slope, **EXACT)


@pytest.mark.parametrize("seed", range(30))
def test_a_switch_moves_what_it_turns_and_what_follows(seed):
    """A node that no switch of some set may move is the same whether these are on or off."""
    world = asked(seed)
    for switch in world.switches:
        turned = {name for name in world.switched if world.switch_of(name) == switch}
        turned |= {effect for (_, effect), name in world.heard.items() if name == switch}
        follows = set().union(*(world.graph.descendants(name) for name in turned))
        assert world.moved(switch) == turned | follows
        assert turned
    everything = set().union(world.lost, *map(world.moved, world.switches))
    assert everything <= world.changed


def test_the_budget_of_a_second_world_is_met_to_the_cell(monkeypatch):
    edges = [(name, "y") for name in "abcde"]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abcdey", ("no", "yes")), outcome="y")
    posterior = random_posterior(np.random.default_rng(1), graph)

    def world():
        return SecondWorld(posterior, {"y": 1}, ["a", "b"], frozenset(), "y", [1])

    need = 8 * world().cells
    monkeypatch.setattr(bucket_tree, "BUDGET", need)
    assert world().nobody.shape == (2,)
    monkeypatch.setattr(bucket_tree, "BUDGET", need - 1)
    with pytest.raises(QueryError):
        _ = world().nobody


def test_the_cells_are_those_of_the_order_that_was_searched_for(monkeypatch):
    """What decides whether a world is worked out exactly is what working it out takes."""
    graph = load_graph("runner")
    posterior = Posterior(graph, *Layout(graph).draw_prior(1, np.random.default_rng(0)))
    causes = [name for name in graph.names if name in graph.ancestors("compensation")]
    monkeypatch.setattr(bucket_tree, "BUDGET", 8)
    found = []
    for search in (0, None):
        world = SecondWorld(
            posterior,
            {"compensation": 1},
            causes,
            frozenset(),
            "compensation",
            [1],
            search=search,
        )
        with pytest.raises(QueryError, match=f"{world.cells:,}"):
            _ = world.nobody
        found.append(world.cells)
    assert found[1] < found[0]


@pytest.mark.parametrize("seed", range(2, 40, 3))  # each node with a switch of its own
def test_second_worlds_that_share_tables_are_each_as_alone(seed):
    """Of people who answered the same questions, and of other sets of switches."""
    alone, rng = asked(seed), np.random.default_rng(seed)
    kept = Kept()
    sharing = replace(alone, kept=kept)
    for world in (sharing, replace(alone, switched=alone.switched[:1], kept=kept)):
        own = replace(world, kept=None)
        for _ in range(3):
            seen = {n: int(rng.integers(len(world.graph.node(n).states))) for n in world.evidence}
            other, expected = world.another(seen), replace(own, evidence=seen)
            np.testing.assert_allclose(other.nobody, expected.nobody, **EXACT)
            np.testing.assert_allclose(other.everybody, expected.everybody, **EXACT)
            np.testing.assert_allclose(other.slopes([0.3]), expected.slopes([0.3]), **EXACT)
            assert other.cells == expected.cells


def test_tables_are_kept_while_there_is_room_the_latest_of_them(monkeypatch):
    monkeypatch.setattr(import_module("backrisk.inference.second_world"), "_KEPT", 8 * 10)
    kept, formed = Kept(), []

    def table(key, cells):
        found = kept.get(key, lambda: formed.append(key) or np.full(cells, float(len(formed))))
        assert found.size == cells
        return found

    first = table("a", 4)
    assert table("a", 4) is first
    table("b", 6)
    table("a", 4)
    assert formed == ["a", "b"]  # both fit, to the byte
    table("c", 1)
    table("b", 6)
    assert formed == ["a", "b", "c"]  # the first went
    assert table("a", 4) is not first
    assert formed == ["a", "b", "c", "a"]
    table("c", 1)
    assert formed == ["a", "b", "c", "a"]  # b made room
    table("wide", 11)  # more than there is room for: given, and not kept
    table("wide", 11)
    assert formed[4:] == ["wide", "wide"]


@pytest.mark.parametrize("switched", [[], ["z"]])
@pytest.mark.parametrize("seen", [{}, {"x": 1}, {"y": 1}])
def test_switches_that_do_not_reach_the_target_change_nothing(seen, switched):
    graph = CausalGraph.from_text("x -> y; x -> z")
    tables = random_posterior(np.random.default_rng(0), graph)
    world = SecondWorld(tables, seen, switched, frozenset(switched), "y", [1])
    for slope in world.slopes([0.25, 0.75]):
        np.testing.assert_array_equal(slope, np.zeros((len(switched), tables.draws)))
    np.testing.assert_array_equal(world.nobody, world.everybody)
