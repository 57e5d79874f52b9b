"""People chosen by the outcome: the likelihood is its definition, and fits find what it says."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit, logsumexp

from backrisk import (
    CausalGraph,
    Codebook,
    FitError,
    Posterior,
    Prior,
    build_model,
    fit,
    load_graph,
    log_likelihood,
    read_survey,
    simulate,
)
from backrisk.fitting.densities import log_likelihood_of, log_prior
from backrisk.fitting.observed import prepare
from backrisk.graph import Edge, Layout, Node
from backrisk.posterior import SiteEffects
from backrisk.survey import Survey
from tests.places import SHARED
from tests.strategies import Brute, every_mechanism, random_graph, seeds

DRAWS = 3


def by_design(graph, frame, design, **keys):
    """A survey of a frame under a design."""
    columns = {name: {"node": name} for name in graph.names if name in frame}
    data = {"name": "b", "graph": graph.name, "columns": columns, "design": design, **keys}
    return Survey.from_frame(frame, graph, Codebook.from_dict(data, graph))


def sample(graph, seed, n=30, gaps=0.2, keep=()):
    """A small table in which the outcome, and what is kept, is known of everyone."""
    rng = np.random.default_rng(seed)
    frame = simulate(graph, n, seed=seed, gaps=False)
    gone = rng.random(frame.shape) < gaps
    gone[:, [name in (graph.outcome, *keep) for name in frame]] = False
    states = graph.node(graph.outcome).states
    frame[graph.outcome] = rng.choice(states, size=n)
    frame.loc[:1, graph.outcome] = states[0], states[-1]  # both kinds of people
    return frame.mask(gone, "")


def drawn(survey, seed, sites=()):
    """The survey made ready, and a posterior of a few draws of its parameters."""
    prepared = prepare(survey.graph, survey)
    rng = np.random.default_rng(seed)
    fractions, beta = prepared.layout.draw_prior(DRAWS, rng)
    pooled = len(prepared.layout.pooled)
    effects = None
    if sites:
        shape = (DRAWS, len(sites), pooled)
        effects = SiteEffects(tuple(sites), rng.normal(size=shape), rng.random((DRAWS, pooled)))
    found = log_likelihood_of(
        prepared.circuit, prepared.layout, fractions, beta, effects, prepared.sampled
    )
    return prepared, Posterior(survey.graph, fractions, beta, sites=effects), found


def evidence_of(survey, row):
    return {
        name: int(code) for name, code in zip(survey.graph.names, row, strict=True) if code >= 0
    }


def total(brute, evidence):
    """P(evidence), by enumeration."""
    names = list(brute.graph.names)
    return sum(
        p
        for full, p in brute.joint().items()
        if all(full[names.index(name)] == code for name, code in evidence.items())
    )


def share_of_cases(brute, outcome, first):
    place = brute.graph.names.index(outcome)
    return sum(p for full, p in brute.joint().items() if full[place] >= first)


@pytest.mark.parametrize("prevalence", [None, 0.14])
@pytest.mark.parametrize("seed", seeds(4, 40))
def test_a_case_is_as_likely_as_its_answers_are_among_cases(seed, prevalence):
    graph = random_graph(np.random.default_rng(seed), 4)
    states = graph.node(graph.outcome).states
    first = len(states) - 1
    design = {"kind": "case_control", "cases": states[first], "people": 500}
    design |= {} if prevalence is None else {"prevalence": prevalence}
    survey = by_design(graph, sample(graph, seed), design)
    _, posterior, found = drawn(survey, seed)
    for draw in range(DRAWS):
        brute = Brute(posterior, draw)
        ill = share_of_cases(brute, graph.outcome, first)
        expected = 0.0
        for row in survey.codes:
            case = row[graph.names.index(graph.outcome)] >= first
            below = ill if case else 1 - ill
            expected += np.log(total(brute, evidence_of(survey, row)) / below)
        if prevalence is not None:
            expected += 500 * (prevalence * np.log(ill) + (1 - prevalence) * np.log(1 - ill))
        assert found[draw] == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_at_each_site_cases_are_compared_with_its_own_controls():
    graph = replace(every_mechanism(), outcome="o")
    frame = sample(graph, 1, n=24).assign(site=["n", "s", "w", "s"] * 6)
    design = {"kind": "case_control", "prevalence": 0.2, "people": 100}
    survey = by_design(graph, frame, design, site="site")
    _, posterior, found = drawn(survey, 3, survey.sites)
    for draw in range(DRAWS):
        expected = 0.0
        for place, site in enumerate(survey.sites):
            brute = Brute(posterior.at_site(site), draw)
            ill = share_of_cases(brute, "o", 1)
            here = survey.codes[survey.site == place]
            for row in here:
                case = row[graph.names.index("o")] >= 1
                found_p = total(brute, evidence_of(survey, row))
                expected += np.log(found_p / (ill if case else 1 - ill))
            stated = 100 * len(here) / len(frame)
            expected += stated * (0.2 * np.log(ill) + 0.8 * np.log(1 - ill))
        assert found[draw] == pytest.approx(expected, rel=1e-9)


def sets_of(frame, graph, seed, sizes=(2, 3, 4)):
    """Rows put into sets of a few, the last of which has what is left."""
    rng = np.random.default_rng(seed)
    names, left = [], len(frame)
    while left > 0:
        size = int(min(rng.choice(sizes), left))
        names += [f"p{len(names)}"] * size
        left -= size
    return frame.assign(set=names)


@pytest.mark.parametrize("prevalence", [None, 0.14])
@pytest.mark.parametrize("seed", seeds(4, 40))
def test_the_cases_of_a_set_are_as_likely_as_among_all_choices_from_it(seed, prevalence):
    graph = random_graph(np.random.default_rng(seed), 4)
    outcome, parents = graph.outcome, graph.parents(graph.outcome)
    at = graph.names.index(outcome)
    design = {"kind": "matched", "set": "set", "people": 500}
    design |= {} if prevalence is None else {"prevalence": prevalence}
    frame = sets_of(sample(graph, seed, keep=parents), graph, seed)
    survey = by_design(graph, frame, design)
    _, posterior, found = drawn(survey, seed)
    case = survey.codes[:, at] >= 1
    pi = prevalence or 0.0
    weights = np.where(case, pi / case.sum(), (1 - pi) / (~case).sum())
    weights = weights * weights.sum() / (weights**2).sum()
    others = survey.codes.copy()
    others[:, at] = -1
    for draw in range(DRAWS):
        brute = Brute(posterior, draw)
        expected = sum(
            weight * np.log(total(brute, evidence_of(survey, row)))
            for weight, row in zip(weights, others, strict=True)
        )
        odds = np.empty(len(case))
        for person, row in enumerate(survey.codes):
            p = brute.row(outcome, dict(zip(graph.names, row, strict=True)))[0]
            odds[person] = (1 - p) / p
        for name in range(len(survey.sites)):
            rows = np.flatnonzero(survey.site == name)
            ill = rows[case[rows]]
            if not 0 < len(ill) < len(rows):
                continue
            ways = [odds[list(some)].prod() for some in itertools.combinations(rows, len(ill))]
            expected += np.log(odds[ill].prod() / sum(ways))
        if prevalence is not None:
            share = share_of_cases(brute, outcome, 1)
            expected += 500 * (pi * np.log(share) + (1 - pi) * np.log(1 - share))
        assert found[draw] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", ["case_control", "matched"])
def test_pymc_has_the_same_likelihood(kind):
    graph = replace(every_mechanism(), outcome="o")
    keep = graph.parents("o")
    frame = sets_of(sample(graph, 5, n=24, keep=keep), graph, 5)
    design = {"kind": kind, "prevalence": 0.2, "people": 100}
    keys = {"ignore": ["set"]}
    if kind == "matched":
        design, keys = design | {"set": "set"}, {}
    survey = by_design(graph, frame, design, **keys)
    prepared, posterior, likelihood = drawn(survey, 2)
    layout = prepared.layout
    told = log_prior(layout.prior, posterior.fractions, posterior.beta, None)
    logp = build_model(survey.graph, survey).compile_logp(jacobian=False)
    z = (posterior.beta - layout.prior.mean) / layout.prior.sd
    for draw in range(DRAWS):
        point = {"continuation_logodds__": logit(posterior.fractions[draw]), "z": z[draw]}
        expected = told[draw] + np.log(layout.prior.sd).sum() + likelihood[draw]
        assert logp(point) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", ["case_control", "matched"])
def test_patterns_of_people_have_the_likelihood_of_the_people(kind, tmp_path):
    frame = pairs(3, 9, 4, 6)
    frame = pd.concat([frame, frame.assign(pair=frame["pair"] + "b"), frame[frame["y"] == "no"]])
    design = {"kind": kind, "prevalence": 0.2} | ({"set": "pair"} if kind == "matched" else {})
    keys = {} if kind == "matched" else {"ignore": ["pair"]}
    survey = by_design(one_cause(), frame, design, **keys)
    frame.to_csv(tmp_path / "a.csv", index=False)
    counted = read_survey(tmp_path / "a.csv", one_cause(), survey.codebook, engine="duckdb")
    assert counted.n == survey.n
    np.testing.assert_allclose(drawn(counted, 1)[2], drawn(survey, 1)[2], rtol=1e-12)


def pairs(both, first, second, neither):
    """Matched pairs by who of case and control was exposed, in McNemar's four cells."""
    rows = []
    for count, case, control in (
        (both, "yes", "yes"),
        (first, "yes", "no"),
        (second, "no", "yes"),
        (neither, "no", "no"),
    ):
        for _ in range(count):
            name = f"p{len(rows)}"
            rows += [(name, "yes", case), (name, "no", control)]
    return pd.DataFrame(rows, columns=["pair", "y", "x"])


def one_cause(mechanism="ordinal_logit", sd=3.0):
    two = ("no", "yes")
    nodes = (Node("x", two), Node("y", two, mechanism=mechanism))
    edges = (Edge("x", "y", "Claim.", "stated", "weak", Prior(0.0, sd)),)
    return CausalGraph("pair", nodes, edges, outcome="y")


def conditional_posterior(first, second, sd):
    """Mean and sd of the log odds ratio, by quadrature of McNemar's likelihood and the prior."""
    grid = np.linspace(-12, 12, 20_001)
    logs = first * np.log(expit(grid)) + second * np.log(expit(-grid)) - grid**2 / (2 * sd**2)
    weight = np.exp(logs - logsumexp(logs))
    mean = weight @ grid
    return mean, np.sqrt(weight @ (grid - mean) ** 2)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the given inputs beside the repository")
def test_the_given_pairs_have_an_odds_ratio_of_four():
    place = SHARED / "cases" / "reading" / "pairs"
    graph = load_graph(place / "graph.yaml")
    columns = {name: {"node": name} for name in graph.names}
    data = {"name": "b", "graph": graph.name, "columns": columns}
    made = Codebook.from_dict({**data, "design": {"kind": "matched", "set": "pair"}}, graph)
    survey = read_survey(place / "survey.csv", graph, made)
    posterior = fit(graph, survey, seed=1, draws=1000, progress=False)
    assert posterior.diagnostics.good
    found = posterior.beta[:, 0]
    mean, sd = conditional_posterior(32, 8, 3.0)
    error = 5 * sd / np.sqrt(1000)  # at least so many effective draws
    assert found.mean() == pytest.approx(mean, abs=error)
    assert found.std() == pytest.approx(sd, rel=0.15)
    assert np.exp(np.median(found)) == pytest.approx(4.0, abs=0.3)


@pytest.mark.parametrize("counts", [(5, 12, 3, 9), (0, 4, 4, 30), (20, 1, 9, 0)])
def test_pairs_that_agree_say_nothing_of_the_odds_ratio(counts):
    design = {"kind": "matched", "set": "pair"}
    survey = by_design(one_cause(), pairs(*counts), design)
    sets = prepare(survey.graph, survey).sampled.sets
    log_odds = np.array([[0.3, -1.0], [1.0, 0.5]])  # of nobody exposed, and of everybody
    beta = log_odds[1] - log_odds[0]
    _, first, second, _ = counts
    agree = (counts[0] + counts[3]) * np.log(0.5)
    expected = first * np.log(expit(beta)) + second * np.log(expit(-beta)) + agree
    np.testing.assert_allclose(sets.log_likelihood(log_odds), expected, rtol=1e-12)


@pytest.mark.slow
def test_a_case_control_study_re_anchors_every_margin_and_keeps_the_odds_ratios():
    """Cases and controls of a known population: all that is asked of the fit is its truth."""
    names = ("w", "x", "y")
    two = ("no", "yes")
    nodes = tuple(
        Node(name, two, mechanism="ordinal_logit" if name == "y" else None) for name in names
    )
    edges = tuple(
        Edge(a, b, "Claim.", "stated", "weak", Prior(0.0, 2.0))
        for a, b in (("w", "x"), ("w", "y"), ("x", "y"))
    )
    graph = CausalGraph("study", nodes, edges, outcome="y")
    rng = np.random.default_rng(1)
    n = 400_000
    w = rng.random(n) < 0.3
    x = rng.random(n) < np.where(w, 0.6, 0.2)
    y = rng.random(n) < expit(-3.2 + 1.0 * w + 1.4 * x)
    ill, well = np.flatnonzero(y)[:1500], np.flatnonzero(~y)[:1500]
    rows = np.concatenate([ill, well])
    label = np.array(two)
    frame = pd.DataFrame(
        {"w": label[w[rows] * 1], "x": label[x[rows] * 1], "y": label[y[rows] * 1]}
    )
    share = float(y.mean())
    survey = by_design(graph, frame, {"kind": "case_control", "prevalence": share})
    posterior = fit(graph, survey, seed=1, draws=600, tune=600, progress=False)
    assert posterior.diagnostics.good
    truth = {("y", 1): share, ("x", 1): x.mean(), ("w", 1): w.mean()}
    for (name, state), value in truth.items():
        draws = posterior.marginal(name)[state]
        assert abs(draws.mean() - value) < 4 * draws.std()
    effects = dict(zip(posterior.layout.effect_labels, posterior.beta.T, strict=True))
    # As precise as a logistic regression of the sample is: nothing was weighted away.
    causes = np.column_stack([np.ones(len(rows)), w[rows], x[rows]])
    mean = expit((causes - causes.mean(axis=0)) @ [0.0, 1.0, 1.4])
    fisher = (causes * (mean * (1 - mean))[:, None]).T @ causes
    errors = np.sqrt(np.diag(np.linalg.inv(fisher)))[1:]
    for cause, value, error in zip(("w", "x"), (1.0, 1.4), errors, strict=True):
        draws = effects[f"y, {cause}"]
        assert abs(draws.mean() - value) < 4 * draws.std()
        assert draws.std() == pytest.approx(error, rel=0.15)


def test_matched_sets_need_the_causes_of_everyone():
    frame = pairs(3, 4, 2, 1)
    frame.loc[2, "x"] = ""
    design = {"kind": "matched", "set": "pair"}
    with pytest.raises(FitError, match="causes of 'y', but x is not known of 1 person"):
        fit(one_cause(), by_design(one_cause(), frame, design), seed=1)
    lonely = frame[frame["y"] == "no"].assign(y=["yes", *["no"] * 9], x="no")
    with pytest.raises(FitError, match="No matched set has both"):
        fit(one_cause(), by_design(one_cause(), lonely, design), seed=1)
    alone = CausalGraph("pair", (Node("y", ("no", "yes")),), (), outcome="y")
    with pytest.raises(FitError, match="'y' has no causes"):
        fit(alone, by_design(alone, frame[["pair", "y"]], design), seed=1)
    crowd = pd.DataFrame({"pair": "a", "y": ["no", "yes"] * 20, "x": "no"})
    with pytest.raises(FitError, match="20 cases and 20 controls"):
        fit(one_cause(), by_design(one_cause(), crowd, design), seed=1)


def test_no_one_of_the_chosen_has_a_likelihood_of_their_own():
    survey = by_design(one_cause(), pairs(3, 4, 2, 1), {"kind": "matched", "set": "pair"})
    posterior = Posterior(
        survey.graph, *Layout(survey.graph).draw_prior(3, np.random.default_rng(1))
    )
    with pytest.raises(FitError, match="not a product over people"):
        log_likelihood(posterior, survey)
