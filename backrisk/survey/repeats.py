"""Which row stands for a person who appears several times, and in which order the rows are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from backrisk._spelling import no_answer, number_of
from backrisk.errors import SurveyError
from backrisk.survey.coder import Coder
from backrisk.survey.numeric import Decimals
from backrisk.survey.schema import OneRowPer
from backrisk.survey.staging import ROW
from backrisk.words import Said, say

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_TIME = re.compile(
    r"(?P<date>.*?[0-9.]{4}|[0-9]+(?P<mark>[-/.])[0-9]+(?P=mark)[0-9]+)[ T]+"
    r"(?P<time>[0-9]{1,2}:.*)",
    re.DOTALL,
)
_CLOCK = re.compile(
    r"(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2})(:(?P<s>[0-9]{2})([.,](?P<f>[0-9]{1,9}))?)?"
    r" *(?P<half>[AaPp]\.?[Mm]\.?)? *(?P<zone>Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
_WEEK = re.compile(r"(?P<y>[0-9]{4})-?W(?P<w>[0-9]{2})(?:-?(?P<d>[1-7]))?")
_ISO = re.compile(r"(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})")
_COMPACT = re.compile(r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})")
_PARTS = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_DAY_NAMED = re.compile(r"([0-9]{1,2})[-. ]*([A-Za-z]+)[-., ]*([0-9]{4}|[0-9]{2})")
_MONTH_NAMED = re.compile(r"([A-Za-z]+)[-. ]*([0-9]{1,2})[-., ]+([0-9]{4})")
# In a text: "visit 2", "v1.5", "day -4"; the parts of "13.02.2024" are no decimals.
_NUMBER = re.compile(r"(?:(?<![^ ])-)?(?<![0-9.])[0-9]+[.][0-9]+(?![0-9.])|(?:(?<![^ ])-)?[0-9]+")
WHOLE = re.compile(r"(?:(?<![^ ])-)?[0-9]+")
_MONTH_YEAR = re.compile(r"(0?[1-9]|1[0-2])[.](19|20)[0-9]{1,2}")
_ZERO_FIRST = re.compile(r"-?0[0-9]+[.][0-9]+")
YEARS = range(1900, 2101)
_SHOWN = 3  # cells that a sentence names

READINGS = ("iso", "day_first", "month_first")


def kept(table: Any, keep: str) -> Any:
    """Return whether a row stands for its person, on the engine that holds the coded rows.

    Parameters
    ----------
    table : ibis.Table
        With ``person`` and `ROW`, and ``when`` where the rows have an order of their own.
    keep : {"first", "last"}
    """
    import ibis

    keys = [table[name] for name in ("when", ROW) if name in table.columns]
    ordered = [
        key.asc(nulls_first=False) if keep == "first" else key.desc(nulls_first=False)
        for key in keys
    ]
    place = ibis.row_number().over(group_by=table["person"], order_by=ordered)
    return table["person"].isnull() | (place == 0)


def share_of_person(table: Any) -> Any:
    """Return the weight of each visit: one over the visits of its person.

    A visit without an identifier is a person of its own.

    Parameters
    ----------
    table : ibis.Table
        With ``person``, and `ROW`.
    """
    visits = table[ROW].count().over(group_by=table["person"])
    return table["person"].isnull().ifelse(1.0, 1.0 / visits.cast("float64"))


def in_order(coder: Coder, rule: OneRowPer) -> dict[str | None, float]:
    """Return the place of each cell of the column that orders a person's rows.

    All cells are read in one way: as numbers, as dates, or as one text with numbers in it. A
    missing cell has no place: its row stands for a person only where there is no other.

    Raises
    ------
    SurveyError
        No one way reads all cells, or two ways do.
    """
    name = str(rule.by)
    missing = coder.codebook.missing
    cells = [text for text in coder.distinct(name) if not no_answer(text, missing)]
    source = coder.source.name
    keys = _keys(cells, rule.dates, source, name, coder.source.decimal)
    places = {key: float(place) for place, key in enumerate(sorted(set(keys.values())))}
    last = float("inf") if rule.keep == "first" else float("-inf")
    ranks: dict[str | None, float] = dict.fromkeys([None], last)
    for text in coder.distinct(name):
        ranks[text] = places[keys[text]] if text in keys else last
    return ranks


def _keys(
    cells: list[str], stated: str | None, source: str, column: str, decimal: str | None
) -> Mapping[str, Any]:
    """Return what orders each cell."""
    at = {"source": source, "column": column}
    numbers = _numbers(cells, decimal)
    if stated is None and len(numbers) == len(cells):
        # Months and years, more likely than decimals.
        months = all(map(_MONTH_YEAR.fullmatch, cells)) or any(map(_ZERO_FIRST.fullmatch, cells))
        if cells and months:
            raise SurveyError(say("survey.visits.two_orders", **at, cells=_some(cells)))
        return numbers
    ways: dict[str, dict[str, datetime]] = {}
    for way in READINGS if stated is None else (stated,):
        found = {text: date for text in cells if (date := date_of(text, way)) is not None}
        if len(found) == len(cells):
            ways[way] = found
    read = list(ways.values())
    if read and any(each != read[0] for each in read):
        raise SurveyError(say("survey.visits.two_readings", **at, cells=_some(cells)))
    if read:
        zones = {date.tzinfo is not None for date in read[0].values()}
        if len(zones) > 1:
            bare = [text for text, date in read[0].items() if date.tzinfo is None]
            raise SurveyError(say("survey.visits.some_zones", **at, cells=_some(bare)))
        return read[0]
    if stated is not None:
        odd = [text for text in cells if date_of(text, stated) is None]
        told = say(f"survey.visits.{stated}")
        raise SurveyError(say("survey.visits.not_stated", **at, cells=_some(odd), dates=told))
    shapes = {_NUMBER.sub("#", text.casefold()) for text in cells}
    dated = any(date_of(text, way) for text in cells for way in READINGS)
    if not dated and len(shapes) == 1 and "#" in next(iter(shapes)):
        counted = {text: tuple(map(float, _NUMBER.findall(text))) for text in cells}
        if _two_orders(counted, next(iter(shapes))):
            raise SurveyError(say("survey.visits.two_orders", **at, cells=_some(cells)))
        return counted
    raise SurveyError(say("survey.visits.no_order", **at, cells=_some(_odd(cells, numbers))))


def _numbers(cells: Iterable[str], decimal: str | None) -> dict[str, float]:
    """Return the numbers among cells; a comma stands before decimals unless a point does."""
    plain = Decimals.of(decimal, [cells])
    found = {text: number_of(plain.plain(text, "number")) for text in cells}
    return {text: number for text, number in found.items() if number is not None}


def _two_orders(found: Mapping[str, tuple[float, ...]], shape: str) -> bool:
    """Whether texts with numbers in them can be put in order in more ways than one.

    As they stand, "week 1 day 2" comes before "week 2 day 1", and 2023-Q4 before 2024-Q1. But
    4/2023 comes before 1/2024, where the last number counts first; and 1.10 is before 1.9, or
    after it where it is no decimal.
    """
    whole = {text: tuple(map(float, WHOLE.findall(text))) for text in found}
    if not same_order(found, whole):
        return True
    columns = list(zip(*found.values(), strict=True))
    varying = [place for place, column in enumerate(columns) if len(set(column)) > 1]
    later = [place for place in varying[1:] if all(n in YEARS for n in columns[place])]
    first = bool(columns) and all(n in YEARS for n in columns[0])
    marked = shape.startswith("#") or "/" in shape
    if len(varying) < 2 or first or shape in ("#:#", "#:#:#"):
        return False
    from_the_last = {text: key[::-1] for text, key in found.items()}
    return bool(later or marked) and not same_order(found, from_the_last)


def same_order(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two keys put the same texts in the same order."""
    ranks = []
    for keys in (first, second):
        places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
        ranks.append([places[keys[text]] for text in first])
    return ranks[0] == ranks[1]


def _odd(cells: list[str], numbers: Mapping[str, float]) -> list[str]:
    """Return cells of which no two are read in one way, the rarest way first."""
    kinds: dict[str, list[str]] = {}
    for text in cells:
        dated = " ".join(way for way in READINGS if date_of(text, way))
        kind = "number" if text in numbers else dated or _NUMBER.sub("#", text.casefold())
        kinds.setdefault(kind, []).append(text)
    return [texts[0] for texts in sorted(kinds.values(), key=len)]


def _some(cells: Iterable[str]) -> Said:
    listed = list(cells)
    told = ", ".join(f"'{text}'" for text in listed[:_SHOWN])
    key = "survey.visits.cells" if len(listed) <= _SHOWN else "survey.visits.more_cells"
    return say(key, cells=told, count=len(listed) - _SHOWN)


def date_of(text: str, way: str) -> datetime | None:
    """Return the date, with its time if any, that a text says in one way of writing dates.

    Parameters
    ----------
    text : str
    way : {"iso", "day_first", "month_first"}
        A month that is named by its English name, or short name, is read in all. The ISO 8601
        weeks ``2024-W52`` and ``2024-W52-3`` begin on Monday.

    Examples
    --------
    >>> date_of("01/03/2024", "day_first") > date_of("13/02/2024", "day_first")
    True
    >>> date_of("13/02/2024", "month_first"), date_of("2024-02-30", "iso")
    (None, None)
    >>> date_of("2025-W01", "iso")
    datetime.datetime(2024, 12, 30, 0, 0)
    """
    split = _TIME.fullmatch(text)
    day, clock = (split["date"], _CLOCK.fullmatch(split["time"])) if split else (text, None)
    if split and clock is None:
        return None
    try:
        parts = _day(day.strip(" ,"), way)
        if parts is None:
            return None
        date = datetime(*parts)  # of month 0, for an unknown name, it says that there is none
        if clock is None:
            return date
        hour = int(clock["h"])
        if half := clock["half"]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if half[0] in "pP" else 0)
        micro = int(((clock["f"] or "") + "000000")[:6])
        date = date.replace(
            hour=hour, minute=int(clock["m"]), second=int(clock["s"] or 0), microsecond=micro
        )
        if zone := clock["zone"]:
            aware = datetime.fromisoformat(f"{date.isoformat()}{zone}")
            aware.astimezone(UTC)  # of the year 1 or 9999, there may be no such time
            return aware
    except (ValueError, OverflowError):
        return None
    return date


def _day(text: str, way: str) -> tuple[int, int, int] | None:
    """Return year, month and day.

    Raises
    ------
    ValueError
        There is no such week.
    """
    if named := _DAY_NAMED.fullmatch(text):
        year = int(named[3]) if len(named[3]) == 4 else _whole_year(int(named[3]))
        return year, _month(named[2]), int(named[1])
    if named := _MONTH_NAMED.fullmatch(text):
        return int(named[3]), _month(named[1]), int(named[2])
    if way == "iso":
        if week := _WEEK.fullmatch(text):
            date = datetime.fromisocalendar(int(week["y"]), int(week["w"]), int(week["d"] or 1))
            return date.year, date.month, date.day
        found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
        return None if found is None else (int(found["y"]), int(found["m"]), int(found["d"]))
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return None
    first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
    if len(parts[4]) == 2:
        year = _whole_year(year)
    day, month = (first, second) if way == "day_first" else (second, first)
    return year, month, day


def _whole_year(year: int) -> int:
    """Return the year of two digits, as POSIX reads them: 69 to 99 are of the last century."""
    return year + (1900 if year >= 69 else 2000)


def _month(name: str) -> int:
    """Return the month of an English name, or of its first letters; 0 where there is none."""
    fits = [place for place, each in enumerate(_MONTHS, 1) if each.startswith(name.lower())]
    return fits[0] if fits and len(name) >= 3 else 0
