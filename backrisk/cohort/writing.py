"""Scored files: rows in batches, as Parquet or as text in which no spreadsheet finds a formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.words import disclaimer, interval_name, neutral, say
from backrisk.words.phrases import whole

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = "^[0-9A-Za-z][ -~]*$"  # text that is nothing but text to every spreadsheet


def demand_kind(path: Path) -> None:
    """Refuse a file that is neither Parquet nor CSV by its name.

    Raises
    ------
    QueryError
    """
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise QueryError(say("cohort.kind_of_file", file=path.name))


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
    about = {
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
    return Sink(file, kind, about, quote)


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
