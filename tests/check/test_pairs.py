"""Associations of two answers: their scores by brute force, their tests by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest
from strategies import Brute

from backrisk import Codebook, Posterior, QueryError, fit
from backrisk.check import pairwise
from backrisk.check.expected import Expected, tables_of
from backrisk.check.pairs import gamma, scores_of
from backrisk.graph import CausalGraph, Edge, Layout, Node
from backrisk.posterior import SiteEffects
from backrisk.posterior.simulation import draw_states
from backrisk.survey import Design, Survey, tabulate

STATES = {"a": ["0", "1", "2"], "b": ["0", "1"], "c": ["0", "1", "2"], "d": ["0", "1"]}


@pytest.fixture(scope="module")
def chain():
    return CausalGraph.from_edges([("a", "b"), ("b", "c"), ("c", "d")], STATES, outcome="d")


def survey_of(graph, codes, **rest):
    return Survey(graph, np.asarray(codes, np.int8), Codebook.plain(graph), **rest)


def point_of(graph, seed=1):
    rng = np.random.default_rng(seed)
    shapes = {name: graph.shape(name) for name in graph.names}
    cpts = {n: rng.dirichlet(np.full(s[-1], 2.0), s[:-1]) for n, s in shapes.items()}
    return Posterior.from_cpts(graph, cpts)


def nominal(graph, name):
    nodes = tuple(replace(n, nominal=n.name == name) for n in graph.nodes)
    return CausalGraph(graph.name, nodes, graph.edges, outcome=graph.outcome)


@pytest.mark.parametrize("unordered", [None, "c"])
def test_scores_and_tables_are_sums_over_every_state(chain, unordered):
    """With answers missing, each alone, two at once and all but one."""
    graph = nominal(chain, unordered)
    point = point_of(graph)
    rng = np.random.default_rng(2)
    codes = draw_states(point, 60, rng)
    codes[rng.random(codes.shape) < 0.4] = -1
    survey = survey_of(graph, codes, weights=rng.uniform(0.5, 2.0, 60))
    patterns = tabulate(survey)
    expected = Expected.of(point, survey, patterns, np.arange(4))
    u, place = scores_of(expected)
    joint = Brute(point, 0).joint()
    full, chance = np.array(list(joint)), np.array(list(joint.values()))
    values = {}
    for v, node in enumerate(graph.nodes):
        top = len(node.states) - 1
        values[v] = (
            (full[:, [v]] == np.arange(1, top + 1)) if node.nominal else full[:, [v]] / top
        ).astype(float)
    for one, two in expected.pairs:
        columns = [(a, b) for a in values[one].T for b in values[two].T]
        for at, (a, b) in zip(place[one, two], columns, strict=True):
            product = (a - chance @ a) * (b - chance @ b)
            for row, own in enumerate(patterns.codes):
                agrees = ((full == own) | (own < 0)).all(axis=1)
                given = (product * chance)[agrees].sum() / chance[agrees].sum()
                assert u[row, at] == pytest.approx(given - chance @ product, abs=1e-10)
        observed, predicted = tables_of(expected, patterns.weights, (one, two))
        for k, j in np.ndindex(observed.shape):
            cell = (full[:, one] == k) & (full[:, two] == j)
            told = [
                chance[cell & a].sum() / chance[a].sum()
                for own in patterns.codes
                for a in [((full == own) | (own < 0)).all(axis=1)]
            ]
            assert predicted[k, j] == pytest.approx(chance[cell].sum())
            assert observed[k, j] == pytest.approx(np.average(told, weights=patterns.weights))


def naive(survey, posterior, rng):
    """The posterior predictive p-value of the score of a and b, a survey for each draw."""
    joint = posterior.cpt("a")[:, :, None] * posterior.cpt("b")
    flat = joint.reshape(len(joint), -1)
    seen = np.zeros((3, 2))
    np.add.at(seen, tuple(survey.codes[:, :2].T.astype(int)), 1)
    a = np.array([0.0, 0.5, 1.0]) - (joint.sum(axis=2) @ [0.0, 0.5, 1.0])[:, None]
    b = np.array([0.0, 1.0]) - joint.sum(axis=1)[:, [1]]
    score = (a[:, :, None] * b[:, None]).reshape(len(joint), -1)
    again = rng.multinomial(survey.n, flat)
    above = ((again * score).sum(axis=1) > (seen.ravel() * score).sum(axis=1)).mean()
    return 2 * min(above, 1 - above)


def surveys(graph, people, count, seed):
    """Surveys of truths that were drawn from the prior."""
    layout, rng = Layout(graph), np.random.default_rng(seed)
    for _ in range(count):
        truth = Posterior(graph, *layout.draw_prior(1, rng))
        yield survey_of(graph, draw_states(truth, people, rng)), rng


@pytest.mark.slow
def test_p_values_are_uniform_and_the_naive_ones_are_not(chain):
    """Exact posteriors of a chain: pairs at a distance, of which no parameter is their own."""
    ours, theirs, alarms = [], [], []
    for survey, rng in surveys(chain, 300, 200, seed=3):
        posterior = fit(chain, survey, seed=int(rng.integers(2**31)), progress=False)
        found = pairwise(posterior, survey)
        alarms.append(not found.contradicted.empty)
        by_pair = found.pairs.set_index(["node", "other"])["p"]
        apart = [("a", "c"), ("b", "d"), ("a", "d")]
        ours.append([by_pair[pair] for pair in apart])
        theirs.append(naive(survey, posterior, rng))  # an edge: hardly anything is left to vary
    for p in np.array(ours).T:
        assert kstest(p[np.isfinite(p)], "uniform").pvalue > 1e-3
    # The level, and three standard errors.
    assert np.mean(alarms) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(alarms))
    # A conservative p-value is hardly ever small, and piles up in the middle and above.
    assert np.mean(np.array(theirs) < 0.2) < 0.05
    assert kstest(theirs, "uniform").pvalue < 1e-6


def test_an_edge_of_its_own_is_fitted_and_an_edge_left_out_is_noticed(chain):
    truth = point_of(chain, seed=5)
    survey = survey_of(chain, draw_states(truth, 2000, np.random.default_rng(1)))
    found = pairwise(fit(chain, survey, seed=1), survey).pairs.set_index(["node", "other"])
    assert found.loc[("b", "c"), "verdict"] == "fitted"
    assert np.isnan(found.loc[("b", "c"), "p"])
    assert found.loc[("b", "c"), "observed"] == pytest.approx(
        found.loc[("b", "c"), "predicted"], abs=0.05
    )
    short = CausalGraph(
        chain.name, chain.nodes, tuple(e for e in chain.edges if e.effect != "c"), outcome="d"
    )
    other = survey_of(short, survey.codes)
    checked = pairwise(fit(short, other, seed=1), other)
    row = checked.pairs.set_index(["node", "other"]).loc[("b", "c")]
    assert row["verdict"] == "contradicted"
    assert row["low"] < 0 < row["high"] or np.sign(row["log_odds"]) == np.sign(row["observed"])
    assert row["predicted"] == pytest.approx(0.0, abs=1e-9)
    assert checked.pairs.iloc[0][["node", "other"]].tolist() in (["b", "c"], ["a", "c"], ["b", "d"])
    assert "contradict" in checked.text
    assert (
        checked.table["verdict"]
        .isin(["contradicted", "agrees", "fitted, not tested", "too little data to tell"])
        .all()
    )


def test_the_missing_log_odds_ratio_is_told(chain):
    """Two nodes that the model holds apart, with a log odds ratio of 0.6 between them."""
    graph = CausalGraph("apart", tuple(Node(n, ("0", "1")) for n in "ab"), ())
    half = Posterior.from_cpts(graph, {"a": [0.5, 0.5], "b": [0.5, 0.5]})
    share = 1 / (1 + np.exp(-0.3)) / 2  # of each cell on the diagonal
    counts = (np.array([share, 0.5 - share, 0.5 - share, share]) * 4000).round().astype(int)
    codes = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], counts, axis=0)
    (row,) = pairwise(half, survey_of(graph, codes)).pairs.to_dict("records")
    # One step of Newton's method from none: tanh(0.15) / 0.25 of 0.6, as both are halves.
    assert row["log_odds"] == pytest.approx(4 * np.tanh(0.15), rel=0.01)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.645 * 4 / np.sqrt(4000), rel=0.01)
    assert row["points"] == pytest.approx(100 * (share - 0.25), abs=0.02)
    assert row["left"] == pytest.approx(1.0)


def test_what_a_model_of_others_is_unsure_of_adds_to_the_variance(chain):
    truth = point_of(chain, seed=5)
    rng = np.random.default_rng(1)
    first, second = (survey_of(chain, draw_states(truth, 400, rng)) for _ in range(2))
    posterior = fit(chain, first, seed=1)
    inside = pairwise(posterior, first).pairs.set_index(["node", "other"])
    outside = pairwise(posterior, second, external=True).pairs.set_index(["node", "other"])
    assert (outside["left"] > 1).all()
    assert (inside["left"] < 1).all()
    assert (outside["verdict"] != "contradicted").all()


def test_a_rate_that_is_off_elsewhere_is_no_association(chain):
    """A fit, and people among whom all odds of c are others: nothing but that differs."""
    truth = point_of(chain, seed=5)
    rng = np.random.default_rng(1)
    first = survey_of(chain, draw_states(truth, 1000, rng))
    tables = {name: table[0] for name, table in truth.given.items()}
    odds = tables["c"] * [1.0, 2.0, 4.0]
    moved = Posterior.from_cpts(chain, tables | {"c": odds / odds.sum(axis=-1, keepdims=True)})
    second = survey_of(chain, draw_states(moved, 4000, rng))
    for model in (fit(chain, first, seed=1, progress=False), truth):
        found = pairwise(model, second, external=True)
        assert found.contradicted.empty
        assert (found.pairs["verdict"] == "agrees").any()


def test_each_site_is_held_to_its_own_model(core_graph):
    layout, rng = Layout(core_graph), np.random.default_rng(1)
    fractions, beta = layout.draw_prior(1, rng)
    shift = rng.normal(0, 1.0, (1, 2, len(layout.pooled)))
    sites = SiteEffects(("north", "south"), shift, np.ones((1, len(layout.pooled))))
    posterior = Posterior(core_graph, fractions, beta, sites=sites)
    codes = np.concatenate([draw_states(posterior.at_site(s), 1500, rng) for s in sites.names])
    site = np.repeat([0, 1], 1500)
    survey = survey_of(core_graph, codes, site=site, sites=sites.names)
    assert pairwise(posterior, survey).contradicted.empty
    assert not pairwise(posterior, replace(survey, site=1 - site)).contradicted.empty


def test_few_people_tell_nothing_and_one_person_is_no_error(chain):
    point = point_of(chain)
    for people in (1, 12):
        survey = survey_of(chain, draw_states(point, people, np.random.default_rng(1)))
        found = pairwise(point, survey)
        assert set(found.pairs["verdict"]) <= {"too_little", "fitted"}
        assert found.text


def test_what_cannot_be_asked_is_refused_in_a_sentence(chain):
    point = point_of(chain)
    survey = survey_of(chain, draw_states(point, 50, np.random.default_rng(1)))
    alone = survey.codes.copy()
    alone[:, 1:] = -1
    design = {"design": Design(kind="case_control", outcome="d", cases="1")}
    chosen = replace(survey, codebook=survey.codebook.model_copy(update=design))
    posterior = fit(chain, survey, seed=1)
    for model, asked, wrong, said in (
        (point, {}, replace(survey, codes=alone), "fewer than two nodes"),
        (point, {}, replace(survey, codes=survey.codes[:0]), "nobody"),
        (point, {}, chosen, "chosen by the outcome"),
        (point, {"level": 1.0}, survey, "between 0 and 1"),
        (posterior.subset(1), {}, survey, "this one has 1"),
    ):
        with pytest.raises(QueryError, match=said):
            pairwise(model, wrong, **asked)


def test_gamma_is_the_balance_of_pairs_that_agree():
    table = np.random.default_rng(1).integers(1, 9, (3, 4)).astype(float)
    alike = unlike = 0.0
    for (i, j), one in np.ndenumerate(table):
        for (k, m), two in np.ndenumerate(table):
            alike += one * two * ((i - k) * (j - m) > 0)
            unlike += one * two * ((i - k) * (j - m) < 0)
    assert gamma(table) == pytest.approx((alike - unlike) / (alike + unlike))
    assert gamma(np.array([[1.0, 1.0]])) == 0.0


def test_a_graph_with_an_item_and_an_edge_has_every_pair():
    nodes = (
        Node("x", ("0", "1")),
        Node("y", ("0", "1")),
        Node("r", ("0", "1"), mechanism="item", reliability=0.8),
    )
    edges = (Edge("x", "y", "c", "stated", "weak"), Edge("y", "r", "c", "measurement", "weak"))
    graph = CausalGraph("items", nodes, edges, outcome="y")
    point = point_of(graph)
    survey = survey_of(graph, draw_states(point, 40, np.random.default_rng(1)))
    pairs = pairwise(point, survey).pairs
    assert {tuple(p) for p in pairs[["node", "other"]].to_numpy()} == {
        ("x", "y"),
        ("x", "r"),
        ("y", "r"),
    }
