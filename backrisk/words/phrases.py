"""Numbers in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import reduce
from typing import TYPE_CHECKING

from backrisk._spelling import spell
from backrisk.summary import INTERVAL, in_hundred, interval, side
from backrisk.words.sentences import say, spoken

if TYPE_CHECKING:
    from backrisk._types import Array

_TOLD = 0.001  # a share below it is not told more precisely
_LONGEST = 200  # characters of a name that is compared with others


def interval_name() -> str:
    """Return what kind of interval is shown and how much of the posterior lies inside.

    Examples
    --------
    >>> interval_name()
    '90 % equal-tailed interval'
    """
    return say("phrases.interval", percent=percent(INTERVAL))


def disclaimer() -> str:
    """Return the sentence that every output ends with."""
    return say("phrases.disclaimer")


def decimal(value: float, digits: int, *, sign: bool = False) -> str:
    """Return a number with the decimal mark of the language.

    Examples
    --------
    >>> decimal(0.25, 1), decimal(3, 1, sign=True)
    ('0.2', '+3.0')
    """
    return f"{value:{'+' if sign else ''}.{digits}f}".replace(".", say("phrases.decimal_mark"))


def whole(value: float) -> str:
    """Return a whole number with the thousands mark of the language.

    Examples
    --------
    >>> whole(2000), whole(12.0)
    ('2,000', '12')
    """
    return f"{value:,.0f}".replace(",", say("phrases.thousands_mark"))


def percent(share: float, *, unit: bool = True) -> str:
    """Word a share as a percentage, with a digit more where it is small.

    Parameters
    ----------
    share : float
    unit : bool
        Whether the sign for percent stands behind the number.

    Examples
    --------
    >>> percent(0.123), percent(0.0456), percent(0.0004)
    ('12 %', '4.6 %', '<0.1 %')
    """
    if 0 < abs(share) < _TOLD:
        number = ("<" if share > 0 else ">-") + decimal(0.1, 1)
    else:
        number = decimal(100 * share, 0 if abs(share) >= 0.0995 else 1)
    return say("phrases.percent", number=number) if unit else number


def of_hundred(share: float) -> str:
    """Word a share as a number of a hundred people, with a digit more below one.

    Examples
    --------
    >>> of_hundred(0.312), of_hundred(0.004), of_hundred(0.0), of_hundred(0.0001)
    ('31', '0.4', '0', '<0.1')
    """
    number = in_hundred(share)
    if share and not number:
        return f"<{decimal(0.1, 1)}"
    return decimal(number, 0 if number >= 1 or not number else 1)


def estimate(draws: Array) -> str:
    """Word draws of a share as its mean and interval.

    Examples
    --------
    >>> import numpy as np
    >>> estimate(np.linspace(0.1, 0.3, 101))
    '20 % (11 % to 29 %)'
    """
    low, high = interval(draws)
    return ranged(float(draws.mean()), float(low), float(high))


def ranged(mean: float, low: float, high: float, *, unit: bool = True) -> str:
    """Word a share and the ends of its interval.

    Where all three are too small to be told apart there is only the share: its ends would round
    to zero, and it would seem to lie outside.

    Parameters
    ----------
    mean, low, high : float
    unit : bool
        Whether the sign for percent stands behind the ends too.

    Examples
    --------
    >>> ranged(0.2, 0.11, 0.29), ranged(0.2, 0.11, 0.29, unit=False), ranged(0.0004, 0.0, 0.0)
    ('20 % (11 % to 29 %)', '20 % (11 to 29)', '<0.1 %')
    """
    if mean and max(abs(mean), abs(low), abs(high)) < _TOLD:
        return percent(mean)
    ends = {"low": percent(low, unit=unit), "high": percent(high, unit=unit)}
    return say("phrases.estimate", mean=percent(mean), **ends)


def points(draws: Array) -> str:
    """Word draws of a change in a share, in percentage points with its sign.

    Examples
    --------
    >>> import numpy as np
    >>> points(np.linspace(-0.03, 0.01, 101))
    '-1.0 points (-2.8 to +0.8)'
    """
    mean, low, high = (_signed(100 * float(value)) for value in (draws.mean(), *interval(draws)))
    return say("phrases.points", mean=mean, low=low, high=high)


def _signed(value: float) -> str:
    rounded = round(value, 1)
    return decimal(rounded, 1, sign=True) if rounded else decimal(0.0, 1)


def shift(draws: Array) -> str:
    """Word a change in a share: a direction only where the interval excludes zero.

    Examples
    --------
    >>> import numpy as np
    >>> shift(np.linspace(0.01, 0.03, 101)), shift(np.linspace(-0.03, 0.01, 101))
    ('a rise of 2.0 points (1.1 to 2.9)', 'a change of -1.0 points (-2.8 to +0.8)')
    """
    low, high = interval(draws)
    where = side(low, high)
    if not where:
        return say("phrases.change", points=points(draws))
    size = sorted((abs(float(low)), abs(float(high))))
    return say(
        "phrases.rise" if where > 0 else "phrases.fall",
        mean=decimal(100 * abs(float(draws.mean())), 1),
        low=decimal(100 * size[0], 1),
        high=decimal(100 * size[1], 1),
    )


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["fatigue", "tilt", "posture"])
    'fatigue, tilt and posture'
    """
    *first, last = words
    if not first:
        return last
    return say("phrases.listed", first=_in_a_row(first), last=last)


def _in_a_row(words: Iterable[str]) -> str:
    """Put words side by side; built pair by pair, so that each can be said `again`."""
    first, *rest = [*words] or [""]
    return reduce(lambda before, word: say("phrases.joined", before=before, word=word), rest, first)


def choices(labels: Iterable[object]) -> str:
    """Return the words for a choice among labels.

    Examples
    --------
    >>> choices(["yes", "no"])
    "one of 'yes', 'no'"
    """
    quoted = [say("phrases.quoted", text=label) for label in labels]
    return say("phrases.one_of", labels=_in_a_row(quoted))


def bare_name(name: str) -> str:
    """Return a name without what people vary in it: case, space, marks between words.

    Examples
    --------
    >>> bare_name("Back Pain ") == bare_name("back_pain")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def unit_of(number: object, unit: str) -> str:
    """Return a unit as it is said beside a number.

    Parameters
    ----------
    number : object
        As it was given: 1, ``"1"``, ``"1.0"``.
    unit : str
        As a codebook has it, for several.

    Examples
    --------
    >>> unit_of(1, "sessions a week"), unit_of("2", "sessions a week"), unit_of(1.0, "km")
    ('session a week', 'sessions a week', 'km')
    """
    if spell(number) != "1":
        return unit
    first, space, rest = unit.partition(" ")
    known = first in spoken().tree("phrases")["unit_of_one"]
    return f"{spoken().raw(f'phrases.unit_of_one.{first}') if known else first}{space}{rest}"


def suggest(name: object, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known name, or an empty string.

    Examples
    --------
    >>> suggest("fatige", ["fatigue", "pain"]), suggest("q", ["fatigue"])
    (" (did you mean 'fatigue'?)", '')
    >>> suggest("Back Pain", ["back_pain", "Backpack"])
    " (did you mean 'back_pain'?)"
    """
    names = list(map(str, known))
    same = [each for each in names if bare_name(each) == bare_name(str(name)) != ""]
    short = len(str(name)) <= _LONGEST  # comparing takes as long as the name is long, and longer
    cased = {each.casefold(): each for each in reversed(names)}
    close = get_close_matches(str(name).casefold(), cased, n=1, cutoff=0.6) if short else []
    near = same or [cased[each] for each in close]
    return f" {say('phrases.did_you_mean', name=near[0])}" if near else ""
