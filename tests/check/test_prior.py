"""What the prior says of shares and odds ratios, beside what was published."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import CausalGraph, GraphError, Posterior, QueryError, load_graph
from backrisk.check import prior_associations, prior_margins
from backrisk.check.prior import prior_model
from backrisk.graph import Layout
from backrisk.summary import interval

CONTRADICTED = {"foot_type"}  # starts near no effect, whatever one association says


@pytest.fixture(scope="module")
def runner():
    return load_graph("runner")


@pytest.fixture(scope="module")
def core():
    return load_graph("runner_core")


@pytest.fixture(scope="module")
def associations(runner):
    return prior_associations(runner, seed=1)


def test_implied_odds_ratios_reach_the_published_intervals(associations):
    known = associations.dropna(subset=["published_low"])
    assert len(known) >= 8
    for row in known.itertuples():
        if row.cause not in CONTRADICTED:
            assert row.low <= row.published_high, row.cause
            assert row.published_low <= row.high, row.cause


def test_the_prior_s_interval_holds_a_figure_or_not(associations):
    assert set(associations["inside"]) <= {"yes", "no"}
    for row in associations.itertuples():
        assert (row.low <= row.published <= row.high) == (row.inside == "yes"), row.cause
        assert row.low < row.implied < row.high


def test_an_implied_odds_ratio_is_that_of_the_worst_state_through_the_whole_graph(runner):
    """By simulation from single draws: odds of pain given the state over those at the reference."""
    table = prior_associations(runner, seed=3, draws=40).set_index("cause")
    prior = prior_model(runner, draws=40, seed=3)
    from backrisk import risk

    for cause in ("previous_back_pain", "bmi"):
        worst = runner.node(cause).states[-1]
        first = runner.node(cause).states[0]
        odds = [risk(prior, {cause: state}).draws for state in (first, worst)]
        ratio = (odds[1] / (1 - odds[1])) / (odds[0] / (1 - odds[0]))
        rows = table.loc[[cause]]
        np.testing.assert_allclose(rows["implied"], np.median(ratio))
        low, high = interval(ratio)
        np.testing.assert_allclose(rows["low"], low)
        np.testing.assert_allclose(rows["high"], high)


def test_published_figures_are_compared_only_with_a_graph_that_names_them():
    states = {"fatigue": ["low", "moderate", "high"], "pain": ["none", "not_limiting", "limiting"]}
    mine = CausalGraph.from_edges([("fatigue", "pain")], states)
    assert prior_margins(mine, draws=20)["published"].isna().all()
    assert prior_associations(mine, draws=20).empty
    theirs = replace(mine, figures="runner")
    assert prior_margins(theirs, draws=20)["published"].notna().any()
    with pytest.raises(GraphError, match="no published figures called 'runer'; expected one of"):
        replace(mine, figures="runer")


def test_an_unknown_target_is_refused_and_one_without_figures_has_no_row(core):
    with pytest.raises(QueryError, match="'ache'"):
        prior_associations(core, target="ache", draws=5)
    assert prior_associations(core, target="fatigue", draws=5).empty


def test_prior_margins_follow_the_stated_ones(runner):
    """With every effect at its mean; parents depend on each other, which costs two points."""
    layout = Layout(runner)
    (a, b), mean = layout.prior.fractions, layout.prior.mean
    cpts = {n: layout.cpt(n, (a / (a + b))[None], mean[None]) for n in runner.names}
    posterior = Posterior.from_cpts(runner, cpts)
    for node in runner.nodes:
        assert np.abs(posterior.marginal(node.name)[:, 0] - node.margin).max() < 0.02, node.name


def test_prior_margins_hold_most_published_prevalences(runner):
    table = prior_margins(runner, seed=1)
    cited = table[table["published"].notna()]
    assert set(cited["inside"]) <= {"yes", "no"}
    # 0.007 is the lowest of nineteen studies, and 0.045 that of a single race.
    assert set(cited.loc[cited["inside"] == "no", "published"]) <= {0.007, 0.045}
    for row in cited.itertuples():
        assert (row.low <= row.published <= row.high) == (row.inside == "yes")
    together = table[table["state"].str.contains(" or ")]
    assert len(together)
    for row in together.itertuples():
        states = row.state.split(" or ")
        alone = table[(table["node"] == row.node) & table["state"].isin(states)]
        assert row.mean == pytest.approx(alone.drop_duplicates("state")["mean"].sum())
    assert set(table.loc[table["published"].isna(), "inside"]) == {""}


def test_prior_margins_are_means_and_intervals_of_the_prior(core):
    table = prior_margins(core, seed=4, draws=60)
    prior = prior_model(core, draws=60, seed=4)
    for node in core.nodes:
        for share, state in zip(prior.marginal(node.name), node.states, strict=True):
            row = table[(table["node"] == node.name) & (table["state"] == state)].iloc[0]
            low, high = interval(share)
            np.testing.assert_allclose(
                row[["mean", "low", "high"]].astype(float), [share.mean(), low, high]
            )


def test_the_prior_as_a_posterior_is_drawn_by_its_seed(core):
    one, same, other = (prior_model(core, draws=7, seed=s) for s in (1, 1, 2))
    assert one.draws == 7
    assert np.array_equal(one.fractions, same.fractions)
    assert not np.array_equal(one.fractions, other.fractions)
    assert np.array_equal(prior_model(core, draws=7).beta, prior_model(core, draws=7, seed=0).beta)
    assert prior_model(core).draws == 1000
