"""How predicted risks agree with what happened: calibration, scores and net benefit.

Everything here works on groups of people with one risk, an event that they all had or all had not,
and a weight; and on many sets of weights at once, which is how the bootstrap asks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit
from scipy.stats import chi2, rankdata

from backrisk._types import Array

THRESHOLDS = np.arange(1, 100) / 100.0
_SMALLEST = 1e-9  # a risk is not taken for smaller, nor for larger than the rest
_STEPS, _CLOSE, _SETTLED = 50, 1e-10, 1e-6  # of Newton's method
_FARTHEST = 30.0  # log odds beyond which nothing is estimated
_GRID = 200  # points of a curve, at most
TIED = 1e-9  # log odds, or risks, that are the same


def log_odds(risk: Array) -> Array:
    """Return the log odds of risks, which are finite."""
    held = np.clip(risk, _SMALLEST, 1.0 - _SMALLEST)
    found: Array = np.log(held) - np.log1p(-held)
    return found


def resampled(
    people: NDArray[np.int64], person: Array, times: int, rng: np.random.Generator
) -> Array:
    """Return the weights of groups in bootstrap samples of the people.

    Parameters
    ----------
    people : ndarray of int, shape (group,)
    person : ndarray, shape (group,)
        The weight of one of them.
    times : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (sample, group)
    """
    total = int(people.sum())
    return rng.multinomial(total, people / total, size=times) * person


def means(weights: Array, values: Array) -> Array:
    """Return weighted means, ``(sample, ...)``, of values ``(group, ...)``."""
    found: Array = (weights @ values) / weights.sum(axis=1).reshape(-1, *(1,) * (values.ndim - 1))
    return found


def log_scores(risk: Array, event: NDArray[np.bool_]) -> Array:
    """Return the log of the probability that was given to what happened, ``(group,)``."""
    held = np.clip(risk, _SMALLEST, 1.0 - _SMALLEST)
    return np.where(event, np.log(held), np.log1p(-held))


def auc(
    risk: Array, event: NDArray[np.bool_], weights: Array, fold: NDArray[np.intp] | None = None
) -> Array:
    """Return how often who had the event had the larger risk; equal risks count one half.

    Parameters
    ----------
    risk : ndarray, shape (group,)
    event : ndarray of bool, shape (group,)
    weights : ndarray, shape (sample, group)
    fold : ndarray of int, shape (group,), optional
        Only people of one fold are compared: their risks come from one fit.

    Returns
    -------
    ndarray, shape (sample,)

    Examples
    --------
    >>> auc(np.array([0.1, 0.4, 0.4]), np.array([False, True, False]), np.ones((1, 3))).tolist()
    [0.75]
    """
    right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    folds = np.zeros(len(risk), np.intp) if fold is None else fold
    for each in np.unique(folds):
        here = folds == each
        values, place = np.unique(risk[here], return_inverse=True)
        order = np.argsort(place, kind="stable")
        starts = np.searchsorted(place[order], np.arange(len(values)))
        ill, well = (
            np.add.reduceat((weights[:, here] * these)[:, order], starts, axis=1)
            for these in (event[here], ~event[here])
        )
        below = np.cumsum(well, axis=1) - 0.5 * well
        right += (ill * below).sum(axis=1)
        pairs += ill.sum(axis=1) * well.sum(axis=1)
    return share_of(right, pairs)


def acted_on(risk: Array, answers: NDArray[np.integer], weights: Array) -> Array:
    """Return one risk for all who gave the same answers: at the mean of their log odds.

    Left out one by one, who had the event falls short of a threshold that who did not and gave the
    same answers reaches: nobody could act like that, who does not know the event yet.

    Parameters
    ----------
    risk : ndarray, shape (group,)
        Of people left out one by one.
    answers : ndarray of int, shape (group, question)
    weights : ndarray, shape (group,)

    Returns
    -------
    ndarray, shape (group,)

    Examples
    --------
    >>> acted_on(np.array([0.2, 0.8, 0.3]), np.array([[0], [0], [1]]), np.ones(3)).round(3).tolist()
    [0.5, 0.5, 0.3]
    """
    _, place = np.unique(answers, axis=0, return_inverse=True)
    place = place.ravel()
    mean = np.bincount(place, weights * log_odds(risk)) / np.bincount(place, weights)
    found: Array = expit(mean[place])
    return found


def share_of(right: Array, pairs: Array) -> Array:
    """Return the share of pairs in the right order; not a number where there are none."""
    found: Array = np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return found


def recalibration(
    risk: Array, event: NDArray[np.bool_], weights: Array
) -> tuple[Array, Array, Array]:
    """Return what would make risks agree with events: Cox's intercept and slope.

    Parameters
    ----------
    risk : ndarray, shape (group,)
    event : ndarray of bool, shape (group,)
    weights : ndarray, shape (sample, group)

    Returns
    -------
    large : ndarray, shape (sample,)
        What has to be added to everybody's log odds: 0 where risks are right on the whole.
    intercept, slope : ndarray, shape (sample,)
        Of a logistic regression of the event on the log odds of the risk (Cox 1958,
        doi:10.1093/biomet/45.3-4.562): the slope is below 1 where risks are too extreme. Not a
        number where they do not tell.
    """
    odds, happened = log_odds(risk), event.astype(np.float64)
    whole = weights.sum(axis=1)
    large = np.zeros(len(weights))
    for _ in range(_STEPS):
        chance = expit(odds + large[:, None])
        slack = (weights * (happened - chance)).sum(axis=1)
        bent = (weights * chance * (1.0 - chance)).sum(axis=1)
        move = np.clip(slack / np.maximum(bent, 1e-300), -2.0, 2.0)
        large = large + move
        if np.abs(move).max() < _CLOSE:
            break
    # About the mean, the two parameters hardly trade off.
    centre = (weights @ odds) / whole
    away = odds - centre[:, None]
    at = np.stack([centre, np.ones(len(weights))])
    step = np.zeros_like(at)
    for _ in range(_STEPS):
        chance = expit(at[0][:, None] + at[1][:, None] * away)
        left = weights * (happened - chance)
        bent = weights * chance * (1.0 - chance)
        a, b, c = bent.sum(axis=1), (bent * away).sum(axis=1), (bent * away**2).sum(axis=1)
        one, two = left.sum(axis=1), (left * away).sum(axis=1)
        size = a * c - b * b
        sound = size > 1e-12 * np.maximum(a * c, 1e-300)
        size = np.where(sound, size, 1.0)
        step = np.stack([(c * one - b * two) / size, (a * two - b * one) / size])
        step = np.where(sound, np.clip(step, -2.0, 2.0), np.nan)
        at = at + step
        if not np.nanmax(np.abs(step), initial=0.0) > _CLOSE:
            break
    line = np.stack([at[0] - at[1] * centre, at[1]])
    # Where risks tell the event for sure, steps go on for ever.
    lost = ~((np.abs(step) < _SETTLED) & (np.abs(at) < _FARTHEST)).all(axis=0)
    large = np.where(np.abs(large) < _FARTHEST, large, np.nan)
    return large, *np.where(lost, np.nan, line)


class Disagreement(NamedTuple):
    """The chance of risks as wrong as these, had they been right: three tests of calibration."""

    large: float
    slope: float
    both: float


def score_tests(
    risk: Array, event: NDArray[np.bool_], people: NDArray[np.int64], person: Array
) -> Disagreement:
    """Test that risks are right on the whole, that their slope is 1, and both (Cox's score test).

    Parameters
    ----------
    risk : ndarray, shape (group,)
    event : ndarray of bool, shape (group,)
    people : ndarray of int, shape (group,)
    person : ndarray, shape (group,)
        The weight of one of them.

    Returns
    -------
    Disagreement
        p-values: of the sum of ``event - risk``; of its sum weighted by the log odds of the risk,
        beside the first; of both together. The slope's is 1 where all risks are the same.
    """
    odds = log_odds(risk)
    total, squares = people * person, people * person**2
    spread = risk * (1.0 - risk)
    away = odds - np.average(odds, weights=np.maximum(squares * spread, 1e-300))
    left = total * (event - risk)
    first, second = float(left.sum()), float(left @ away)
    of_first, of_second = float(squares @ spread), float((squares * spread) @ away**2)
    z_first = first**2 / max(of_first, 1e-300)
    flat = of_second <= 1e-12 * of_first
    z_second = 0.0 if flat else second**2 / of_second
    return Disagreement(
        float(chi2.sf(z_first, 1)),
        1.0 if flat else float(chi2.sf(z_second, 1)),
        float(chi2.sf(z_first + z_second, 1 if flat else 2)),
    )


class Curve(NamedTuple):
    """A reliability diagram: at each risk, the share that had the event, and its band."""

    predicted: Array
    observed: Array
    low: Array
    high: Array
    share: Array


class Decomposition(NamedTuple):
    """The Brier score as ``miscalibration - discrimination + uncertainty``."""

    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float


def isotonic(risk: Array, shares: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Return the distinct risks, the rising curve through the shares that fits best, and weights.

    Parameters
    ----------
    risk, shares, weights : ndarray, shape (group,)

    Returns
    -------
    risks, fitted, weights : ndarray, shape (distinct risk,)
    """
    risks, place = np.unique(risk, return_inverse=True)
    place = place.ravel()
    whole = np.bincount(place, weights)
    mean = np.bincount(place, weights * shares) / whole
    return risks, np.asarray(isotonic_regression(mean, weights=whole).x), whole


def decompose(risk: Array, event: NDArray[np.bool_], weights: Array) -> Decomposition:
    """Return the Brier score and its parts (Dimitriadis, Gneiting and Jordan 2021).

    Parameters
    ----------
    risk, weights : ndarray, shape (group,)
    event : ndarray of bool, shape (group,)

    Examples
    --------
    >>> parts = decompose(np.array([0.2, 0.6]), np.array([False, True]), np.ones(2))
    >>> [round(part, 3) for part in parts]
    [0.1, 0.1, 0.25, 0.25]
    """
    happened = event.astype(np.float64)
    risks, fitted, _ = isotonic(risk, happened, weights)
    at = fitted[np.searchsorted(risks, risk)]
    mean = np.average(happened, weights=weights)
    brier = float(np.average((happened - risk) ** 2, weights=weights))
    calibrated = float(np.average((happened - at) ** 2, weights=weights))
    uncertain = float(mean * (1.0 - mean))
    return Decomposition(brier, brier - calibrated, uncertain - calibrated, uncertain)


def reliability(
    risk: Array,
    event: NDArray[np.bool_],
    people: NDArray[np.int64],
    person: Array,
    *,
    times: int,
    probability: float,
    rng: np.random.Generator,
) -> tuple[Curve, float]:
    """Return the reliability diagram with its band, and the p-value of its miscalibration.

    The curve is the isotonic regression of the event on the risk (CORP: Dimitriadis, Gneiting and
    Jordan 2021, doi:10.1073/pnas.2016191118). Events are drawn as the risks say, many times: the
    band holds the whole curve with the stated probability if risks are right (simultaneous), and
    the p-value is how often such events are miscalibrated as much as those that happened, in the
    Brier score.

    Parameters
    ----------
    risk : ndarray, shape (group,)
    event : ndarray of bool, shape (group,)
    people : ndarray of int, shape (group,)
    person : ndarray, shape (group,)
        The weight of one of them.
    times : int
        How often events are drawn.
    probability : float
        Of the whole curve staying inside the band.
    rng : numpy.random.Generator
    """
    weights = people * person
    risks, fitted, whole = isotonic(risk, event.astype(np.float64), weights)
    grid = np.unique(np.quantile(risks, np.linspace(0.0, 1.0, _GRID), method="nearest"))
    at = np.searchsorted(risks, grid)
    place = np.searchsorted(risks, risk)
    drawn = np.empty((times, len(grid)))
    distance = np.empty(times)
    for number in range(times):
        ill = rng.binomial(people, risk) * person
        share = np.bincount(place, ill, len(risks)) / whole
        curve = np.asarray(isotonic_regression(share, weights=whole).x)
        drawn[number] = curve[at]
        # What the best rising curve gains in Brier score.
        distance[number] = whole @ ((share - risks) ** 2 - (share - curve) ** 2)
    share = np.bincount(place, weights * event, len(risks)) / whole
    own = float(whole @ ((share - risks) ** 2 - (share - fitted) ** 2))
    low, high = simultaneous(drawn, probability)
    near = np.bincount(np.searchsorted((grid[1:] + grid[:-1]) / 2, risk), weights, len(grid))
    diagram = Curve(grid, fitted[at], low, high, near / near.sum())
    return diagram, float((1 + (distance >= own - 1e-12).sum()) / (1 + times))


def simultaneous(curves: Array, probability: float) -> tuple[Array, Array]:
    """Return limits between which a share of curves lies at every point.

    The limits are order statistics, the same one at each point.

    Parameters
    ----------
    curves : ndarray, shape (curve, point)
    probability : float

    Returns
    -------
    low, high : ndarray, shape (point,)
    """
    count = len(curves)
    from_below = rankdata(curves, method="max", axis=0)
    from_above = count + 1 - rankdata(curves, method="min", axis=0)
    tightest = np.minimum(from_below, from_above).min(axis=1)
    rank = int(np.quantile(tightest, 1.0 - probability, method="lower"))
    ordered = np.sort(curves, axis=0)
    return ordered[max(rank - 1, 0)], ordered[count - max(rank, 1)]


def net_benefits(risk: Array, event: NDArray[np.bool_], weights: Array) -> Array:
    """Return the net benefit of acting from each of `THRESHOLDS` on, ``(sample, threshold)``.

    True positives less false ones, each of which counts the odds of the threshold, as a share of
    all (Vickers and Elkin 2006, doi:10.1177/0272989X06295361).

    Parameters
    ----------
    risk : ndarray, shape (group,)
    event : ndarray of bool, shape (group,)
    weights : ndarray, shape (sample, group)

    Examples
    --------
    >>> benefit = net_benefits(np.array([0.9, 0.3]), np.array([True, False]), np.ones((1, 2)))
    >>> benefit[0, [19, 49]].round(3).tolist()
    [0.375, 0.5]
    """
    odds = THRESHOLDS / (1.0 - THRESHOLDS)
    gain = np.where(event[:, None], 1.0, -odds)
    # A risk that is a threshold but for rounding is acted on.
    return means(weights, np.where(risk[:, None] >= THRESHOLDS - TIED, gain, 0.0))
