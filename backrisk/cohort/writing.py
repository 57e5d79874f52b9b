"""Scored files: rows in batches, as Parquet or as text in which no spreadsheet finds a formula.

What has no ending is a folder of Parquet files, in parts by the values of some columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from backrisk._files import output
from backrisk._folders import folder_output
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.words import disclaimer, interval_name, listed, neutral, say
from backrisk.words.phrases import whole

if TYPE_CHECKING:
    import pyarrow as pa

_PARTS = 10_000  # folders of one result
_PLAIN = "^[0-9A-Za-z][ -~]*$"  # text that is nothing but text to every spreadsheet


def demand_kind(path: Path, parts: Sequence[str] | None = None, *, folders: bool = False) -> None:
    """Refuse a file that is neither Parquet nor CSV by its name, and one that is to be in parts.

    Raises
    ------
    QueryError
    """
    known = (".parquet", ".csv", *("",) * folders)
    if path.suffix.lower() not in known or path.name in ("", ".."):
        raise QueryError(say("cohort.kind_of_file", file=path))
    if parts and path.suffix:
        raise QueryError(say("cohort.parts_of_file", file=path.name))


def demand_texts(parts: Sequence[str], columns: Mapping[str, str]) -> None:
    """Refuse parts by a column of the result that holds no texts.

    Raises
    ------
    QueryError
    """
    for name in parts:
        if columns.get(name, "string") != "string":
            raise QueryError(say("cohort.parts_of_numbers", name=name))


@dataclass
class Sink:
    """An open file that batches of rows go into, once the first is there to say its columns."""

    file: BinaryIO
    kind: str
    about: Mapping[str, str]
    quote: bool
    writer: Any = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def write_all(self, batches: Iterable[pa.RecordBatch], parts: Sequence[str] = ()) -> None:
        """Write all rows; a file has no parts."""
        with self:
            for batch in batches:
                self.write(batch)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write some rows."""
        if self.kind == ".csv" and not self.quote:
            batch = _neutral(batch)
        if self.writer is None:
            self.writer = self._opened(batch.schema)
        self.writer.write_batch(batch)

    def _opened(self, schema: pa.Schema) -> Any:
        import pyarrow.csv as pc
        import pyarrow.parquet as pq

        if self.kind == ".csv":
            return pc.CSVWriter(self.file, schema)
        return pq.ParquetWriter(self.file, schema.with_metadata(dict(self.about)))


@dataclass(frozen=True)
class Parts:
    """A new folder that batches of rows go into, by the values of some columns."""

    folder: Path
    about: Mapping[str, str]

    def write_all(self, batches: Iterable[pa.RecordBatch], parts: Sequence[str] = ()) -> None:
        """Write all rows: ``reported=none/part-0.parquet``, where parts are by ``reported``.

        Raises
        ------
        QueryError
            If the parts are too many to be folders.
        """
        import pyarrow as pa
        import pyarrow.dataset as ds

        coming = iter(batches)
        first = next(coming)
        schema = first.schema.with_metadata(dict(self.about))
        keys = pa.schema([schema.field(name) for name in parts])
        try:
            ds.write_dataset(
                (batch.cast(schema) for batch in chain((first,), coming)),
                self.folder,
                schema=schema,
                format="parquet",
                partitioning=ds.partitioning(keys, flavor="hive"),
                basename_template="part-{i}.parquet",
                max_partitions=_PARTS,
            )
        except pa.ArrowInvalid as error:
            if "partitions" not in str(error):
                raise
            told = {"names": listed(parts), "most": whole(_PARTS)}
            raise QueryError(say("cohort.too_many_parts", **told)) from error


@contextmanager
def placed(
    path: Path, inputs: Sequence[object], posterior: Posterior, *, quote: bool
) -> Iterator[Sink | Parts]:
    """Yield what all rows go into, which takes its place at a path if all goes well.

    Raises
    ------
    QueryError
        If it cannot be written, or is read from.
    """
    if path.suffix:
        with output(path, QueryError, inputs) as file:
            yield sink_of(file, path.suffix.lower(), posterior, quote=quote)
    else:
        with folder_output(path, QueryError) as folder:
            yield Parts(folder, _about(posterior))


def sink_of(file: BinaryIO, kind: str, posterior: Posterior, *, quote: bool) -> Sink:
    """Return what batches of rows of a scored file go into.

    Parameters
    ----------
    file : binary file
    kind : {".parquet", ".csv"}
    posterior : Posterior
        Whose survey and warnings a Parquet file tells.
    quote : bool
        As for `score`.
    """
    return Sink(file, kind, _about(posterior), quote)


def _about(posterior: Posterior) -> dict[str, str]:
    """Return what a Parquet file tells of itself."""
    return {
        "about": say(
            "cohort.about",
            disclaimer=disclaimer(),
            interval=interval_name(),
            draws=whole(posterior.draws),
        ),
        "survey": str(posterior.meta.get("survey", "")),
        "synthetic": str(posterior.meta.get("synthetic", "")),
        "warnings": " ".join(posterior.warnings_about()),
    }


def _neutral(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch in whose headers and texts no spreadsheet finds a formula."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for column in batch.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            plain = pc.match_substring_regex(column, _PLAIN)
            if not pc.all(pc.or_kleene(plain, pc.is_null(column)), min_count=0).as_py():
                told = [None if text is None else neutral(text) for text in column.to_pylist()]
                column = pa.array(told, column.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, [neutral(name) for name in batch.schema.names])
