"""From draws to what a person reads. The only place that knows the interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from backrisk._types import Array

# NumPy is imported by what computes: a help text names the interval too, and should not wait.

INTERVAL = 0.90
SURE = (1.0 + INTERVAL) / 2.0  # probability of a sign from which on the interval excludes zero
DIGITS = 12  # of probabilities that are sums of products: beyond them is rounding
ROUNDING = 1e-12


def interval(draws: Array, probability: float = INTERVAL) -> tuple[Array, Array]:
    """Return the equal-tailed interval over the first axis.

    Parameters
    ----------
    draws : ndarray, shape (draw, ...)
    probability : float
        Posterior probability inside.

    Returns
    -------
    low, high : ndarray, shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.arange(101.0))
    >>> float(low.round(6)), float(high.round(6))
    (5.0, 95.0)
    """
    import numpy as np

    tail = (1.0 - probability) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    return low, high


def side(low: Array | float, high: Array | float) -> Array:
    """Return on which side of zero intervals lie: 1 above it, -1 below; 0 where they include it.

    What differs from zero by rounding alone is zero.

    Parameters
    ----------
    low, high : ndarray or float
        The ends, as `interval` returns them.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> side(np.array([0.1, -0.1, 1e-17]), np.array([0.3, 0.2, 2e-17])).tolist()
    [1, 0, 0]
    """
    import numpy as np

    above, below = np.asarray(low) > ROUNDING, np.asarray(high) < -ROUNDING
    found: Array = above.astype(int) - below
    return found


@dataclass(frozen=True)
class Estimate:
    """A mean and its interval.

    Examples
    --------
    >>> import numpy as np
    >>> found = Estimate.of(np.arange(101.0))
    >>> found.mean, round(found.low, 6), round(found.high, 6)
    (50.0, 5.0, 95.0)
    """

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Array) -> Estimate:
        """Return the mean and the interval of draws, ``(draw,)``."""
        low, high = interval(draws)
        return cls(float(draws.mean()), float(low), float(high))


def in_hundred(share: float) -> float:
    """Return of how many people in a hundred a share is: a whole number, below one with a digit.

    Examples
    --------
    >>> in_hundred(0.312), in_hundred(0.004), in_hundred(0.0096)
    (31, 0.4, 1)
    """
    return round(100.0 * share, 1) if 0.0 < share < 0.0095 else round(100.0 * share)


def summarise(draws: Array, labels: Sequence[str]) -> pd.DataFrame:
    """Return mean and interval of each column of draws.

    Parameters
    ----------
    draws : ndarray, shape (draw, label)
    labels : sequence of str

    Returns
    -------
    pandas.DataFrame
        Index `labels`; columns ``mean``, ``low``, ``high``.
    """
    import pandas as pd

    columns = described(draws, labels)
    return pd.DataFrame(columns, index=pd.Index(columns.pop("name")))


def largest(draws: Array, above: float = -math.inf) -> Array:
    """Return the probability of each column being the largest of its row.

    Parameters
    ----------
    draws : ndarray, shape (..., draw, column)
    above : float
        A column counts only where it is above this.

    Returns
    -------
    ndarray, shape (..., column)
        Columns that are equally large, but for rounding, share the probability; it sums to less
        than 1 where in some draw none counts.

    Examples
    --------
    >>> import numpy as np
    >>> largest(np.array([[0.2, 0.1, 0.0], [0.0, 0.0, 0.0], [0.3, 0.3, 0.1], [0.0, 0.4, 0.0]]), 0.0)
    array([0.375, 0.375, 0.   ])
    """
    import numpy as np

    if not draws.shape[-1]:
        return np.zeros((*draws.shape[:-2], 0))
    # Rounding decides neither who is largest nor who is above.
    first = (draws >= draws.max(axis=-1, keepdims=True) - ROUNDING) & (draws > above + ROUNDING)
    share: Array = (first / np.maximum(first.sum(axis=-1, keepdims=True), 1)).mean(axis=-2)
    return share


def described(draws: Array, labels: Sequence[str]) -> dict[str, list[Any]]:
    """Return mean and interval of each column of draws, as plain columns.

    Parameters
    ----------
    draws : ndarray, shape (draw, label)
    labels : sequence of str

    Returns
    -------
    dict of list
        ``name``, ``mean``, ``low``, ``high``.

    Examples
    --------
    >>> import numpy as np
    >>> described(np.array([[0.25], [0.75]]), ["risk"])["mean"]
    [0.5]
    """
    low, high = interval(draws)
    mean = draws.mean(axis=0)
    return {
        "name": list(labels),
        "mean": mean.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
    }
