"""When each row of a table over time is: dates, numbers, or events that stand for times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import numpy as np

from backrisk._spelling import number_of
from backrisk.errors import SurveyError
from backrisk.survey.cells import Places
from backrisk.survey.every import Every
from backrisk.survey.numeric import Decimals
from backrisk.survey.repeats import READINGS, WHOLE, YEARS, date_of, same_order
from backrisk.survey.schema import fold
from backrisk.survey.selection import EVENT, REPEATS, same_event
from backrisk.words import Said, choices, listed, say

_EPOCH = datetime(1970, 1, 1)
_DAY = 86_400.0
_SHOWN = 3  # cells that a sentence names
_WEEKS = 53  # of a year, at most
# A minus stands alone before its number: "day -4" is before "day 4", "visit-4" is visit 4.
_ONE_NUMBER = re.compile(r"([^0-9]*?)((?:(?<![^ ])-)?[0-9]+(?:[.][0-9]+)?)([^0-9]*)")


@dataclass(frozen=True)
class Read:
    """What the distinct cells of a column of times say.

    Parameters
    ----------
    times : mapping of str to float
        Days since 1970, or numbers.
    refused : mapping of str to Said
        What was expected in place of each cell that says no time.
    dates : str
        The way in which dates are written; empty where they are numbers.
    """

    times: Mapping[str, float]
    refused: Mapping[str, Said] = field(default_factory=dict)
    dates: str = ""


def is_event(column: str) -> bool:
    """Whether a column is REDCap's of events, by its name or by its title."""
    return column in (EVENT, REPEATS[EVENT])


def read_times(
    cells: Sequence[str],
    every: Every,
    *,
    dates: str | None,
    source: str,
    column: str,
    decimal: str | None,
) -> Read:
    """Read dates, or numbers, as the length of a slice says which they are.

    Parameters
    ----------
    cells : sequence of str
        Distinct, and none of them blank.
    every : Every
    dates : {"iso", "day_first", "month_first"}, optional
    source, column : str
        What sentences call the table and its column.
    decimal : {".", ","}, optional

    Raises
    ------
    SurveyError
        They are of another kind than the length of a slice; or dates may be read in two ways, or
        numbers put in order in two.
    """
    at = {"source": source, "column": column}
    numbers, told_apart = _numbers(cells, decimal)
    read, ways = _dates(cells, dates)
    if every.dated:
        if not read and numbers:
            told = {"cell": next(iter(numbers)), "every": every.text}
            raise SurveyError(say("survey.panel.numbers", **at, **told))
        others = list(ways.values())[1:]
        if twice := [t for t in read if any(t in each and each[t] != read[t] for each in others)]:
            raise SurveyError(say("survey.panel.two_readings", **at, cells=_some(twice)))
        if apart := [text for each in others for text in each if text not in read]:
            told = {"one": next(iter(read)), "other": apart[0]}
            raise SurveyError(say("survey.panel.mixed_dates", **at, **told))
        bare = [text for text, date in read.items() if date.tzinfo is None]
        if 0 < len(bare) < len(read):
            raise SurveyError(say("survey.visits.some_zones", **at, cells=_some(bare)))
        way = next(iter(ways), "iso")
        expected = say(f"survey.expected.date.{way}")
        times = {text: _days(date) for text, date in read.items()}
        return Read(times, dict.fromkeys((c for c in cells if c not in times), expected), way)
    if not numbers and read:
        told = {"cell": next(iter(read)), "every": every.text}
        raise SurveyError(say("survey.panel.dates", **at, **told))
    if not told_apart:
        raise SurveyError(say("survey.panel.two_orders", **at, cells=_some(cells)))
    if coded := _coded(numbers):
        last, then = coded
        by = int(numbers[then] - numbers[last])
        raise SurveyError(say("survey.panel.coded", **at, last=last, next=then, count=by))
    expected = say("survey.expected.number")
    return Read(numbers, dict.fromkeys((c for c in cells if c not in numbers), expected))


def date_in(text: str, way: str) -> float | None:
    """Return a date in days since 1970, None where a text says none.

    Examples
    --------
    >>> date_in("1970-01-02 12:00", "iso"), date_in("2/1/1970", "day_first"), date_in("2", "iso")
    (1.5, 1.0, None)
    """
    date = date_of(text, way)
    return None if date is None else _days(date)


def _days(date: datetime) -> float:
    """Return days since 1970 by the clock on the wall: a day ends where it was lived."""
    return (date.replace(tzinfo=None) - _EPOCH).total_seconds() / _DAY


def _dates(
    cells: Sequence[str], stated: str | None
) -> tuple[dict[str, datetime], dict[str, dict[str, datetime]]]:
    """Return the dates that most cells say, and each way of reading so many of them."""
    ways = {
        way: {text: date for text in cells if (date := date_of(text, way)) is not None}
        for way in (READINGS if stated is None else (stated,))
    }
    most = max(map(len, ways.values()), default=0)
    best = {way: read for way, read in ways.items() if len(read) == most > 0}
    return next(iter(best.values()), {}), best


def _numbers(cells: Sequence[str], decimal: str | None) -> tuple[dict[str, float], bool]:
    """Return the numbers among cells, or where all say one in the same words, those.

    Also whether they are in one order only: visit 1.10 may come before visit 1.9, or after it.
    """
    plain = Decimals.of(decimal, [cells])
    found = {text: number_of(plain.plain(text, "number")) for text in cells}
    numbers = {text: number for text, number in found.items() if number is not None}
    if numbers:
        return numbers, True
    inner = {text: each for text in cells if (each := _ONE_NUMBER.fullmatch(text)) is not None}
    around = {(fold(each[1]), fold(each[3])) for each in inner.values()}
    if len(inner) < len(cells) or len(around) != 1:
        return {}, True
    read = {text: float(each[2]) for text, each in inner.items()}
    parts = {text: tuple(map(float, WHOLE.findall(text))) for text in read}
    return read, same_order({text: (number,) for text, number in read.items()}, parts)


def _coded(numbers: Mapping[str, float]) -> tuple[str, str] | None:
    """Return two numbers of a year and a week or month, 202452 and 202501, that are neighbours."""
    values = set(numbers.values())
    parts = {divmod(int(value), 100) for value in values if value.is_integer()}
    years = {year for year, _ in parts}
    if len(parts) < len(values) or len(years) < 2 or not years <= set(YEARS):
        return None
    if not all(1 <= part <= _WEEKS for _, part in parts):
        return None
    ordered = sorted(numbers, key=lambda text: numbers[text])
    return next((a, b) for a, b in pairwise(ordered) if numbers[a] // 100 < numbers[b] // 100)


def _some(cells: Sequence[str] | Mapping[str, object]) -> Said:
    every = list(cells)
    told = ", ".join(f"'{text}'" for text in every[:_SHOWN])
    key = "survey.visits.cells" if len(every) <= _SHOWN else "survey.visits.more_cells"
    return say(key, cells=told, count=len(every) - _SHOWN)


def read_events(cells: Sequence[str], events: Mapping[str, float]) -> Read:
    """Read cells as the events that a codebook names.

    Parameters
    ----------
    cells : sequence of str
    events : mapping of str to float
        The time of each.
    """
    times: dict[str, float] = {}
    refused: dict[str, Said] = {}
    for text in cells:
        if text in events:
            times[text] = events[text]
            continue
        alike = {time for event, time in events.items() if same_event(text, event)}
        if len(alike) == 1:
            times[text] = alike.pop()
        else:
            refused[text] = say("survey.expected.label", labels=choices(list(events)), near="")
    return Read(times, refused)


def events_in_order(
    who: Places, places: Places, cells: Sequence[str], source: str, column: str
) -> list[str]:
    """Return events in the one order in which the rows of each person have them.

    Parameters
    ----------
    who, places : ndarray of int, shape (rows,)
        The person and the event of each row, in the order of the table; -1 where there is none.
    cells : sequence of str
        The events.
    source, column : str

    Raises
    ------
    SurveyError
        There is no such order, or more than one.
    """
    known = (who >= 0) & (places >= 0)
    rows = np.flatnonzero(known)[np.argsort(who[known], kind="stable")]
    here, then = rows[:-1], rows[1:]
    next_to = (who[here] == who[then]) & (places[here] != places[then])
    pairs = np.unique(np.stack([places[here][next_to], places[then][next_to]]), axis=1)
    import networkx as nx  # a fifth of a second, which most people's answers do without

    order: nx.DiGraph[int] = nx.DiGraph()
    order.add_nodes_from(range(len(cells)))
    order.add_edges_from(pairs.T.tolist())
    sorted_ = list(nx.topological_sort(order)) if nx.is_directed_acyclic_graph(order) else []
    if not sorted_ or not all(order.has_edge(*pair) for pair in pairwise(sorted_)):
        names = listed([say("phrases.quoted", text=text) for text in cells])
        raise SurveyError(say("survey.panel.no_order", source=source, column=column, events=names))
    return [cells[place] for place in sorted_]
