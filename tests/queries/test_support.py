"""The three facts about a number: what narrowed it, what moves it, what nobody measured."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import CausalGraph, Posterior, attribute
from backrisk.graph import Edge, Node
from backrisk.queries.support import (
    Support,
    contraction,
    sensitivity,
    sensitivity_of_noise,
    support,
    unmeasured,
)


def test_contraction_is_the_part_of_the_variance_that_is_gone():
    rng = np.random.default_rng(1)
    own, prior = rng.normal(0, [0.1, 1.0, 2.0], (4000, 3)), rng.normal(0, 1, (4000, 3))
    share, error = contraction(own, prior)
    np.testing.assert_allclose(share, 1 - own.var(axis=0) / prior.var(axis=0), rtol=0, atol=1e-12)
    assert (np.abs(share - [0.99, 0.0, -3.0]) < 4 * error).all()


@pytest.mark.parametrize("correlated", [False, True])
def test_the_error_of_contraction_is_its_spread_over_repeated_draws(correlated):
    """Independent draws, and four chains of 500 whose draws depend on each other (AR(1), 0.8)."""
    rng = np.random.default_rng(2)
    shares, errors = [], []
    for _ in range(400):
        own = rng.normal(size=(4, 500, 1))
        if correlated:
            for i in range(1, 500):
                own[:, i] = 0.8 * own[:, i - 1] + 0.6 * own[:, i]
        share, error = contraction(0.5 * own.reshape(-1, 1), rng.normal(size=(250, 1)), chains=4)
        shares.append(share[0])
        errors.append(error[0])
    # The spread of 400 values is known to 3.5 %; batches of 45 draws miss some of the dependence.
    assert np.std(shares) == pytest.approx(np.mean(errors), rel=0.15)


def test_a_quantity_counts_as_narrowed_only_beyond_monte_carlo_error():
    facts = Support(
        np.array([0.5, 0.1, 0.16, -0.4, np.nan, 1.0]),
        np.array([0.1, 0.1, 0.1, 0.1, np.nan, 0.0]),
        np.full(6, np.nan),
        np.full(6, np.nan),
        np.full(6, np.nan),
        (None,) * 6,
    )
    assert facts.narrowed == [True, False, False, False, None, True]
    assert facts.columns()["narrowed"] == facts.narrowed


def test_noise_is_seldom_called_narrowed():
    """At most one in twenty where nothing was learned, by the definition of the floor."""
    rng = np.random.default_rng(3)
    nothing = ((rng.gamma(2.0, size=(1000, 600)), rng.gamma(2.0, size=(250, 600))),)
    for own, prior in nothing:
        share, error = contraction(own, prior)
        called = np.mean(share > 1.645 * error)
        assert called < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
        assert called > 0


def test_too_few_draws_tell_nothing_and_a_constant_has_no_contraction():
    share, error = contraction(np.ones((3, 2)), np.ones((10, 2)))
    assert np.isnan([share, error]).all()
    share, _ = contraction(np.ones((10, 1)), np.ones((10, 1)))
    assert np.isnan(share).all()
    assert contraction(np.ones((10, 1)), np.arange(10.0)[:, None])[0] == 1.0


@pytest.mark.parametrize("people", [(40, 0.1, 0.8), (100_000, 0.5, 0.5), (12, 0.05, 0.95)])
def test_contraction_measures_the_data_and_not_the_surprise(people):
    """A Dirichlet posterior is known: few people far from the prior narrow less than many at it."""
    n, p0, p1 = people
    rng = np.random.default_rng(4)
    half = n // 2

    def row(share):
        return rng.beta(0.5 + share * half, 0.5 + (1 - share) * half, size=(3000, 1))

    own = row(p1) - row(p0)
    prior = rng.beta(0.5, 0.5, (3000, 1)) - rng.beta(0.5, 0.5, (3000, 1))

    def variance(a, b):
        return a * b / ((a + b) ** 2 * (a + b + 1))

    after = sum(variance(0.5 + s * half, 0.5 + (1 - s) * half) for s in (p0, p1))
    share, error = contraction(own, prior)
    assert abs(share[0] - (1 - after / (2 * variance(0.5, 0.5)))) < 4 * error[0]
    if n == 100_000:
        assert share[0] > 0.9999
    else:
        assert 0.5 < share[0] < 0.98


def tree_of(draws, log_prior, log_likelihood):
    from arviz_base import from_dict

    return from_dict(
        {
            "posterior": {"x": draws[None]},
            "log_prior": {"p": log_prior[None]},
            "log_likelihood": {"y": log_likelihood[None, :, None]},
        }
    )


def normal(prior_sd, data_sd, seen, draws=4000, seed=5):
    """Draws of a normal mean given one observation, with the log densities of each."""
    weight = 1 / prior_sd**2 + 1 / data_sd**2
    rng = np.random.default_rng(seed)
    x = rng.normal(seen / data_sd**2 / weight, weight**-0.5, draws)
    return x, -((x / prior_sd) ** 2) / 2, -(((x - seen) / data_sd) ** 2) / 2


@pytest.mark.parametrize(
    ("prior_sd", "data_sd", "seen", "prior_moves", "data_moves"),
    [
        (10.0, 0.1, 1.0, False, True),  # the data say it all
        (0.1, 10.0, 1.0, True, False),  # the prior does
        (0.5, 0.5, 6.0, True, True),  # in conflict
    ],
)
def test_what_moves_a_normal_mean_is_known_and_as_arviz_has_it(
    prior_sd, data_sd, seen, prior_moves, data_moves
):
    from arviz_stats import psense

    x, log_prior, log_likelihood = normal(prior_sd, data_sd, seen)
    by_prior = sensitivity(x[:, None], log_prior)[0]
    by_data = sensitivity(x[:, None], log_likelihood)[0]
    assert (by_prior >= 0.05) == prior_moves
    assert (by_data >= 0.05) == data_moves
    tree = tree_of(x, log_prior, log_likelihood)
    for group, ours in (("prior", by_prior), ("likelihood", by_data)):
        theirs = float(psense(tree, group=group)["x"])
        # Theirs smooths the largest weights, which are within 10 % of 1.
        assert ours == pytest.approx(theirs, rel=0.05, abs=2e-3)


def test_with_the_same_weights_the_distance_is_that_of_arviz():
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(6)
    draws, log_density = rng.gamma(2.0, size=(500, 3)), rng.normal(0, 3, 500)
    draws[:200, 2] = 1.0  # ties
    lower, upper = (np.exp(power * log_density) for power in (-0.01, 0.01))
    expected = [
        float(
            array_stats.power_scale_sense(
                column[None], lower[None], upper[None], lower_alpha=0.99, upper_alpha=1.01
            )
        )
        for column in draws.T
    ]
    # Among ties the order of the weights is arbitrary, and they do not matter: no width.
    np.testing.assert_allclose(sensitivity(draws, log_density), expected, rtol=1e-6, atol=1e-9)


def test_a_constant_does_not_move_and_without_a_density_nothing_is_known():
    rng = np.random.default_rng(7)
    assert sensitivity(np.ones((50, 1)), rng.normal(size=50)) == 0.0
    assert np.isnan(sensitivity(np.ones((50, 2)), None)).all()
    shifted = sensitivity(rng.normal(size=(50, 1)), np.full(50, -1e6))
    assert shifted == pytest.approx(0, abs=1e-6)


def chain():
    edges = [("x", "m"), ("m", "y"), ("x", "k"), ("k", "y"), ("z", "m"), ("y", "after")]
    names = ("x", "m", "k", "z", "y", "after")
    graph = CausalGraph.from_edges(edges, dict.fromkeys(names, ("no", "yes")), outcome="y")
    nodes = (*graph.nodes, Node("felt", ("no", "yes"), mechanism="item"))
    graph = replace(
        graph, nodes=nodes, edges=(*graph.edges, Edge("m", "felt", "said", "measurement", "none"))
    )
    half = [0.5, 0.5]
    return Posterior.from_cpts(
        graph,
        {"x": half, "z": half, "felt": [half] * 2, "after": [half] * 2}
        | {"m": [[half] * 2] * 2, "k": [half] * 2, "y": [[half] * 2] * 2},
    )


def test_nodes_count_as_unmeasured_where_neither_they_nor_an_item_were_answered():
    posterior = chain()
    assert unmeasured(posterior, ["x"], "y") is None
    answered = {"x": 0.9, "m": 0.0, "k": 0.0, "z": 0.0, "y": 1.0, "felt": 0.0, "after": 0.0}
    known = replace(posterior, meta={"answered": answered})
    assert unmeasured(known, ["x"], "y") == ("k", "m")
    assert unmeasured(known, ["m"], "y") == ("m",)
    assert unmeasured(known, ["z", "k"], "y") == tuple(
        name for name in known.graph.topological if name in {"z", "m", "k"}
    )
    felt = replace(posterior, meta={"answered": {**answered, "felt": 0.1}})
    assert unmeasured(felt, ["x"], "y") == ("k",)
    no_outcome = replace(posterior, meta={"answered": {**answered, "y": 0.0, "m": 1.0, "k": 1.0}})
    assert unmeasured(no_outcome, ["x"], "y") == ("y",)


def test_an_answer_holds_the_facts_of_each_of_its_numbers(core_posterior):
    person = {"core_strength": "weak", "fatigue": "high"}
    answer = attribute(core_posterior, person)
    tables = core_posterior.beside_prior
    assert tables.draws > core_posterior.draws
    found = answer.table.loc[list(answer.causes)]
    prior = attribute(core_posterior.prior.subset(250), person)
    left = answer.draws.var(axis=0) / np.where(
        prior.draws.any(axis=0), prior.draws.var(axis=0), np.nan
    )
    np.testing.assert_allclose(found["contraction"], 1 - left, rtol=0, atol=1e-9)
    assert answer.support.unmeasured == tuple(
        unmeasured(core_posterior, [cause], "pain") for cause in answer.causes
    )


def test_what_is_nothing_but_for_rounding_is_a_constant(core_posterior):
    rng = np.random.default_rng(1)
    nothing = 1e-16 * rng.normal(size=(core_posterior.beside_prior.draws, 1))
    facts = support(nothing, core_posterior, [["fatigue"]], "pain")
    assert facts.narrowed == [None]
    assert facts.moved_by_prior.tolist() == facts.moved_by_likelihood.tolist() == [0.0]


def test_without_a_prior_or_a_survey_nothing_is_known():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    facts = support(np.array([[0.3]]), posterior, [["x"]], "y")
    assert facts.narrowed == [None]
    assert np.isnan(facts.contraction_error).all()
    assert facts.columns()["unmeasured"] == [None]
    row = attribute(posterior, {"y": "yes"}, method="necessity").to_dict()["rows"][0]
    assert row["contraction"] is None
    assert row["support"] == []


def test_noise_is_seldom_called_moved():
    """Draws with nothing to do with the density exceed its shifts once in 100 times."""
    rng = np.random.default_rng(7)
    draws, density = rng.beta(20, 80, (400, 200)), 10 * rng.normal(size=400)
    far, noise = sensitivity(draws, density), sensitivity_of_noise(draws, density)
    assert (far >= 0.05).mean() > 0.9  # by the threshold alone nearly all would count
    # All 200 are held against one density, so that they are not quite independent of each other.
    assert (far > noise).mean() < 0.01 + 4 * np.sqrt(0.01 * 0.99 / 200)
    assert (sensitivity(draws[:, :1], 200 * draws[:, 0]) > 0.05).all()
    assert sensitivity(draws[:, :1], 200 * draws[:, 0]) > sensitivity_of_noise(
        draws[:, :1], 200 * draws[:, 0]
    )
    assert np.isnan(sensitivity_of_noise(draws, None)).all()


def test_what_moves_within_noise_is_not_called_moved():
    nothing = np.zeros(4)
    far, noise = np.array([0.01, 0.3, 0.3, np.nan]), np.array([np.nan, 0.2, 0.4, np.nan])
    facts = Support(nothing, nothing, far, nothing, noise, (None,) * 4)
    assert facts.moved == [False, True, None, None]
