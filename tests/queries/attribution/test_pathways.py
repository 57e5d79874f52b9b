"""The game of routes: enumeration of the noise, and what is known without any sum."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import Brute, random_graph, random_person, random_posterior, seeds

from backrisk import CausalGraph, Posterior, QueryError, attribute, load_graph
from backrisk.graph import Roles
from backrisk.queries import read_target
from backrisk.queries.attribution import departures, pathways
from backrisk.queries.attribution.causes import players_of
from backrisk.queries.attribution.departures import Departures
from backrisk.queries.attribution.pathways import read_routes

EXACT = {"rtol": 0, "atol": 1e-10}
BASELINES = ("healthy", "average")
NY = ("no", "yes")


def game(posterior, person, causes=None, baseline="healthy", level="proximal", **options):
    """Return the routes and their shares."""
    graph = posterior.graph
    target = read_target(graph, None)
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    routes = read_routes(graph, target, causes, level, seen)
    shares = pathways.pathways(posterior, seen, routes, target, baseline=baseline, **options)
    return routes, shares


def departing(posterior, person, players, baseline):
    """Return the total of the game of own departures."""
    graph = posterior.graph
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    target = read_target(graph, None)
    return Departures(posterior, seen, players, target, baseline).shares().total


def heads_of(graph, causes):
    """Return what routes lead to, by its definition."""
    towards = graph.ancestors(graph.outcome) | {graph.outcome}
    first = set(causes or ())
    if causes is None:
        passing = set(graph.playing("passing")) & set(graph.parents(graph.outcome))
        first = {*passing, graph.outcome}
    below = set().union(*(graph.descendants(name) for name in first))
    return ((first | below) if causes is None else below - first) & towards


def with_roles(rng, posterior):
    """Give some causes the roles that the game knows."""
    graph = posterior.graph
    causes = [n for n in graph.names if n in graph.ancestors(graph.outcome)]
    some = [tuple(n for n in causes if rng.random() < share) for share in (0.4, 0.2, 0.2)]
    roots = tuple(n for n in some[2] if not graph.parents(n))
    roled = replace(graph, roles=Roles(passing=some[0], healthy=some[1], traits=roots))
    return Posterior.from_cpts(roled, {n: posterior.cpt(n) for n in graph.names})


def small_graph(rng, nodes):
    """Draw graphs until the noise of one can be enumerated."""
    while True:
        graph = random_graph(rng, nodes)
        cells = [np.prod(graph.shape(n)[:-1]) * (graph.shape(n)[-1] - 1) + 1 for n in graph.names]
        if np.prod(cells) <= 3000:
            return graph


@pytest.mark.parametrize("seed", seeds(80, 200))
def test_shares_equal_enumeration_of_the_noise(seed):
    rng = np.random.default_rng(70_000 + seed)
    graph = small_graph(rng, int(rng.integers(2, 4 if seed % 2 else 5)))
    posterior = with_roles(rng, random_posterior(rng, graph))
    graph = posterior.graph
    person = random_person(rng, graph, rng.uniform(0.0, 0.9))
    seen = {name: graph.node(name).code(label) for name, label in person.items()}
    above = [n for n in graph.names if n in graph.ancestors(graph.outcome)]
    roots = [n for n in above if not graph.parents(n)]
    asked = [None, [above[int(rng.integers(len(above)))]], roots]
    for causes in asked:
        for baseline in BASELINES:
            try:
                routes, found = game(posterior, person, causes, baseline)
            except QueryError:
                assert not players_of(graph, read_target(graph, None))
                continue
            np.testing.assert_allclose(found.draws.sum(axis=1), found.total, **EXACT)
            for draw in range(posterior.draws):
                brute = Brute(posterior, draw).routes(
                    lambda s: s[graph.outcome] > 0,
                    seen,
                    routes.players,
                    routes.edges,
                    heads_of(graph, causes),
                    baseline,
                    graph.playing("healthy"),
                )
                np.testing.assert_allclose(found.draws[draw], brute, **EXACT)


@pytest.mark.parametrize("seed", range(40))
def test_shares_sum_to_the_total_of_own_departures(seed):
    rng = np.random.default_rng(71_000 + seed)
    graph = random_graph(rng, 5)
    posterior = with_roles(rng, random_posterior(rng, graph, draws=3))
    graph = posterior.graph
    person = random_person(rng, graph)
    roots = [n for n in graph.names if n in graph.ancestors(graph.outcome) and not graph.parents(n)]
    for causes in (None, roots):
        players = players_of(graph, read_target(graph, None)) if causes is None else causes
        if not players:
            continue
        for baseline in BASELINES:
            routes, found = game(posterior, person, causes, baseline)
            assert set(routes.players) == set(players)
            total = departing(posterior, person, players, baseline)
            np.testing.assert_allclose(found.total, total, rtol=0, atol=1e-12)
            np.testing.assert_allclose(found.draws.sum(axis=1), total, **EXACT)


@pytest.mark.parametrize("seed", range(25))
def test_sampled_worlds_play_the_same_game(seed, monkeypatch):
    rng = np.random.default_rng(72_000 + seed)
    graph = random_graph(rng, 5)
    posterior = with_roles(rng, random_posterior(rng, graph, draws=3))
    graph = posterior.graph
    person = random_person(rng, graph)
    roots = [n for n in graph.names if n in graph.ancestors(graph.outcome) and not graph.parents(n)]
    for causes in (None, roots):
        if causes is None and not players_of(graph, read_target(graph, None)):
            continue
        for baseline in BASELINES:
            _, exact = game(posterior, person, causes, baseline)
            monkeypatch.setattr(departures, "_CELLS", 0)
            _, sampled = game(posterior, person, causes, baseline, seed=seed)
            _, again = game(posterior, person, causes, baseline, seed=seed)
            monkeypatch.undo()
            np.testing.assert_array_equal(sampled.draws, again.draws)
            np.testing.assert_allclose(sampled.draws.sum(axis=1), sampled.total, **EXACT)
            if sampled.error is None:  # nothing differs
                assert (exact.draws == 0).all()
                continue
            # Student's t of eight orders or more has 99.9 % within 5.4 standard errors.
            gap = np.abs(sampled.draws.mean(axis=0) - exact.draws.mean(axis=0))
            assert (gap <= 5.4 * sampled.error + 1e-12).all()


def chain(passing=()):
    """Return a chain of three, all of it known."""
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], dict.fromkeys("xmy", NY))
    graph = replace(graph, roles=Roles(passing=passing))
    cpts = {"x": [0.5, 0.5], "m": [[0.8, 0.2], [0.2, 0.8]], "y": [[0.9, 0.1], [0.3, 0.7]]}
    return Posterior.from_cpts(graph, cpts)


@pytest.mark.parametrize(
    ("person", "passing", "shares"),
    [
        # Without departures the mediator is there with 0.2, and the target with 0.22.
        ({"x": "yes", "m": "yes"}, (), {"m": 0.7 - 0.22}),
        ({"x": "yes"}, (), {"m": 0.58 - 0.22}),
        # Where it passes on, what comes before has the share that it has among departures.
        ({"x": "yes"}, ("m",), {"x": 0.58 - 0.22}),
        ({"x": "yes", "m": "yes"}, ("m",), {"x": 0.405, "m": 0.075}),
        ({"x": "no", "m": "yes"}, ("m",), {"x": 0.0, "m": 0.48}),
        ({"x": "yes", "m": "no"}, ("m",), {"x": 0.18, "m": -0.30}),
    ],
)
def test_a_chain_by_hand(person, passing, shares):
    routes, found = game(chain(passing), person)
    assert list(routes.edges) == list(shares)
    np.testing.assert_allclose(found.draws[0], list(shares.values()), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.total, sum(shares.values()), rtol=0, atol=1e-12)
    assert found.error is None


def test_two_routes_of_one_cause_share_out_what_it_does_by_hand():
    edges = [("x", "m"), ("x", "y"), ("m", "y")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys("xmy", NY), outcome="y")
    assert graph.parents("y") == ("x", "m")
    table = [[[0.9, 0.1], [0.7, 0.3]], [[0.8, 0.2], [0.3, 0.7]]]
    cpts = {"x": [0.5, 0.5], "m": [[0.75, 0.25], [0.25, 0.75]], "y": table}
    posterior = Posterior.from_cpts(graph, cpts)
    none, by_m, straight, both = 0.15, 0.25, 0.2 + 0.25 * 0.5, 0.2 + 0.75 * 0.5
    shares = ((by_m - none + both - straight) / 2, (straight - none + both - by_m) / 2)
    answer = attribute(posterior, {"x": "yes"}, ["x"], method="pathways")
    assert answer.causes == ("m", "straight to y")
    np.testing.assert_allclose(answer.draws, [shares], rtol=0, atol=1e-12)
    # A cause that is not reported carries half of it; at its reference it passes nothing.
    unknown = attribute(posterior, {}, ["x"], method="pathways")
    np.testing.assert_allclose(unknown.draws, [np.divide(shares, 2)], rtol=0, atol=1e-12)
    unexposed = attribute(posterior, {"x": "no"}, ["x"], method="pathways")
    assert (unexposed.draws == 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_root_at_its_reference_passes_nothing(seed):
    rng = np.random.default_rng(73_000 + seed)
    graph = random_graph(rng, 5)
    posterior = with_roles(rng, random_posterior(rng, graph))
    graph = posterior.graph
    person = {**random_person(rng, graph), "n0": graph.node("n0").reference}
    if "n0" not in graph.ancestors(graph.outcome):
        graph_edges = [(e.cause, e.effect) for e in graph.edges]
        assert ("n0", graph.outcome) not in graph_edges
        return
    _, found = game(posterior, person, ["n0"])
    assert (found.draws == 0).all()
    if "n0" in graph.playing("traits"):
        return
    routes, found = game(posterior, person)
    if "n0" in routes.edges:
        assert (found.draws[:, list(routes.edges).index("n0")] == 0).all()


def test_a_trait_is_on_no_route():
    edges = [("sex", "y"), ("sex", "m"), ("x", "m"), ("m", "y"), ("x", "y")]
    states = dict.fromkeys(("sex", "x", "m", "y"), NY)
    graph = CausalGraph.from_edges(edges, states, outcome="y")
    graph = replace(graph, roles=Roles(traits=("sex",), passing=("m",)))
    posterior = random_posterior(np.random.default_rng(9), graph)
    person = {"sex": "yes", "x": "yes"}
    answer = attribute(posterior, person, method="pathways")
    assert answer.causes == ("x",)
    own = attribute(posterior, person, method="shapley")
    np.testing.assert_allclose(answer.draws[:, 0], own.draws[:, own.causes.index("x")], **EXACT)
    only = replace(graph, roles=Roles(traits=("sex", "x", "m")))
    nobody = Posterior.from_cpts(only, {n: posterior.cpt(n) for n in graph.names})
    with pytest.raises(QueryError, match="proximal"):
        attribute(nobody, person, method="pathways")


def test_what_passes_on_has_a_route_of_its_own_where_something_is_known_of_it(core_prior):
    person = {"core_strength": "weak", "fatigue": "high"}
    answer = attribute(core_prior, person, method="pathways")
    assert answer.causes == ("pelvic_tilt", "compensation")
    np.testing.assert_allclose(answer.draws.sum(axis=1), answer.total, **EXACT)
    assert (answer.support.contraction <= 1).all()
    hurting = attribute(core_prior, {**person, "pain": "limiting"}, method="pathways")
    assert hurting.causes == ("pelvic_tilt", "compensation", "lumbar_load")
    assert hurting.draws[:, 2].mean() > 0
    total = attribute(core_prior, {**person, "pain": "limiting"}, method="shapley").total
    np.testing.assert_allclose(hurting.total, total, **EXACT)


def test_routes_of_the_runner_enter_pain_or_what_passes_on_to_it():
    runner = load_graph("runner")
    target = read_target(runner, None)
    final = read_routes(runner, target, None, "proximal", {})
    heads = heads_of(runner, None)
    assert heads == {"pain", *(set(runner.playing("passing")) & set(runner.parents("pain")))}
    expected = {e.cause for e in runner.edges if e.effect in heads and e.cause not in heads}
    assert set(final.edges) == expected - set(runner.playing("traits"))
    assert {"core_strength", "compensation", "previous_back_pain"} < set(final.edges)
    assert final.edges["compensation"] == (("compensation", "lumbar_load"),)
    known = read_routes(runner, target, None, "proximal", {"pain": 2})
    assert set(known.edges) - set(final.edges) == heads - {"pain"}
    distal = read_routes(runner, target, None, "distal", {})
    straight = distal.edges["straight to pain"]
    assert ("previous_back_pain", "pain") in straight
    assert {effect for _, effect in straight} == {"pain"}
    assert {cause for cause, _ in straight} <= set(distal.players) <= set(runner.playing("distal"))
    for cause in distal.players:
        assert not runner.ancestors(cause) & set(distal.players)
    for name, route in distal.edges.items():
        assert route == tuple((cause, effect) for cause, effect in route if cause in distal.players)
        assert {effect for _, effect in route} == {name} or name == "straight to pain"
