"""What the distinct cells of a table mean: read in Python, joined to the table by its engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ibis
import pyarrow as pa

from backrisk.survey.expressions import Expression
from backrisk.survey.readers import Source, batches

CHUNK = 100_000  # distinct cells that are in Python at a time


class Dictionary:
    """The table of a source, and joined to it what its cells mean.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.table: Any = source.table
        self._joined = 0

    def few(self, key: Expression) -> bool:
        """Whether a column has no more distinct cells than Python takes in one go."""
        some = self._keys_of([key]).limit(CHUNK + 1)
        return int(some.count().to_pyarrow().as_py()) <= CHUNK

    def _keys_of(self, keys: Sequence[Expression]) -> Any:
        base = self.source.table
        return base.select(**{f"k{j}": key(base) for j, key in enumerate(keys)}).distinct()

    def distinct(self, key: Expression) -> Iterator[object]:
        """Yield the distinct cells of a column, as pandas would hold them."""
        for batch in batches(self._keys_of([key]), CHUNK):
            yield from batch.column(0).to_pandas()

    def meaning(
        self,
        keys: Sequence[Expression],
        read: Callable[[tuple[object, ...]], Any],
        kind: pa.DataType,
    ) -> Expression:
        """Join what each distinct row of cells means; null where `read` refuses it.

        A single key that is null means null; among several, null is a cell like any other. Refused
        cells are not kept: memory grows with what the codebook accepts, not with the mistakes of a
        table.

        Parameters
        ----------
        keys : sequence of Expression
            Columns of the source.
        read : callable
            From a tuple of cells to what it means; ValueError refuses.
        kind : pyarrow.DataType
            Of the meaning.
        """
        mark = self._joined = self._joined + 1
        names = [*(f"_k{mark}_{j}" for j in range(len(keys))), f"_v{mark}"]
        parts = []
        cells = self._keys_of(keys)
        for batch in batches(cells, CHUNK):
            means = pa.array([_tried(read, raw) for raw in _tuples(batch)], kind)
            known = pa.Table.from_arrays([*batch.columns, means], names=names)
            parts.append(known.filter(means.is_valid()))
        if not parts:
            types = [*cells.schema().to_pyarrow().types, kind]
            parts = [pa.schema(list(zip(names, types, strict=True))).empty_table()]
        table = ibis.memtable(pa.concat_tables(parts))
        same = [
            key(self.table).identical_to(table[name])
            if len(keys) > 1
            else key(self.table) == table[name]
            for name, key in zip(names, keys, strict=False)
        ]
        self.table = self.table.left_join(table, same)
        return lambda t: t[names[-1]]


def _tuples(batch: pa.RecordBatch) -> Iterator[tuple[object, ...]]:
    """Yield the rows with their cells as pandas would hold them."""
    yield from zip(*(column.to_pandas() for column in batch.columns), strict=True)


def _tried(read: Callable[[tuple[object, ...]], Any], raw: tuple[object, ...]) -> Any:
    try:
        return read(raw)
    except ValueError:
        return None
