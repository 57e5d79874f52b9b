"""Sustained causes, and what goes round the loop, against enumeration of every node's noise."""

import itertools
import re

import numpy as np
import pytest
from histories import TWO, agree, chain, codes_of, history_of
from strategies import Brute, random_posterior, seeds

import backrisk as br
from backrisk.graph import Lagged, Roles
from backrisk.queries import AttributionOverTime
from backrisk.queries.attribution import departures
from backrisk.queries.over_time import attribution as module
from backrisk.queries.over_time import working

ORDERS, SAMPLES = 8, 400  # of a game, at least, and of each of them


def asked(seed, draws=1):
    """Two causes and an outcome, each of two states, with random edges now and later."""
    rng = np.random.default_rng(seed)
    names = ["a", "b", "y"]
    pairs = [p for p in itertools.combinations(names, 2) if rng.random() < 0.6 or p == ("b", "y")]
    later = [p for p in itertools.product(names, names) if rng.random() < 0.35]
    later = later[:4] or [("y", "a")]
    edges = tuple(br.Edge(*pair, "claim", "stated", "weak") for pair in pairs)
    template = br.CausalGraph(
        "small",
        tuple(br.Node(name, TWO) for name in names),
        edges,
        lagged=tuple(Lagged(*pair, "claim") for pair in later),
        roles=Roles(healthy=("a",) if rng.random() < 0.5 else ()),
        outcome="y",
    )
    posterior = random_posterior(rng, br.unroll(template, 2), draws)
    history = history_of(rng, posterior, 2, 0.5)
    return rng, posterior, history


def worlds(brute, noise, players, off, reference):
    """Yield every world 1 with its probability: those off are at state 0, or draw fresh noise."""
    found = [({}, 1.0)]
    for name in brute.graph.topological:
        grown = []
        for world, p in found:
            if name not in off:
                grown.append(({**world, name: brute.respond(name, world, noise[name])}, p))
            elif name in reference:
                grown.append(({**world, name: 0}, p))
            else:
                row = brute.row(name, world)
                grown += [({**world, name: k}, p * row[k]) for k in brute.states[name]]
        found = grown
    return found


def sustained(posterior, draw, evidence, target, players, reference):
    """Shapley shares of players who are on or off in both periods at once."""
    brute = Brute(posterior, draw)
    people = brute.people(evidence)
    nodes = {name: [posterior.graph.at(name, t) for t in range(2)] for name in players}

    def value(inside):
        off = {node for name in players if name not in inside for node in nodes[name]}
        chance = sum(
            weight * p * (world[target] > 0)
            for weight, noise in people
            for world, p in worlds(brute, noise, players, off, reference)
        )
        return chance / sum(weight for weight, _ in people)

    return brute.orders(players, coalitions(players, value))


def coalitions(players, value):
    return {
        frozenset(inside): value(frozenset(inside))
        for size in range(len(players) + 1)
        for inside in itertools.combinations(players, size)
    }


def healthy_of(graph, baseline):
    """By the definition: in the role, or without any cause but its own past."""
    if baseline == "average":
        return set()
    template = graph.template
    found = set()
    for name in template.names:
        others = {e.cause for e in template.lagged if e.effect == name} - {name}
        if name in template.roles.healthy or not (template.parents(name) or others):
            found |= {graph.at(name, 0), graph.at(name, 1)}
    return found


@pytest.mark.parametrize("baseline", ["healthy", "average"])
@pytest.mark.parametrize("seed", seeds(4, 100))
def test_shares_of_sustained_causes_are_the_enumeration(seed, baseline):
    _, posterior, history = asked(seed)
    graph, evidence = posterior.graph, codes_of(posterior.graph, history)
    answer = br.attribute(posterior, history, baseline=baseline)
    assert isinstance(answer, AttributionOverTime)
    truth = [
        sustained(posterior, draw, evidence, "y__1", answer.causes, healthy_of(graph, baseline))
        for draw in range(posterior.draws)
    ]
    np.testing.assert_allclose(answer.draws, truth, rtol=0, atol=1e-9)
    assert answer.error is None
    np.testing.assert_allclose(answer.draws.sum(axis=1), answer.total, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", seeds(3, 40))
def test_sampled_shares_agree_within_their_error(seed, monkeypatch):
    _, posterior, history = asked(seed)
    exact = br.attribute(posterior, history)
    monkeypatch.setattr(working, "_OPEN", -1)
    monkeypatch.setattr(departures, "_SAMPLES", SAMPLES)
    answer = br.attribute(posterior, history, seed=seed)
    if answer.error is None:  # nothing plays
        assert not exact.draws.any()
        return
    assert set(answer.causes) == set(exact.causes)
    agree(answer.draws, exact.draws, answer.error, samples=ORDERS * SAMPLES)
    np.testing.assert_allclose(answer.draws.sum(axis=1), answer.total, rtol=0, atol=1e-12)
    assert "sampling" in answer.text


def cut_values(posterior, draw, evidence, target, routes, wanted):
    """P(target, with the routes outside a coalition cut), by enumeration."""
    brute = Brute(posterior, draw)
    people, graph = brute.people(evidence), posterior.graph

    def value(inside):
        deaf = {
            (graph.at(cause, 0), graph.at(effect, 1))
            for cause, effect in (r.split(" -> ") for r in routes if r not in inside)
        }
        chance = 0.0
        for weight, noise in people:
            state = {}
            for name in graph.topological:
                heard = {p: 0 if (p, name) in deaf else state[p] for p in graph.parents(name)}
                state[name] = brute.respond(name, heard, noise[name])
            chance += weight * (state[target] > 0)
        return chance / sum(weight for weight, _ in people)

    return [value(frozenset(inside)) for inside in wanted], brute, value


@pytest.mark.parametrize("seed", seeds(4, 100))
def test_what_goes_round_the_loop_is_the_enumeration(seed, monkeypatch):
    monkeypatch.setattr(module, "_SAMPLES", SAMPLES)
    _, posterior, history = asked(seed)
    evidence = codes_of(posterior.graph, history)
    graph = posterior.graph.template
    leads = {"y", *graph.ancestors("y")}
    if not any(graph.node(name).persist for name in leads) and not any(
        edge.effect in leads for edge in graph.lagged
    ):
        with pytest.raises(br.QueryError, match="there are no routes"):
            br.attribute(posterior, history, method="pathways", samples=2000, seed=seed)
        return
    answer = br.attribute(posterior, history, method="pathways", samples=2000, seed=seed)
    routes, truth, total, loop = answer.causes, [], [], []
    for draw in range(posterior.draws):
        (whole, none), brute, value = cut_values(
            posterior, draw, evidence, "y__1", routes, [routes, ()]
        )
        truth.append(brute.orders(routes, coalitions(routes, value)))
        total.append(whole - none)
        loop.append([whole, whole - value(frozenset(routes) - set(answer.around))])
    agree(answer.draws, truth, answer.error, samples=ORDERS * SAMPLES)
    np.testing.assert_allclose(answer.draws.sum(axis=1), answer.total, rtol=0, atol=1e-12)
    if answer.around:
        found = np.column_stack([answer.risk, answer.loop])
        error = np.array([np.sqrt(0.25 / 2000), answer.loop_error])
        agree(found, loop, error)
    else:
        assert answer.loop is None
        assert "nothing of the risk goes round a loop" in answer.text


def lagged_template(within, lagged, **more):
    names = sorted({name for pair in (*within, *lagged) for name in pair})
    nodes = [br.Node(name, TWO, persist=name in more.get("persist", ())) for name in names]
    edges = [br.Edge(*pair, "claim", "stated", "weak") for pair in within]
    lags = tuple(Lagged(*pair, "claim", grade="moderate") for pair in lagged)
    graph = br.CausalGraph("loop", tuple(nodes), tuple(edges), lagged=lags, outcome="y")
    return random_posterior(np.random.default_rng(1), br.unroll(graph, 2))


def test_the_loop_is_what_leads_back_to_the_target():
    within, lagged = [("a", "b"), ("b", "y"), ("c", "y")], [("y", "a"), ("c", "b"), ("b", "c")]
    posterior = lagged_template(within, lagged, persist=("b", "y"))
    answer = br.attribute(posterior, [{}, {}], method="pathways")
    assert set(answer.causes) == {"y -> a", "c -> b", "b -> c", "b -> b", "y -> y"}
    # c leads to y within the period, and b to c: what passes c is on a cycle only if y leads to b.
    assert set(answer.around) == {"y -> a", "b -> c", "c -> b", "y -> y"}
    graded = dict(zip(answer.causes, answer.grades, strict=True))
    assert graded["y -> a"] == "weak"
    assert graded["y -> y"] == "none"
    assert answer.row_label("y -> a") == "y on a one period later"
    assert answer.row_label("y -> y") == "the past of y"
    assert "go round the loop" in answer.text
    told = answer.to_dict()["loop"]
    assert told["round_the_loop"] + told["with_the_loop_cut"] == pytest.approx(told["risk"])
    apart = lagged_template([("a", "y")], [("a", "a")])
    assert br.attribute(apart, [{}, {}], method="pathways").around == ()


def test_the_trait_and_what_is_an_answer_are_no_players():
    nodes = (*(br.Node(name, TWO) for name in ("x", "y")), br.Node("i", TWO, mechanism="item"))
    edges = [br.Edge(*pair, "claim", "stated", "weak") for pair in [("x", "y"), ("x", "i")]]
    lagged = (Lagged("y", "x", "claim"),)
    graph = br.CausalGraph("own", nodes, tuple(edges), lagged=lagged, outcome="y")
    unrolled = br.unroll(graph, 3, trait=True)
    posterior = random_posterior(np.random.default_rng(1), unrolled)
    answer = br.attribute(posterior, [{"i": "yes"}, {"y": "yes"}, {}])
    assert answer.causes == ("x",)
    assert answer.period == 2
    assert answer.table["state"].tolist() == ["not reported, not reported, not reported"]
    assert "with healthy habits and a body that answers" in answer.text
    named = br.attribute(posterior, [{"x": "yes"}, {}], causes="x")
    assert "had x been healthy or typical in every period" in named.text
    long = br.attribute(posterior, [{}] * 3 + [{"x": "yes"}] * 6)
    assert long.table["state"].tolist() == ["..., yes, yes, yes, yes, yes, yes"]
    average = br.attribute(posterior, [{"x": "yes"}, {}], baseline="average", period=4)
    assert average.table["state"].tolist() == ["yes, not reported"]
    assert "causes as in the population surveyed in every period" in average.text


def steady():
    """Return a model in which more of x always means more of y, whose own past counts too."""
    graph = br.unroll(br.CausalGraph.from_text("x -> y; x[-1] -> x; y[-1] -> y"), 3)
    rows, both = [[0.9, 0.1], [0.2, 0.8]], [[[0.9, 0.1], [0.3, 0.7]], [[0.6, 0.4], [0.1, 0.9]]]
    cpts = {"x": [0.5, 0.5], "y": rows, "x__1": rows, "y__1": both}
    return br.Posterior.from_cpts(graph, cpts)


@pytest.mark.parametrize(
    ("history", "period", "said"),
    [
        ([{}, {"y": "yes"}], 1, "Not reported, and inferred .*: x."),
        ([{}, {"x": "yes", "y": "yes"}, {}], 2, "some periods only, .*: x \\(period 1\\)."),
        ([{"y": "yes"}, {"x": "yes"}, {"x": "yes"}], 2, "only, .*: x \\(periods 1 to 2\\)."),
        ([{"y": "yes"}, {"x": "yes"}], 0, "only, .*: x \\(period 1\\)."),
        ([{"x": "yes", "y": "yes"}, {}], 0, None),
        ([{"x": "yes"}, {"x": "no", "y": "yes"}], 1, None),
        ([{"x": "yes"}, {}], 1, None),
        ([{"x": "yes"}, {"x": "yes", "y": "yes"}], 3, None),
    ],
)
def test_a_cause_is_said_to_be_inferred_where_the_history_is_silent(history, period, said):
    text = br.attribute(steady(), history, target="y", period=period).text
    if said is None:
        assert "inferred" not in text
        return
    assert text.count("inferred") == 1
    assert re.search(said, text)


def test_a_state_told_long_ago_is_not_left_out():
    history = [{"x": "yes"}, *[{}] * 7, {"y": "yes"}]
    silent = ", ".join(["not reported"] * 6)
    table = br.attribute(steady(), history, target="y").table
    assert table["state"].tolist() == [f"yes (period 0), ..., {silent}"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"method": "necessity"}, "not worked out for histories"),
        ({"baseline": "none"}, "no baseline"),
        ({"causes": "w"}, "'w'"),
        ({"causes": "y"}, "not a cause"),
        ({"causes": ["x", "x"]}, "named once"),
        ({"causes": "x", "method": "pathways"}, "leave causes and level out"),
        ({"period": -1}, "no period -1"),
        ({"person": {"x": "no"}, "period": 1}, "of one moment"),
        ({"person": [{"x": "no"}], "method": "pathways"}, "no routes from one period"),
        ({"confounding": br.Confounding("x")}, "not worked out for histories"),
    ],
)
def test_what_is_no_question_is_refused(more, said):
    with pytest.raises(br.QueryError, match=said):
        br.attribute(chain(), **{"person": [{"y": "yes"}, {}], "target": "y"} | more)


def test_few_draws_are_played_where_a_game_is_sampled(monkeypatch):
    monkeypatch.setattr(working, "_OPEN", -1)
    monkeypatch.setattr(module, "DRAWS", 3)
    rng = np.random.default_rng(0)
    posterior = random_posterior(rng, chain().graph, draws=9)
    answer = br.attribute(posterior, [{"y": "yes"}, {}], target="y")
    assert answer.draws.shape == (3, 1)
    assert "Worked out for 3 draws (of 9)" in answer.text
    whole = br.attribute(posterior.subset(3), [{"y": "yes"}, {}], target="y")
    assert whole.error is not None
    assert "Worked out for" not in whole.text  # all there are
