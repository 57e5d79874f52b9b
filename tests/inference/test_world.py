"""The engine by its definitions: what it leaves out, what it refuses, and how it batches."""

import itertools
import tracemalloc
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Brute, random_graph, random_person, random_posterior

from backrisk import (
    CausalGraph,
    Posterior,
    PosteriorError,
    QueryError,
    counterfactual,
    diagnose,
    intervene,
    load_codebook,
    load_graph,
    risk,
    risks,
)
from backrisk.graph import Layout
from backrisk.inference import COUPLINGS, World
from backrisk.inference.plan import plan
from backrisk.inference.run import MANY
from backrisk.queries import probabilities, probability, read_target

ROUNDING = 1e-12
BINARY = ["no", "yes"]
seeds = st.integers(0, 2**32 - 1)
examples = settings(max_examples=60)


def from_prior(graph, draws, seed=0):
    """A posterior held as parameters, as a fit leaves it."""
    return Posterior(graph, *Layout(graph).draw_prior(draws, np.random.default_rng(seed)))


def noisy(rng, nodes=4):
    """A random graph whose every family is a noisy-max, with draws from its prior."""
    graph = random_graph(rng, nodes)
    kinds = ("noisy_max" if graph.parents(node.name) else None for node in graph.nodes)
    marked = tuple(replace(n, mechanism=k) for n, k in zip(graph.nodes, kinds, strict=True))
    return from_prior(replace(graph, nodes=marked), 2, int(rng.integers(2**32)))


def coded(graph, person):
    return {name: graph.node(name).code(label) for name, label in person.items()}


@pytest.fixture(scope="module")
def runner():
    """The whole runner graph, with items and few draws."""
    graph = load_graph("runner")
    return from_prior(load_codebook("runner", graph).extend(graph), 7)


class Spy:
    """A posterior that remembers whose tables were asked for."""

    def __init__(self, posterior):
        self.posterior, self.graph, self.draws = posterior, posterior.graph, posterior.draws
        self.asked = set()

    def table(self, name, at=()):
        """Remember and pass on."""
        self.asked.add(name)
        return self.posterior.table(name, at)

    def cut(self, name, at):
        """Remember and pass on."""
        self.asked.add(name)
        return self.posterior.cut(name, at)

    def positive(self, name):
        """Pass on."""
        return self.posterior.positive(name)

    def causes(self, name):
        """Pass on."""
        return self.posterior.causes(name)


def relevant(graph, target, seen):
    """Nodes whose CPT the answer depends on, by moralising the ancestral graph."""
    digraph = graph.to_networkx()
    kept = {target, *seen}.union(*(nx.ancestors(digraph, name) for name in (target, *seen)))
    moral = nx.Graph()
    moral.add_nodes_from(kept)
    for name in kept:
        moral.add_edges_from(itertools.combinations((*graph.parents(name), name), 2))
    moral.remove_nodes_from(seen)
    near = nx.node_connected_component(moral, target)
    return {name for name in kept if near & {name, *graph.parents(name)}}


@pytest.mark.parametrize("seed", range(60))
def test_only_what_the_answer_depends_on_is_touched(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 12)), density=0.25)
    spy = Spy(random_posterior(rng, graph))
    target = graph.names[int(rng.integers(len(graph.names)))]
    seen = coded(graph, random_person(rng, graph))
    seen.pop(target, None)
    probability(World(spy, seen, {}), read_target(graph, target))
    assert spy.asked == relevant(graph, target, seen)


@pytest.mark.parametrize("seed", range(60))
def test_the_twin_network_doubles_only_what_both_worlds_need(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 10)), density=0.3)
    posterior = random_posterior(rng, graph)
    target = graph.outcome
    cause = sorted(graph.ancestors(target))[0]
    seen = coded(graph, random_person(rng, graph))
    world = World(posterior, seen, {cause: 0})
    touched = world.touched([world.variable(target)])
    doubled = {name for name, worlds in touched.items() if len(worlds) > 1}
    needed_here = set(seen).union(*(graph.ancestors(name) for name in seen))
    assert doubled <= graph.descendants(cause)
    assert doubled <= needed_here
    assert doubled <= {target, *graph.ancestors(target)}
    assert set(touched) <= needed_here | {target, *graph.ancestors(target)}


def test_an_intervention_upstream_of_nothing_seen_doubles_nothing(runner):
    world = World(runner, {"age": 1, "sex": 0}, {"core_strength": 0})
    assert {len(worlds) for worlds in world.touched([("pain", 1)]).values()} == {1}


def test_only_the_rows_that_evidence_leaves_are_computed(runner):
    posterior = from_prior(runner.graph, 5)
    parents = posterior.graph.parents("pain")
    seen = dict.fromkeys((name for name in parents if name != "lumbar_load"), 0)
    probability(World(posterior, seen, {}), read_target(posterior.graph, "pain"))
    assert posterior._cpts._computed["pain"][1].sum() == 3


@pytest.mark.parametrize("kind", ["saturated", "ordinal_logit", "noisy_max"])
def test_some_rows_equal_those_of_the_whole_table(kind):
    states = {"a": list("xyz"), "b": list("xy"), "c": list("xyzw"), "y": list("xyz")}
    graph = CausalGraph.from_edges([(name, "y") for name in "abc"], states)
    nodes = tuple(replace(n, mechanism=kind) if n.name == "y" else n for n in graph.nodes)
    posterior = from_prior(replace(graph, nodes=nodes), 11)
    layout, drawn = posterior.layout, (posterior.fractions, posterior.beta)
    whole = np.moveaxis(layout.cpt("y", *drawn), 0, -1)
    at = (2, slice(None), np.array([3, 1]))
    np.testing.assert_allclose(posterior.table("y", at)[at], whole[at], rtol=0, atol=ROUNDING)
    assert not posterior._cpts._computed["y"][1].all()
    np.testing.assert_allclose(posterior.table("y"), whole, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(posterior.cpt("y").sum(axis=-1), 1.0, rtol=0, atol=ROUNDING)


def test_a_signature_is_planned_once(runner):
    aim = read_target(runner.graph, None)
    probability(World(runner, {"age": 0, "core_strength": 1}, {}), aim)
    before = plan.cache_info()
    probability(World(runner, {"core_strength": 2, "age": 1}, {}), aim)
    probability(World(runner.subset(3), {"age": 2, "core_strength": 0}, {}), aim)
    assert plan.cache_info().misses == before.misses
    probability(World(runner, {"age": 0, "sex": 1}, {}), aim)
    assert plan.cache_info().misses > before.misses


def test_equal_graphs_share_a_hash_and_different_ones_are_told_apart():
    one, same = (CausalGraph.from_edges([("a", "b")], {"a": BINARY, "b": BINARY}) for _ in "xy")
    other = CausalGraph.from_edges([("a", "b")], {"a": BINARY, "b": list("xyz")})
    assert hash(one) == hash(same) == hash(other)
    assert one == same != other


@pytest.mark.parametrize("seed", range(40))
def test_many_people_get_what_each_gets_alone(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 7)))
    posterior = random_posterior(rng, graph, draws=5)
    people = [random_person(rng, graph, share) for share in rng.random(30)]
    alone = np.stack([risk(posterior, person).draws for person in people], axis=1)
    np.testing.assert_allclose(risks(posterior, people), alone, rtol=0, atol=ROUNDING)

    cause = sorted(graph.ancestors(graph.outcome))[0]
    do = {cause: graph.node(cause).states[-1]}
    below = graph.descendants(cause)
    upstream = [{n: s for n, s in person.items() if n not in below} for person in people]
    alone = np.stack([intervene(posterior, person, do).draws for person in upstream], axis=1)
    np.testing.assert_allclose(risks(posterior, upstream, do), alone, rtol=0, atol=ROUNDING)

    coupling = COUPLINGS[seed % 3]
    codes = np.full((len(people), len(graph.names)), -1)
    for row, person in zip(codes, people, strict=True):
        for name, code in coded(graph, person).items():
            row[graph.names.index(name)] = code
    aim = read_target(graph, None)
    together = probabilities(posterior, codes, aim, coded(graph, do), coupling)
    alone = [counterfactual(posterior, person, do, coupling=coupling).draws for person in people]
    np.testing.assert_allclose(together, alone, rtol=0, atol=ROUNDING)


def test_more_people_than_the_budget_holds_are_refused_by_number(runner, monkeypatch):
    monkeypatch.setattr("backrisk.queries.seeing.BUDGET", 8 * runner.draws * 10)
    with pytest.raises(QueryError, match="ask about 10 people at a time"):
        risks(runner, [{}] * 11)


def contradictory():
    """Nobody has x; what x tells of z is independent of y."""
    graph = CausalGraph.from_edges([("x", "z"), ("w", "y")], dict.fromkeys("xzwy", BINARY))
    half = [[0.5, 0.5], [0.4, 0.6]]
    return Posterior.from_cpts(graph, {"x": [1, 0], "z": half, "w": [0.5, 0.5], "y": half})


def test_impossible_answers_are_refused_even_where_they_do_not_matter():
    posterior = contradictory()
    with pytest.raises(QueryError, match="contradict each other"):
        risk(posterior, {"x": "yes", "w": "no"}, target="y")
    with pytest.raises(QueryError, match="contradict each other"):
        risk(posterior, {"x": "yes"}, target="z")


def test_among_many_the_contradictory_person_is_named():
    posterior = contradictory()
    people = [{"x": "no"}, {}, {"x": "yes"}, {"x": "no"}]
    for target in ("y", "z"):
        with pytest.raises(QueryError, match=r"Person 3: .* contradict"):
            risks(posterior, people, target=target)
    codes = np.full((4, 4), -1)
    codes[[0, 2, 3], posterior.graph.names.index("x")] = [0, 1, 0]
    aim = read_target(posterior.graph, "y")
    found = probabilities(posterior, codes, aim, strict=False)
    assert np.isnan(found[:, 0]).tolist() == [False, False, True, False]
    with pytest.raises(QueryError, match=r"Person 2: .*'q' is not a node"):
        risks(posterior, [{}, {"q": "no"}], target="y")


class OwnCauses(Brute):
    """Each cause has its own noise: enumerate what every one contributes in both worlds."""

    def __init__(self, posterior, draw):
        super().__init__(posterior, draw)
        self.parts = {}
        for name in self.graph.names:
            parents = len(self.graph.parents(name))
            below = np.cumsum(self.cpt[name], axis=-1)
            leak = below[(0,) * parents]
            axes = [
                below[tuple(slice(None) if i == p else 0 for i in range(parents))] / leak
                for p in range(parents)
            ]
            self.parts[name] = leak, axes

    def row(self, name, state):
        """The distribution, carrying whose it is and where."""
        row = super().row(name, state).view(Row)
        row.name, row.at = name, tuple(state[p] for p in self.graph.parents(name))
        return row

    def pair(self, name, first, second, same):
        """Joint table of the largest contribution in both worlds."""
        leak, axes = self.parts[name]
        alone = np.diff(leak, prepend=0)
        table = Brute.pair(self, name, alone, alone, False)
        for axis, here, there in zip(axes, first.at, second.at, strict=True):
            added = Brute.pair(
                self, name, np.diff(axis[here], prepend=0), np.diff(axis[there], prepend=0), False
            )
            largest = np.zeros_like(table)
            for (i, j), (k, m) in itertools.product(np.ndindex(table.shape), repeat=2):
                largest[max(i, k), max(j, m)] += table[i, j] * added[k, m]
            table = largest
        return table


class Row(np.ndarray):
    """A row of a CPT that knows its place."""


@pytest.mark.parametrize("seed", range(40))
def test_independent_causes_equal_the_enumeration_of_their_contributions(seed):
    rng = np.random.default_rng(seed)
    posterior = noisy(rng)
    graph = posterior.graph
    person = random_person(rng, graph)
    cause = sorted(graph.ancestors(graph.outcome))[0]
    do = {cause: graph.node(cause).states[int(rng.integers(len(graph.node(cause).states)))]}
    answer = counterfactual(posterior, person, do, coupling="independent_causes")
    assert "follow the monotone coupling" not in answer.text
    for draw in range(posterior.draws):
        expected = OwnCauses(posterior, draw).counterfactual(
            lambda s: s[graph.outcome] > 0, coded(graph, person), coded(graph, do)
        )
        assert abs(answer.draws[draw] - expected) < 1e-10


def test_where_independent_causes_mean_nothing_the_answer_names_the_nodes(runner):
    person = {"core_strength": "weak", "fatigue": "high", "pain": "limiting"}
    do = {"core_strength": "strong"}
    own = counterfactual(runner, person, do, coupling="independent_causes")
    assert "monotone coupling" in own.text
    assert "lumbar load" in own.notes[-1]
    monotone = counterfactual(runner, person, do)
    assert "follow the monotone coupling" not in monotone.text
    np.testing.assert_allclose(own.draws, monotone.draws, rtol=0, atol=ROUNDING)


@given(seed=seeds, coupling=st.sampled_from(COUPLINGS))
@examples
def test_every_answer_is_a_probability(seed, coupling):
    rng = np.random.default_rng(seed)
    posterior = noisy(rng) if seed % 2 else random_posterior(rng, random_graph(rng, 5))
    graph = posterior.graph
    person = random_person(rng, graph)
    cause = sorted(graph.ancestors(graph.outcome))[0]
    do = {cause: graph.node(cause).reference}
    above = {n: s for n, s in person.items() if n not in graph.descendants(cause)}
    diagnosed = diagnose(posterior, person)
    for shares in (
        risk(posterior, person).draws,
        intervene(posterior, above, do).draws,
        counterfactual(posterior, person, do, coupling=coupling).draws,
        diagnosed.draws,
    ):
        assert (shares >= 0).all()
        assert (shares <= 1 + ROUNDING).all()
    nodes = [node for node, _ in diagnosed.rows]
    for name in set(nodes):
        total = diagnosed.draws[:, [node == name for node in nodes]].sum(axis=1)
        np.testing.assert_allclose(total, 1.0, rtol=0, atol=ROUNDING)


@given(seed=seeds, coupling=st.sampled_from(COUPLINGS))
@examples
def test_setting_what_is_no_cause_changes_nothing(seed, coupling):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 6, density=0.3)
    posterior = random_posterior(rng, graph)
    target = graph.names[int(rng.integers(len(graph.names)))]
    strangers = sorted(set(graph.names) - graph.ancestors(target) - {target})
    if not strangers:
        return
    name = strangers[int(rng.integers(len(strangers)))]
    do = {name: graph.node(name).states[-1]}
    person = random_person(rng, graph)
    seen = counterfactual(posterior, person, do, target=target, coupling=coupling)
    np.testing.assert_allclose(seen.change, 0.0, rtol=0, atol=ROUNDING)
    person = {n: s for n, s in person.items() if n not in {name, *graph.descendants(name)}}
    acted = intervene(posterior, person, do, target=target)
    np.testing.assert_allclose(acted.change, 0.0, rtol=0, atol=ROUNDING)


@given(seed=seeds, coupling=st.sampled_from(("monotone", "independent_causes")))
@examples
def test_setting_what_was_seen_returns_what_was_seen(seed, coupling):
    """Consistency, which needs shared noise: the independent coupling draws it anew."""
    rng = np.random.default_rng(seed)
    posterior = noisy(rng) if seed % 2 else random_posterior(rng, random_graph(rng, 5))
    graph = posterior.graph
    causes = sorted(graph.ancestors(graph.outcome))
    person = random_person(rng, graph, 0.3)
    for name in (*causes[: int(rng.integers(1, len(causes) + 1))], graph.outcome):
        states = graph.node(name).states
        person[name] = states[int(rng.integers(len(states)))]
    do = {name: person[name] for name in causes if name in person}
    answer = counterfactual(posterior, person, do, coupling=coupling)
    present = float(person[graph.outcome] != graph.node(graph.outcome).reference)
    np.testing.assert_allclose(answer.draws, present, rtol=0, atol=ROUNDING)
    without = {n: s for n, s in person.items() if n != graph.outcome}
    unknown = counterfactual(posterior, without, do, coupling=coupling)
    np.testing.assert_allclose(unknown.draws, risk(posterior, without).draws, atol=ROUNDING)


@given(seed=seeds)
@settings(max_examples=30)
def test_intervening_without_evidence_is_the_truncated_factorisation(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 6)))
    posterior = random_posterior(rng, graph)
    causes = sorted(graph.ancestors(graph.outcome))
    chosen = causes[: int(rng.integers(1, len(causes) + 1))]
    do = {n: graph.node(n).states[int(rng.integers(len(graph.node(n).states)))] for n in chosen}
    answer = intervene(posterior, {}, do).draws
    where = graph.names.index(graph.outcome)
    for draw in range(posterior.draws):
        joint = Brute(posterior, draw).joint(coded(graph, do))
        expected = sum(p for full, p in joint.items() if full[where] > 0)
        assert abs(answer[draw] - expected) < ROUNDING


def test_draws_of_a_table_beyond_the_limit_are_refused(monkeypatch):
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", BINARY))
    posterior = from_prior(graph, 100)
    assert len(posterior.layout.mechanisms) == 3
    monkeypatch.setattr("backrisk.graph.mechanisms.LARGEST_TABLE", 4000)
    with pytest.raises(QueryError, match="has 8 cells"):
        risk(posterior, {})


def test_a_table_of_25_parents_is_refused_with_its_size():
    names = [f"n{i}" for i in range(26)]
    edges = [(name, "n25") for name in names[:-1]]
    graph = CausalGraph.from_edges(edges, dict.fromkeys(names, BINARY))
    cpts = {name: [0.5, 0.5] for name in names[:-1]}
    cpts["n25"] = np.broadcast_to(np.float32(0.5), (2,) * 26)  # takes no memory itself
    tracemalloc.start()
    try:
        with pytest.raises(PosteriorError, match=r"25 parents has 67,108,864 cells, 0\.5 GiB"):
            Posterior.from_cpts(graph, cpts)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_plan_serves_as_many_people_as_the_next_power_of_two():
    graph = CausalGraph.from_edges([("a", "b")], {"a": BINARY, "b": BINARY})
    posterior = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [[0.7, 0.3], [0.2, 0.8]]})

    def planned_for(people):
        codes = np.zeros(people, dtype=np.intp) if people else 0
        return World(posterior, {"a": codes}, {})._signature([("b", 0)]).people

    assert [planned_for(n) for n in (None, 1, 2, 3, 4, 5, 8, 9)] == [1, 1, 2, 4, 4, 8, 8, 16]
    assert planned_for(MANY) == planned_for(10 * MANY) == MANY


@pytest.mark.parametrize("seed", range(60))
def test_an_event_summed_in_its_own_table_is_that_of_the_distribution(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 7)))
    posterior = random_posterior(rng, graph, draws=3)
    target, *others = graph.names[::-1]
    order = rng.permutation(others).tolist()
    seen, rest = order[: len(order) // 2], order[len(order) // 2 :]
    do = {} if seed % 3 == 0 else {str(rng.choice(others)): 0}
    people = int(rng.integers(1, 5))
    codes = {n: rng.integers(0, len(graph.node(n).states), people) for n in seen}
    evidence = codes if seed % 2 else {name: int(code[0]) for name, code in codes.items()}
    world = World(posterior, evidence, do, COUPLINGS[seed % len(COUPLINGS)])
    variable = world.variable(target)
    states = len(graph.node(target).states)
    event = {variable: rng.permutation(states)[: rng.integers(1, states)].tolist()}
    keep = [variable, *((name, 0) for name in rest[:1] if name not in do)]
    monkeypatch.setattr("backrisk.inference.world._WIDE", 2**60)
    expected = world.conditional(keep, event)
    assert world._wide_leaf(keep, event) is None
    monkeypatch.setattr("backrisk.inference.world._WIDE", 0)
    assert world._wide_leaf(keep, event) == variable
    np.testing.assert_allclose(world.conditional(keep, event), expected, rtol=0, atol=ROUNDING)


def test_an_event_of_what_others_follow_from_is_not_summed_first(monkeypatch):
    monkeypatch.setattr("backrisk.inference.world._WIDE", 0)
    graph = CausalGraph.from_edges(
        [("a", "y"), ("y", "z")], dict.fromkeys("ayz", BINARY), outcome="y"
    )
    posterior = random_posterior(np.random.default_rng(1), graph)
    event = {("y", 0): [1]}
    assert World(posterior, {"a": 0}, {})._wide_leaf([("y", 0)], event) == ("y", 0)
    assert World(posterior, {"z": 0}, {})._wide_leaf([("y", 0)], event) is None
    assert World(posterior, {"y": 0}, {"a": 1})._wide_leaf([("y", 1)], {("y", 1): [1]}) is None


def test_an_event_of_the_world_that_was_seen_is_not_that_of_the_other(monkeypatch):
    graph = CausalGraph.from_edges([("a", "y")], dict.fromkeys("ay", BINARY), outcome="y")
    cpts = {"a": [[0.5, 0.5]], "y": [[[0.9, 0.1], [0.3, 0.7]]]}
    world = World(Posterior.from_cpts(graph, cpts), {}, {"a": 1})
    monkeypatch.setattr("backrisk.inference.world._WIDE", 0)
    for there, expected in ((0, 0.4), (1, 0.7)):  # as things are: the mean of 0.1 and 0.7
        found = world.conditional([("y", there)], {("y", there): [1]})
        np.testing.assert_allclose(found, [expected], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("never", ["b", "f"])  # beside the target, and independent of it
def test_evidence_of_probability_zero_is_seen_where_an_event_is_summed_first(never, monkeypatch):
    edges = [("a", "b"), ("c", "d"), ("a", "y"), ("d", "y"), ("e", "f")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("abcdefy", BINARY), outcome="y")
    sure, one = [[[1.0, 0.0], [0.0, 1.0]]], [[1.0, 0.0]]
    cpts = {"a": one, "b": sure, "c": [[0.5, 0.5]], "d": sure, "e": one, "f": sure}
    posterior = Posterior.from_cpts(graph, {**cpts, "y": np.full((1, 2, 2, 2), 0.5)})
    event = {("y", 0): [1]}
    for wide in (0, 2**60):
        monkeypatch.setattr("backrisk.inference.world._WIDE", wide)
        world = World(posterior, {never: np.array([0, 1]), "c": np.array([1, 1])}, {})
        found = world.conditional([("y", 0)], event, strict=False)[:, 0]
        np.testing.assert_array_equal(found, [0.5, np.nan])
        with pytest.raises(QueryError, match="contradict each other"):
            world.conditional([("y", 0)], event)
