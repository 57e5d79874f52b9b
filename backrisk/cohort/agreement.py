"""How predicted risks agree with known outcomes: the numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.summary import INTERVAL, Estimate

_BINS = 10


@dataclass(frozen=True)
class Agreement:
    """How predicted risks agree with known outcomes.

    Parameters
    ----------
    people : int
        Whose outcome is known.
    cases : int
    predicted : tuple of float
        Mean risk in each group of the table, the smallest first.
    observed : tuple of Estimate
        Share with the outcome, Jeffreys' interval.
    sizes : tuple of int
    brier, brier_reference : float
        The reference gives everyone the observed share.
    concordance : Estimate, optional
        None where all outcomes are the same.
    ratio : Estimate
        Observed over expected cases.
    """

    people: int
    cases: int
    predicted: tuple[float, ...]
    observed: tuple[Estimate, ...]
    sizes: tuple[int, ...]
    brier: float
    brier_reference: float
    concordance: Estimate | None
    ratio: Estimate


def agreement(
    risk: Array, outcome: NDArray[np.int8], people: NDArray[np.int64]
) -> Agreement | None:
    """Return how risks agree with known outcomes, None where none is known.

    Parameters
    ----------
    risk : ndarray, shape (profile,)
    outcome : ndarray of int, shape (profile,)
        1 with the outcome, 0 without, -1 unknown.
    people : ndarray of int, shape (profile,)
        Of each profile.

    Returns
    -------
    Agreement or None
    """
    known = outcome >= 0
    if not known.any():
        return None
    p, y, n = risk[known], outcome[known].astype(float), people[known].astype(float)
    order = np.argsort(p, kind="stable")
    p, y, n = p[order], y[order], n[order]
    total, cases = float(n.sum()), float(n @ y)
    share = cases / total
    # Equal risks are never told apart: a group ends where the risk changes.
    place = np.minimum((np.cumsum(n) - n) / total * _BINS, _BINS - 1).astype(int)
    same = np.r_[False, p[1:] == p[:-1]]
    for at in np.flatnonzero(same):
        place[at] = place[at - 1]
    predicted, observed, sizes = [], [], []
    for group in np.unique(place):
        inside = place == group
        size, events = n[inside].sum(), float(n[inside] @ y[inside])
        predicted.append(float(n[inside] @ p[inside] / size))
        observed.append(jeffreys(events, float(size)))
        sizes.append(int(size))
    expected = float(n @ p)
    whole = jeffreys(cases, total)
    return Agreement(
        int(total),
        round(cases),
        tuple(predicted),
        tuple(observed),
        tuple(sizes),
        float(n @ (p - y) ** 2 / total),
        share * (1.0 - share),
        _concordance(p, y, n) if 0 < cases < total else None,
        Estimate(*(total * part / expected for part in (whole.mean, whole.low, whole.high))),
    )


def jeffreys(events: float, size: float) -> Estimate:
    """Return a share with Jeffreys' interval, of the package's probability.

    Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286: the equal-tailed posterior interval
    under Beta(1/2, 1/2), reaching 0 or 1 where no one, or everyone, has the event.

    Examples
    --------
    >>> jeffreys(0, 10).low, round(jeffreys(5, 10).low, 3), round(jeffreys(5, 10).high, 3)
    (0.0, 0.262, 0.738)
    """
    from scipy.stats import beta

    tail = (1.0 - INTERVAL) / 2.0
    low = beta.ppf(tail, events + 0.5, size - events + 0.5) if events else 0.0
    high = beta.ppf(1.0 - tail, events + 0.5, size - events + 0.5) if events < size else 1.0
    return Estimate(events / size, float(low), float(high))


def _concordance(p: Array, y: Array, n: Array) -> Estimate:
    """Return the area under the ROC curve with its interval (DeLong et al. 1988)."""
    from scipy.stats import norm

    times = n.astype(int)
    p, y = np.repeat(p, times), np.repeat(y, times)
    cases, others = np.sort(p[y == 1]), np.sort(p[y == 0])

    def below(values: Array, among: Array) -> Array:
        less = np.searchsorted(among, values, "left")
        return (less + np.searchsorted(among, values, "right")) / (2.0 * len(among))

    of_cases, of_others = below(cases, others), 1.0 - below(others, cases)
    area = float(of_cases.mean())
    spread = 0.0
    for part in (of_cases, of_others):
        spread += float(part.var(ddof=1)) / len(part) if len(part) > 1 else 0.25
    reach = float(norm.ppf(0.5 + INTERVAL / 2)) * spread**0.5
    return Estimate(area, max(0.0, area - reach), min(1.0, area + reach))
