"""What the prior says of shares and ratios, beside what was published."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior, load_graph, risk
from backrisk.check import prior, prior_associations, prior_margins
from backrisk.check.prior import prior_model
from backrisk.graph import Figure, Layout, Prevalence
from backrisk.likelihood import conditioned
from backrisk.summary import interval

STRONG = 0.35  # standard error below which a published estimate has to lie inside
RATIO = ("low", "implied", "high")


@pytest.fixture(scope="module")
def runner():
    return load_graph("runner")


@pytest.fixture(scope="module")
def core():
    return load_graph("runner_core")


@pytest.fixture(scope="module")
def associations(runner):
    return prior_associations(runner, seed=1, draws=200)


@pytest.mark.slow
def test_what_is_implied_reaches_what_was_published(associations, runner):
    """At least ten of eleven published intervals, or all but one where there are fewer."""
    known = associations.dropna(subset=["published_low", "implied"])
    assert len(known) >= 8
    assert (known["overlap"] == "no").sum() <= 1, known
    assert set(known["used"]) == {"yes"}
    errors = np.log(known["published_high"] / known["published_low"]) / (2 * 1.96)
    sure = known[errors < STRONG]
    assert len(sure) >= 4
    assert set(sure["inside"]) == {"yes"}, sure


@pytest.mark.slow
def test_conditioning_brings_what_is_implied_nearer_to_what_was_published(associations):
    """Weighted by the published errors, the misses become smaller."""
    used = associations[associations["used"] == "yes"]
    error = np.log(used["published_high"] / used["published_low"]) / (2 * 1.96)
    miss = {
        key: (np.log(used[key] / used["published"]) / error) ** 2 for key in ("before", "implied")
    }
    assert miss["implied"].sum() < 0.7 * miss["before"].sum()


def test_whether_intervals_meet_and_hold_a_figure(associations):
    for row in associations.itertuples():
        if np.isnan(row.implied):
            assert row.inside == row.overlap == ""
            assert row.used == "no"
            continue
        assert row.before_low < row.before < row.before_high
        assert row.low < row.implied < row.high
        assert (row.low <= row.published <= row.high) == (row.inside == "yes"), row.cause
        meets = row.low <= row.published_high and row.published_low <= row.high
        known = not np.isnan(row.published_low)
        assert row.overlap == (("yes" if meets else "no") if known else "")
        assert (row.used == "yes") == (row.why == "")


def test_an_implied_odds_ratio_is_that_of_the_states_compared_through_the_whole_graph(core):
    """Odds of the event given the state over those given the reference, draw by draw."""
    graph = replace(
        core,
        figures=(
            replace(
                FIGURE,
                cause="fatigue",
                effect="pain",
                exposed=("high",),
                reference=("low",),
                event="pain>=limiting",
            ),
        ),
    )
    table = prior_associations(graph, seed=3, draws=40).iloc[0]
    for names, evidence in ((("before_low", "before", "before_high"), False), (RATIO, True)):
        model = prior_model(graph, draws=40, seed=3, evidence=evidence)
        odds = [
            risk(model, {"fatigue": state}, target="pain>=limiting").draws
            for state in ("low", "high")
        ]
        ratio = (odds[1] / (1 - odds[1])) / (odds[0] / (1 - odds[0]))
        low, high = interval(ratio)
        np.testing.assert_allclose(table[list(names)].tolist(), [low, np.median(ratio), high])


FIGURE = Figure(
    "a", "y", "OR", 2.0, 1.0, 4.0, ("low",), ("high",), "y>=some", condition=True, grade="weak",
    citation="One 2001",
)  # fmt: skip


def test_published_figures_are_compared_only_with_a_graph_that_names_them():
    states = {"fatigue": ["low", "moderate", "high"], "pain": ["none", "not_limiting", "limiting"]}
    mine = CausalGraph.from_edges([("fatigue", "pain")], states)
    assert prior_margins(mine, draws=20)["published"].isna().all()
    assert prior_associations(mine, draws=20).empty
    theirs = CausalGraph.from_dict({**mine.to_dict(), "figures": "runner"})
    assert prior_margins(theirs, draws=20)["published"].notna().any()
    assert prior_associations(theirs, draws=20)["cause"].tolist() == ["fatigue"]
    assert prior_associations(theirs, draws=20)["used"].tolist() == ["no"]  # it has no effects


def test_prior_margins_follow_the_stated_ones(runner):
    """With every effect at its mean; parents depend on each other, which costs two points."""
    layout = Layout(runner)
    (a, b), mean = layout.prior.fractions, layout.prior.mean
    cpts = {n: layout.cpt(n, (a / (a + b))[None], mean[None]) for n in runner.names}
    posterior = Posterior.from_cpts(runner, cpts)
    for node in runner.nodes:
        assert np.abs(posterior.marginal(node.name)[:, 0] - node.margin).max() < 0.02, node.name


def test_prior_margins_hold_most_published_prevalences(runner):
    table = prior_margins(runner, seed=1, draws=200)
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


@pytest.fixture
def chain():
    """A cause of three states, a mediator, an outcome, and something apart."""
    states = {"a": ["low", "mid", "high"], "m": ["no", "yes"], "y": ["none", "some", "much"]}
    edges = [("a", "m"), ("m", "y")]
    return CausalGraph.from_edges(edges, states | {"apart": ["no", "yes"]}, outcome="y")


def test_only_ratios_have_a_row(chain):
    other = replace(FIGURE, measure="other", condition=False)
    crude = replace(
        FIGURE,
        cause="m",
        exposed=("yes",),
        reference=("no",),
        grade="strong",
        estimate=1.5,
        low=None,
        high=None,
        condition=False,
        citation="Two 2002",
    )
    adjusted = replace(FIGURE, measure="RR", adjusted_for=("m",))
    table = prior_associations(replace(chain, figures=(other, crude, adjusted)), draws=20)
    assert list(table) == [
        "cause", "effect", "exposed", "reference", "measure",
        "before", "before_low", "before_high", "implied", "low", "high",
        "published", "published_low", "published_high", "overlap", "inside",
        "used", "why", "grade", "citation",
    ]  # fmt: skip
    assert table["cause"].tolist() == ["m", "a"]
    assert table["effect"].tolist() == ["y", "y"]
    assert table["exposed"].tolist() == ["yes", "high"]
    assert table["reference"].tolist() == ["no", "low"]
    assert table["measure"].tolist() == ["OR", "RR"]
    assert table["published"].tolist() == [1.5, 2.0]
    assert table["grade"].tolist() == ["strong", "weak"]
    assert table["citation"].tolist() == ["Two 2002", "One 2001"]
    assert table.loc[1, ["published_low", "published_high"]].tolist() == [1.0, 4.0]
    assert table.loc[0, ["published_low", "published_high"]].isna().all()
    assert table["overlap"].tolist()[0] == ""
    assert prior_associations(chain, draws=20).empty


def test_states_that_are_taken_together_are_named_together(chain):
    both = replace(FIGURE, exposed=("mid", "high"))
    table = prior_associations(replace(chain, figures=(both,)), draws=20)
    assert table["exposed"].tolist() == ["mid or high"]


def test_evidence_may_be_left_out(core):
    """Before and after are then the same, and are those before with evidence."""
    without = prior_associations(core, draws=50, seed=2, evidence=False).set_index("cause")
    beside = prior_associations(core, draws=50, seed=2).set_index("cause")
    before = ["before_low", "before", "before_high"]
    np.testing.assert_array_equal(without[before], without[list(RATIO)])
    np.testing.assert_array_equal(without[before], beside[before])
    assert set(without["used"]) == {"no"}
    assert beside.loc["fatigue", "used"] == "yes"
    assert beside.loc["fatigue", "implied"] > beside.loc["fatigue", "before"]
    layout = Layout(core)
    for evidence in (True, False):
        of = conditioned(layout).prior if evidence else layout.prior
        model = prior_model(core, draws=9, seed=4, evidence=evidence)
        np.testing.assert_array_equal(model.beta, of.draw(9, np.random.default_rng(4))[1])
        shares = prior_margins(core, draws=9, seed=4, evidence=evidence)
        high = shares[(shares["node"] == "pain") & (shares["state"] == "limiting")].iloc[0]
        assert high["mean"] == pytest.approx(model.marginal("pain")[2].mean())


def test_a_thousand_draws_of_the_first_seed_where_nothing_else_is_asked(core):
    by_default = prior_associations(core)
    same = prior_associations(core, draws=1000, seed=0)
    assert by_default["implied"].tolist()[-1] == same["implied"].tolist()[-1]


def ends(low, high):
    """An interval that is the same for all draws."""
    return lambda draws: (np.full(draws.shape[1:], low), np.full(draws.shape[1:], high))


def test_an_interval_holds_its_ends(chain, monkeypatch):
    monkeypatch.setattr(prior, "interval", ends(0.25, 0.5))
    figures = [0.2499, 0.25, 0.5, 0.5001]
    shares = [Prevalence("y", ("some",), share, "w", citation="c") for share in figures]
    ratios = [
        replace(FIGURE, estimate=share, low=None, high=None, condition=False) for share in figures
    ]
    graph = replace(chain, figures=tuple(ratios), prevalences=tuple(shares))
    inside = ["no", "yes", "yes", "no"]
    table = prior_associations(graph, draws=5)
    assert table["inside"].tolist() == inside
    assert (table[["low", "high"]] == [0.25, 0.5]).all(axis=None)
    table = prior_margins(graph, draws=5)
    assert table.loc[table["state"] == "some", "inside"].tolist() == inside


def test_intervals_that_share_an_end_meet(chain, monkeypatch):
    monkeypatch.setattr(prior, "interval", ends(2.0, 3.0))
    published = [(1.0, 1.99), (1.0, 2.0), (2.2, 2.5), (3.0, 4.0), (3.01, 4.0)]
    ratios = [
        replace(FIGURE, estimate=low, low=low, high=high, condition=False)
        for low, high in published
    ]
    table = prior_associations(replace(chain, figures=tuple(ratios)), draws=5)
    assert table["overlap"].tolist() == ["no", "yes", "yes", "yes", "no"]


def test_a_published_share_stands_beside_its_state_or_states(chain):
    shares = (
        Prevalence(
            "y", ("some", "much"), 0.4, "what 0.4", citation="Both 2001", identifier="10.1/x"
        ),
        Prevalence("y", ("much",), 0.1, "what 0.1", identifier="10.1/x"),
        Prevalence("y", ("much",), 0.2, "what 0.2", citation="Other 2002"),
    )
    graph = replace(chain, prevalences=shares)
    table = prior_margins(graph, draws=50, seed=1)
    assert list(table) == [
        "node", "state", "mean", "low", "high", "published", "what", "citation", "inside",
    ]  # fmt: skip
    of_y = table[table["node"] == "y"]
    assert of_y["state"].tolist() == ["none", "some", "much", "much", "some or much"]
    assert of_y["citation"].tolist() == ["", "", "10.1/x", "Other 2002", "Both 2001"]
    assert of_y["what"].tolist() == ["", "", "what 0.1", "what 0.2", "what 0.4"]
    np.testing.assert_array_equal(of_y["published"], [np.nan, np.nan, 0.1, 0.2, 0.4])
    both = prior_model(graph, draws=50, seed=1).marginal("y")[1:].sum(axis=0)
    row = of_y.iloc[-1]
    np.testing.assert_allclose(
        [row["mean"], row["low"], row["high"]], [both.mean(), *interval(both)]
    )
    assert set(table["node"]) == {"a", "m", "y", "apart"}
    same = prior_margins(graph, draws=1000, seed=0)
    assert prior_margins(graph)["mean"].tolist() == same["mean"].tolist()
