"""Each criterion is told when it fails, and only then, at its stated limit."""

import arviz as az
import numpy as np
import pytest
from scipy.stats import norm, rankdata

from backrisk.fitting import judge
from backrisk.posterior import ESS_PER_CHAIN, R_HAT

CHAINS, DRAWS = 4, 400


def tree(fractions, *, diverging=0, energy=None, **more):
    shape = fractions.shape[:2]
    rng = np.random.default_rng(9)
    flags = np.zeros(shape, bool)
    flags.ravel()[:diverging] = True
    return az.from_dict(
        {
            "posterior": {"continuation": fractions, **more},
            "sample_stats": {
                "diverging": flags,
                "energy": rng.normal(size=shape) if energy is None else energy,
            },
        }
    )


@pytest.fixture
def good():
    return np.random.default_rng(0).normal(size=(CHAINS, DRAWS, 3))


def keys(found):
    return [warning.key.removeprefix("fitting.") for warning in found.warnings]


def test_good_chains_are_good(good):
    found = judge(tree(good), "nutpie", ("Take care.",))
    assert found.good
    assert found.method == "nutpie"
    assert found.cautions == ("Take care.",)
    assert found.worst["divergences"] == 0
    assert set(found.worst) == {"r_hat", "ess_bulk", "ess_tail", "divergences", "e_bfmi"}


def test_the_worst_parameter_is_named_with_its_value(good):
    apart = good.copy()
    apart[0, :, 1] += 3.0
    found = judge(tree(good, beta=apart[..., :2]), "nutpie")
    data = az.from_dict({"posterior": {"b": apart}})["posterior"].to_dataset()
    expected = float(az.rhat(data)["b"].max())
    assert found.worst["r_hat"] == pytest.approx(expected)
    said = next(w for w in found.warnings if w.key == "fitting.r_hat")
    assert f"{expected:.3f}" in said
    assert "beta [1]" in said
    assert str(R_HAT) in said


def test_r_hat_and_size_are_those_of_arviz_over_every_parameter(good):
    slow = np.cumsum(good, axis=1)
    found = judge(tree(good, site_shift=slow, site_scale=good, unjudged=slow * 50), "pymc")
    data = az.from_dict({"posterior": {"a": good, "b": slow}})["posterior"].to_dataset()
    worst = {
        "r_hat": az.rhat(data)["b"].max(),
        "ess_bulk": az.ess(data, method="bulk")["b"].min(),
        "ess_tail": az.ess(data, method="tail")["b"].min(),
    }
    for key, value in worst.items():
        assert found.worst[key] == pytest.approx(float(value)), key
    assert keys(found)[:2] == ["r_hat", "ess"]
    least = min(worst["ess_bulk"], worst["ess_tail"])
    assert f"{float(least):.0f}" in found.warnings[1]
    assert str(ESS_PER_CHAIN * CHAINS) in found.warnings[1]


@pytest.mark.parametrize("size", ["bulk", "tail"])
def test_too_few_effective_draws_of_either_kind_are_told(good, size, monkeypatch):
    ess = az.ess

    def few(data, method):
        found = ess(data, method=method)
        return found * 0 + (399.0 if method == size else 400.0)

    monkeypatch.setattr(az, "ess", few)
    assert keys(judge(tree(good), "nutpie")) == ["ess"]
    monkeypatch.setattr(az, "ess", lambda data, method: ess(data, method=method) * 0 + 400.0)
    assert judge(tree(good), "nutpie").good


@pytest.mark.parametrize(("value", "said"), [(1.01, []), (1.0101, ["r_hat"]), (np.nan, ["r_hat"])])
def test_r_hat_may_be_as_much_as_its_limit(good, value, said, monkeypatch):
    monkeypatch.setattr(
        "backrisk.fitting.judging._extreme",
        lambda values, largest: (value, "here") if largest else (1000.0, "there"),
    )
    assert keys(judge(tree(good), "nutpie")) == said


def test_every_divergence_counts(good):
    assert judge(tree(good, diverging=1), "nutpie").warnings[0].startswith("1 transition diverged")
    found = judge(tree(good, diverging=3), "nutpie")
    assert found.worst["divergences"] == 3
    assert found.warnings[0].startswith("3 transitions diverged")


def energies(fraction):
    """Energies of two values in turn, of which the given fraction of steps is a change by 2.

    Their variance is 1, and the mean squared step 4 x fraction.
    """
    changes = np.zeros(1001, int)
    changes[1 :: round(1 / fraction)] = 1
    return np.where(np.cumsum(changes) % 2, 1.0, -1.0)


def test_the_energy_s_fraction_is_the_mean_squared_step_over_the_variance():
    rng = np.random.default_rng(0)
    fractions = rng.normal(size=(2, 1001, 1))
    fine, poor = energies(1 / 10), energies(1 / 20)
    steps = [np.mean(np.diff(each) ** 2) / np.var(each) for each in (fine, poor)]
    assert steps[1] < 0.3 < steps[0]
    found = judge(tree(fractions, energy=np.stack([fine, poor])), "nutpie")
    assert found.worst["e_bfmi"] == pytest.approx(steps[1])
    assert keys(found) == ["e_bfmi"]
    assert f"{steps[1]:.2f}" in found.warnings[0]
    assert judge(tree(fractions, energy=np.stack([fine, fine])), "nutpie").good


@pytest.mark.parametrize("draws", [1, 3])
def test_too_few_draws_to_judge_are_marked(good, draws):
    found = judge(tree(good[:1, :draws]), "nutpie", ("Take care.",))
    assert keys(found) == ["too_few_draws"]
    assert found.warnings[0].startswith(f"{draws} draw")
    assert all(np.isnan(value) for value in found.worst.values())
    assert set(found.worst) == {"r_hat", "ess_bulk", "ess_tail", "divergences", "e_bfmi"}
    assert found.cautions[0] == "Take care."


def test_four_draws_are_judged(good):
    assert "too_few_draws" not in keys(judge(tree(good[:, :4]), "nutpie"))


def split_r_hat(chain):
    """Of one chain, by its definition (Vehtari et al. 2021, equations 1 to 4 and 14)."""

    def scale_reduction(halves):
        ranks = rankdata(halves).reshape(halves.shape)
        z = norm.ppf((ranks - 0.375) / (halves.size + 0.25))
        n = z.shape[1]
        within, between = z.var(axis=1, ddof=1).mean(), n * z.mean(axis=1).var(ddof=1)
        return np.sqrt(((n - 1) / n * within + between / n) / within)

    half = len(chain) // 2
    halves = np.stack([chain[:half], chain[-half:]])
    folded = np.abs(halves - np.median(halves))
    return max(scale_reduction(halves), scale_reduction(folded))


@pytest.mark.parametrize("draws", [DRAWS, 101, 8])
@pytest.mark.parametrize("change", [0.0, 0.8, "wider"])
def test_one_chain_is_judged_by_its_halves(good, draws, change):
    one = good[:1, :draws].copy()
    late = one[:, draws // 2 :, 1]
    late[:] = late * 4.0 if change == "wider" else late + change
    found = judge(tree(one, beta=one[..., :1]), "nutpie", ("Take care.",))
    expected = max(split_r_hat(one[0, :, place]) for place in range(3))
    assert found.worst["r_hat"] == pytest.approx(expected, rel=1e-12)
    assert ("r_hat" in keys(found)) == (expected > R_HAT)
    assert found.worst["ess_bulk"] > 0
    assert found.cautions[0] == "Take care."
    assert found.cautions[1].startswith("One chain was sampled: R-hat compares its halves")


def test_one_good_chain_needs_the_effective_draws_of_one(good):
    long = np.random.default_rng(2).normal(size=(1, 2000, 2))
    found = judge(tree(long), "nutpie")
    assert found.good
    assert found.worst["ess_bulk"] > ESS_PER_CHAIN


def test_draws_that_never_move_are_told(good):
    still = good.copy()
    still[..., 1] = 0.3
    with np.errstate(invalid="ignore", divide="ignore"):
        assert "r_hat" in keys(judge(tree(still), "nutpie"))
        assert "r_hat" in keys(judge(tree(still[:1]), "nutpie"))


def test_a_graph_without_effects_is_judged_by_its_fractions(good):
    assert judge(tree(good, beta=np.zeros((CHAINS, DRAWS, 0))), "nutpie").good
