"""Files and tables of any size, opened on the engine that reads them through Ibis.

A table of a DuckDB or SQLite file is chosen as ``file.duckdb::table``; a file with a single table
needs no name. None of this holds more than a batch of rows in memory.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from backrisk.errors import SurveyError
from backrisk.survey import staging
from backrisk.survey.census import Distinct
from backrisk.survey.lines import read_records
from backrisk.survey.problems import failure
from backrisk.words import Said, say

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

PARQUET = (".parquet", ".pq")
DUCKDB = (".duckdb", ".ddb")
SQLITE = (".sqlite", ".sqlite3", ".db")
DATABASES = DUCKDB + SQLITE  # of which a table is chosen
NEED_ENGINE = DATABASES
ENGINES = ("duckdb", "spark")
ROW = "row"
_DISTINCT = 100_000  # distinct rows that are in Python at a time
_MEMORY = "256MB"  # beyond it DuckDB goes on in a temporary folder


@dataclass(frozen=True)
class Source:
    """A table on an engine.

    Parameters
    ----------
    name : str
        What messages call it.
    table : ibis.Table
        Columns ``c0``, ``c1``, ... in the order of `columns`, and `ROW`, the record from 0.
    columns : tuple of str
        The file's own names, stripped.
    text : Path, optional
        The CSV file behind it: its rows are named by line.
    refused : tuple of (int, Said)
        Line and sentence of every record that is no row of the table.
    """

    name: str
    table: ibis.Table
    columns: tuple[str, ...]
    text: Path | None = None
    refused: tuple[tuple[int, Said], ...] = field(default=())

    def rows(self, records: Sequence[int]) -> list[int]:
        """Return what people call these records: the line of a CSV file, else counted from 1."""
        wanted = set(records)
        last = max(wanted, default=-1) + 1
        lines = {r: line for r, line in enumerate(islice(self.numbers(), last)) if r in wanted}
        return [lines[record] for record in records]

    def numbers(self) -> Iterator[int]:
        """Yield what people call the records, one after the other."""
        if self.text is None:
            yield from count(1)
        else:
            yield from (line for line, row, width in read_records(self.text) if len(row) == width)


def batches(expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
    """Yield what an expression says, a batch at a time (Spark computes all of it first)."""
    import ibis

    engine = expression.get_backend()
    if engine.name == "duckdb":  # Ibis 12 asks DuckDB 2 by a name that it no longer has
        yield from engine.con.sql(ibis.to_sql(expression)).to_arrow_reader(size)
    else:
        yield from expression.to_pyarrow_batches(chunk_size=size)


def distinct_rows(source: Source) -> Distinct:
    """Return a function from columns to their distinct rows, with how often each occurs."""

    def distinct(names: tuple[str, ...]) -> Iterator[tuple[tuple[object, ...], int]]:
        table = source.table
        keys = {f"k{i}": table[f"c{source.columns.index(n)}"] for i, n in enumerate(names)}
        counted = table.select(**keys).group_by(list(keys)).agg(n=lambda t: t.count())
        for batch in batches(counted, _DISTINCT):
            *cells, counts = (column.to_pylist() for column in batch.columns)
            yield from zip(zip(*cells, strict=True), counts, strict=True)

    return distinct


def needs_engine(path: str | Path) -> bool:
    """Whether pandas cannot read a file: of all kinds, it is given CSV and Parquet alone."""
    return Path(_split(path)[0]).suffix.lower() in NEED_ENGINE


def _split(path: str | Path) -> tuple[str, str | None]:
    file, mark, table = str(path).partition("::")
    return file, table if mark else None


def demand_file(path: Path) -> None:
    """Refuse a path that is no file, or a file that is empty.

    Raises
    ------
    SurveyError
    """
    if path.is_dir():
        raise SurveyError(say("survey.file.folder", path=str(path)))
    if not path.is_file():
        raise SurveyError(say("survey.file.none", path=str(path)))
    if path.stat().st_size == 0:
        raise SurveyError(say("survey.file.empty", file=path.name))


@contextmanager
def opened(path: str | Path, engine: str = "duckdb", lenient: bool = False) -> Iterator[Source]:
    """Open a file as a table of an engine, until the block ends.

    Parameters
    ----------
    path : str or Path
        CSV, Parquet, DuckDB or SQLite; of the latter two ``file::table``.
    engine : {"duckdb", "spark"}
        Spark runs in the session that is active, else in local mode.
    lenient : bool
        Leave out the records of a CSV file that have too few or too many values, and tell them in
        `Source.refused`; else they are an error.

    Yields
    ------
    Source

    Raises
    ------
    SurveyError
        The file is not there, is not what its name says, has several tables and none was chosen,
        or a package is missing.
    """
    file, chosen = _split(path)
    place, kind = Path(file), Path(file).suffix.lower()
    if engine not in ENGINES:
        raise SurveyError(say("survey.file.no_engine", engine=engine, known=", ".join(ENGINES)))
    _need("ibis", "ibis-framework[duckdb]")
    demand_file(place)
    if chosen is not None and kind not in DATABASES:
        raise SurveyError(say("survey.file.one_table", file=place.name, table=chosen))
    with TemporaryDirectory(prefix="backrisk-") as folder:
        staged = Path(folder) / "rows.parquet"
        text, refused = None, list[tuple[int, Said]]()
        if kind in PARQUET:
            staged = place
            columns = staging.parquet_columns(place)
        elif kind in DUCKDB:
            columns = staging.stage_duckdb(place, chosen, staged)
        elif kind in SQLITE:
            columns = staging.stage_sqlite(place, chosen, staged)
        else:
            text = place
            columns = staging.stage_csv(place, staged, refused)
            if refused and not lenient:
                raise failure(place.name, [problem for _, problem in refused])
        name = place.name if chosen is None else f"{place.name}::{chosen}"
        with _connected(engine, staged, len(columns), folder) as table:
            yield Source(name, table, columns, text, tuple(refused))


def _need(module: str, package: str, extra: str = "scale") -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise SurveyError(
            say("survey.file.needs_package", package=package, extra=f"backrisk[{extra}]")
        )


@contextmanager
def _connected(engine: str, staged: Path, width: int, folder: str) -> Iterator[ibis.Table]:
    """Read the Parquet file on the engine, its columns numbered so that any name is safe."""
    import ibis

    numbers = {f"c{place}": place for place in range(width)}
    if engine == "duckdb":
        connection = ibis.duckdb.connect(temp_directory=folder, memory_limit=_MEMORY)
        try:
            # DuckDB takes a Parquet file's least and largest value for a proof that nothing is NaN.
            connection.con.execute("SET disabled_optimizers = 'statistics_propagation'")
            table = connection.read_parquet(staged, file_row_number=True)
            names = table.columns  # the file's, made unique by DuckDB; the record's number last
            yield table.select(
                **{new: table[names[at]] for new, at in numbers.items()},
                **{ROW: table[names[-1]]},
            )
        finally:
            connection.disconnect()
        return
    _need("pyspark", "pyspark", "spark")
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    started = session is None
    if session is None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the workers' Python is this one
        builder = SparkSession.builder.master("local[*]").appName("backrisk")
        builder = builder.config("spark.ui.enabled", "false")
        # As many as a machine has use for; Spark's own 200 are for a cluster.
        session = builder.config("spark.sql.shuffle.partitions", "8").getOrCreate()
    try:
        frame = session.read.parquet(str(staged.resolve()))
        renamed = frame.select("*", "_metadata.row_index").toDF(*numbers, ROW)
        renamed.createOrReplaceTempView("backrisk_rows")
        yield ibis.pyspark.connect(session).table("backrisk_rows")
        session.catalog.dropTempView("backrisk_rows")
    finally:
        if started:
            session.stop()
