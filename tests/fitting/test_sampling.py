"""Fits: convergence, recovery, seeds, both samplers, refusals."""

from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import beta as beta_distribution

from backrisk import (
    CausalGraph,
    Codebook,
    Edge,
    FitError,
    Node,
    Posterior,
    Prior,
    build_model,
    fit,
    load_graph,
    load_posterior,
    log_likelihood,
    simulate,
)
from backrisk.graph import Layout
from backrisk.survey import Survey

LEVEL = 0.90


def test_the_shared_fit_is_sound(core_posterior):
    worst = core_posterior.diagnostics.worst
    assert worst["divergences"] == 0
    assert worst["r_hat"] < 1.03
    assert worst["e_bfmi"] > 0.3


def test_a_model_has_two_packed_variables_with_readable_names(core_graph, core_survey):
    model = build_model(core_graph, core_survey)
    assert [v.name for v in model.free_RVs] == ["continuation", "z"]
    assert "lumbar_load, compensation" in model.coords["effect"]
    assert "fatigue: low" in model.coords["distribution"]


def test_same_seed_same_exact_draws(core_graph):
    small = CausalGraph.from_edges([("x", "y")], {"x": ["a", "b"], "y": ["a", "b"]})
    survey = Survey.from_frame(simulate(small, 50, seed=1, gaps=False), small)
    first, second = (fit(small, survey, seed=7, draws=20).cpt("y") for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.slow
def test_both_samplers_agree(core_graph, core_survey, core_posterior):
    other = fit(
        core_graph,
        core_survey,
        seed=2,
        draws=300,
        tune=300,
        chains=2,
        sampler="pymc",
        progress=False,
    )
    for name in ("pain", "compensation"):
        a, b = core_posterior.cpt(name), other.cpt(name)
        # Effective draws of at least 100 each: a Monte Carlo error of sd / sqrt(50) between them.
        allowed = 5 * np.maximum(a.std(axis=0), b.std(axis=0)) / np.sqrt(50)
        assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < allowed).all()


def test_pointwise_log_likelihood_feeds_loo(core_posterior, core_survey):
    tree = log_likelihood(core_posterior, core_survey)
    assert tree["log_likelihood"]["answers"].shape == (4, 300, core_survey.n)
    loo = az.loo(tree, var_name="answers")
    assert np.isfinite(loo.elpd)


def test_intervals_cover_the_truth_at_their_rate(core_graph, core_compiled, capsys):
    """Five synthetic surveys of 2,000 whose truths are drawn from the prior.

    Then each 90 % interval covers with probability 0.90. Entries of one survey depend on each
    other: the standard error is taken between surveys' rates, and from binomial counts of the
    independent parameters, whichever is larger.
    """
    graph = core_graph
    layout = Layout(graph)
    rates, entries = [], 0
    for seed in range(5):
        drawn = layout.draw_prior(1, np.random.default_rng(100 + seed))
        cpts = {name: layout.cpt(name, *drawn) for name in graph.names}
        frame = simulate(graph, 2000, seed, posterior=Posterior.from_cpts(graph, cpts))
        survey = Survey.from_frame(frame, graph)
        posterior = fit(
            graph,
            survey,
            seed=seed,
            draws=250,
            tune=300,
            compiled=core_compiled,
            progress=False,
        )
        hits = []
        for name in graph.names:
            tail = (1 - LEVEL) / 2
            low, high = np.quantile(posterior.cpt(name), [tail, 1 - tail], axis=0)
            inside = (cpts[name][0] >= low) & (cpts[name][0] <= high)
            # The last state of a row follows from the others.
            hits += inside[..., :-1].ravel().tolist()
        rates.append(np.mean(hits))
        entries = len(hits)
    parameters = len(layout.fraction_labels) + len(layout.effect_labels)
    error = max(np.std(rates, ddof=1) / np.sqrt(5), np.sqrt(LEVEL * (1 - LEVEL) / (5 * parameters)))
    with capsys.disabled():
        print(f"\ncoverage of 90 % intervals: {np.mean(rates):.3f} ({entries} entries x 5)")
    assert abs(np.mean(rates) - LEVEL) < 3 * error


def odds_ratio_interval(table):
    """The classical 90 % interval of a log odds ratio from the counts of a 2 x 2 table."""
    centre = np.log(table[1, 1] * table[0, 0] / (table[0, 1] * table[1, 0]))
    return centre + np.array([-1.645, 1.645]) * np.sqrt((1 / table).sum())


@pytest.mark.slow
@pytest.mark.parametrize("grade", ["strong", "weak"])
def test_a_claim_of_any_grade_may_be_contradicted(grade):
    """2,000 rows with an odds ratio near 0.46 against a prior of 1.42: the data win.

    The posterior of a normal prior and a nearly normal likelihood is known.
    """
    edge = Edge("x", "y", "c", "literature", grade, Prior(0.35, 0.15))
    nodes = Node("x", ("no", "yes")), Node("y", ("no", "yes"), mechanism="ordinal_logit")
    graph = CausalGraph("g", nodes, (edge,), outcome="y")
    table = np.array([[1176.0, 224.0], [552.0, 48.0]])
    rows = [(x, y) for x in (0, 1) for y in (0, 1) for _ in range(int(table[x, y]))]
    frame = pd.DataFrame(
        [(nodes[0].states[x], nodes[1].states[y]) for x, y in rows], columns=["x", "y"]
    )
    posterior = fit(
        graph,
        Survey.from_frame(frame, graph),
        seed=1,
        draws=400,
        tune=300,
        chains=2,
        progress=False,
    )
    low, high = odds_ratio_interval(table)
    centre, precision = (low + high) / 2, (2 * 1.645 / (high - low)) ** 2
    expected = (centre * precision + 0.35 / 0.15**2) / (precision + 1 / 0.15**2)
    sd = (precision + 1 / 0.15**2) ** -0.5
    beta = posterior.beta[:, 0]
    assert beta.mean() == pytest.approx(expected, abs=5 * sd / np.sqrt(100))
    assert beta.std() == pytest.approx(sd, rel=0.3)
    assert (beta < 0).mean() > 0.95
    # The same rows, and a prior that says little: the interval of the posterior is the data's.
    vague = replace(graph, edges=(replace(edge, prior=Prior(0.35, 3.0)),))
    posterior = fit(
        vague,
        Survey.from_frame(frame, vague),
        seed=1,
        draws=400,
        tune=300,
        chains=2,
        progress=False,
    )
    found = np.quantile(posterior.beta[:, 0], [0.05, 0.95])
    np.testing.assert_allclose(found, [low, high], atol=0.1)


@pytest.mark.slow
def test_each_state_of_a_nominal_cause_has_its_own_effect():
    """The truth is neither rising nor falling over the states; intervals cover it."""
    nodes = (
        Node("kind", ("a", "b", "c"), nominal=True, margin=(0.4, 0.3, 0.3)),
        Node("y", ("no", "some", "much"), margin=(0.5, 0.3, 0.2), mechanism="ordinal_logit"),
    )
    edge = Edge("kind", "y", "c", "stated", "weak", Prior(0.0, 1.0))
    graph = CausalGraph("g", nodes, (edge,), outcome="y")
    layout, truth = Layout(graph), np.array([[1.3, -0.9]])
    a, b = layout.prior.fractions
    drawn = Posterior(graph, (a / (a + b))[None], truth)
    survey = Survey.from_frame(simulate(graph, 3000, seed=4, posterior=drawn), graph)
    posterior = fit(graph, survey, seed=1, draws=400, tune=300, chains=2, progress=False)
    assert posterior.layout.effect_labels == ("y, kind=b", "y, kind=c")
    sd = posterior.beta.std(axis=0)
    assert (sd < 0.15).all()
    assert (np.abs(posterior.beta.mean(axis=0) - truth[0]) < 4 * sd).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": 0}, "draws is 0"),
        ({"chains": 0}, "chains is 0"),
        ({"tune": 0}, "tune is 0"),
        ({"cores": -1}, "cores is -1"),
        ({"draws": 10**23}, "draws is .*, expected at most 100,000,000"),
        ({"tune": 10**23}, "tune is .*, expected at most 100,000,000"),
        ({"chains": 10**23}, "chains is .*, expected at most 100,000"),
        ({"target_accept": 1.0}, "target_accept is 1"),
        ({"sampler": "nutpy"}, r"no sampler 'nutpy' \(did you mean 'nutpie'"),
    ],
)
def test_impossible_numbers_are_refused(core_graph, core_survey, change, message):
    with pytest.raises(FitError, match=message):
        fit(core_graph, core_survey, **{"seed": 1, **change})


def test_a_survey_of_another_graph_is_refused(core_survey):
    with pytest.raises(FitError, match="runner_core"):
        fit(load_graph("runner"), core_survey, seed=1)


def test_a_saved_model_holds_no_row(core_survey, core_model):
    tree = xr.open_datatree(core_model, engine="h5netcdf").load()
    sizes = {size for group in tree.children.values() for size in group.sizes.values()}
    tree.close()
    assert core_survey.n not in sizes


TWO = {"x": ["no", "yes"], "y": ["no", "yes"]}


@pytest.fixture(scope="module")
def exact():
    """Complete data, saturated families: x is 30 no and 10 yes; of those with y, by hand below."""
    graph = CausalGraph.from_edges([("x", "y")], TWO)
    frame = pd.DataFrame({"x": ["no"] * 30 + ["yes"] * 10, "y": ["no"] * 20 + ["yes"] * 20})
    book = Codebook.plain(graph).model_copy(update={"population": "People like us."})
    survey = Survey.from_frame(frame, graph, book)
    return fit(graph, survey, seed=3, draws=5000, chains=2)


def test_complete_data_give_the_dirichlet_s_own_draws(exact):
    """Prior and counts add up: the mean and the spread of a Beta(a + n, b + m)."""
    assert exact.diagnostics.method == "exact"
    assert exact.diagnostics.good
    assert (exact.draws, exact.chains) == (10_000, 2)
    first, second = exact.layout.prior.fractions
    counts = np.array([[30, 10], [20, 10], [0, 10]])  # x; y given x=no; y given x=yes
    assert exact.fractions.shape == (10_000, 3)
    for column, (no, yes) in enumerate(counts):
        expected = beta_distribution(first[column] + no, second[column] + yes)
        error = expected.std() / np.sqrt(10_000)
        assert exact.fractions[:, column].mean() == pytest.approx(expected.mean(), abs=4 * error)
        assert exact.fractions[:, column].std() == pytest.approx(expected.std(), rel=0.04)
        below = np.mean(exact.fractions[:, column] < expected.median())
        assert below == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(exact.draws))


def test_an_exact_fit_says_what_it_came_from(exact):
    assert exact.meta["people"] == 40
    assert exact.meta["population"] == "People like us."
    assert exact.meta["patterns"] == 3
    assert exact.meta["effective_people"] == 40
    assert exact.meta["answered"] == {"x": 1.0, "y": 1.0}
    assert (exact.meta["seed"], exact.meta["draws"], exact.meta["tune"]) == (3, 5000, 300)
    assert set(exact.meta["versions"]) == {"backrisk", "pymc", "nutpie", "numpy", "arviz"}
    assert exact.prior.draws == 1000
    assert exact.beta.shape == (10_000, 0)


def test_an_exact_fit_can_be_saved_and_loaded(exact, tmp_path):
    loaded = load_posterior(exact.save(tmp_path / "m.nc"))
    assert np.array_equal(loaded.cpt("y"), exact.cpt("y"))
    assert loaded.meta == exact.meta


def test_a_table_is_fitted_as_the_survey_that_is_read_from_it(tmp_path):
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["a", "b"], "y": ["a", "b"]})
    frame = simulate(graph, 60, seed=1, gaps=False).assign(weight=[1.0, 2.0] * 30)
    frame.to_csv(tmp_path / "s.csv", index=False)
    survey = Survey.from_frame(frame, graph, weight="weight")
    weighted = fit(graph, survey, seed=7, draws=20)
    for table in (frame, tmp_path / "s.csv", str(tmp_path / "s.csv")):
        found = fit(graph, table, seed=7, draws=20, weight="weight")
        assert np.array_equal(found.cpt("y"), weighted.cpt("y"))
    assert not weighted.diagnostics.cautions


def test_what_a_survey_cautions_of_is_told_with_the_fit_and_kept(tmp_path):
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["a", "b"], "y": ["a", "b"]})
    frame = simulate(graph, 60, seed=1, gaps=False).assign(weight=[51.0, 80.0] * 30)
    posterior = fit(graph, frame, seed=7, draws=20)
    (caution,) = posterior.diagnostics.cautions
    assert "'weight' is not read" in caution
    posterior.save(tmp_path / "m.nc")
    assert load_posterior(tmp_path / "m.nc").diagnostics.cautions == (caution,)
