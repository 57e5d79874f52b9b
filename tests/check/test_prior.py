"""What the prior says of shares and odds ratios, beside what was published."""

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior, QueryError, load_graph
from backrisk.check import prior, prior_associations, prior_margins
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

    for cause in ("previous_back_pain", "low_mood"):
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
    theirs = CausalGraph.from_dict({**mine.to_dict(), "figures": "runner"})
    assert prior_margins(theirs, draws=20)["published"].notna().any()
    assert prior_associations(theirs, draws=20)["cause"].tolist() == ["fatigue"]


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


@pytest.fixture
def chain():
    """A cause of three states, a mediator, an outcome, and something apart."""
    states = {"a": ["low", "mid", "high"], "m": ["no", "yes"], "y": ["none", "some", "much"]}
    edges = [("a", "m"), ("m", "y")]
    return CausalGraph.from_edges(edges, states | {"apart": ["no", "yes"]}, outcome="y")


def publish(monkeypatch, **tables):
    """Put other figures in place of the packaged ones."""
    monkeypatch.setattr(prior, "_published", lambda graph, kind: tables[kind])


def ratio(cause="a", effect="y", estimate="2.0", **more):
    row = {"cause": cause, "effect": effect, "estimate": estimate, "measure": "OR", "low": ""}
    return row | {"high": "", "grade": "weak", "citation": f"of {estimate}"} | more


def test_only_odds_ratios_of_a_cause_with_the_target_have_a_row(chain, monkeypatch):
    others = [
        ratio("nowhere"),
        ratio("apart"),
        ratio("y", "y"),
        ratio("a", "m"),
        ratio(estimate=""),
        ratio(measure="RR"),
    ]
    kept = [
        ratio("m", estimate="1.5", measure="aOR, of many", low="1.1", high="1.9", grade="strong"),
        ratio("a", measure="crude OR"),
    ]
    publish(monkeypatch, evidence=[*others[:4], kept[0], *others[4:], kept[1]])
    table = prior_associations(chain, draws=20)
    assert list(table) == [
        "cause", "implied", "low", "high", "published", "published_low", "published_high",
        "grade", "citation", "inside",
    ]  # fmt: skip
    assert table["cause"].tolist() == ["m", "a"]
    assert table["published"].tolist() == [1.5, 2.0]
    assert table["grade"].tolist() == ["strong", "weak"]
    assert table["citation"].tolist() == ["of 1.5", "of 2.0"]
    assert table.loc[0, ["published_low", "published_high"]].tolist() == [1.1, 1.9]
    assert table.loc[1, ["published_low", "published_high"]].isna().all()


def test_an_association_is_with_the_target_that_is_asked_for(chain, monkeypatch):
    """The worst of three states against the first; the target from a state on."""
    publish(monkeypatch, evidence=[ratio()])
    found = prior_associations(chain, target="y>=much", draws=30, seed=2).iloc[0]
    model = prior_model(chain, draws=30, seed=2)
    m, y = model.cpt("m"), model.cpt("y")
    much = np.einsum("dam,dm->da", m, y[..., 2])
    odds = much / (1 - much)
    assert found["implied"] == pytest.approx(np.median(odds[:, 2] / odds[:, 0]))
    published = prior_associations(chain, draws=30, seed=2).iloc[0]
    assert published["implied"] != pytest.approx(found["implied"])
    # A thousand draws of the first seed, where nothing else is asked.
    by_default = prior_associations(chain).iloc[0]
    same = prior_associations(chain, draws=1000, seed=0).iloc[0]
    assert by_default["implied"] == same["implied"]


def test_an_interval_holds_its_ends(chain, monkeypatch):
    monkeypatch.setattr(prior, "interval", lambda draws: (0.25, 0.5))
    figures = ["0.2499", "0.25", "0.5", "0.5001"]
    shares = [
        {"node": "y", "state": "some", "proportion": figure, "what": "w", "citation": "c",
         "identifier": "i"}
        for figure in figures
    ]  # fmt: skip
    publish(monkeypatch, evidence=[ratio(estimate=f) for f in figures], prevalence=shares)
    inside = ["no", "yes", "yes", "no"]
    table = prior_associations(chain, draws=5)
    assert table["inside"].tolist() == inside
    assert (table[["low", "high"]] == [0.25, 0.5]).all(axis=None)
    table = prior_margins(chain, draws=5)
    assert table.loc[table["state"] == "some", "inside"].tolist() == inside


def test_a_published_share_stands_beside_its_state_or_states(chain, monkeypatch):
    def share(state, proportion, citation, node="y"):
        about = {"what": f"what {proportion}", "identifier": "10.1/x"}
        return {
            "node": node,
            "state": state,
            "proportion": proportion,
            "citation": citation,
        } | about

    publish(
        monkeypatch,
        prevalence=[
            share("some or much", "0.4", "Both 2001"),
            share("much", "0.1", ""),
            share("much", "0.2", "Other 2002"),
            share("yes", "0.3", "Elsewhere", node="nowhere"),
        ],
    )
    table = prior_margins(chain, draws=50, seed=1)
    assert list(table) == [
        "node", "state", "mean", "low", "high", "published", "what", "citation", "inside",
    ]  # fmt: skip
    of_y = table[table["node"] == "y"]
    assert of_y["state"].tolist() == ["none", "some", "much", "much", "some or much"]
    assert of_y["citation"].tolist() == ["", "", "10.1/x", "Other 2002", "Both 2001"]
    assert of_y["what"].tolist() == ["", "", "what 0.1", "what 0.2", "what 0.4"]
    np.testing.assert_array_equal(of_y["published"], [np.nan, np.nan, 0.1, 0.2, 0.4])
    both = prior_model(chain, draws=50, seed=1).marginal("y")[1:].sum(axis=0)
    row = of_y.iloc[-1]
    np.testing.assert_allclose(
        [row["mean"], row["low"], row["high"]], [both.mean(), *interval(both)]
    )
    assert set(table["node"]) == {"a", "m", "y", "apart"}
    same = prior_margins(chain, draws=1000, seed=0)
    assert prior_margins(chain)["mean"].tolist() == same["mean"].tolist()
