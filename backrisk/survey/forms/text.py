"""Small tables of text: a data dictionary, an export, as rows of cells, whatever wrote them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from backrisk._spelling import number_of
from backrisk.errors import SurveyError
from backrisk.survey import readers
from backrisk.words import say

_ROWS = 200_000  # of a table, from which its columns are judged
_COMMA = re.compile(r"^([+-]?\d+),(\d+)$")
_DISTINCT = 2_000  # distinct cells of a column that are counted one by one


@dataclass
class Cells:
    """What the cells of a column look like.

    Attributes
    ----------
    counts : Counter
        Of the distinct texts, at most 2,000 of them.
    filled : int
        Cells that are not blank.
    """

    counts: Counter[str] = field(default_factory=Counter)
    filled: int = 0

    def add(self, text: str) -> None:
        """Count a cell that is not blank."""
        self.filled += 1
        if text in self.counts or len(self.counts) < _DISTINCT:
            self.counts[text] += 1

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers among the texts, with a point or a comma before their decimals."""
        found = {
            text: number_of(_COMMA.sub(r"\1.\2", text) if "," in text else text)
            for text in self.counts
        }
        return {text: number for text, number in found.items() if number is not None}


@dataclass(frozen=True)
class Table:
    """A table's header, its columns, and its first rows.

    Parameters
    ----------
    name : str
    header : tuple of str
    columns : tuple of Cells
    rows : tuple of tuple of str
        The first rows, blank where a cell is missing.
    titles : mapping of str to str
        By column, the question or the title that the file itself has for it.
    codes : mapping of str to mapping
        By column, the code that the file itself has behind each label.
    """

    name: str
    header: tuple[str, ...]
    columns: tuple[Cells, ...]
    rows: tuple[tuple[str, ...], ...]
    titles: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def column(self, name: str) -> Cells | None:
        """Return a column by its name, None where there is none."""
        return self.columns[self.header.index(name)] if name in self.header else None


def read_table(table: object, skip: int = 0, **reading: Any) -> Table:
    """Read any table that a survey can be read from.

    Parameters
    ----------
    table : str, Path or frame
    skip : int
        Rows below the header that are no people, and are left out.
    **reading
        Encoding, delimiter and decimal mark, as `backrisk.read_survey` takes them.

    Raises
    ------
    SurveyError
    """
    with readers.opened(table, **reading) as source:
        columns = [Cells() for _ in source.columns]
        rows: list[tuple[str, ...]] = []
        for row in _rows(source):
            if skip > 0:
                skip -= 1
                continue
            rows.append(row)
            for cells, text in zip(columns, row, strict=True):
                if text:
                    cells.add(text)
        names = dict(zip(source.fields, source.columns, strict=True))
        titles = {names[each]: title for each, title in source.titles.items() if each in names}
        codes = {names[each]: known for each, known in source.codes.items() if each in names}
        return Table(source.name, source.columns, tuple(columns), tuple(rows), titles, codes)


def _rows(source: readers.Source) -> Iterator[tuple[str, ...]]:
    """Yield the first rows of a table as canonical text."""
    with pq.ParquetFile(source.path) as file:
        batches = file.iter_batches(10_000, columns=list(source.fields))
        texts = (
            row
            for batch in batches
            for row in zip(*(batch.column(f).to_pylist() for f in source.fields), strict=True)
        )
        for row in islice(texts, _ROWS):
            yield tuple(text or "" for text in row)


def read_grid(path: str | Path) -> list[list[str]]:
    """Read a small file of separated text as rows of cells: what tools export and Excel saves.

    Raises
    ------
    SurveyError
    """
    place = Path(path)
    readers.demand_file(place)
    try:
        raw = place.read_bytes()
    except OSError as error:
        why = str(error)
        raise SurveyError(say("survey.file.not_readable", path=str(place), why=why)) from error
    if raw[:2] == b"PK":  # a workbook, and no text
        table = read_table(place)
        return [list(table.header), *(list(row) for row in table.rows)]
    text = _decoded(raw)
    first = text.lstrip("\n").partition("\n")[0]
    mark = max(",;\t", key=lambda each: (first.count(each), each == ","))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error as error:
        raise SurveyError(say("survey.file.not_csv", file=place.name, why=str(error))) from error
    grid = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if not grid:
        raise SurveyError(say("survey.file.empty", file=place.name))
    return grid


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:  # Excel saves CSV in the code page of Windows
        return raw.decode("cp1252", errors="replace")
