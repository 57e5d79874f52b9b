"""Tables as the formats of files, and frames, give them: a header, and cells by column."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib.util import find_spec
from itertools import batched, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.survey.lines import Text, read_header, read_records, split_records
from backrisk.survey.staging import BATCH, Table, arrays
from backrisk.words import Said, say, suggest

if TYPE_CHECKING:
    import ibis

_LISTED = 10  # tables that a message names
_UNNAMED = "__index_level_"  # what pandas calls an index without a name
_AS_TEXT = ("BIGNUM", "BIT", "INTERVAL", "TIME WITH TIME ZONE", "VARIANT")  # unlike Arrow's


def csv_table(text: Text, folder: Path) -> Table:
    """Return a file of delimited text as a table of text.

    DuckDB reads it, and from where DuckDB refuses it Python's own reader, which names what is
    wrong line by line.
    """
    header = read_header(text)
    refused: list[tuple[int, Said]] = []

    def batches() -> Iterator[Sequence[pa.Array]]:
        import duckdb

        read = 0
        if len(header) > 1:  # a blank line is an empty cell to DuckDB where there is one column
            try:
                with closing(duckdb.connect()) as connection:
                    connection.execute(f"SET temp_directory = {_quoted(folder)}")
                    for batch in connection.sql(_query(text, len(header))).to_arrow_reader(BATCH):
                        yield batch.columns
                        read += len(batch)
                    return
            except (duckdb.Error, OSError, pa.ArrowException):
                refused.clear()
        rows = (row for _, row in split_records(text, refused))
        for some in batched(islice(rows, read, None), BATCH):
            yield arrays(some, len(header))

    def numbers() -> Iterator[int]:
        yield from (line for line, row, width in read_records(text) if len(row) == width)

    return Table(header, batches(), numbers, refused=refused)


def _query(text: Text, width: int) -> str:
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(width))
    return (
        f"SELECT * FROM read_csv({_quoted(literal(text.path))}, auto_detect=false, header=true, "
        f"skip={text.skipped}, columns={{{names}}}, delim={_quoted(text.delimiter)}, "
        "quote='\"', escape='\"', "
        "nullstr='\x01none\x02', strict_mode=true, hive_partitioning=false)"
    )


def literal(path: Path) -> str:
    """Return a path as DuckDB takes for no pattern."""
    return "".join(f"[{mark}]" if mark in "[*?" else mark for mark in str(path))


def parquet_table(path: Path, name: str) -> Table:
    """Return a Parquet file; what pandas stored as its index are columns like any other."""
    try:
        schema = pq.read_schema(path)
        texts = [each.name for each in schema if pa.types.is_string(each.type)]
        about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise not_kind(name, "parquet") from error
    chosen = [place for place, each in enumerate(schema.names) if not each.startswith(_UNNAMED)]
    ranges = _named_ranges(about)

    def batches() -> Iterator[Sequence[pa.Array]]:
        done = 0
        try:
            # Opened only now: a folder may hold more files than a process may have open.
            with pq.ParquetFile(path, read_dictionary=texts) as file:  # each distinct cell once
                for batch in file.iter_batches(BATCH):
                    batch.validate(full=True)  # a broken file may hold text that is none
                    here = range(done, done + len(batch))
                    done += len(batch)
                    counted = [[start + row * step for row in here] for _, start, step in ranges]
                    yield [*map(pa.array, counted), *(batch.column(place) for place in chosen)]
        except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
            raise not_kind(name, "parquet") from error

    columns = [*(name for name, _, _ in ranges), *(schema.names[place] for place in chosen)]
    return Table(columns, batches())


def _named_ranges(about: Any) -> list[tuple[str, int, int]]:
    """Return name, start and step of the indexes that pandas only described, being ranges."""
    stored = about.get("index_columns") if isinstance(about, dict) else None
    found = []
    for index in stored if isinstance(stored, list) else []:
        if isinstance(index, dict) and index.get("kind") == "range" and index.get("name"):
            start, step = index.get("start"), index.get("step")
            if isinstance(start, int) and isinstance(step, int):
                found.append((str(index["name"]), start, step))
    return found


def duckdb_table(path: Path, name: str, chosen: str | None, folder: Path) -> Table:
    """Return a table of a DuckDB file."""
    import duckdb

    def connected() -> Any:
        connection = duckdb.connect(str(path), read_only=True)
        connection.execute(f"SET temp_directory = {_quoted(folder)}")
        return closing(connection)

    try:
        with connected() as connection:
            listed = connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables WHERE "
                "table_catalog = current_database() ORDER BY table_schema <> 'main', 1, 2"
            ).fetchall()
            places = {t if s == "main" else f"{s}.{t}": (s, t) for s, t in listed}
            table = places[chosen_part(name, chosen, list(places), "table")]
            query = "SELECT * FROM " + ".".join(_quoted(each, '"') for each in table)
            described = connection.execute(f"DESCRIBE {query}").fetchall()
            columns = [row[0] for row in described]
            texts = [_quoted(row[0], '"') for row in described if row[1] in _AS_TEXT]
            if texts:
                casts = ", ".join(f"CAST({each} AS VARCHAR) AS {each}" for each in texts)
                query = query.replace("*", f"* REPLACE ({casts})", 1)
    except duckdb.Error as error:
        if "lock" in str(error):  # another program writes to it
            why = str(error).splitlines()[0]
            raise SurveyError(say("survey.file.not_readable", path=name, why=why)) from error
        raise not_kind(name, "duckdb") from error

    def batches() -> Iterator[Sequence[pa.Array]]:
        try:
            with connected() as connection:
                for batch in connection.sql(query).to_arrow_reader(BATCH):
                    yield batch.columns
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise not_kind(name, "duckdb") from error

    return Table(columns, batches())


def sqlite_table(path: Path, name: str, chosen: str | None) -> Table:
    """Return a table of a SQLite file, where every cell has its own type."""

    def connected() -> closing[sqlite3.Connection]:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return closing(connection)

    try:
        with connected() as connection:
            listed = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                "AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name"
            ).fetchall()
            table = chosen_part(name, chosen, [each for (each,) in listed], "table")
            query = f"SELECT * FROM {_quoted(table, chr(34))}"
            described = connection.execute(f"{query} LIMIT 0").description
            columns = [str(entry[0]) for entry in described]
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise not_kind(name, "sqlite") from error

    def batches() -> Iterator[Sequence[pa.Array]]:
        try:
            with connected() as connection:
                cursor = connection.execute(query)
                while rows := cursor.fetchmany(BATCH):
                    yield arrays(rows, len(columns))
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise not_kind(name, "sqlite") from error

    return Table(columns, batches())


def statistics_table(path: Path, name: str, kind: str, encoding: str | None) -> Table:
    """Return a file of SPSS, Stata or SAS.

    A cell with a value label is that label, and the code behind it stays known; a value that the
    file declares missing is missing.
    """
    demand_package("pyreadstat", "pyreadstat", name)
    import pyreadstat

    ending = Path(name).suffix.lower()
    read = {
        "spss": pyreadstat.read_por if ending == ".por" else pyreadstat.read_sav,
        "stata": pyreadstat.read_dta,
        "sas": pyreadstat.read_xport if ending == ".xpt" else pyreadstat.read_sas7bdat,
    }[kind]
    options: dict[str, Any] = {} if encoding is None else {"encoding": encoding}
    broken = Exception  # bytes at random make dates and texts of which it raises anything
    try:
        _, about = read(str(path), metadataonly=True, **options)
    except broken as error:
        raise not_kind(name, kind) from error
    columns = list(about.column_names)
    labels = {
        place: _labels(about.variable_value_labels[each])
        for place, each in enumerate(columns)
        if each in about.variable_value_labels
    }

    def batches() -> Iterator[Sequence[pa.Array]]:
        done = 0
        while True:
            try:
                cells, _ = read(
                    str(path), row_offset=done, row_limit=BATCH, output_format="dict", **options
                )
            except broken as error:
                raise not_kind(name, kind) from error
            size = len(cells[columns[0]]) if columns else 0
            if not size:
                return
            yield [
                pa.array(_labelled(cells[each], labels.get(place, {})), pa.string())
                for place, each in enumerate(columns)
            ]
            done += size
            if size < BATCH:
                return

    codes = {
        place: {label: code for code, label in known.items()} for place, known in labels.items()
    }
    titles = {
        place: title
        for place, each in enumerate(columns)
        if (title := spell(about.column_names_to_labels.get(each))) is not None
    }
    return Table(columns, batches(), codes=codes, titles=titles)


def _labelled(cells: Iterable[object], labels: Mapping[str, str]) -> list[str | None]:
    """Return canonical cells with their labels, where they have any."""
    return [labels.get(text or "", text) for text in map(spell, cells)]


def _labels(labels: Mapping[object, object]) -> dict[str, str]:
    """Return the label of each code; none where two codes share one and could not be told apart."""
    known = {
        code: label
        for code, label in ((spell(code), spell(label)) for code, label in labels.items())
        if code is not None and label is not None
    }
    return known if len(set(known.values())) == len(known) else {}


def frame_table(frame: Any) -> Table | None:
    """Return a frame of pandas, Polars, Arrow or another library that narwhals knows, else None.

    The named levels of a pandas index are columns like any other.
    """
    if isinstance(frame, pd.DataFrame):
        return _pandas_table(frame)
    if is_ibis(frame):
        return Table(frame.columns, _ibis_batches(frame))
    if isinstance(frame, pa.Table | pa.RecordBatch):
        table = pa.table(frame)
    else:
        import narwhals as nw

        try:
            known = nw.from_native(frame)
        except TypeError:
            return None
        try:
            table = _arrow_table(known.collect() if isinstance(known, nw.LazyFrame) else known)
        except Exception as error:  # whatever a plan that is run only now meets: a file, a column
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise SurveyError(say("survey.file.frame_failed", why=why)) from error
    return Table(
        table.column_names, (batch.columns for batch in table.to_batches(max_chunksize=BATCH))
    )


def _ibis_batches(frame: ibis.Table) -> Iterator[Sequence[pa.Array]]:
    try:
        for batch in batches(frame, BATCH):
            yield batch.columns
    except Exception as error:  # whatever the engine behind it meets
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise SurveyError(say("survey.file.frame_failed", why=why)) from error


def _arrow_table(frame: Any) -> pa.Table:
    """Return a frame of narwhals; cells that Arrow has no type for as text."""
    import narwhals as nw

    odd = (nw.Object, nw.Int128, nw.UInt128, nw.Unknown)
    return pa.table(
        {
            name: pa.array(list(map(spell, frame[name].to_list())), pa.string())
            if kind in odd
            else frame[name].to_arrow()
            for name, kind in frame.schema.items()
        }
    )


def _pandas_table(frame: pd.DataFrame) -> Table:
    index = frame.index
    levels = [level for level, name in enumerate(index.names) if name is not None]
    columns: list[Callable[[slice], Any]] = [
        *((lambda rows, at=level: index[rows].get_level_values(at)) for level in levels),
        *((lambda rows, at=place: frame.iloc[rows, at]) for place in range(frame.shape[1])),
    ]

    def batches() -> Iterator[Sequence[pa.Array]]:
        for start in range(0, len(frame), BATCH):
            yield [_pandas_cells(column(slice(start, start + BATCH))) for column in columns]

    named = index.is_unique and pd.api.types.is_integer_dtype(index)

    def numbers() -> Iterator[int]:
        yield from map(int, index) if named else range(len(frame))

    header = [*(index.names[level] for level in levels), *frame.columns]
    return Table(header, batches(), numbers)


def _pandas_cells(cells: Any) -> pa.Array:
    """Return a column's cells, as text where they are of mixed types or Arrow has none for them."""
    plain = pd.api.types
    if plain.is_numeric_dtype(cells) or (
        plain.is_string_dtype(cells) and not plain.is_object_dtype(cells)
    ):
        with suppress(pa.ArrowException):  # sparse, complex or very long numbers
            return pa.array(cells, from_pandas=True)
    return pa.array(list(map(spell, cells.tolist())), pa.string())


def batches(expression: ibis.Table, size: int) -> Iterator[pa.RecordBatch]:
    """Yield what an expression says, a batch at a time (Spark computes all of it first)."""
    import ibis

    engine = expression.get_backend()
    if engine.name == "duckdb":  # Ibis 12 asks DuckDB 2 by a name that it no longer has
        yield from engine.con.sql(ibis.to_sql(expression)).to_arrow_reader(size)
    else:
        yield from expression.to_pyarrow_batches(chunk_size=size)


def is_ibis(table: object) -> bool:
    """Whether a table is one of Ibis, whatever the engine behind it."""
    return type(table).__module__.startswith("ibis.expr") and hasattr(table, "get_backend")


def demand_package(module: str, package: str, name: str, extra: str = "formats") -> None:
    """Refuse what needs a package that is not installed.

    Raises
    ------
    SurveyError
    """
    if find_spec(module) is None:
        raise SurveyError(
            say("survey.file.needs_package", file=name, package=package, extra=f"backrisk[{extra}]")
        )


def chosen_part(name: str, chosen: str | None, parts: Sequence[str], what: str) -> str:
    """Return the table of a database, or the sheet of a workbook, that is meant."""
    said = {"file": name, "parts": ", ".join(parts[:_LISTED])}
    if not parts:
        raise SurveyError(say(f"survey.parts.{what}.none", file=name))
    if chosen is None and len(parts) > 1:
        raise SurveyError(say(f"survey.parts.{what}.several", count=len(parts), **said))
    if chosen is not None and chosen not in parts:
        near = suggest(chosen, parts)
        raise SurveyError(say(f"survey.parts.{what}.unknown", part=chosen, near=near, **said))
    return parts[0] if chosen is None else chosen


def not_kind(name: str, kind: str) -> SurveyError:
    """Return that a file cannot be read as the kind that it seems to be."""
    return SurveyError(say("survey.file.not_kind", file=name, kind=say(f"survey.kinds.{kind}")))


def _quoted(text: str | Path, mark: str = "'") -> str:
    return mark + str(text).replace(mark, 2 * mark) + mark
