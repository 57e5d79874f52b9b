"""How strong a hidden cause must be: against truths in which one was planted."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from strategies import Brute, random_graph, random_posterior, seeds

from backrisk import (
    CausalGraph,
    Edge,
    Node,
    Posterior,
    Prior,
    QueryError,
    Survey,
    attribute,
    confounded,
    fit,
    intervene,
    recommend,
)
from backrisk.check import Discrepancy, discrepancy, e_value, observed_strengths, sensitivity
from backrisk.check.tipping import search
from backrisk.errors import BackriskError

TWO = ["no", "yes"]
FOUND = 0.02  # an odds ratio is searched for to 2 %


def feigned(ratio, effect=0.0, chance=0.5, sign=1):
    """Return what is seen where x has a log odds ratio of `effect` on y, and both share a cause.

    Beside them stands w, a cause of y that is nobody's confounder.
    """
    u = np.array([1 - chance, chance])
    into_x = ratio ** np.arange(2)
    into_y = ratio ** (sign * np.arange(2))
    x = 0.4 * into_x / (0.6 + 0.4 * into_x)  # P(x = 1 | u)
    w = np.array([1.0, 1.5])
    odds = 0.25 * into_y[:, None, None] * np.exp(effect * np.arange(2))[:, None] * w
    y = odds / (1 + odds)  # u, x, w
    both = np.stack([1 - x, x], axis=1) * u[:, None]  # u, x
    seen = np.einsum("ux,uxw->xw", both, y) / both.sum(axis=0)[:, None]
    graph = CausalGraph.from_edges([("x", "y"), ("w", "y")], dict.fromkeys("xwy", TWO))
    rows = np.stack([1 - seen, seen], axis=-1)
    share = both.sum(axis=0)
    return Posterior.from_cpts(graph, {"x": share, "w": [0.5, 0.5], "y": rows}), y


@pytest.mark.parametrize(("ratio", "sign"), [(3.0, 1), (6.0, -1)])
def test_an_effect_that_a_planted_cause_feigns_is_gone_at_its_strength(ratio, sign):
    seen, _ = feigned(ratio, sign=sign)
    found = sensitivity(seen, {"x": "yes", "w": "no"}, "x")
    assert found.direction == sign
    assert math.copysign(1, found.effect.mean()) == sign
    table = found.table["odds_ratio"]
    assert table["zero"] == pytest.approx(ratio, rel=FOUND)
    assert table["interval"] == table["zero"]  # of one draw
    assert 1 < table["half"] < table["zero"]
    assert found.pointwise
    assert "no data of this kind can tell" in found.text


def test_a_true_effect_beside_a_planted_cause_is_what_is_left():
    seen, y = feigned(3.0, effect=0.8)
    found = sensitivity(seen, {"x": "yes", "w": "yes"}, "x", most=6.5)
    at = confounded(seen, "x", "y", odds_ratio=3.0)
    left = (
        intervene(at, {"w": "yes"}, {"x": "yes"}).draws
        - intervene(at, {"w": "yes"}, {"x": "no"}).draws
    )
    assert left == pytest.approx((y[:, 1, 1] - y[:, 0, 1]).mean(), abs=1e-12)
    assert found.table["odds_ratio"]["zero"] > 3.0


def test_the_contour_is_the_effect_with_each_pair_of_odds_ratios():
    seen, _ = feigned(3.0, effect=0.5)
    person = {"x": "yes"}
    found = sensitivity(seen, person, "x", prevalence=0.3)
    assert len(found.contour) == 36
    for row in found.contour.iloc[[0, 8, 15, 35]].to_dict("records"):
        model = confounded(
            seen,
            "x",
            odds_ratio=row["into_first"],
            effect_odds_ratio=row["into_second"],
            prevalence=0.3,
        )
        expected = -intervene(model, person, {"x": "no"}).change
        assert row["mean"] == pytest.approx(expected.mean(), abs=1e-12)


def test_what_leads_and_what_is_advised_are_those_of_the_answers():
    seen, _ = feigned(4.0)
    person = {"x": "yes", "w": "yes"}
    table = sensitivity(seen, person, "x").table
    assert table.loc["leading", "before"] == attribute(seen, person).table.index[0] == "x"
    assert recommend(seen, person).table.index[0] == "x=no"
    assert table.loc["advice", "before"] == "no x"
    for what, after in (("leading", "w"), ("advice", "no w")):
        assert table.loc[what, "after"] == after
        at = table.loc[what, "odds_ratio"]
        assert 1 < at < 4
        shares = [
            attribute(confounded(seen, "x", odds_ratio=ratio), person).table.index[0]
            for ratio in (at / (1 + 2 * FOUND), at)
        ]
        if what == "leading":
            assert shares == ["x", "w"]


def test_an_effect_that_is_read_off_what_lies_between_is_hardly_touched():
    """Pearl's front door: only a cause of the one between and the outcome would matter."""
    graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], dict.fromkeys("xmy", TWO))
    rows = [[0.7, 0.3], [0.5, 0.5]]
    seen = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "m": rows, "y": rows})
    found = sensitivity(seen, {"x": "yes"}, "x")
    assert found.passing == ("m",)
    assert found.direction == 1
    assert np.isinf(found.table["odds_ratio"]).all()
    assert "only through m" in found.text
    assert not found.pointwise
    assert found.people > 1
    other = sensitivity(seen, {"x": "yes"}, "x", shared=("m", "y"))
    assert other.table["odds_ratio"]["half"] < 10
    assert other.passing == ()


@pytest.mark.parametrize("seed", seeds(4, 30))
def test_the_discrepancy_is_a_divergence(seed):
    rng = np.random.default_rng(seed)
    before = random_posterior(rng, random_graph(rng, 4, 0.7))
    first, second = map(str, rng.choice(before.graph.names, 2, replace=False))
    after = confounded(before, first, second, odds_ratio=4.0, effect_odds_ratio=3.0)
    names = before.graph.names
    parts = []
    for draw in range(2):
        told, was = (Brute(model, draw).joint() for model in (after, before))
        seen = dict.fromkeys(was, 0.0)
        for full, chance in told.items():
            seen[full[: len(names)]] += chance
        parts.append(sum(p * math.log(p / was[full]) for full, p in seen.items()))
    found = discrepancy(after, seed=seed)
    if after.cpts.pointwise:
        assert found.nats == pytest.approx(0.0, abs=1e-9)
        assert found.people is None
    # 256 people are simulated: from other people comes another mean.
    again = np.array([discrepancy(after, seed=seed + 100 + i).nats for i in range(20)])
    error = again.std(axis=0, ddof=1) / math.sqrt(20)
    assert (np.abs(again.mean(axis=0) - parts) <= 5 * error + 1e-9).all()


def test_people_that_it_takes_follow_from_the_divergence():
    assert Discrepancy(np.array([0.03, 0.03])).people == pytest.approx(100)


def test_measured_causes_are_told_with_their_odds_ratios():
    states = {"z": ["a", "b", "c"], "x": TWO, "w": TWO, "y": TWO}
    graph = CausalGraph.from_edges([("z", "x"), ("z", "y"), ("w", "y"), ("x", "y")], states)

    def rows(odds):
        odds = np.asarray(odds)
        return np.stack([1 / (1 + odds), odds / (1 + odds)], axis=-1)

    z, w, x = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.2]), np.array([1.0, 9.0])
    cpts = {
        "z": [0.2, 0.3, 0.5],
        "w": [0.5, 0.5],
        "x": rows(0.5 * np.array([1.0, 2.0, 3.0])),
        "y": rows(0.3 * z[:, None, None] * w[:, None] * x),
    }
    seen = Posterior.from_cpts(graph, cpts)
    found = observed_strengths(seen, ("x", "y")).set_index("cause")
    assert found.index.tolist() == ["z", "w"]
    assert found.loc["z", ["state", "common"]].tolist() == ["c", True]
    assert found.loc["z", ["into_first", "into_second"]].tolist() == pytest.approx([3.0, 4.0])
    assert found.loc["w", "into_second"] == pytest.approx(0.2)
    assert np.isnan(found.loc["w", "into_first"])
    assert not found.loc["w", "common"]
    assert "z (c), 3.0 and 4.0" in sensitivity(seen, {"x": "yes"}, "x").text


def test_e_values_are_the_published_ones():
    """VanderWeele and Ding 2017: 3.9 (1.8 to 8.7), E-values 7.26 and 3.0."""
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value(1.8) == pytest.approx(3.0, abs=0.005)
    assert e_value(1 / 1.8) == pytest.approx(e_value(1.8))
    assert e_value(1.0) == 1.0


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan])
def test_a_ratio_that_is_none_has_no_e_value(ratio):
    with pytest.raises(QueryError, match="above 0"):
        e_value(ratio)


def test_the_e_value_of_an_interval_is_that_of_its_end_nearer_to_one():
    rng = np.random.default_rng(1)
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})

    def with_risks(unexposed, exposed):
        y = np.stack([unexposed, exposed], axis=1)
        cpts = {"x": np.full((200, 2), 0.5), "y": np.stack([1 - y, y], axis=-1)}
        return sensitivity(Posterior.from_cpts(graph, cpts), {"x": "yes"}, "x")

    base, other = rng.uniform(0.2, 0.3, 200), rng.uniform(0.4, 0.5, 200)
    raised, lowered = with_risks(base, other), with_risks(other, base)
    ends = np.exp(np.quantile(np.log(other / base), [0.05, 0.95]))
    assert raised.e_values[1] == pytest.approx(e_value(ends[0]))
    assert lowered.e_values == pytest.approx(raised.e_values)
    unclear = with_risks(base, rng.uniform(0.15, 0.35, 200))
    assert unclear.e_values[1] == 1.0
    assert unclear.table["odds_ratio"]["interval"] == 1.0
    assert "holds zero even without it" in unclear.text


def test_all_of_it_is_plain_values(core_prior):
    found = sensitivity(core_prior, {"fatigue": "high"}, "fatigue", shared=("lumbar_load", "pain"))
    told = json.loads(json.dumps(found.to_dict()))
    assert told["kind"] == "sensitivity"
    assert told["draws"] == core_prior.draws
    assert [each["what"] for each in told["tipping"]] == found.table.index.tolist()
    assert len(told["contour"]) == 36
    assert str(found).splitlines()
    assert "Decision support" in found.text


def test_a_target_that_is_reported_is_no_part_of_the_effect(core_prior):
    person = {"fatigue": "high", "pain": "limiting"}
    found = sensitivity(core_prior, person, "fatigue", draws=20)
    assert found.evidence == {"fatigue": "high"}
    assert found.state == "high"
    unreported = sensitivity(core_prior, {"fatigue": "low"}, "fatigue", draws=20)
    assert unreported.state == "high"  # the worst, where there is nothing to take away


def test_a_risk_that_is_zero_has_no_ratio():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    seen = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[1.0, 0.0], [0.5, 0.5]]})
    found = sensitivity(seen, {"x": "yes"}, "x")
    assert "E-value" not in found.text
    assert found.effect.tolist() == [0.5]


def test_people_chosen_by_the_outcome_have_no_effect_to_be_explained_away():
    seen, _ = feigned(3.0)
    chosen = replace(
        seen, meta={"design": {"kind": "case_control", "outcome": "y", "cases": "yes"}}
    )
    with pytest.raises(BackriskError, match="no risk can be told"):
        sensitivity(chosen, {"x": "yes"}, "x")


def test_an_odds_ratio_is_the_first_from_which_something_holds():
    grid = [1.0, 2.0, 4.0, 8.0]
    assert search(lambda ratio: ratio >= 3.0, grid) == pytest.approx(3.0, rel=FOUND)
    assert search(lambda ratio: 3.0 <= ratio <= 5.0, grid) == pytest.approx(3.0, rel=FOUND)
    assert search(lambda ratio: True, grid) == 1.0
    assert search(lambda ratio: False, grid) is None


@pytest.mark.parametrize(
    ("cause", "asked", "words"),
    [
        ("pain", {}, "'pain' is the target itself"),
        ("pain", {"target": "compensation"}, "'pain' is not a cause of 'compensation'"),
        ("fatique", {}, "'fatique'"),
        ("fatigue", {"most": 1.0}, "largest odds ratio"),
        ("fatigue", {"most": math.nan}, "largest odds ratio"),
        ("fatigue", {"draws": 0}, "number of draws"),
        ("fatigue", {"prevalence": 0.0}, "between 0 and 1"),
        ("fatigue", {"shared": ("pain", "pain")}, "both are 'pain'"),
        ("fatigue", {"shared": ("pain",)}, "shared"),
    ],
)
def test_what_cannot_be_asked_is_refused(core_prior, cause, asked, words):
    with pytest.raises(BackriskError, match=words):
        sensitivity(core_prior, {}, cause, **asked)


@pytest.mark.slow
def test_a_fit_with_the_hidden_cause_as_a_latent_node_says_the_same():
    """Its strength being known, both have the same three free parameters and one likelihood."""
    rng = np.random.default_rng(4)
    hidden = rng.random(2000) < 0.5
    x = rng.random(2000) < 1 / (1 + np.exp(0.8 - math.log(3) * hidden))
    y = rng.random(2000) < 1 / (1 + np.exp(1.2 - 0.4 * x - math.log(3) * hidden))
    label = np.array(TWO)
    frame = pd.DataFrame({"x": label[x.astype(int)], "y": label[y.astype(int)]})
    known = Prior(math.log(3), 0.01)
    nodes = (
        Node("x", ("no", "yes"), mechanism="ordinal_logit"),
        Node("y", ("no", "yes"), mechanism="ordinal_logit"),
    )
    edges = (Edge("x", "y", "Claim.", "stated", "weak", Prior(0.0, 1.5)),)
    latent = Node("u", ("no", "yes"), margin=(0.5, 0.5), concentration=1e5)
    into = [Edge("u", name, "Claim.", "stated", "weak", known) for name in "xy"]
    plain = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    with_u = CausalGraph("latent", (*nodes, latent), (*into, *edges), outcome="y")

    def effect(posterior):
        return np.subtract(*(intervene(posterior, {}, {"x": x}).draws for x in ("yes", "no")))

    size = {"seed": 1, "draws": 300, "tune": 400, "chains": 2, "progress": False}
    seen = fit(plain, Survey.from_frame(frame, plain), **size)
    refit = fit(with_u, Survey.from_frame(frame, with_u), **size)
    transformed = effect(confounded(seen, "x", "y", odds_ratio=3.0))
    sampled = effect(refit)
    error = sampled.std() / math.sqrt(refit.diagnostics.worst["ess_bulk"])
    error = math.hypot(error, transformed.std() / math.sqrt(len(transformed)))
    assert abs(sampled.mean() - transformed.mean()) < 4 * error
    assert abs(effect(seen).mean() - transformed.mean()) > 10 * error
    assert sampled.std() == pytest.approx(transformed.std(), rel=0.3)
