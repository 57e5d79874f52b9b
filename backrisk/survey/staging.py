"""Files of any kind as one Parquet file each, which every engine reads.

CSV is read by DuckDB, and where DuckDB refuses the file by Python's own reader, which names what
is wrong line by line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import batched
from pathlib import Path
from typing import Any

from backrisk.errors import SurveyError
from backrisk.survey.lines import read_header, split_records
from backrisk.words import Said, say, suggest

_BATCH = 20_000
_LISTED = 10  # tables that a message names


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns, stripped.

    Raises
    ------
    SurveyError
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(str(name).strip() for name in pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise SurveyError(say("survey.file.not_kind", file=path.name, kind="Parquet")) from error


def stage_duckdb(path: Path, chosen: str | None, staged: Path) -> tuple[str, ...]:
    """Copy a table of a DuckDB file; return the names of its columns, stripped.

    Raises
    ------
    SurveyError
    """
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
        raise SurveyError(say("survey.file.not_kind", file=path.name, kind="DuckDB")) from error
    return tuple(str(row[0]).strip() for row in described)


def stage_sqlite(path: Path, chosen: str | None, staged: Path) -> tuple[str, ...]:
    """Copy a table of a SQLite file as text; return the names of its columns, stripped.

    Raises
    ------
    SurveyError
    """
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
            _write(staged, len(columns), (list(map(_spell, row)) for each in rows for row in each))
    except sqlite3.Error as error:
        raise SurveyError(say("survey.file.not_kind", file=path.name, kind="SQLite")) from error
    return tuple(name.strip() for name in columns)


def stage_csv(path: Path, staged: Path, refused: list[tuple[int, Said]]) -> tuple[str, ...]:
    """Copy a CSV file's cells as text; return the names of its columns, stripped.

    Line and sentence of every record that is no row go to `refused`.

    Raises
    ------
    SurveyError
    """
    import duckdb

    header = read_header(path)
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header)))
    copy = (
        f"COPY (FROM read_csv({_quoted(path)}, auto_detect=false, header=true, "
        f"columns={{{names}}}, delim=',', quote='\"', escape='\"', nullstr='\x01none\x02', "
        f"strict_mode=true)) TO {_quoted(staged)} (FORMAT parquet)"
    )
    if len(header) > 1:  # a blank line is an empty cell to DuckDB where there is one column
        try:
            with closing(duckdb.connect()) as connection:
                connection.execute(f"SET temp_directory = {_quoted(staged.parent)}")
                connection.execute(copy)
                return tuple(name.strip() for name in header)
        except duckdb.Error:
            pass  # Python's reader says what is wrong, or reads what DuckDB does not
    _write(staged, len(header), (row for _, row in split_records(path, refused)))
    return tuple(name.strip() for name in header)


def _choose_table(path: Path, chosen: str | None, tables: Sequence[str]) -> str:
    listed = ", ".join(tables[:_LISTED])
    if not tables:
        raise SurveyError(say("survey.file.no_table", file=path.name))
    if chosen is None and len(tables) > 1:
        raise SurveyError(
            say("survey.file.several_tables", file=path.name, count=len(tables), tables=listed)
        )
    if chosen is not None and chosen not in tables:
        near = suggest(chosen, tables)
        raise SurveyError(
            say("survey.file.unknown_table", file=path.name, table=chosen, near=near, tables=listed)
        )
    return tables[0] if chosen is None else chosen


def _spell(cell: Any) -> str | None:
    """Spell a cell of SQLite, where every cell has its own type, as a CSV file would."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _quoted(text: str | Path, mark: str = "'") -> str:
    return mark + str(text).replace(mark, 2 * mark) + mark


def _write(staged: Path, width: int, rows: Iterator[Sequence[Any]]) -> None:
    """Write rows of text to a Parquet file, a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(f"c{place}", pa.string()) for place in range(width)])
    with pq.ParquetWriter(staged, schema) as writer:
        for batch in batched(rows, _BATCH):
            arrays: list[pa.Array] = [
                pa.array(column, pa.string()) for column in zip(*batch, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
