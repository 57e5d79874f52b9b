"""The independences that a graph implies, by hand; and their tests, held to their definitions."""

import itertools
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from backrisk import Codebook, Posterior, QueryError
from backrisk.check import family_residuals, implied_independences, local_tests
from backrisk.check.claims import holm
from backrisk.check.independences import smallest_separator
from backrisk.check.scores import Scores
from backrisk.graph import CausalGraph, Edge, Layout, Node, Prior
from backrisk.likelihood import build_circuit, total_log_likelihood
from backrisk.posterior import SiteEffects
from backrisk.survey import Survey
from tests.strategies import random_graph, seeds

TWO = ("no", "yes")


def graph_of(edges, **states):
    pairs = [tuple(edge) for edge in edges.split()]
    names = dict.fromkeys("".join(edges.split()))
    return CausalGraph.from_edges(pairs, {n: states.get(n, TWO) for n in names})


def claims(graph, observed=None):
    return {
        (frozenset((each.node, each.other)), frozenset(each.given))
        for each in implied_independences(graph, observed)
    }


def said(*triples):
    return {(frozenset(pair), frozenset(given)) for pair, given in triples}


# What DAGitty's impliedConditionalIndependencies says of these (its smallest sets).
@pytest.mark.parametrize(
    ("edges", "observed", "expected"),
    [
        ("xm my", None, said(("xy", "m"))),  # a chain
        ("mx my", None, said(("xy", "m"))),  # a fork
        ("xm ym", None, said(("xy", ""))),  # a collider
        ("ax ay xm my", None, said(("am", "x"), ("xy", "am"))),  # a front door
        ("ax ay xm my", "xmy", set()),  # ... whose common cause is hidden
        (
            "ax am bm by xy",
            None,
            said(("ab", ""), ("ay", "x"), ("bx", ""), ("mx", "a"), ("my", "ab")),
        ),
        ("zx xy ux uy", "zxy", set()),  # an instrument: a hidden cause joins x and y
        ("zx xy", None, said(("zy", "x"))),
        ("ux uy vy vz", "xyz", said(("xz", ""))),  # two hidden common causes
        ("xy", None, set()),
    ],
)
def test_textbook_graphs(edges, observed, expected):
    graph = graph_of(edges)
    found = claims(graph, observed)
    assert {(pair, len(given)) for pair, given in found} == {(p, len(g)) for p, g in expected}


@pytest.mark.parametrize("seed", seeds(10, 100))
def test_each_set_separates_and_none_is_smaller(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 7, density=0.4)
    digraph = nx.DiGraph([(e.cause, e.effect) for e in graph.edges])
    digraph.add_nodes_from(graph.names)
    observed = [name for name in graph.names if rng.random() < 0.8]
    found = {frozenset((e.node, e.other)): e for e in implied_independences(graph, observed)}
    for pair in itertools.combinations(observed, 2):
        rest = [name for name in observed if name not in pair]
        sizes = [
            len(given)
            for size in range(len(rest) + 1)
            for given in itertools.combinations(rest, size)
            if nx.is_d_separator(digraph, *({name} for name in pair), set(given))
        ]
        each = found.pop(frozenset(pair), None)
        assert (each is None) == (not sizes)
        if each is not None:
            assert len(each.given) == min(sizes)
            assert nx.is_d_separator(digraph, {each.node}, {each.other}, set(each.given))
            assert each.other not in graph.descendants(each.node)
    assert not found


def test_two_neighbours_are_parted_by_nothing():
    assert smallest_separator(graph_of("xy"), "y", "x", {"x", "y"}) is None


def ordinal(name, states=3):
    return Node(name, tuple(f"s{k}" for k in range(states)), mechanism="ordinal_logit")


def small_graph(extra=False):
    """a, b -> m -> y, and an answer on m; with a further edge b -> y of no effect, if asked for."""
    pairs = [("a", "m"), ("b", "m"), ("m", "y"), *([("b", "y")] if extra else [])]
    edges = [Edge(c, e, "claim", "stated", "weak", Prior(0.8, 0.5)) for c, e in pairs]
    edges.append(Edge("m", "i", "claim", "measurement", "weak"))
    nodes = (
        Node("a", TWO),
        Node("b", ("s0", "s1", "s2")),
        ordinal("m"),
        Node("i", ("s0", "s1", "s2"), mechanism="item", reliability=0.7),
        ordinal("y"),
    )
    return CausalGraph("small", nodes, tuple(edges))


def surveyed(graph, codes, **rest):
    return Survey(graph, codes.astype(np.int8), Codebook.plain(graph_of("ab")), **rest)


def random_survey(graph, people, seed, hidden=()):
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(len(n.states), size=people) for n in graph.nodes], axis=1)
    codes[rng.random(codes.shape) < 0.3] = -1
    codes[:, [graph.names.index(name) for name in hidden]] = -1
    return surveyed(graph, codes)


@pytest.mark.parametrize("hidden", [(), ("m",)])
def test_a_score_is_the_slope_of_the_likelihood_at_no_effect(hidden):
    """The log likelihood of the graph with the omitted edge, moved from an effect of zero."""
    graph, wider = small_graph(), small_graph(extra=True)
    survey = random_survey(graph, 60, 1, hidden)
    layout, more = Layout(graph), Layout(wider)
    fractions, effects = layout.draw_prior(1, np.random.default_rng(2))
    scores = Scores.of(Posterior(graph, fractions, effects), survey)
    pulls = scores.with_other("b", ["y"])["y"].pulls
    found_slope = scores.weights @ pulls[:, 0] @ np.array([0.0, 0.5, 1.0])
    values = scores.parameters.posterior
    at = dict(zip(more.effect_labels, range(len(more.effect_labels)), strict=True))
    labels = dict(zip(layout.fraction_labels, values.fractions[0], strict=True))
    known = dict(zip(layout.effect_labels, values.beta[0], strict=True))
    step = 1e-4
    found = []
    for move in (step, -step):
        # Equal steps between the states of b: what the test looks along.
        both = np.array([[labels.get(label, 0.5) for label in more.fraction_labels]])
        beta = np.array([[known.get(label, move) for label in at]])
        # The cutpoints of the wider graph stand at the average of b: move them back.
        name = "y"
        effect = next(e for e in more.mechanisms[name].effects if e.label == "y, b")
        part = more.fraction_slices[name]
        above = np.cumprod(1.0 - both[:, part.start : part.start + 2], axis=1)
        odds = above / (1.0 - above) * np.exp(move * effect.centre)
        above = odds / (1.0 + odds)
        both[:, part.start] = 1.0 - above[:, 0]
        both[:, part.start + 1] = 1.0 - above[:, 1] / above[:, 0]
        order = [wider.names.index(n) for n in graph.names]
        codes = np.empty_like(survey.codes)
        codes[:, order] = survey.codes
        circuit = build_circuit(wider, codes, np.ones(len(codes)), more.by_row)
        found.append(total_log_likelihood(circuit, Posterior(wider, both, beta))[0])
    slope = (found[0] - found[1]) / (2 * step)
    assert found_slope == pytest.approx(slope, abs=1e-5)


def test_the_mode_is_reached_from_where_a_whole_step_would_leave_the_scale():
    """2,000 people told x, five y: what x gains would pay for a step of y that nothing undoes."""
    graph = CausalGraph("two", (Node("x", TWO), Node("y", TWO)), ())
    codes = np.full((2000, 2), -1)
    codes[:, 0] = np.arange(2000) % 2
    codes[:5, 1] = 0
    halves = Posterior(graph, np.full((1, 2), 0.5), np.empty((1, 0)))
    found = Scores.of(halves, surveyed(graph, codes))
    start = replace(found.parameters, loosened=None)
    mode = replace(found, parameters=start.moved(np.array([-1.5, -4.0])))._at_mode()
    counts = np.array([[1000.0, 5.0], [1000.0, 0.0]]) + np.array(start.prior.fractions)
    # It stops where the log posterior would rise by less than 0.01.
    within = np.sqrt(0.02 * counts.sum(axis=0) / counts.prod(axis=0))
    assert (np.abs(mode.parameters.values - np.log(counts[0] / counts[1])) <= within).all()


def two_by_two(counts):
    codes = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], counts, axis=0)
    graph = CausalGraph("two", (Node("x", TWO), Node("y", TWO)), ())
    return graph, Survey(graph, codes.astype(np.int8), Codebook.plain(graph))


def test_of_two_measured_nodes_it_is_pearson_s_chi_squared():
    counts = np.array([2100, 1900, 3000, 3000])
    graph, survey = two_by_two(counts)
    layout = Layout(graph)
    posterior = Posterior(graph, *layout.draw_prior(1, np.random.default_rng(0)))
    (row,) = local_tests(posterior, survey).table.to_dict("records")
    table = counts.reshape(2, 2)
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    pearson = ((table - expected) ** 2 / expected).sum()
    # The prior is worth two people of ten thousand.
    assert row["z"] ** 2 == pytest.approx(pearson, rel=5e-3)
    assert row["z"] > 0
    ratio = 3000 * 2100 / (1900 * 3000)
    assert row["odds_ratio"] == pytest.approx(ratio, rel=5e-3)
    assert row["points"] == pytest.approx(100 * (3000 / 6000 - 1900 / 4000), abs=0.05)
    assert row["low"] < row["points"] < row["high"]
    assert row["adjusted"] == pytest.approx(2 * row["p"])


@pytest.mark.parametrize("level", [0.1, 0.4, 0.5, 0.8])
@pytest.mark.parametrize("counts", [(250, 250, 250, 250), (300, 200, 200, 300)])
def test_a_rate_that_is_off_is_no_dependence(counts, level):
    """The efficient score of a two by two table does not hang on the rate that was given."""
    graph, survey = two_by_two(counts)
    posterior = Posterior.from_cpts(graph, {"x": [0.3, 0.7], "y": [1.0 - level, level]})
    (row,) = local_tests(posterior, survey).table.to_dict("records")
    y = np.arange(1000) % 2  # of each cell half of the people: the rate of y is a half
    association = counts[3] - 500 * y.mean()
    assert row["z"] == pytest.approx(association / np.sqrt(250 * 0.25), abs=0.05)
    assert row["verdict"] == ("agrees" if counts[0] == 250 else "contradicted")


def test_weights_count_by_their_squares():
    graph, survey = two_by_two([300, 200, 280, 220])
    weights = np.random.default_rng(0).gamma(2.0, size=1000)
    weighed = Survey(graph, survey.codes, survey.codebook, weights=weights)
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [0.6, 0.4]})
    (row,) = local_tests(posterior, weighed).table.to_dict("records")
    x, y = survey.codes.T
    rate, away = np.average(y, weights=weights), x - np.average(x, weights=weights)
    spread, skewed = rate * (1 - rate), 1 - 2 * rate
    variance = (weights**2 * away**2).sum() * spread
    t = (weights * away * (y - rate)).sum() / np.sqrt(variance)
    skew = (weights**3 * away**3).sum() * spread * skewed / variance**1.5
    # The level is found to 0.01 of log posterior density, and its prior counts as one person's.
    assert row["z"] == pytest.approx(t - skew * (t**2 - 1) / 6, abs=0.01)


def test_sites_have_intercepts_of_their_own():
    graph = CausalGraph("two", (Node("x", TWO), ordinal("y", 2)), ())
    counts = np.array([640, 160, 160, 40, 40, 160, 160, 640])  # by site, x, y: unrelated in each
    codes = np.repeat(list(itertools.product((0, 1), (0, 1), (0, 1))), counts, axis=0)
    site = codes[:, 0].astype(np.intp)
    survey = Survey(
        graph, codes[:, 1:].astype(np.int8), Codebook.plain(graph), site=site, sites=("n", "s")
    )
    pooled = Posterior(graph, np.full((1, 2), 0.5), np.zeros((1, 0)))
    known = SiteEffects(("n", "s"), np.array([[[-1.4], [1.4]]]), np.array([[1.5]]))
    by_site = replace(pooled, sites=known)
    first, second = (local_tests(p, survey).table.iloc[0] for p in (pooled, by_site))
    assert first["verdict"] == "contradicted"
    assert second["verdict"] == "agrees"
    assert abs(second["z"]) < 0.1
    assert second["odds_ratio"] == pytest.approx(1.0, abs=0.02)


def test_other_sites_are_refused():
    graph, survey = two_by_two([1, 1, 1, 1])
    graph = CausalGraph("two", (Node("x", TWO), ordinal("y", 2)), ())
    survey = Survey(graph, survey.codes, survey.codebook)
    known = SiteEffects(("n", "s"), np.array([[[-1.4], [1.4]]]), np.array([[1.5]]))
    posterior = Posterior(graph, np.full((1, 2), 0.5), np.zeros((1, 0)), sites=known)
    with pytest.raises(QueryError, match="sites n, s"):
        local_tests(posterior, survey)


def test_people_who_answered_nothing_change_nothing():
    graph, survey = two_by_two([40, 30, 20, 30])
    more = Survey(graph, np.vstack([survey.codes, np.full((50, 2), -1, np.int8)]), survey.codebook)
    posterior = Posterior(graph, *Layout(graph).draw_prior(1, np.random.default_rng(0)))
    first, second = (local_tests(posterior, each).table for each in (survey, more))
    pd.testing.assert_frame_equal(first, second)


def test_patterns_with_counts_are_people():
    graph = small_graph()
    survey = random_survey(graph, 80, 3)
    distinct, counts = np.unique(survey.codes, axis=0, return_counts=True)
    packed = surveyed(graph, distinct, people=counts.astype(np.int64))
    posterior = Posterior(graph, *Layout(graph).draw_prior(1, np.random.default_rng(0)))
    for check in (local_tests, family_residuals):
        first, second = (check(posterior, each).table for each in (survey, packed))
        pd.testing.assert_frame_equal(first, second, rtol=1e-6)


def test_equal_weights_change_nothing():
    graph = small_graph()
    survey = random_survey(graph, 80, 3)
    weighed = surveyed(graph, survey.codes, weights=np.full(80, 2.5))
    posterior = Posterior(graph, *Layout(graph).draw_prior(1, np.random.default_rng(0)))
    first, second = (local_tests(posterior, each).table for each in (survey, weighed))
    pd.testing.assert_frame_equal(first, second, rtol=1e-6)


@pytest.mark.parametrize("people", [0, 1, 3])
def test_few_people_tell_too_little(people):
    graph = small_graph()
    survey = random_survey(graph, people, 5)
    posterior = Posterior(graph, *Layout(graph).draw_prior(2, np.random.default_rng(0)))
    for check in (local_tests, family_residuals):
        found = check(posterior, survey)
        assert set(found.table["verdict"]) <= {"too little data to tell"}
        assert found.contradicted.empty
        assert found.text


def test_one_node_claims_nothing():
    graph = CausalGraph("one", (Node("x", TWO),), ())
    survey = Survey(graph, np.zeros((5, 1), np.int8), Codebook.plain(graph))
    found = local_tests(Posterior.from_cpts(graph, {"x": [0.5, 0.5]}), survey)
    assert found.table.empty
    assert found.predicted.empty


def test_another_graph_is_refused():
    _, survey = two_by_two([1, 1, 1, 1])
    other = Posterior.from_cpts(graph_of("ab"), {"a": [0.5, 0.5], "b": [[0.5, 0.5]] * 2})
    with pytest.raises(QueryError, match="read for graph"):
        local_tests(other, survey)


@pytest.mark.parametrize("test", [local_tests, family_residuals])
@pytest.mark.parametrize("level", [0.0, 1.0, 2.0, np.nan])
def test_a_level_that_is_no_chance_is_refused(test, level):
    graph = graph_of("xm my")
    posterior = Posterior.from_cpts(
        graph, {"x": [0.5, 0.5], "m": [[0.7, 0.3], [0.3, 0.7]], "y": [[0.8, 0.2], [0.4, 0.6]]}
    )
    survey = Survey(graph, np.zeros((3, 3), np.int8), Codebook.plain(graph))
    with pytest.raises(QueryError, match="chance between 0 and 1"):
        test(posterior, survey, level=level)


def test_impossible_answers_are_refused():
    graph, survey = two_by_two([1, 1, 1, 1])
    never = Posterior.from_cpts(graph, {"x": [1.0, 0.0], "y": [0.5, 0.5]})
    with pytest.raises(QueryError, match="impossible"):
        local_tests(never, survey)


def test_people_chosen_by_the_outcome_are_refused():
    graph, survey = two_by_two([5, 5, 5, 5])
    book = {"name": "b", "graph": "two", "columns": {"x": {"node": "x"}, "y": {"node": "y"}}}
    book["design"] = {"kind": "case_control", "outcome": "y"}
    chosen = Survey(graph, survey.codes, Codebook.from_dict(book, graph))
    with pytest.raises(QueryError, match="chosen by the outcome"):
        local_tests(Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [0.5, 0.5]}), chosen)


def test_holm_is_bonferroni_step_by_step():
    p = np.array([0.04, 0.001, 0.3, 0.02])
    assert holm(p).tolist() == pytest.approx([0.08, 0.004, 0.3, 0.06])
    assert holm(np.array([0.5, 0.6])).tolist() == [1.0, 1.0]
    assert holm(np.empty(0)).tolist() == []
