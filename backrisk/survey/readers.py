"""Files of any size as one Parquet file each, and the engine that reads them through Ibis.

CSV is read by DuckDB, and where DuckDB refuses the file by Python's own reader, which names what
is wrong line by line. A table of a DuckDB or SQLite file is chosen as ``file.duckdb::table``; a
file with a single table needs no name. None of this holds more than a batch of rows in memory.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from backrisk.errors import SurveyError, no_file, suggest
from backrisk.survey.checks import demand_columns
from backrisk.survey.codebook import failure

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

PARQUET = (".parquet", ".pq")
DUCKDB = (".duckdb", ".ddb")
SQLITE = (".sqlite", ".sqlite3", ".db")
ENGINES = ("duckdb", "spark")
ROW = "row"
_BATCH = 20_000
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
    refused : tuple of (int, str)
        Line and sentence of every record that is no row of the table.
    """

    name: str
    table: ibis.Table
    columns: tuple[str, ...]
    text: Path | None = None
    refused: tuple[tuple[int, str], ...] = field(default=())

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
            yield from (line for line, row, width in read_lines(self.text) if len(row) == width)


def batches(expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
    """Yield what an expression says, a batch at a time (Spark computes all of it first)."""
    import ibis

    engine = expression.get_backend()
    if engine.name == "duckdb":  # Ibis 12 asks DuckDB 2 by a name that it no longer has
        yield from engine.con.sql(ibis.to_sql(expression)).to_arrow_reader(size)
    else:
        yield from expression.to_pyarrow_batches(chunk_size=size)


def is_database(path: str | Path) -> bool:
    """Whether a path names a DuckDB or SQLite file, with or without a table."""
    return Path(_split(path)[0]).suffix.lower() in DUCKDB + SQLITE


def _split(path: str | Path) -> tuple[str, str | None]:
    file, mark, table = str(path).partition("::")
    return file, table if mark else None


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
        known = ", ".join(ENGINES)
        raise SurveyError(f"There is no engine '{engine}'; for a big table expected {known}.")
    _need("ibis", "ibis-framework[duckdb]")
    if not place.is_file():
        raise SurveyError(no_file(place))
    if place.stat().st_size == 0:
        raise SurveyError(f"{place.name} is empty, expected a header and one row a person.")
    if chosen is not None and kind not in DUCKDB + SQLITE:
        raise SurveyError(f"{place.name} holds one table; '::{chosen}' chooses one of a database.")
    with TemporaryDirectory(prefix="backrisk-") as folder:
        staged = Path(folder) / "rows.parquet"
        text, refused = None, list[tuple[int, str]]()
        if kind in PARQUET:
            staged = place
            columns = _parquet_columns(place)
        elif kind in DUCKDB:
            columns = _stage_duckdb(place, chosen, staged)
        elif kind in SQLITE:
            columns = _stage_sqlite(place, chosen, staged)
        else:
            text = place
            columns = _stage_csv(place, staged, refused)
            if refused and not lenient:
                raise failure(place.name, [words for _, words in refused])
        name = place.name if chosen is None else f"{place.name}::{chosen}"
        with _connected(engine, staged, len(columns), folder) as table:
            yield Source(name, table, columns, text, tuple(refused))


def _need(module: str, package: str, extra: str = "scale") -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise SurveyError(
            f"Big tables and databases need the package {package}: pip install 'backrisk[{extra}]'."
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


def _parquet_columns(path: Path) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(str(name).strip() for name in pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise SurveyError(f"{path.name} is not a Parquet file that can be read.") from error


def _quoted(text: str | Path, mark: str = "'") -> str:
    return mark + str(text).replace(mark, 2 * mark) + mark


def _choose_table(path: Path, chosen: str | None, tables: Sequence[str]) -> str:
    if chosen is None:
        if len(tables) == 1:
            return tables[0]
        if not tables:
            raise SurveyError(f"{path.name} holds no table.")
        found = f"{len(tables)} tables ({', '.join(tables[:10])})"
        raise SurveyError(f"{path.name} holds {found}; choose one as '{path.name}::table'.")
    if chosen not in tables:
        raise SurveyError(
            f"{path.name} has no table '{chosen}'{suggest(chosen, tables)}; "
            f"it holds {', '.join(tables[:10]) or 'none'}."
        )
    return chosen


def _stage_duckdb(path: Path, chosen: str | None, staged: Path) -> tuple[str, ...]:
    import duckdb

    try:
        with closing(duckdb.connect(str(path), read_only=True)) as connection:
            connection.execute(f"SET temp_directory = {_quoted(staged.parent)}")
            listed = connection.execute(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_schema = 'main' ORDER BY table_name"
            ).fetchall()
            table = _choose_table(path, chosen, [name for (name,) in listed])
            query = f"SELECT * FROM {_quoted(table, chr(34))}"
            described = connection.execute(f"DESCRIBE {query}").fetchall()
            connection.execute(f"COPY ({query}) TO {_quoted(staged)} (FORMAT parquet)")
    except duckdb.Error as error:
        raise SurveyError(f"{path.name} is not a DuckDB file that can be read.") from error
    return tuple(str(row[0]).strip() for row in described)


def _stage_sqlite(path: Path, chosen: str | None, staged: Path) -> tuple[str, ...]:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            listed = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                "AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name"
            ).fetchall()
            table = _choose_table(path, chosen, [name for (name,) in listed])
            cursor = connection.execute(f"SELECT * FROM {_quoted(table, chr(34))}")
            columns = [str(entry[0]) for entry in cursor.description]
            rows = iter(lambda: cursor.fetchmany(_BATCH), [])
            _write(
                staged, len(columns), ([list(map(_words, row)) for row in each] for each in rows)
            )
    except sqlite3.Error as error:
        raise SurveyError(f"{path.name} is not a SQLite file that can be read.") from error
    return tuple(name.strip() for name in columns)


def _words(cell: Any) -> str | None:
    """Spell a cell of SQLite, where every cell has its own type, as a CSV file would."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _stage_csv(path: Path, staged: Path, refused: list[tuple[int, str]]) -> tuple[str, ...]:
    """Copy a CSV file's cells as text; every record that is no row goes to `refused`."""
    import duckdb

    with told(path), path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, strict=True), [])
    demand_columns(header, path.name)
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header)))
    read = (
        f"read_csv({_quoted(path)}, auto_detect=false, header=true, columns={{{names}}}, "
        "delim=',', quote='\"', escape='\"', nullstr='\x01none\x02', strict_mode=true)"
    )
    if len(header) > 1:  # a blank line is an empty cell to DuckDB where there is one column
        try:
            with closing(duckdb.connect()) as connection:
                connection.execute(f"SET temp_directory = {_quoted(staged.parent)}")
                connection.execute(f"COPY (FROM {read}) TO {_quoted(staged)} (FORMAT parquet)")
                return tuple(name.strip() for name in header)
        except duckdb.Error:
            pass  # Python's reader says what is wrong, or reads what DuckDB does not
    _write(staged, len(header), _batches(path, refused))
    return tuple(name.strip() for name in header)


def _batches(path: Path, refused: list[tuple[int, str]]) -> Iterator[list[list[str]]]:
    batch: list[list[str]] = []
    for line, row, width in read_lines(path):
        if len(row) == width:
            batch.append(row)
        else:
            words = f"{path.name}, row {line}: {len(row)} values, expected {width}."
            refused.append((line, words))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def read_lines(path: Path) -> Iterator[tuple[int, list[str], int]]:
    """Yield line, cells and the header's number of columns for each record of a CSV file.

    Raises
    ------
    SurveyError
        The file is not CSV, not UTF-8, or cannot be read.
    """
    with told(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        width = len(next(reader, []))
        before = reader.line_num
        for row in reader:
            line, before = before + 1, reader.line_num
            if row:
                yield line, row, width


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in a sentence what keeps a CSV file from being read.

    Raises
    ------
    SurveyError
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise SurveyError(
            f"{path.name} is not encoded in UTF-8 (byte "
            f"{error.object[error.start]:#04x} cannot be read), expected UTF-8."
        ) from error
    except csv.Error as error:
        raise SurveyError(f"{path.name} is not a CSV file that can be read: {error}.") from error
    except OSError as error:
        raise SurveyError(f"{path} cannot be read: {error.strerror}.") from error


def _write(staged: Path, width: int, batches: Iterator[list[list[Any]]]) -> None:
    """Write rows of text to a Parquet file, a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(f"c{place}", pa.string()) for place in range(width)])
    with pq.ParquetWriter(staged, schema) as writer:
        for batch in batches:
            columns: list[Any] = list(zip(*batch, strict=True)) or [()] * width
            arrays: list[pa.Array] = [pa.array(column, pa.string()) for column in columns]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
