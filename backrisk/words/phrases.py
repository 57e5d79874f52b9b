"""Numbers, nodes and states in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass
from backrisk.summary import interval

Array = NDArray[np.float64]
INTERVAL_NAME = "90 % equal-tailed interval"
DISCLAIMER = "Decision support, not a diagnosis."


def percent(share: float) -> str:
    """Word a share as a percentage, with a digit more where it is small.

    Examples
    --------
    >>> percent(0.123), percent(0.0456), percent(0.0004)
    ('12 %', '4.6 %', '<0.1 %')
    """
    if 0 < abs(share) < 0.001:
        return "<0.1 %" if share > 0 else ">-0.1 %"
    return f"{100 * share:.0f} %" if abs(share) >= 0.0995 else f"{100 * share:.1f} %"


def estimate(draws: Array) -> str:
    """Word draws of a share as its mean and interval.

    Examples
    --------
    >>> estimate(np.linspace(0.1, 0.3, 101))
    '20 % (11 % to 29 %)'
    """
    low, high = interval(draws)
    return f"{percent(float(draws.mean()))} ({percent(float(low))} to {percent(float(high))})"


def points(draws: Array) -> str:
    """Word draws of a change in a share, in percentage points with its sign.

    Examples
    --------
    >>> points(np.linspace(-0.03, 0.01, 101))
    '-1.0 points (-2.8 to +0.8)'
    """
    mean, low, high = (_signed(100 * float(value)) for value in (draws.mean(), *interval(draws)))
    return f"{mean} points ({low} to {high})"


def _signed(value: float) -> str:
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def shift(draws: Array, fall: str = "a fall", rise: str = "a rise") -> str:
    """Word a change in a share: a direction only where the interval excludes zero.

    Examples
    --------
    >>> shift(np.linspace(0.01, 0.03, 101)), shift(np.linspace(-0.03, 0.01, 101))
    ('a rise of 2.0 points (1.1 to 2.9)', 'a change of -1.0 points (-2.8 to +0.8)')
    """
    low, high = interval(draws)
    if low <= 0 <= high:
        return f"a change of {points(draws)}"
    size = np.sort(np.abs([float(low), float(high)]))
    return (
        f"{rise if low > 0 else fall} of {100 * abs(float(draws.mean())):.1f} points "
        f"({100 * size[0]:.1f} to {100 * size[1]:.1f})"
    )


def thing(name: object) -> str:
    """Word the name of a node or a state.

    Examples
    --------
    >>> thing("hip_flexor_tightness"), thing("40_54")
    ('hip flexor tightness', '40 to 54')
    """
    return re.sub(r"(?<=\d)_(?=\d)", " to ", str(name)).replace("_", " ")


def phrase(node: str, state: str) -> str:
    """Word a node in a state.

    Examples
    --------
    >>> phrase("core_strength", "weak"), phrase("compensation", "yes"), phrase("pain", "none")
    ('weak core strength', 'compensation', 'no pain')
    >>> phrase("hip_flexor_tightness", "very_tight"), phrase("age", "40_54")
    ('hip flexor tightness (very tight)', 'age (40 to 54)')
    """
    if state == "yes":
        return thing(node)
    if state in ("no", "none"):
        return f"no {thing(node)}"
    repeats = any(part.startswith(state[:5]) for part in node.split("_"))
    if state.isalpha() and not repeats:
        return f"{state} {thing(node)}"
    return f"{thing(node)} ({thing(state)})"


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["fatigue", "tilt", "posture"])
    'fatigue, tilt and posture'
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
