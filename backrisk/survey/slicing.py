"""The slices that visits lie in, and what looks wrong about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._spelling import number_of
from backrisk.errors import SurveyError
from backrisk.survey.cells import Flags, Places
from backrisk.survey.every import Every
from backrisk.survey.panel_rows import LISTED, Rows
from backrisk.survey.problems import failure
from backrisk.survey.times import date_in
from backrisk.words import Said, listed, say

# What begins anew with a year: its name, its greatest number, and from where to where it may turn.
_TURNS = (("week", 53, 48, 5), ("month", 12, 11, 2))
MOST = 1000  # slices, far more than any model sums over
_GAP = 3  # slices without any visit of anyone, from which on they are told
_SHOWN = 3  # rows that a sentence names


@dataclass(frozen=True, eq=False)
class Slices:
    """The slices of a panel.

    Parameters
    ----------
    of : ndarray of int, shape (visits,)
    periods : int
    first, last, reach : ndarray of int, shape (people,)
        See `Panel`.
    cautions : tuple of Said
    """

    of: Places
    periods: int
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    reach: NDArray[np.intp]
    cautions: tuple[Said, ...]


def sliced(rows: Rows, visits: Flags, every: Every, start: str | None, column: str) -> Slices:
    """Return the slice of each visit.

    Parameters
    ----------
    rows : Rows
        Of which every visit has a person and a time.
    visits : ndarray of bool, shape (rows,)
        At least one of them.
    every : Every
    start : str, optional
        By default each person's own first visit.
    column : str
        Of the times.

    Raises
    ------
    SurveyError
        The start is no time; visits lie before it, or more than a thousand slices after it; or
        their numbers begin anew, as those of weeks do with a year.
    """
    who, times = rows.who[visits], rows.times[visits]
    begins = np.full(rows.people, np.inf)
    if start is None:
        np.minimum.at(begins, who, times)
    else:
        begins[:] = _time_of(start, rows, every)
    found = every.slices(times, begins[who])
    about = {"source": rows.source.name, "column": column, "every": every.text}
    if not every.dated:
        _demand_onward(rows, visits, about)
    if start is not None and (found < 0).any():
        early = np.flatnonzero(visits)[found < 0]
        shown = _rows(rows, early)
        raise SurveyError(
            say("survey.panel.early", **about, rows=shown, count=len(early), start=start)
        )
    if (found >= MOST).any():
        raise failure(rows.source.name, list(_far(rows, visits, found, start, about)))
    first, last = np.full(rows.people, MOST), np.full(rows.people, -1)
    np.minimum.at(first, who, found)
    np.maximum.at(last, who, found)
    seen = last >= 0
    first[~seen] = 0
    periods = int(last.max()) + 1
    reach = np.full(rows.people, -1)
    ends = np.full(int(seen.sum()), times.max())
    reach[seen] = np.minimum(every.slices(ends, begins[seen]), periods - 1)
    return Slices(
        found,
        periods,
        first.astype(np.intp),
        last.astype(np.intp),
        reach.astype(np.intp),
        tuple(_gap(rows, visits, found, about)),
    )


def _demand_onward(rows: Rows, visits: Flags, about: dict[str, str]) -> None:
    """Refuse numbers of weeks or months that go back from a year's end to the next one's start.

    The rows of a person then stand in the order of time but for that.
    """
    who, times = rows.who[visits], rows.times[visits]
    order = np.argsort(who, kind="stable")
    here, then = order[:-1], order[1:]
    same, step = who[here] == who[then], times[then] - times[here]
    if not ((times == np.floor(times)) & (times >= 1)).all() or not (same & (step > 0)).any():
        return
    back = same & (step < 0)
    for unit, most, late, early in _TURNS:
        turned = back & (times[here] >= late) & (times[then] <= early)
        if times.max() <= most and turned.any() and (turned == back).all():
            at = int(np.flatnonzero(turned)[0])
            places = np.flatnonzero(visits)[[here[at], then[at]]].tolist()
            row, other = rows.called(places)
            told = {"before": f"{times[here[at]]:g}", "after": f"{times[then[at]]:g}"}
            raise SurveyError(
                say(f"survey.panel.anew.{unit}", **about, row=row, other=other, **told)
            )


def _time_of(start: str, rows: Rows, every: Every) -> float:
    """Return the time of a start, written as the table's times are, or as a date of ISO 8601."""
    if start in rows.read.times:
        return rows.read.times[start]
    if every.dated:
        dates = [date_in(start, way) for way in (rows.read.dates, "iso") if way]
        found = next((date for date in dates if date is not None), None)
    else:
        found = number_of(start)
    if found is None:
        kind = "dates" if every.dated else "numbers"
        raise SurveyError(say(f"survey.panel.start_of.{kind}", start=start, every=every.text))
    return found


def _rows(rows: Rows, places: NDArray[np.int64]) -> str:
    """List rows, the first of them where they are many."""
    numbers = rows.called(places[:_SHOWN].tolist())
    rest = len(places) - len(numbers)
    return listed([*numbers, say("survey.cautions.others", count=rest)] if rest else numbers)


def _far(
    rows: Rows, visits: Flags, found: Places, start: str | None, about: dict[str, str]
) -> Iterator[Said]:
    """Say which rows are absurdly far from the first visit of the same person, or the start."""
    places, who = np.flatnonzero(visits), rows.who[visits]
    told: set[int] = set()
    for at in np.flatnonzero(found >= MOST).tolist():
        if start is not None:
            if len(told) < LISTED:
                told.add(at)
                row = rows.called([int(places[at])])[0]
                yield say("survey.panel.far_from_start", **about, row=row, count=int(found[at]))
        elif who[at] not in told and len(told) < LISTED:
            told.add(int(who[at]))
            mine = np.flatnonzero(who == who[at])
            begun = int(mine[np.argmin(found[mine])])
            row, other = rows.called([int(places[begun]), int(places[at])])
            yield say("survey.panel.far", **about, row=row, other=other, count=int(found[at]))


def _gap(rows: Rows, visits: Flags, found: Places, about: dict[str, str]) -> Iterator[Said]:
    """Say which visits come after a longer time without any than all visits before it took."""
    used = np.flatnonzero(np.bincount(found))
    gaps = np.diff(used) - 1
    wide = np.flatnonzero((gaps >= _GAP) & (gaps > used[:-1]))
    if len(wide):
        last, then = int(used[wide[0]]), int(used[wide[0] + 1])
        late = np.flatnonzero(visits)[found >= then]
        told = {"last": last, "count": len(late), "empty": then - last - 1}
        yield say("survey.panel.gap", **about, **told, rows=_rows(rows, late))


def at_one_time(rows: Rows, visits: Flags, answered: Flags) -> Iterator[Said]:
    """Say that several visits of one person and time answer the same.

    Parameters
    ----------
    rows : Rows
    visits : ndarray of bool, shape (rows,)
    answered : ndarray of bool, shape (rows, nodes)
    """
    pairs = np.stack([rows.who[visits].astype(np.float64), rows.times[visits]])
    unique, index = np.unique(pairs, axis=1, return_inverse=True)
    index = index.ravel()
    counts = np.zeros((unique.shape[1], answered.shape[1]), np.int32)
    np.add.at(counts, index, answered[visits])
    again = ((counts[index] > 1) & answered[visits]).any(axis=1)
    if again.any():
        where = np.flatnonzero(visits)[again]
        yield say("survey.panel.same_time", count=len(where), rows=_rows(rows, where))
