"""Model and regression side by side, measured on people of whom both knew nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.check.left_out import LeftOut
from backrisk.check.ordering import Order
from backrisk.check.reliability import (
    THRESHOLDS,
    auc,
    decompose,
    log_odds,
    log_scores,
    means,
    net_benefits,
    recalibration,
    reliability,
    resampled,
    score_tests,
)
from backrisk.summary import INTERVAL, interval

TIMES = 1000  # bootstrap samples
_CURVES = 4000  # draws of events, of which the outermost few are the band's limits


@dataclass(frozen=True, eq=False)
class Predicted:
    """People, what they reported, and what model and regression had said of them.

    Parameters
    ----------
    event : ndarray of bool, shape (group,)
    people : ndarray of int, shape (group,)
    person : ndarray, shape (group,)
        The weight of one of them.
    risk, regression : ndarray, shape (group,)
    fold : ndarray of int, shape (group,), optional
        Whose risks come from one fit.
    orders : pair of (Order or None)
        Of model and regression, where people were left out one by one.
    acted : pair of ndarray, optional
        What people act on, of model and regression, where that is not their risk; see `acted_on`.
    """

    event: NDArray[np.bool_]
    people: NDArray[np.int64]
    person: Array
    risk: Array
    regression: Array
    fold: NDArray[np.intp] | None = None
    orders: tuple[Order | None, Order | None] = (None, None)
    acted: tuple[Array, Array] | None = None

    def areas(self, which: int, weights: Array) -> Array:
        """Return the AUC of the model (0) or the regression (1) in each sample."""
        order = self.orders[which]
        if order is not None:
            return order.auc(weights)
        risk = (self.risk, self.regression)[which]
        return auc(risk, self.event, weights, self.fold)

    def benefits(self, which: int, weights: Array) -> Array:
        """Return the net benefit of the model (0) or the regression (1), ``(sample, threshold)``.

        Whoever acts on one prediction acts on all that are the same.
        """
        acted = (self.risk, self.regression) if self.acted is None else self.acted
        return net_benefits(acted[which], self.event, weights)


def optimism_of(predicted: Predicted, found: LeftOut) -> float:
    """Return how much of the slope people would have lent their own prediction.

    The slope that the whole posterior's risks would seem to have, less that of risks without the
    person: one step of Newton's method.
    """
    if found.seen is None:
        return 0.0
    weights = predicted.people * predicted.person
    own = log_odds(found.risk)
    moved = log_odds(found.seen) - own
    spread = weights * found.risk * (1.0 - found.risk)
    about = own - np.average(own, weights=np.maximum(spread, 1e-300))
    lent = float((weights * (predicted.event - found.risk)) @ moved)
    return lent / max(float(spread @ about**2), 1e-300)


def judge_risks(people: Predicted, rng: np.random.Generator) -> dict[str, Any]:
    """Return the measures of model and regression, their curves and tests."""
    weights = people.people * people.person
    samples = resampled(people.people, people.person, TIMES, rng)
    event = people.event
    own, other = people.risk, people.regression
    start, end = np.quantile(np.repeat(own, people.people), [0.05, 0.95])
    inside = np.abs(THRESHOLDS - (start + end) / 2) <= (end - start) / 2
    inside[np.abs(THRESHOLDS - (start + end) / 2).argmin()] = True
    whole_sample = weights[None].astype(np.float64)
    measured = [
        [_measures(people, which, sample, inside) for sample in (whole_sample, samples)]
        for which in (0, 1)
    ]
    parts = {name: decompose(risk, event, weights) for name, risk in (("model", own), ("r", other))}
    rows = {}
    for key in measured[0][0]:
        ((mine,), drawn), ((theirs,), theirs_drawn) = (
            (sample[key] for sample in each) for each in measured
        )
        low, high = _interval(drawn)
        gap_low, gap_high = _interval(drawn - theirs_drawn)
        rows[key] = (mine, low, high, theirs, mine - theirs, gap_low, gap_high)
        if key == "brier":
            for name in ("miscalibration", "discrimination", "uncertainty"):
                ours, yours = getattr(parts["model"], name), getattr(parts["r"], name)
                rows[name] = (ours, np.nan, np.nan, yours, ours - yours, np.nan, np.nan)
    columns = ["model", "low", "high", "regression"]
    columns += ["difference", "difference_low", "difference_high"]
    scores = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    scores.index.name = "measure"
    curve, p_curve = reliability(
        own, event, people.people, people.person, times=_CURVES, probability=INTERVAL, rng=rng
    )
    return {
        "p_values": score_tests(own, event, people.people, people.person),
        "p_curve": p_curve,
        "scores": scores,
        "curve": pd.DataFrame(curve._asdict()),
        "decision": _decision(people, whole_sample, samples),
        "range": (float(THRESHOLDS[inside][0]), float(THRESHOLDS[inside][-1])),
    }


def _measures(
    people: Predicted, which: int, weights: Array, inside: NDArray[np.bool_]
) -> dict[str, Array]:
    """Return each measure of the model (0) or the regression (1) in each sample, ``(sample,)``."""
    risk, event = (people.risk, people.regression)[which], people.event
    large, _, slope = recalibration(risk, event, weights)
    return {
        "observed": means(weights, event.astype(np.float64)),
        "expected": means(weights, risk),
        "in_the_large": large,
        "slope": slope,
        "log_score": means(weights, log_scores(risk, event)),
        "brier": means(weights, (event - risk) ** 2),
        "auc": people.areas(which, weights),
        "net_benefit": people.benefits(which, weights)[:, inside].mean(axis=1),
    }


def _interval(draws: Array) -> tuple[float, float]:
    """Return the interval; not a number where a sample in ten had no value."""
    sound = draws[np.isfinite(draws)]
    if len(sound) < 0.9 * len(draws):
        return np.nan, np.nan
    low, high = interval(sound)
    return float(low), float(high)


def _decision(people: Predicted, whole_sample: Array, samples: Array) -> pd.DataFrame:
    mine, theirs = (
        (people.benefits(which, whole_sample)[0], people.benefits(which, samples))
        for which in (0, 1)
    )
    low, high = interval(mine[1])
    gap_low, gap_high = interval(mine[1] - theirs[1])
    return pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            "model": mine[0],
            "low": low,
            "high": high,
            "treat_all": net_benefits(np.ones(len(people.event)), people.event, whole_sample)[0],
            "treat_none": 0.0,
            "regression": theirs[0],
            "difference": mine[0] - theirs[0],
            "difference_low": gap_low,
            "difference_high": gap_high,
        }
    )
