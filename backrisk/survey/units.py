"""Units of measurement: what a number in one unit is in another, and numbers with their unit.

A small table in place of a library: a codebook needs a dozen units, and the ways in which people
write a height or a pace (``5 ft 7``, ``5:30``), which libraries of units do not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NUMBER = r"(\d+(?:\.\d+)?)"
_ONE = re.compile(rf"([+-]?){_NUMBER}\s*([^\d\s][^\d]*)")
_TWO = re.compile(rf"(\d+)\s*([^\d\s.]+?)\s*{_NUMBER}\s*([^\d]*)")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{2}(?:\.\d+)?)\s*([^\d\s][^\d]*)?")


@dataclass(frozen=True)
class Unit:
    """A unit of measurement.

    Parameters
    ----------
    name : str
        The short one, as messages write it.
    quantity : str
        What it measures; units of one quantity are converted into each other.
    size : float
        In the first unit of the quantity.
    spellings : tuple of str
        Other ways in which people write it.
    smaller : str
        The unit in which people go on after it: ``5 ft 7`` says seven inches.
    """

    name: str
    quantity: str
    size: float
    spellings: tuple[str, ...] = ()
    smaller: str = ""


UNITS = (
    Unit("kg", "mass", 1.0, ("kgs", "kilo", "kilos", "kilogram", "kilograms", "kilogramme")),
    Unit("g", "mass", 0.001, ("gram", "grams", "gramme", "grammes")),
    Unit("lb", "mass", 0.45359237, ("lbs", "pound", "pounds")),
    Unit("st", "mass", 6.35029318, ("stone", "stones"), "lb"),
    Unit("cm", "length", 1.0, ("centimetre", "centimetres", "centimeter", "centimeters")),
    Unit("mm", "length", 0.1, ("millimetre", "millimetres", "millimeter", "millimeters")),
    Unit("m", "length", 100.0, ("metre", "metres", "meter", "meters"), "cm"),
    Unit("km", "length", 100_000.0, ("kilometre", "kilometres", "kilometer", "kilometers")),
    Unit("in", "length", 2.54, ("inch", "inches", '"', "″", "”", "''")),
    Unit("ft", "length", 30.48, ("foot", "feet", "'", "′", "’"), "in"),
    Unit("yd", "length", 91.44, ("yard", "yards")),
    Unit("mi", "length", 160_934.4, ("mile", "miles")),
    Unit("s", "time", 1.0, ("sec", "secs", "second", "seconds")),
    Unit("min", "time", 60.0, ("mins", "minute", "minutes"), "s"),
    Unit("h", "time", 3600.0, ("hr", "hrs", "hour", "hours"), "min"),
    Unit("min/km", "pace", 1.0, ("mins/km", "minutes/km", "minute/km", "minutes/kilometre", "/km")),
    Unit(
        "min/mi",
        "pace",
        1 / 1.609344,
        ("min/mile", "mins/mile", "minutes/mile", "minute/mile", "/mi", "/mile"),
    ),
    Unit("degrees", "angle", 1.0, ("degree", "deg", "°")),
    Unit("rad", "angle", 57.29577951308232, ("radian", "radians")),
)
_BY_SPELLING = {name: unit for unit in UNITS for name in (unit.name, *unit.spellings)}
# Short for what an amount may be of: kilometres a week are converted into miles a week.
_PERIODS = {
    **{"d": "day", "wk": "week", "w": "week", "mo": "month", "yr": "year"},
    **{"hr": "h", "hour": "h", "sec": "s", "second": "s"},
}
# What people write who use the other system of units.
_IMPERIAL = {"kg": "lb", "mm": "in", "cm": "in", "m": "ft", "km": "mi", "min/km": "min/mi"}
_METRIC = {
    **{"lb": "kg", "st": "kg", "in": "cm", "ft": "cm", "yd": "m", "mi": "km"},
    "min/mi": "min/km",
}
_ALIASES = {"mph": "mi/h", "kph": "km/h", "kmh": "km/h"}


def unit_of(text: str) -> Unit | None:
    """Return the unit that a text names, None where it names none of those that are converted.

    Examples
    --------
    >>> unit_of("Minutes per mile").name, unit_of("lbs.").name, unit_of("points")
    ('min/mi', 'lb', None)
    """
    words = " ".join(text.casefold().split()).removesuffix(".")
    words = re.sub(r"\s*(?:/|\bper\b|\ban?\b)\s*", "/", words)
    words = _ALIASES.get(words, words)
    return _BY_SPELLING.get(words) or _rate(words)


def _rate(words: str) -> Unit | None:
    """Return the unit of an amount in a period or the like, ``km/week``."""
    amount, _, period = words.partition("/")
    unit, each = _BY_SPELLING.get(amount), _PERIODS.get(period, period)
    if unit is None or not each.isalpha():
        return None
    return Unit(f"{unit.name}/{each}", f"{unit.quantity}/{each}", unit.size)


def common(first: str, second: str) -> tuple[Unit | None, Unit | None] | None:
    """Return what the units of a ratio's inputs are converted by; None where they cannot be.

    Two different quantities have no unit in common: their ratio is in the one per the other. An
    amount beside one of a period is a share of it, in the same unit.

    Examples
    --------
    >>> common("km", "h"), common("km", "sessions"), common("km/week", "km/month")
    ((None, None), (None, None), None)
    >>> [unit.name for unit in common("miles", "km per week")]
    ['mi', 'km']
    """
    one, other = unit_of(first), unit_of(second)
    if one is None or other is None:
        return (None, None)
    (amount, _, each), (of, _, every) = one.quantity.partition("/"), other.quantity.partition("/")
    if amount != of:
        return (None, None)
    if each and every and each != every:
        return None
    return _amount(one), _amount(other)


def _amount(unit: Unit) -> Unit:
    return _BY_SPELLING.get(unit.name.partition("/")[0], unit) if "/" in unit.quantity else unit


def names_of_units(quantity: str) -> tuple[str, ...]:
    """Return the short names of a quantity's units.

    Examples
    --------
    >>> names_of_units("mass")
    ('kg', 'g', 'lb', 'st')
    """
    return tuple(unit.name for unit in UNITS if unit.quantity == quantity)


def factor(unit: Unit, into: Unit) -> float:
    """Return what a number in one unit is multiplied by to be in another of the same quantity.

    Examples
    --------
    >>> factor(unit_of("in"), unit_of("cm")), factor(unit_of("kg"), unit_of("kg"))
    (2.54, 1.0)
    """
    return unit.size / into.size


def in_systems(text: str) -> dict[str, Unit]:
    """Return the unit that a text names beside its counterpart, by system of units, its own first.

    Parameters
    ----------
    text : str
        The unit of a codebook's column.

    Returns
    -------
    dict of str to Unit
        Empty where both systems use the same unit, or none is named.

    Examples
    --------
    >>> {system: unit.name for system, unit in in_systems("kilometres a week").items()}
    {'metric': 'km/week', 'imperial': 'mi/week'}
    >>> [unit.name for unit in in_systems("lbs").values()], in_systems("degrees")
    (['lb', 'kg'], {})
    """
    own = unit_of(text)
    for system, other, counterparts in (
        ("metric", "imperial", _IMPERIAL),
        ("imperial", "metric", _METRIC),
    ):
        found = None if own is None else _counterpart(own, counterparts)
        if own is not None and found is not None:
            return {system: own, other: found}
    return {}


def _counterpart(unit: Unit, counterparts: Mapping[str, str]) -> Unit | None:
    if unit.name in counterparts:
        return _BY_SPELLING[counterparts[unit.name]]
    amount, _, period = unit.name.partition("/")
    each = _BY_SPELLING.get(period)
    if not period or amount not in counterparts or (each and each.quantity != "time"):
        return None
    return unit_of(f"{counterparts[amount]}/{period}")


def with_unit(text: str, column: Unit) -> float | None:
    """Return the number that a text with units of its own says, in the unit of its column.

    Parameters
    ----------
    text : str
        No plain number: ``154 lb``, ``5 ft 7``, ``5'7"``, ``11 st 4 lb``, ``5:30``, ``1 h 20 min``.
        A clock without a unit is read in minutes and seconds, in a column of hours in hours and
        minutes, and with three parts in hours, minutes and seconds.
    column : Unit

    Returns
    -------
    float or None
        None where the text says no number of the column's quantity.

    Examples
    --------
    >>> cm, pace = unit_of("cm"), unit_of("min/km")
    >>> round(with_unit("5 ft 7", cm), 2), with_unit("5:30", pace), with_unit("70 kg", cm)
    (170.18, 5.5, None)
    """
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        return _clock(clock, column)
    if two := _TWO.fullmatch(text):
        whole, first, rest, second = two.groups()
        large = unit_of(first)
        small = None if large is None else unit_of(second or large.smaller)
        if large is None or small is None or large.quantity != small.quantity:
            return None
        ratio = large.size / small.size
        if ratio <= 1 or float(rest) >= ratio:  # 5 ft 14 in is no height that anybody has
            return None
        return _into(float(whole) * large.size + float(rest) * small.size, large, column)
    if one := _ONE.fullmatch(text):
        sign, number, name = one.groups()
        unit = unit_of(name)
        if unit is not None:
            return _into((-1 if sign == "-" else 1) * float(number) * unit.size, unit, column)
    return None


def _into(amount: float, unit: Unit, column: Unit) -> float | None:
    return amount / column.size if unit.quantity == column.quantity else None


def _clock(found: re.Match[str], column: Unit) -> float | None:
    """Return what a clock says: minutes and seconds of a pace, or a stretch of time."""
    hours, first, second, name = found.groups()
    unit = column if name is None else unit_of(name)
    if float(second) >= 60 or (hours and float(first) >= 60):
        return None
    if unit is None or unit.quantity != column.quantity:
        return None
    if unit.quantity == "pace" and not float(hours or 0):  # spreadsheets write 0:05:30
        return _into((float(first) + float(second) / 60) * unit.size, unit, column)
    if unit.quantity != "time":
        return None
    seconds = float(hours or 0) * 3600 + float(first) * 60 + float(second)
    if hours is None and unit.name == "h":
        seconds *= 60
    return _into(seconds, unit, column)
