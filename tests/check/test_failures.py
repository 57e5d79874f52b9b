"""Why a fit failed: chains that were made to fail in a known way."""

from dataclasses import replace

import arviz as az
import numpy as np
import pytest

from backrisk import Posterior, Prior, QueryError
from backrisk.check import explain
from backrisk.check.failures import _Sampled
from backrisk.graph import CausalGraph, Edge, Layout, Node
from backrisk.posterior import Diagnostics

TWO = ("no", "yes")
CHAINS, DRAWS = 4, 200


@pytest.fixture
def graph():
    """A latent cause `c` of `y` with an item; `z` has nothing to do with them."""
    nodes = (
        Node("c", TWO),
        Node("y", TWO, mechanism="ordinal_logit"),
        Node("z", TWO),
        Node("i", TWO, mechanism="item", reliability=0.5),
    )
    edges = (
        Edge("c", "y", "Claim.", "stated", "weak", Prior(0.5, 1.0)),
        Edge("c", "i", "Claim.", "measurement", "moderate"),
    )
    return CausalGraph("latent", nodes, edges, outcome="y")


@pytest.fixture
def sound(graph):
    """A posterior whose draws are independent: nothing to explain."""
    layout, rng = Layout(graph), np.random.default_rng(0)
    size = CHAINS * DRAWS
    return Posterior(
        graph,
        rng.uniform(0.4, 0.6, size=(size, len(layout.fraction_labels))),
        rng.normal(size=(size, len(layout.effect_labels))),
        chains=CHAINS,
        diagnostics=Diagnostics("nutpie", {"r_hat": 2.0}),
        meta={"answered": {"c": 0.0, "y": 1.0, "z": 1.0, "i": 0.0}},
    )


def kind(why):
    return why.partition(":")[0]


def column(posterior, node):
    return posterior.layout.fraction_slices[node].start


def changed(posterior, node, values):
    fractions = posterior.fractions.copy()
    fractions[:, column(posterior, node)] = values
    return replace(posterior, fractions=fractions)


def modes(distance):
    """Unit-variance chains of which the last lies this many standard deviations away."""
    chain = np.random.default_rng(1).normal(size=DRAWS)
    chain = (chain - chain.mean()) / chain.std()
    return 0.5 + 0.01 * (np.tile(chain, CHAINS) + np.repeat([0, 0, 0, distance], DRAWS))


def test_good_chains_need_no_explanation(sound):
    table = explain(sound)
    assert table.empty
    assert list(table) == ["parameter", "node", "r_hat", "ess", "why", "what_to_do"]


@pytest.mark.parametrize(("distance", "why"), [(3.1, "Label switching"), (2.9, "Slow mixing")])
@pytest.mark.parametrize("node", ["c", "i", "y"])
def test_label_switching_is_chains_three_deviations_apart_at_or_beside_what_nobody_observed(
    sound, node, distance, why
):
    table = explain(changed(sound, node, modes(distance)))
    assert table["node"].tolist() == [node]
    assert kind(table["why"][0]) == why
    if why == "Label switching":
        assert "'c'" in table["why"][0]
        assert "'c'" in table["what_to_do"][0]


def test_chains_apart_where_everything_was_observed_are_not_label_switching(sound):
    for posterior in (
        changed(sound, "z", modes(9.0)),  # nobody observed c, but z is not beside it
        replace(changed(sound, "c", modes(9.0)), meta={"answered": {"c": 0.5, "y": 1.0}}),
        replace(changed(sound, "c", modes(9.0)), meta={}),  # nothing is known of it
    ):
        assert [kind(why) for why in explain(posterior)["why"]] == ["Slow mixing"]


def test_a_few_people_who_tell_of_a_node_leave_it_hidden_in_most(sound):
    few = replace(changed(sound, "c", modes(9.0)), meta={"answered": {"c": 0.05, "y": 1.0}})
    (row,) = explain(few).to_dict("records")
    assert kind(row["why"]) == "Label switching"
    assert "Observe 'c' in some more people" in row["what_to_do"]


def test_the_distance_is_taken_between_the_farthest_chains_over_the_average_spread(sound):
    values = modes(0.0).reshape(CHAINS, DRAWS)
    values = 0.5 + (values - 0.5) * np.array([0.1, 0.1, 1.9, 1.9])[:, None]  # 1 on average
    values += 0.01 * np.array([1.6, -1.6, 0.0, 0.0])[:, None]
    assert kind(explain(changed(sound, "c", values.ravel()))["why"][0]) == "Label switching"
    values = 0.5 + (values - 0.5) * 1.0
    values[0] -= 0.003
    assert kind(explain(changed(sound, "c", values.ravel()))["why"][0]) == "Slow mixing"


def test_the_mirror_image_of_every_parameter_is_label_switching(sound):
    centre = np.repeat([0.2, 0.2, 0.8, 0.8], DRAWS)
    rng = np.random.default_rng(0)
    fractions = centre[:, None] + 0.02 * rng.normal(size=sound.fractions.shape)
    fractions[:, column(sound, "z")] = sound.fractions[:, column(sound, "z")]
    beta = np.where(centre > 0.5, -1.0, 1.0)[:, None] + 0.1 * rng.normal(size=sound.beta.shape)
    table = explain(replace(sound, fractions=fractions, beta=beta))
    assert set(table["node"]) == {"c", "y", "i"}
    assert {kind(why) for why in table["why"]} == {"Label switching"}
    assert table["r_hat"].is_monotonic_decreasing


def walk(seed=0):
    """A slow random walk within every chain, standardised."""
    steps = np.cumsum(np.random.default_rng(seed).normal(size=(CHAINS, DRAWS)), axis=1)
    steps = (steps - steps.mean(axis=1, keepdims=True)).ravel()
    return steps / steps.std()


def traded(sound, correlation):
    """The share of c and the error of its item, with this correlation."""
    first, other = walk(), walk(1)
    other -= first * (first @ other) / (first @ first)
    second = correlation * first + np.sqrt(1 - correlation**2) * other / other.std()
    posterior = changed(sound, "c", 0.5 + 0.05 * first)
    return changed(posterior, "i", 0.5 + 0.05 * second)


@pytest.mark.parametrize(("correlation", "ridge"), [(0.82, True), (-0.82, True), (0.78, False)])
def test_a_ridge_is_a_correlation_of_an_item_s_error_with_its_construct(sound, correlation, ridge):
    observed = replace(traded(sound, correlation), meta={"answered": {"c": 0.5}})
    table = explain(observed)
    assert set(table["node"]) == {"c", "i"}
    keys = {kind(why) for why in table["why"]}
    assert keys == {"A ridge" if ridge else "Slow mixing"}
    if ridge:
        of_c = table.set_index("node").loc["c"]
        for fact in ("'c'", "'i'", observed.layout.fraction_labels[column(sound, "i")]):
            assert fact in of_c["why"]
        assert f"{correlation:+.2f}" in of_c["why"]
        assert "'i'" in of_c["what_to_do"]


def test_a_correlation_with_something_else_is_no_ridge(sound):
    slow = walk()
    posterior = changed(changed(sound, "c", 0.5 + 0.05 * slow), "z", 0.5 - 0.05 * slow)
    assert {kind(why) for why in explain(posterior)["why"]} == {"Slow mixing"}


def test_a_ridge_is_found_behind_what_is_correlated_more(sound):
    """Z moves with c more closely than the item does, and has no part in it."""
    posterior = traded(sound, 0.85)
    c = posterior.fractions[:, column(sound, "c")]
    found = explain(replace(changed(posterior, "z", c), meta={})).set_index("node")
    assert kind(found.loc["c", "why"]) == kind(found.loc["i", "why"]) == "A ridge"
    assert "+0.85" in found.loc["c", "why"]
    assert kind(found.loc["z", "why"]) == "Slow mixing"


def test_where_everything_moves_together_beside_any_item_there_is_no_ridge(graph):
    line = np.linspace(0, 1, 20)
    sampled = _Sampled(graph, frozenset(), np.stack([line, -line], axis=1), 1, ("", ""), ("c", "z"))
    assert sampled.ridge(0) is sampled.ridge(1) is None
    # The item's error and the share of its construct, whichever of them is asked about.
    sampled = replace(sampled, owners=("i", "c"))
    for at, other in ((0, 1), (1, 0)):
        node, item, place, correlation = sampled.ridge(at)
        assert (node, item, place) == ("c", "i", other)
        assert correlation == pytest.approx(-1)


def test_correlations_are_pearson_s_and_none_with_what_does_not_vary(graph):
    values = np.random.default_rng(0).normal(size=(50, 4)) * [1.0, 5.0, 0.0, 0.1]
    values[:, 1] += 3 * values[:, 0]
    sampled = _Sampled(graph, frozenset(), values, 1, ("",) * 4, ("c",) * 4)
    moving = [0, 1, 3]
    for place, at in enumerate(moving):
        found = sampled.correlation(at)
        assert found[2] == 0.0
        np.testing.assert_allclose(found[moving], np.corrcoef(values[:, moving].T)[place])


def test_the_numbers_are_those_of_arviz(sound):
    slow = changed(sound, "z", 0.5 + 0.05 * walk())
    row = explain(slow).iloc[0]
    values = slow.fractions[:, column(sound, "z")].reshape(CHAINS, DRAWS)
    data = az.from_dict({"posterior": {"x": values}})["posterior"].to_dataset()
    sizes = [float(az.ess(data, method=method)["x"]) for method in ("bulk", "tail")]
    assert row["parameter"] == "z: no"
    assert row["r_hat"] == pytest.approx(float(az.rhat(data)["x"]))
    assert row["ess"] == pytest.approx(min(sizes))


@pytest.mark.parametrize(
    ("r_hat", "ess", "fails"), [(1.01, 400, 0), (1.011, 400, 9), (1.0, 399, 9)]
)
def test_what_fails_is_what_the_judge_fails(sound, monkeypatch, r_hat, ess, fails):
    monkeypatch.setattr(az, "rhat", lambda data: data.isel(chain=0, draw=0) * 0 + r_hat)
    monkeypatch.setattr(az, "ess", lambda data, method: data.isel(chain=0, draw=0) * 0 + ess)
    parameters = sound.fractions.shape[1] + sound.beta.shape[1]
    assert len(explain(sound)) == (parameters if fails else 0)


@pytest.mark.parametrize(
    "change", [{"fractions": None}, {"beta": None}, {"diagnostics": Diagnostics("exact")}]
)
def test_what_no_chain_sampled_cannot_be_explained(sound, change):
    with pytest.raises(QueryError, match="not sampled by chains"):
        explain(replace(sound, **change))


def one_chain(posterior, draws):
    few = replace(posterior, fractions=posterior.fractions[:draws], beta=posterior.beta[:draws])
    return replace(few, chains=1)


def test_one_chain_is_explained_by_its_halves(sound):
    one = one_chain(sound, CHAINS * DRAWS)
    before = explain(one)
    assert before.empty or before["r_hat"].max() < 1.05
    fractions = one.fractions.copy()
    fractions[one.draws // 2 :, column(one, "z")] += 0.3
    found = explain(replace(one, fractions=fractions))
    assert found["parameter"].iloc[0] == "z: no"
    assert found["r_hat"].iloc[0] > 1.5


@pytest.mark.parametrize("draws", [1, 3, 6])
def test_one_chain_of_very_few_draws_has_no_r_hat(sound, draws):
    assert explain(one_chain(sound, draws))["r_hat"].isna().all()
