"""Any table, opened as canonical text: a file of any kind, a database, a frame.

A table of a DuckDB or SQLite file, or a sheet of a workbook, is chosen as ``file.duckdb::table``;
a file with a single one needs no name. The name of a file is what it says, never a pattern.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, pairwise, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backrisk import _files
from backrisk._addresses import fetched, is_address
from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.survey import formats, kinds, lines, workbooks
from backrisk.survey.folders import keys_of, parquet_files, with_keys
from backrisk.survey.formats import demand_package
from backrisk.survey.problems import failure
from backrisk.survey.spark import spark_session
from backrisk.survey.staging import Table, stage
from backrisk.words import Said, say

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

ENGINES = ("duckdb", "spark")
_MEMORY = "256MB"  # beyond it DuckDB goes on in a temporary folder
_PATTERN = "*?["


@dataclass(frozen=True)
class Source:
    """A table of canonical text.

    Parameters
    ----------
    name : str
        What messages call it.
    path : Path
        A Parquet file of its rows that are not blank; `ROW` is the record, counted from 0.
    columns : tuple of str
        The table's own names, spelled.
    fields : tuple of str
        What the columns are called in the file.
    blank : int
        Records without any cell, which were left out.
    numbers : callable
        Yields what people call the records, one after the other, blank ones too: the line of a
        text file, the row of a sheet, the index of a frame, else a count from 1.
    codes : mapping
        By field, the code that the file has behind each value label.
    decimal : str, optional
        What stands before the decimals of a number, where somebody said so.
    commas : frozenset of str
        The fields that have a comma in some cell.
    refused : tuple of (int, Said)
        Number and sentence of every record that is no row of the table.
    parts : tuple of (int, str)
        Of several files read as one: the first record of each, and its name.
    engine : {"duckdb", "spark"}
    titles : mapping
        By field, the question or the title that the file has for it.
    keys : tuple of str
        The columns by which a folder of files is in parts.
    sums : tuple of str
        Where a row stands for many people, the fields of their number, ``people``, and of the sums
        of their weights and of the squares of these, ``weight`` and ``squares``.
    """

    name: str
    path: Path
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    blank: int
    numbers: Callable[[], Iterator[int]]
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    decimal: str | None = None
    commas: frozenset[str] = frozenset()
    refused: tuple[tuple[int, Said], ...] = ()
    parts: tuple[tuple[int, str], ...] = ()
    engine: str = "duckdb"
    titles: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()

    def rows(self, records: Sequence[int]) -> list[int]:
        """Return what people call these records."""
        wanted = set(records)
        last = max(wanted, default=-1) + 1
        known = {r: number for r, number in enumerate(islice(self.numbers(), last)) if r in wanted}
        return [known[record] for record in records]

    def file_of(self, record: int) -> str:
        """Return what messages call the file that a record is from."""
        names = [name for first, name in self.parts if first <= record]
        return names[-1] if names else self.name


@contextmanager
def opened(
    table: object,
    engine: str | None = None,
    *,
    lenient: bool = False,
    name: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    glob: bool = False,
) -> Iterator[Source]:
    """Open a table as canonical text, until the block ends.

    Parameters
    ----------
    table : str, Path or frame
        See `backrisk.read_survey`.
    engine : {"duckdb", "spark"}, optional
        Spark runs in the session that is active, else in local mode.
    lenient : bool
        Leave out the records of a text file that have too few or too many values, and tell them in
        `Source.refused`; else they are an error.
    name : str, optional
        What messages call it; by default the file's name, or ``frame``.
    encoding, delimiter, decimal, glob
        See `backrisk.read_survey`.

    Yields
    ------
    Source

    Raises
    ------
    SurveyError
        The file is not there, is not what its name says, has several tables and none was chosen,
        or a package is missing.
    """
    if engine is not None and engine not in ENGINES:
        raise SurveyError(say("survey.file.no_engine", engine=engine, known=", ".join(ENGINES)))
    if decimal not in (None, ".", ","):
        raise SurveyError(say("survey.file.no_decimal", decimal=decimal))
    if engine == "spark":
        demand_package("pyspark", "pyspark", "Spark", "spark")
    parts: list[dict[str, str | None]] = []
    with _files.scratch(SurveyError) as place:
        if is_address(table):
            table = _local(str(table), place)
        if not isinstance(table, str | os.PathLike):
            found = formats.frame_table(table)
            if found is None:
                raise SurveyError(say("survey.file.no_frame", kind=type(table).__name__))
            called = "frame"
        elif glob:
            found, called = _many(Path(table), place, encoding, delimiter)
        elif files := _parquet_files(Path(table)):
            parts = [keys_of(each, Path(table)) for each in files]
            found, called = _united(files, place, keys=parts), Path(table).name
        else:
            found, called = _file(str(table), place, encoding, delimiter)
        called = name or called
        staged = stage(found, place / "rows.parquet")
        if found.refused and not lenient:
            raise failure(called, [problem for _, problem in found.refused])
        if not staged.fields:
            raise SurveyError(say("survey.table.no_header", source=called))
        yield Source(
            called,
            staged.path,
            staged.columns,
            staged.fields,
            staged.blank,
            found.numbers,
            {f"c{column}": dict(codes) for column, codes in found.codes.items()},
            decimal,
            staged.commas,
            tuple(found.refused),
            tuple(found.parts),
            engine or "duckdb",
            {f"c{column}": title for column, title in found.titles.items()},
            tuple(name for name in (parts[0] if parts else ()) if name in staged.columns),
        )


def _file(
    path: str, folder: Path, encoding: str | None, delimiter: str | None
) -> tuple[Table, str]:
    """Return the table of a file, and what messages call it."""
    place, chosen = _split(path)
    demand_file(place)
    name = place.name
    kind = kinds.kind_of(place, name, encoding)
    called = name if chosen is None else f"{name}::{chosen}"
    inner = name
    if kind in kinds.PACKED:
        place, inner = kinds.unpacked(place, name, kind, folder)
        kind = kinds.kind_of(place, inner, encoding)
        if kind in kinds.PACKED:
            raise SurveyError(say("survey.file.packed_twice", file=name))
    if chosen is not None and kind not in kinds.CHOOSING:
        raise SurveyError(say("survey.file.one_table", file=name, table=chosen))
    if kind == "csv":
        stated = "\t" if delimiter is None and inner.lower().endswith((".tsv", ".tab")) else None
        text = lines.as_utf8(place, name, encoding, folder)
        found = lines.described(text, name, delimiter or stated)
        return formats.csv_table(found, folder), called
    if kind == "parquet":
        return formats.parquet_table(place, name), called
    if kind == "duckdb":
        return formats.duckdb_table(place, name, chosen, folder), called
    if kind == "sqlite":
        return formats.sqlite_table(place, name, chosen), called
    if kind == "excel":
        return workbooks.excel_table(place, name, chosen), called
    return formats.statistics_table(place, inner, kind, encoding), called


def _local(address: str, folder: Path) -> str:
    """Copy what lies at an address, and return its path, with the table that was chosen of it."""
    place, mark, chosen = address.partition("::")
    own = folder / "fetched"
    own.mkdir()
    return f"{fetched(place, own, SurveyError)}{mark}{chosen}"


def _parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files of a folder; none where it is no folder."""
    try:
        return parquet_files(path) if path.is_dir() else []
    except (OSError, ValueError):  # told where the path is read as a file
        return []


def _many(
    path: Path, folder: Path, encoding: str | None, delimiter: str | None
) -> tuple[Table, str]:
    """Return the files of a folder, or that a pattern fits, as one table."""
    pattern = path / "*" if path.is_dir() else path
    found = sorted(each for each in _matching(pattern) if not each.name.startswith("."))
    if not found:
        raise SurveyError(say("survey.file.no_match", path=str(path)))
    return _united(found, folder, encoding, delimiter), path.name


def _united(
    found: Sequence[Path],
    folder: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    keys: Sequence[Mapping[str, str | None]] = (),
) -> Table:
    """Return files as one table, each with what is said of all of its rows."""
    tables = []
    for place, each in enumerate(found):
        own = folder / f"file{place}"
        own.mkdir()
        table = _file(str(each), own, encoding, delimiter)[0]
        tables.append(with_keys(table, keys[place]) if keys else table)
    first = [spell(name) for name in tables[0].columns]
    for each, table in zip(found, tables, strict=True):
        if [spell(name) for name in table.columns] != first:
            told = {"first": found[0].name, "file": each.name}
            raise SurveyError(say("survey.file.other_header", **told))
    refused: list[tuple[int, Said]] = []
    parts: list[tuple[int, str]] = []

    def batches() -> Iterator[Sequence[pa.Array]]:
        done = 0
        for each, table in zip(found, tables, strict=True):
            parts.append((done, each.name))
            for batch in table.batches:
                done += len(batch[0]) if batch else 0
                yield batch
            refused.extend(table.refused)

    def numbers() -> Iterator[int]:
        sizes = [end - start for (start, _), (end, _) in pairwise(parts)]
        for size, table in zip_longest(sizes, tables):  # of the last file, as many as there are
            yield from islice(table.numbers(), size)

    codes = tables[0].codes if all(each.codes == tables[0].codes for each in tables) else {}
    return Table(tables[0].columns, batches(), numbers, codes, refused, parts)


def _matching(pattern: Path) -> Iterator[Path]:
    """Yield the files that a pattern fits."""
    fixed = Path(pattern.anchor)
    parts = list(pattern.parts[1:] if pattern.anchor else pattern.parts)
    while parts and not any(mark in parts[0] for mark in _PATTERN):
        fixed /= parts.pop(0)
    if parts:
        yield from (each for each in fixed.glob("/".join(parts)) if each.is_file())
    elif fixed.is_file():
        yield fixed


def _split(path: str) -> tuple[Path, str | None]:
    """Return the file of a path, and the table chosen of it, if any."""
    file, mark, chosen = path.partition("::")
    return (Path(path), None) if not mark or Path(path).is_file() else (Path(file), chosen)


def path_of(table: object) -> Path | None:
    """Return the file that a table is read from, None where it is a frame."""
    return _split(str(table))[0] if isinstance(table, str | os.PathLike) else None


def demand_file(path: Path) -> None:
    """Refuse a path that is no file, or a file that is empty.

    Raises
    ------
    SurveyError
    """
    _files.demand_file(path, SurveyError)
    if path.stat().st_size == 0:
        raise SurveyError(say("survey.file.empty", file=path.name))


def parquet_of(connection: Any, path: Path) -> ibis.Table:
    """Return a Parquet file as a table of an engine that Ibis is connected to."""
    if connection.name == "duckdb":
        return connection.read_parquet(formats.literal(path), hive_partitioning=False)
    return connection.read_parquet(str(path))


@contextmanager
def connected(engine: str, folder: Path) -> Iterator[Any]:
    """Connect Ibis to an engine, until the block ends.

    Parameters
    ----------
    engine : {"duckdb", "spark"}
    folder : Path
        Where DuckDB goes on beyond its memory.
    """
    import ibis

    if engine == "duckdb":
        connection = ibis.duckdb.connect(temp_directory=str(folder), memory_limit=_MEMORY)
        try:
            # DuckDB takes a Parquet file's least and largest value for a proof that nothing is NaN.
            connection.con.execute("SET disabled_optimizers = 'statistics_propagation'")
            yield connection
        finally:
            connection.disconnect()
        return
    with spark_session() as session:
        yield ibis.pyspark.connect(session)
