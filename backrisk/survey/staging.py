"""Every table as one Parquet file of canonical text: the one thing that a survey is read from.

Whatever wrote a cell, it is spelled by `spelling.spell`, once for each distinct cell of a batch.
Rows without any answer, as spreadsheets leave them below a table, are left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from backrisk._spelling import spell
from backrisk.words import Said

ROW = "row"
BATCH = 50_000  # rows that are in memory at a time
TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass
class Table:
    """A table as its file, database or frame gives it.

    Parameters
    ----------
    columns : list
        The cells of its header, of any type.
    batches : iterator of sequence of pyarrow.Array
        The cells by column, some rows at a time.
    numbers : callable
        Yields what people call the records, one after the other: lines, sheet rows, positions.
    codes : mapping
        By column, the code in the file behind each value label.
    refused : list of (int, Said)
        Number and sentence of every record that is no row; complete once the batches are read.
    parts : list of (int, str)
        Of several files read as one: the first record of each, and its name; as `refused`.
    titles : mapping
        By column, the question or the title that the file has for it.
    """

    columns: Sequence[object]
    batches: Iterator[Sequence[pa.Array]]
    numbers: Callable[[], Iterator[int]] = lambda: count(1)
    codes: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    refused: list[tuple[int, Said]] = field(default_factory=list)
    parts: list[tuple[int, str]] = field(default_factory=list)
    titles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Staged:
    """A table of canonical text.

    Parameters
    ----------
    path : Path
        A Parquet file of the columns ``c0``, ``c1``, ... and `ROW`, the record from 0.
    columns : tuple of str
        Their names, spelled; of a column without name or cells nothing is kept.
    fields : tuple of str
        What each is called in the file.
    blank : int
        Records without any cell, which are left out.
    commas : frozenset of str
        The fields that have a comma in some cell.
    """

    path: Path
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    blank: int
    commas: frozenset[str]


def stage(table: Table, path: Path) -> Staged:
    """Write a table as canonical text.

    Parameters
    ----------
    table : Table
    path : Path
        The Parquet file to write.
    """
    fields = [f"c{place}" for place in range(len(table.columns))]
    schema = pa.schema([*((name, TEXT) for name in fields), (ROW, pa.int64())])
    used, blank, record = np.zeros(len(fields), bool), 0, 0
    commas = set[str]()
    with pq.ParquetWriter(path, schema, compression="lz4", write_statistics=False) as writer:
        for batch in table.batches:
            columns = [spelled(column) for column in batch]
            there = [column.indices.is_valid().to_numpy(zero_copy_only=False) for column in columns]
            size = len(there[0]) if there else 0
            used |= np.array([bool(each.any()) for each in there], bool)
            commas |= {name for name, column in zip(fields, columns, strict=True) if _comma(column)}
            rows = np.flatnonzero(np.any(there, axis=0)) if there else np.empty(0, np.int64)
            blank += size - len(rows)
            numbers = pa.array(rows + record, pa.int64())
            record += size
            if len(rows) < size:
                columns = [column.take(pa.array(rows)) for column in columns]
            writer.write_batch(pa.record_batch([*columns, numbers], schema=schema))
    names = [spell(name) for name in table.columns]
    kept = [place for place, name in enumerate(names) if name is not None or used[place]]
    return Staged(
        path,
        tuple(names[place] or "" for place in kept),
        tuple(fields[place] for place in kept),
        blank,
        frozenset(commas),
    )


def _comma(cells: pa.DictionaryArray) -> bool:
    found = pc.any(pc.match_substring(cells.dictionary, ",")).as_py()
    return bool(found)


def spelled(cells: pa.Array) -> pa.DictionaryArray:
    """Return cells as canonical text, null where there is nothing.

    Examples
    --------
    >>> spelled(pa.array([1.0, None, 2.5, 1.0])).to_pylist()
    ['1', None, '2.5', '1']
    """
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if not isinstance(cells, pa.DictionaryArray):
        try:
            cells = cells.dictionary_encode()
        except pa.ArrowNotImplementedError:  # lists and structures
            cells = pa.array([spell(cell) for cell in _python(cells)], pa.string())
            cells = cells.dictionary_encode()
    texts: dict[str, int] = {}
    means = [
        -1 if text is None else texts.setdefault(text, len(texts))
        for text in map(spell, _python(cells.dictionary))
    ]
    places = np.array([*means, -1], np.int32)
    wide = cells.indices.cast(pa.int64())  # an index may be too narrow for one place more
    index = wide.fill_null(len(means)).to_numpy(zero_copy_only=False)
    found = places[index]
    return pa.DictionaryArray.from_arrays(
        pa.array(found, pa.int32(), mask=found < 0), pa.array(list(texts), pa.string())
    )


def arrays(rows: Sequence[Sequence[Any]], width: int) -> list[pa.Array]:
    """Return rows of cells of any type as columns of canonical text."""
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * width
    return [pa.array(list(map(spell, column)), pa.string()) for column in columns]


def _python(cells: pa.Array) -> Sequence[Any]:
    if pa.types.is_floating(cells.type):  # NumPy knows the shortest text of a short float
        return list(cells.to_numpy(zero_copy_only=False))
    try:
        return cells.to_pylist()  # type: ignore[no-any-return]
    except (OverflowError, ValueError):  # a date that Python has not, or text that is none
        if pa.types.is_temporal(cells.type):
            if pa.types.is_timestamp(cells.type):
                cells = cells.cast(pa.int64()).cast(pa.timestamp(cells.type.unit))
            return cells.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]
        return cells.cast(pa.large_binary()).to_pylist()  # type: ignore[no-any-return]
