"""Tables of an engine, reduced to their distinct answers before anything of them leaves it.

Of each column the engine is asked for its distinct cells. What they mean is for the codebook to
say, here; cells that mean the same become one, and the engine counts the rows of what is left:
ages of 41 and of 44 in one age group are one answer, and so are all heights and weights of one
body mass index group. So what comes back are the patterns of answers, whatever the number of
people, and no engine has to run a line of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import columns_of, gated
from backrisk.survey.checks import header_problems
from backrisk.survey.coder import Batch, Coder
from backrisk.survey.design import like_identifiers, repeated_identifiers
from backrisk.survey.held import Held
from backrisk.survey.problems import failure
from backrisk.survey.readers import Source
from backrisk.survey.schema import Contents, Derived
from backrisk.survey.selection import names_in, reads_row
from backrisk.survey.staging import ROW, TEXT, spelled
from backrisk.words import Said, listed, say

if TYPE_CHECKING:
    import ibis

Cells = Mapping[str, str | None]  # the canonical text of a cell, by what the engine calls it
_OWN = "backrisk_"  # how what is added to a table is called, beside columns of any name
_ROWS, _WEIGHT = f"{_OWN}rows", f"{_OWN}weight"
_AT, _KEY, _CELL = f"{_OWN}at", f"{_OWN}key", f"{_OWN}cell"
_PASSES = {"duckdb", "pyspark"}  # engines that count the cells of many columns in one pass
_LISTED = 1000  # refused cells that are told one by one


@dataclass(frozen=True)
class Reduced:
    """The distinct answers of a table.

    Parameters
    ----------
    source : Source
        A row for each pattern of cells that mean something different.
    rows : int
        Of the table, without blank ones.
    cautions : tuple of str
    counts : _Counts
        Answers what a census asks of the whole table.
    """

    source: Source
    rows: int
    cautions: tuple[Said, ...]
    counts: _Counts


def can_reduce(book: Contents) -> bool:
    """Whether rows can be counted in any order: each is a person."""
    return book.one_row_per is None and (book.design is None or book.design.person is None)


def reduced(
    held: Held, book: Contents, graph: CausalGraph, decimal: str | None, folder: Path
) -> Reduced:
    """Check a table of an engine and reduce it to its distinct answers.

    Parameters
    ----------
    held : Held
    book : Contents
    graph : CausalGraph
        Extended by the codebook's items.
    decimal : {".", ","}, optional
    folder : Path
        For the cells and patterns that come back.

    Raises
    ------
    SurveyError
        Every problem of the header and of the distinct cells; the engine cannot answer.
    """
    names = tuple(spell(name) or "" for name in held.table.columns)
    header = names_in(names, book, held.name)
    problems = header_problems(header, book, held.name)
    counts = _Counts.of(held, header, book, decimal, folder)
    if not counts.rows:
        raise SurveyError(say("survey.table.no_rows", source=held.name))
    problems += counts.refused()
    if problems:
        raise failure(held.name, problems)
    groups = [_grouped(counts, names, book, graph) for names in _linked(counts.coder, book)]
    source = _patterns(counts, groups, book, folder)
    return Reduced(source, counts.rows, tuple(counts.repeated()), counts)


@dataclass(frozen=True)
class _Counts:
    """The distinct cells of a table, and the rows that have each.

    Parameters
    ----------
    held : Held
    keyed : ibis.Table
        The rows that are read; of each column that is, a text that tells its cells apart.
    keys : mapping of str to str
        By column, what it is called in `keyed`.
    cells : mapping of str to mapping
        By column.
    numbers : mapping of str to mapping of str to int
        By column, the rows that have each cell.
    coder : Coder
        Of the distinct cells.
    rows, blank : int
    weight : str, optional
        The column of weights, where it holds numbers in the engine.
    bad_weights : int
        How many of them are none.
    """

    held: Held
    keyed: ibis.Table
    keys: Mapping[str, str]
    cells: Mapping[str, Cells]
    numbers: Mapping[str, Mapping[str, int]]
    coder: Coder
    rows: int
    blank: int
    weight: str | None
    bad_weights: int

    @classmethod
    def of(
        cls,
        held: Held,
        header: Sequence[str],
        book: Contents,
        decimal: str | None,
        folder: Path,
    ) -> _Counts:
        """Ask an engine for the distinct cells of the columns that a codebook reads."""
        import ibis

        table = held.table
        once = {
            name: own
            for name, own in zip(header, table.columns, strict=True)
            if header.count(name) == 1
        }
        kinds = {name: table[own].type() for name, own in once.items()}
        weight = book.weight if book.weight in once and kinds[book.weight].is_numeric() else None
        read = [
            name
            for name in dict.fromkeys([*book.columns, *book.rows, book.site, book.weight])
            if name in once and name != weight
        ]
        keys = {str(name): f"{_OWN}key{place}" for place, name in enumerate(read)}
        empty = [_empty(table[name]) for name in table.columns]
        blank = reduce(and_, empty)
        keyed = table.mutate(**{key: _key(table[once[name]]) for name, key in keys.items()})
        keyed = keyed.filter(~blank)
        sums = _asked(table.agg(blank=blank.ifelse(1, 0).sum(), rows=table.count()))
        cells: dict[str, Cells] = {}
        numbers: dict[str, Mapping[str, int]] = {}

        def count_cells(*names: str) -> None:
            for name, found in _counted(keyed, {name: (keys[name], once[name]) for name in names}):
                called, texts, rows = (found[each].to_pylist() for each in (_KEY, _CELL, _ROWS))
                cells[name] = dict(zip(called, texts, strict=True))
                numbers[name] = dict(zip(called, rows, strict=True))

        for name in (each for each in book.rows if each in keys):
            count_cells(name)
            chosen = [key for key, text in cells[name].items() if reads_row(name, text, book)]
            if not chosen:
                wanted = listed([each or "''" for each in book.rows[name]])
                told = {"source": held.name, "column": name, "cells": wanted}
                raise SurveyError(say("survey.table.no_such_rows", **told))
            keyed = keyed.filter(keyed[keys[name]].isin(chosen))
        count_cells(*keys)
        bad_weights = 0
        if weight is not None:
            keyed = keyed.mutate(**{_WEIGHT: keyed[once[weight]].cast("float64")})
            heavy = keyed[_WEIGHT]
            # Not every engine can ask what is NaN; to some it is above all numbers.
            odd = heavy.isnull() | ~heavy.between(0.0, sys.float_info.max)
            bad_weights = _number(_asked(keyed.agg(bad=odd.ifelse(1, 0).sum()))["bad"])
        rows = _number(_asked(keyed.agg(rows=keyed.count()))["rows"])
        columns = [keyed[key] for key in keys.values()]
        columns += [] if weight is None else [keyed[_WEIGHT]]
        columns += [keyed[name] for name in like_identifiers(book, table.columns)]
        return cls(
            held,
            keyed.select(*columns) if columns else keyed.select(none=ibis.literal(0)),
            keys,
            cells,
            numbers,
            Coder(_cells(cells, held.name, decimal, folder), book),
            rows,
            _number(sums["blank"]),
            weight,
            bad_weights,
        )

    def refused(self) -> list[Said]:
        """Return a sentence for each distinct cell that the codebook refuses, the first of them."""
        found: list[Said] = []
        told = {"source": self.held.name}
        for name, cells in self.cells.items():
            many: dict[str | None, int] = {}
            for key, text in cells.items():
                many[text] = many.get(text, 0) + self.numbers[name][key]
            for text, number in many.items():
                if (expected := self.coder.expected(name, text)) is not None:
                    about = {"column": name, "value": text or "", "count": number, "n": number}
                    found.append(say("survey.table.cells", **told, **about, expected=expected))
        if self.bad_weights:
            about = {"column": self.weight, "count": self.bad_weights, "n": self.bad_weights}
            expected = say("survey.expected.weight")
            found.append(say("survey.table.weights", **told, **about, expected=expected))
        return found[:_LISTED]

    def rows_of(self, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield the distinct rows of some columns, as the engine calls cells, and their number."""
        if len(names) == 1:
            yield from (((key,), number) for key, number in self.numbers[names[0]].items())
            return
        keys = [self.keys[name] for name in names]
        found = _asked(self.keyed.group_by(keys).agg(**{_ROWS: self.keyed.count()}))
        columns = [found[key].to_pylist() for key in keys]
        yield from zip(zip(*columns, strict=True), found[_ROWS].to_pylist(), strict=True)

    def distinct_rows(self, names: tuple[str, ...]) -> Iterator[tuple[tuple[str | None, ...], int]]:
        """Yield the same with cells as the codebook reads them: what a census asks for."""
        found: dict[tuple[str | None, ...], int] = {}
        for keys, number in self.rows_of(names):
            row = tuple(self.plain(name, key) for name, key in zip(names, keys, strict=True))
            found[row] = found.get(row, 0) + number
        yield from found.items()

    def plain(self, name: str, key: str) -> str | None:
        """Return a cell as the codebook reads it."""
        return self.coder.plain(name, self.cells[name][key])

    def repeated(self) -> Iterator[Said]:
        """Say which columns look as if several rows were of one person."""
        for name in like_identifiers(self.coder.codebook, self.held.table.columns):
            column = self.keyed[name]
            found = _asked(self.keyed.agg(people=column.nunique(), rows=column.count()))
            people, rows = (_number(found[each]) for each in ("people", "rows"))
            if (told := repeated_identifiers(name, people, rows)) is not None:
                yield told


@dataclass(frozen=True)
class _Group:
    """Columns that are judged together, with the classes of cells that mean the same.

    Parameters
    ----------
    names : tuple of str
    rows : list of tuple of str
        Distinct rows, as the engine calls their cells.
    classes : list of int
        Of each.
    cells : list of tuple
        Of each class, the cells that stand for it.
    """

    names: tuple[str, ...]
    rows: list[tuple[str, ...]]
    classes: list[int]
    cells: list[tuple[str | None, ...]]


def _linked(coder: Coder, book: Contents) -> list[tuple[str, ...]]:
    """Return the columns in groups, of which a number is derived from several."""
    read = [name for name in coder.fields if name in (*book.columns, book.site)]
    groups = [{name} for name in read]
    for spec in book.derived.values():
        if spec.derive != "first_match" and set(spec.from_) <= {*read}:
            joined = [group for group in groups if group & {*spec.from_}]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return [tuple(name for name in read if name in group) for group in groups]


def _grouped(counts: _Counts, names: tuple[str, ...], book: Contents, graph: CausalGraph) -> _Group:
    """Put rows of cells that mean the same into classes."""
    coder = counts.coder
    rows = [row for row, _ in counts.rows_of(names)]
    texts = [[counts.cells[name][row[at]] for row in rows] for at, name in enumerate(names)]
    cells = {
        name: pa.array(own, pa.string()).dictionary_encode()
        for name, own in zip(names, texts, strict=True)
    }
    batch = Batch(np.arange(len(rows)), cells)
    kept = _told_apart(book)
    meaning: list[Iterable[object]] = [
        [coder.plain(name, text) for text in own]
        for name, own in zip(names, texts, strict=True)
        if name in kept
    ]
    measures = [
        (name, spec)
        for name, spec in book.measures.items()
        if {*(spec.from_ if isinstance(spec, Derived) else (name,))} <= {*names}
        and (name in names or (isinstance(spec, Derived) and spec.derive != "first_match"))
    ]
    for name, spec in measures:
        states = graph.node(book.node_of(name)).states
        meaning.append(coder.state(batch, name, spec, states).tolist())
    plain = [
        tuple(coder.plain(name, text) for name, text in zip(names, row, strict=True))
        for row in zip(*texts, strict=True)
    ]
    told = list(zip(*meaning, strict=True)) or [()] * len(rows)
    order = sorted(range(len(rows)), key=lambda at: [text or "" for text in plain[at]])
    places: dict[tuple[object, ...], int] = {}
    stand: list[tuple[str | None, ...]] = []
    for at in order:
        if told[at] not in places:
            places[told[at]] = len(places)
            stand.append(plain[at])
    return _Group(names, rows, [places[each] for each in told], stand)


def _told_apart(book: Contents) -> set[str | None]:
    """Return the columns of which every answer counts, and not only the state that it says."""
    found: set[str | None] = {book.site}
    found |= {name for name, spec in book.columns.items() if spec.type != "number"}
    for name in gated(book):
        spec = book.derived.get(name)
        found |= {name, *columns_of(book, name), *(() if spec is None else spec.from_)}
    for spec in book.derived.values():
        found |= {*spec.from_} if spec.derive == "first_match" else set()
    return found


def _patterns(counts: _Counts, groups: Sequence[_Group], book: Contents, folder: Path) -> Source:
    """Have the engine count the rows of each pattern of classes, and write them as a table."""
    import ibis

    rows, classes = counts.keyed, []
    for place, group in enumerate(groups):
        own = {f"{_OWN}cell{place}_{at}": counts.keys[name] for at, name in enumerate(group.names)}
        columns: dict[str, Any] = {
            name: pa.array([row[at] for row in group.rows], pa.string())
            for at, name in enumerate(own)
        }
        columns[f"{_OWN}class{place}"] = pa.array(group.classes, pa.int64())
        classes.append(f"{_OWN}class{place}")
        known = ibis.memtable(pa.table(columns))
        rows = rows.inner_join(known, [rows[key] == known[name] for name, key in own.items()])
    weighed = counts.weight is not None
    if book.weight in counts.keys:  # texts
        texts = counts.cells[str(book.weight)]
        columns = {
            f"{_OWN}of_weight": pa.array(list(texts), pa.string()),
            _WEIGHT: pa.array([float(counts.coder.plain_number(t)) for t in texts.values()]),
        }
        known = ibis.memtable(pa.table(columns))
        key = rows[counts.keys[str(book.weight)]]
        rows, weighed = rows.inner_join(known, [key == known[f"{_OWN}of_weight"]]), True
    sums: dict[str, Any] = {"people": rows.count()}
    if weighed:
        heavy = rows[_WEIGHT]
        sums |= {"weight": heavy.sum(), "squares": (heavy * heavy).sum()}
    found = _asked(rows.group_by(classes).agg(**sums) if classes else rows.agg(**sums))
    table: dict[str, Any] = {}
    names: list[str] = []
    for place, group in enumerate(groups):
        of_row = found[f"{_OWN}class{place}"].to_pylist()
        for at, name in enumerate(group.names):
            texts_of = [group.cells[each][at] for each in of_row]
            table[f"c{len(names)}"] = pa.array(texts_of, pa.string()).cast(TEXT)
            names.append(name)
    table[ROW] = pa.array(range(len(found)), pa.int64())
    table["people"] = found["people"].cast(pa.int64())
    for name in ("weight", "squares") if weighed else ():
        table[name] = found[name].cast(pa.float64())
    path = folder / "patterns.parquet"
    pq.write_table(pa.table(table), path)
    return Source(
        counts.held.name,
        path,
        tuple(names),
        tuple(f"c{place}" for place in range(len(names))),
        counts.blank,
        lambda: count(1),
        sums=tuple(sums),
    )


def _cells(cells: Mapping[str, Cells], name: str, decimal: str | None, folder: Path) -> Source:
    """Write the distinct cells of each column below each other, as a table that a coder reads."""
    longest = max(map(len, cells.values()), default=0)
    fields = {f"c{place}": each for place, each in enumerate(cells)}
    table: dict[str, Any] = {}
    commas = set()
    for field, each in fields.items():
        texts = [*cells[each].values()]
        commas |= {field} if any("," in text for text in texts if text) else set()
        texts += [None] * (longest - len(texts))
        table[field] = pa.array(texts, pa.string()).cast(TEXT)
    table[ROW] = pa.array(range(longest), pa.int64())
    path = folder / "cells.parquet"
    pq.write_table(pa.table(table), path)
    return Source(
        name,
        path,
        tuple(cells),
        tuple(fields),
        0,
        lambda: count(1),
        decimal=decimal,
        commas=frozenset(commas),
    )


def _counted(
    table: ibis.Table, columns: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the distinct cells of some columns: what tells each apart, its text, its rows.

    Parameters
    ----------
    table : ibis.Table
    columns : mapping of str to (str, str)
        By name, the table's columns of what tells cells apart, and of the cells.
    """
    import ibis

    together: dict[Any, list[str]] = {}
    for name, (_, own) in columns.items():
        # Each question is a job of Spark: columns of one type are laid below each other for one.
        one = table.get_backend().name in _PASSES
        together.setdefault(table[own].type() if one else name, []).append(name)
    for names in together.values():
        cells = [
            {_AT: ibis.literal(at), _KEY: table[columns[name][0]], _CELL: table[columns[name][1]]}
            for at, name in enumerate(names)
        ]
        rows = table.select(**cells[0])
        if len(names) > 1:
            longer = table.select(**{_ROWS: ibis.array([*map(ibis.struct, cells)]).unnest()})
            rows = longer.select(**{each: longer[_ROWS][each] for each in cells[0]})
        found = _asked(rows.group_by([*cells[0]]).agg(**{_ROWS: rows.count()}))
        found = found.set_column(found.column_names.index(_CELL), _CELL, spelled(found[_CELL]))
        for at, name in enumerate(names):
            yield name, found.filter(pc.equal(found[_AT], at))


def _key(column: ibis.Column) -> ibis.Column:
    """Return a text for each cell by which an engine tells it from others, nothing included."""
    import ibis

    text = ibis.literal("=").concat(column.cast("string"))
    return ibis.ifelse(column.isnull(), "", text)


def _empty(column: ibis.Column) -> ibis.Column:
    """Return whether a cell holds nothing."""
    if column.type().is_string():
        return column.isnull() | (column.strip() == "")
    return column.isnull()


def _asked(expression: ibis.Table) -> pa.Table:
    """Ask an engine.

    Raises
    ------
    SurveyError
        If it cannot answer.
    """
    try:
        return expression.to_pyarrow()
    except Exception as error:  # each engine has errors of its own
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise SurveyError(say("survey.file.frame_failed", why=why)) from error


def _number(column: pa.ChunkedArray) -> int:
    """Return the one number of a column, 0 where a sum is of nothing."""
    return int(column[0].as_py() or 0)
