"""Whose each row of a table over time is, and when; and what all rows of a person say alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backrisk._spelling import no_answer, number_of
from backrisk.errors import SurveyError
from backrisk.survey.cells import Flags, Places, column_of, numbered, places_of, texts_of
from backrisk.survey.coder import Coder
from backrisk.survey.every import Every, Times
from backrisk.survey.readers import Source
from backrisk.survey.schema import Visits, fold
from backrisk.survey.staging import ROW, TEXT
from backrisk.survey.times import Read, events_in_order, is_event, read_events, read_times
from backrisk.words import Said, listed, say

LISTED = 1000  # rows that are told one by one


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a table over time.

    Parameters
    ----------
    source : Source
    records : ndarray of int, shape (rows,)
    who : ndarray of int, shape (rows,)
        The person, counted in the order in which the table has them; -1 where nobody is named.
    people : int
    times : ndarray of float, shape (rows,)
        NaN where there is none.
    timed : ndarray of bool, shape (rows,)
        Whether there is any cell that should say when.
    read : Read
    problems : tuple of (int, Said)
        Record and sentence of each cell that says no person, or no time.
    cautions : tuple of Said
    """

    source: Source
    records: Places
    who: Places
    people: int
    times: Times
    timed: Flags
    read: Read
    problems: tuple[tuple[int, Said], ...]
    cautions: tuple[Said, ...]

    @classmethod
    def of(cls, source: Source, panel: Visits, every: Every, missing: tuple[str, ...]) -> Rows:
        """Read the columns of identifiers and of times.

        Parameters
        ----------
        source : Source
            Which has both columns, once.
        panel : Visits
            With `id` and `time`.
        every : Every
        missing : tuple of str
            The words that stand for no answer.

        Raises
        ------
        SurveyError
            As `read_times` and `events_in_order`.
        """
        ids, dates = (
            column_of(source, source.fields[source.columns.index(str(name))])
            for name in (panel.id, panel.time)
        )
        who, named = identified(ids, missing)
        texts = _times_in(source, dates, panel)
        cells = [text for text in texts if text is not None and not no_answer(text, missing)]
        place_of = {text: place for place, text in enumerate(cells)}
        there = np.array([text in place_of for text in texts])[places_of(dates)]
        at = {"source": source.name, "column": str(panel.time)}
        told: list[Said] = []
        if panel.events or is_event(str(panel.time)):
            if every.dated:
                raise SurveyError(say("survey.panel.events_dated", **at, every=every.text))
            events = panel.events
            if not events:
                places = np.array([place_of.get(text or "", -1) for text in texts])
                order = events_in_order(who, places[places_of(dates)], cells, **at)
                events = {event: float(place) for place, event in enumerate(order)}
                quoted = [say("phrases.quoted", text=event) for event in order]
                if len(order) > 1:
                    told.append(say("survey.panel.order_found", **at, events=listed(quoted)))
            read = read_events(cells, events)
        else:
            read = read_times(cells, every, dates=panel.dates, decimal=source.decimal, **at)
        values = np.array([read.times.get(text or "", np.nan) for text in texts])
        records = column_of(source, ROW).to_numpy(zero_copy_only=False)
        rows = cls(
            source, records, who, int(who.max(initial=-1)) + 1, values[places_of(dates)], there,
            read, (), tuple(told),
        )  # fmt: skip
        problems = [*rows._nobody(str(panel.id)), *rows._no_time(panel, dates)]
        alike = rows._alike(str(panel.id), named)
        return replace(rows, problems=tuple(problems), cautions=(*told, *alike))

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """Return what people call these rows."""
        return self.source.rows([int(self.records[row]) for row in rows])

    def called(self, rows: Sequence[int]) -> list[str]:
        """Return what a sentence about the whole table calls these rows: of several files, each."""
        numbers = self.numbers(rows)
        if not self.source.parts:
            return [str(number) for number in numbers]
        files = [self.source.file_of(int(self.records[row])) for row in rows]
        return [
            say("survey.panel.row_of", row=number, file=file)
            for number, file in zip(numbers, files, strict=True)
        ]

    def untimed(self, visits: Flags, column: str) -> Iterator[tuple[int, Said]]:
        """Yield what is wrong with rows that are visits but say nothing of when.

        Parameters
        ----------
        visits : ndarray of bool, shape (rows,)
        column : str
        """
        rows = np.flatnonzero(visits & ~self.timed)[:LISTED].tolist()
        for row, number in zip(rows, self.numbers(rows), strict=True):
            about = {"source": self.source.file_of(int(self.records[row])), "column": column}
            yield int(self.records[row]), say("survey.panel.no_time", **about, row=number)

    def _nobody(self, column: str) -> Iterator[tuple[int, Said]]:
        rows = np.flatnonzero(self.who < 0)[:LISTED].tolist()
        for row, number in zip(rows, self.numbers(rows), strict=True):
            about = {"source": self.source.file_of(int(self.records[row])), "column": column}
            yield int(self.records[row]), say("survey.panel.nobody", **about, row=number)

    def _no_time(self, panel: Visits, cells: pa.DictionaryArray) -> Iterator[tuple[int, Said]]:
        texts = _times_in(self.source, cells, panel)
        wrong = np.array([text in self.read.refused for text in texts])[places_of(cells)]
        rows, places = np.flatnonzero(wrong)[:LISTED].tolist(), places_of(cells)
        for row, number in zip(rows, self.numbers(rows), strict=True):
            value = cells[row].as_py()
            about = {"source": self.source.file_of(int(self.records[row])), "column": panel.time}
            about |= {"value": value, "expected": self.read.refused[texts[places[row]] or ""]}
            yield int(self.records[row]), say("survey.table.cell", **about, row=number)

    def _alike(self, column: str, names: Sequence[str]) -> Iterator[Said]:
        """Say that identifiers differ by case, or by space within, alone."""
        groups: dict[str, list[int]] = {}
        for person, name in enumerate(names):
            groups.setdefault("".join(fold(name).split()), []).append(person)
        alike = [group for group in groups.values() if len(group) > 1]
        if not alike:
            return
        row, other = self.called([int(np.argmax(self.who == each)) for each in alike[0][:2]])
        count = sum(map(len, alike))
        yield say("survey.panel.alike", column=column, count=count, row=row, other=other)


def identified(cells: pa.DictionaryArray, missing: tuple[str, ...]) -> tuple[Places, list[str]]:
    """Return the person of each row, and what each person is called.

    People are counted in the order in which the table has them; -1 is nobody.

    Parameters
    ----------
    cells : pyarrow.DictionaryArray
    missing : tuple of str
        The words that stand for no answer.
    """
    texts = [None if no_answer(text, missing) else text for text in texts_of(cells)]
    found = numbered(texts)[places_of(cells)]
    known = found >= 0
    # In the order of the rows: a dictionary may be in any.
    unique, first, back = np.unique(found[known], return_index=True, return_inverse=True)
    who = np.full(len(found), -1, np.int64)
    who[known] = np.argsort(np.argsort(first))[back.ravel()]
    names = list(dict.fromkeys(text for text in texts if text is not None))
    return who, [names[each] for each in unique[np.argsort(first)].tolist()]


def _times_in(source: Source, cells: pa.DictionaryArray, panel: Visits) -> list[str | None]:
    """Return the texts of a column of times: the codes behind its labels, where all have one."""
    texts = texts_of(cells)
    codes = source.codes.get(source.fields[source.columns.index(str(panel.time))], {})
    labelled = bool(codes) and not panel.events and all(t in codes for t in texts if t)
    return [codes[text] if labelled and text else text for text in texts]


@dataclass(frozen=True, eq=False)
class Filled:
    """A table of which some columns say the same in all rows of a person.

    Parameters
    ----------
    source : Source
    differing : dict of str to int
        By column, the people who answer it in two ways, where there are any.
    pairs : dict of str to (int, int)
        By column, two rows of the first of them.
    """

    source: Source
    differing: dict[str, int]
    pairs: dict[str, tuple[int, int]]


def filled(rows: Rows, coder: Coder, rules: dict[str, str], order: NDArray[np.int64]) -> Filled:
    """Return a table with the one answer of each person in all of the person's rows.

    A column with a cell that is refused stays as it is: whoever reads it names the row.

    Parameters
    ----------
    rows : Rows
    coder : Coder
        Of the same table.
    rules : dict of str to str
        ``first`` or ``last``, by the column: a constant, the site or the weight.
    order : ndarray of int, shape (rows,)
        The rows in the order of their times.
    """
    source, table = coder.source, None
    differing: dict[str, int] = {}
    pairs: dict[str, tuple[int, int]] = {}
    for name, rule in rules.items():
        field = coder.fields[name]
        cells = column_of(source, field)
        texts = texts_of(cells)
        try:
            means = [_reader(coder, name)(text) for text in texts]
        except ValueError:
            continue
        codes = numbered(means)[places_of(cells)]
        there = order[(codes[order] >= 0) & (rows.who[order] >= 0)]
        there = there[::-1] if rule == "first" else there
        chosen = np.full(rows.people + 1, -1, np.int64)  # the last: of rows of nobody
        chosen[rows.who[there]] = there
        place = chosen[rows.who]
        odd = np.flatnonzero((codes >= 0) & (place >= 0) & (codes != codes[place]))
        if len(odd):
            differing[name] = len(np.unique(rows.who[odd]))
            row, other = sorted((int(odd[0]), int(place[odd[0]])))
            pairs[name] = (row, other)
        place = np.where(rows.who < 0, np.arange(len(place)), place)
        table = pq.read_table(source.path) if table is None else table
        whole = cells.take(pa.array(place, mask=place < 0)).cast(TEXT)
        table = table.set_column(table.column_names.index(field), field, whole)
    if table is not None:
        path = source.path.with_name("filled.parquet")
        pq.write_table(table, path)
        source = replace(source, path=path)
    return Filled(source, differing, pairs)


def _reader(coder: Coder, name: str) -> Callable[[str | None], object]:
    """Return what tells one answer of a column from another; it raises where a cell is refused."""
    missing = coder.codebook.missing
    if (spec := coder.codebook.columns.get(name)) is not None:
        measures = spec.measured is not None
        return lambda text: (
            spec.state(coder.read(name, text)) if measures else coder.read(name, text)
        )

    def mean(text: str | None) -> object:
        if no_answer(text, missing):
            return None
        if (expected := coder.expected(name, text)) is not None:
            raise ValueError(expected)
        number = name == coder.codebook.weight
        return number_of(coder.plain_number(text)) if number else text

    return mean
