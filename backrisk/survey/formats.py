"""Tables as the formats of files, and frames, give them: a header, and cells by column."""

from __future__ import annotations

import json
import posixpath
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib.util import find_spec
from itertools import batched, count, islice
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.survey.kinds import demand_modest
from backrisk.survey.lines import Text, read_header, read_records, split_records
from backrisk.survey.staging import BATCH, Table, arrays
from backrisk.words import Said, say, suggest

_LISTED = 10  # tables that a message names
_UNNAMED = "__index_level_"  # what pandas calls an index without a name
_AREA = 20_000_000  # cells of a sheet that memory holds, empty ones too
_SPARSE = 50  # times as many empty cells as others: no table
_PIECE = 1 << 20
_AS_TEXT = ("BIGNUM", "BIT", "INTERVAL", "TIME WITH TIME ZONE", "VARIANT")  # unlike Arrow's
_DIMENSION = re.compile(rb'<dimension ref="(?:[A-Z]+[0-9]+:)?([A-Z]{1,3})([0-9]{1,7})"')
_FORMULA = re.compile(  # column, row, attributes, formula, value
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"([^>]*)(?<!/)>(?:<f[^>]*(?:/>|>([^<]*)</f>))?'
    rb"(?:<v>([^<]*)</v>|<v ?/>)?</c>"
)
_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')


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
        file = pq.ParquetFile(path, read_dictionary=texts)  # each distinct cell once
        about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _not_kind(name, "parquet") from error
    chosen = [place for place, each in enumerate(schema.names) if not each.startswith(_UNNAMED)]
    ranges = _named_ranges(about)

    def batches() -> Iterator[Sequence[pa.Array]]:
        done = 0
        try:
            for batch in file.iter_batches(BATCH):
                batch.validate(full=True)  # a broken file may hold text that is none
                here = range(done, done + len(batch))
                done += len(batch)
                counted = [[start + row * step for row in here] for _, start, step in ranges]
                yield [*map(pa.array, counted), *(batch.column(place) for place in chosen)]
        except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
            raise _not_kind(name, "parquet") from error
        finally:
            file.close()

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
            table = places[_chosen(name, chosen, list(places), "table")]
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
        raise _not_kind(name, "duckdb") from error

    def batches() -> Iterator[Sequence[pa.Array]]:
        try:
            with connected() as connection:
                for batch in connection.sql(query).to_arrow_reader(BATCH):
                    yield batch.columns
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise _not_kind(name, "duckdb") from error

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
            table = _chosen(name, chosen, [each for (each,) in listed], "table")
            query = f"SELECT * FROM {_quoted(table, chr(34))}"
            described = connection.execute(f"{query} LIMIT 0").description
            columns = [str(entry[0]) for entry in described]
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise _not_kind(name, "sqlite") from error

    def batches() -> Iterator[Sequence[pa.Array]]:
        try:
            with connected() as connection:
                cursor = connection.execute(query)
                while rows := cursor.fetchmany(BATCH):
                    yield arrays(rows, len(columns))
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise _not_kind(name, "sqlite") from error

    return Table(columns, batches())


def excel_table(path: Path, name: str, chosen: str | None) -> Table:
    """Return a sheet of an Excel or OpenDocument file; its rows are numbered as in the sheet."""
    demand_package("python_calamine", "python-calamine", name)
    import python_calamine as calamine

    _demand_dense(path, name)
    try:
        with path.open("rb") as opened:
            book = calamine.CalamineWorkbook.from_filelike(opened)
            shown = calamine.SheetVisibleEnum.Visible
            kind = calamine.SheetTypeEnum.WorkSheet
            sheets = {
                each.name: book.get_sheet_by_name(each.name)
                for each in book.sheets_metadata
                if each.typ == kind and (each.visible == shown or each.name == chosen)
            }
            named = [each for each, sheet in sheets.items() if sheet.start or each == chosen]
            sheet = sheets[_chosen(name, chosen, named or list(sheets), "sheet")]
            rows = sheet.to_python(skip_empty_area=True)
            _say_errors(path, sheet.name, rows, sheet.start or (0, 0))
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise _not_kind(name, "excel") from error
    if not rows:
        raise SurveyError(say("survey.table.no_header", source=name))
    header, first = rows[0], (sheet.start or (0, 0))[0] + 2
    batches = (arrays(some, len(header)) for some in batched(rows[1:], BATCH))
    return Table(header, batches, lambda: count(first))


def _say_errors(path: Path, sheet: str, rows: list[list[Any]], start: tuple[int, int]) -> None:
    """Put what a sheet shows in place of a value, or the formula that has none, into its cells.

    The library leaves cells blank that say ``#DIV/0!``, and formulas that were never computed.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part(archive, sheet)) as opened:
            for column, row, text in _without_value(opened):
                at, place = row - 1 - start[0], column - 1 - start[1]
                if 0 <= at < len(rows) and 0 <= place < len(rows[at]):
                    rows[at][place] = text
    except (KeyError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return  # of another format


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the part of an Excel file that holds a sheet.

    Raises
    ------
    KeyError
        None does.
    """
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except ElementTree.ParseError as error:
        raise KeyError(sheet) from error
    targets = {link.get("Id"): str(link.get("Target")) for link in links}
    for each in book.iter():
        if each.tag.endswith("}sheet") and each.get("name") == sheet:
            link = next(value for key, value in each.items() if key.endswith("}id"))
            return posixpath.normpath(posixpath.join("/xl", targets[link]))[1:]
    raise KeyError(sheet)


def _without_value(sheet: IO[bytes]) -> Iterator[tuple[int, int, str]]:
    """Yield column, row and text of the cells that show an error, or a formula not computed."""
    rest = b""
    while piece := sheet.read(_PIECE):
        piece = rest + piece
        cut = piece.rfind(b"</c>") + len(b"</c>")
        piece, rest = piece[:cut], piece[cut:][-_PIECE:]
        if b't="e"' not in piece and b"</f>" not in piece:
            continue
        for column, row, about, formula, value in _FORMULA.findall(piece):
            kind = re.search(rb'\bt="([a-z]+)"', about)
            if kind is not None and kind[1] == b"e":
                yield _width(column), int(row), unescape(value.decode("utf-8", "replace"))
            elif formula and not value and kind is None:
                yield _width(column), int(row), "=" + unescape(formula.decode("utf-8", "replace"))


def _demand_dense(path: Path, name: str) -> None:
    """Refuse sheets with stray cells far outside the table, which would take memory without end."""
    try:
        with zipfile.ZipFile(path) as archive:
            demand_modest(sum(part.file_size for part in archive.infolist()), path, name)
            for part in archive.namelist():
                if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                    with archive.open(part) as sheet:
                        cells, far = _reach(sheet)
                    if far is not None:
                        told = {"file": name, "cell": far, "n": cells}
                        raise SurveyError(say("survey.file.stray_cells", **told))
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return  # of another format, or broken, as its reader will say


def _reach(sheet: IO[bytes]) -> tuple[int, str | None]:
    """Return how many cells a sheet has, and its last corner where that is too far for them."""
    piece = sheet.read(_PIECE)
    said = _DIMENSION.search(piece)
    if said is not None and _area(said[1], said[2]) <= _AREA:
        return 0, None
    cells, column, row = 0, b"A", b"1"
    while piece:
        found = _CELL.findall(piece)
        cells += len(found)
        column = max([column, *(c for c, _ in found)], key=lambda c: (len(c), c))
        row = max([row, *(r for _, r in found)], key=int)
        piece = sheet.read(_PIECE)  # a cell between two pieces may be missed: one of very many
    area = _area(column, row)
    return cells, (column + row).decode() if area > max(_AREA, cells * _SPARSE) else None


def _area(column: bytes, row: bytes) -> int:
    """Return how many cells lie from the first to the one in a column and a row."""
    return _width(column) * int(row)


def _width(column: bytes) -> int:
    """Return the number of a column by its letters, from 1."""
    width = 0
    for letter in column:
        width = width * 26 + letter - 64
    return width


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
        raise _not_kind(name, kind) from error
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
                raise _not_kind(name, kind) from error
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
    return Table(columns, batches(), codes=codes)


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


def _chosen(name: str, chosen: str | None, parts: Sequence[str], what: str) -> str:
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


def _not_kind(name: str, kind: str) -> SurveyError:
    return SurveyError(say("survey.file.not_kind", file=name, kind=say(f"survey.kinds.{kind}")))


def _quoted(text: str | Path, mark: str = "'") -> str:
    return mark + str(text).replace(mark, 2 * mark) + mark
