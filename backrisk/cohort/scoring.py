"""Cohorts: every person of a table scored, the distinct ones computed once.

The rows become codes, as for a fit; an engine (DuckDB, Spark) reduces them to distinct profiles of
answers; each profile is answered once; the engine joins the answers back to the rows, one block at
a time, so that no more than a block is ever sorted or held in memory.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backrisk._files import demand_place, write
from backrisk.cohort.profiles import Questions, answer, arrow_fields, flag
from backrisk.cohort.progress import Stages, shown
from backrisk.cohort.reading import codebook_for
from backrisk.cohort.writing import demand_kind, demand_texts, placed
from backrisk.errors import QueryError, SurveyError
from backrisk.inference import get_ready
from backrisk.posterior import Posterior
from backrisk.queries import read_names
from backrisk.survey import (
    ROW,
    Codebook,
    Frame,
    Source,
    batches,
    encode_table,
    header_problems,
    opened,
    parquet_of,
    selected,
)
from backrisk.words import neutral, say, suggest
from backrisk.words.phrases import whole

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from backrisk.survey import Coded

LISTED = 10_000  # refused cells that the file of problems lists
_PROFILES = 16_384  # answered and written in one go
_MANY = 100  # distinct profiles from which on compiled loops are worth importing
_ROWS = 30_720  # joined and written in one go; DuckDB's files have four times as many in a group
_ANSWERS = "answers.parquet"
_HEADER = ["row", "column", "value", "problem"]  # of the file of problems


class NoRows(SurveyError):
    """A table has no row to score."""


@dataclass(frozen=True)
class Scored:
    """What became of a cohort.

    Parameters
    ----------
    out : Path or str
        A file, a folder, or an address.
    people : int
        Rows scored: all but those without any cell.
    profiles : int, optional
        Distinct profiles of answers among them; None where a cluster scored its parts.
    draws : int
        Posterior draws that every answer rests on.
    problems : int
        Unknown or repeated columns, records that are no row, cells that were refused.
    listed : Path or str, optional
        The file that lists them; None where there are none.
    warnings : tuple of str
        Those of the fit.
    blank_rows : int
        Rows of the table without any cell, which are left out.
    notes : tuple of str
        How the rows were read: where a model over time takes each row for a person, or people's
        answers of what is constant differ between visits. Where Spark's workers scored, that there
        is no list of problems.
    """

    out: Path | str
    people: int
    profiles: int | None
    draws: int
    problems: int
    listed: Path | str | None
    warnings: tuple[str, ...] = ()
    blank_rows: int = 0
    notes: tuple[str, ...] = ()


def score_table(
    posterior: Posterior,
    source: str | Path | Frame,
    out: Path,
    *,
    ids: str | Sequence[str] = (),
    target: str | None = None,
    shares: bool = False,
    causes: str | Sequence[str] | None = None,
    level: str = "proximal",
    actions: str | Sequence[str] | None = None,
    coupling: str = "monotone",
    draws: int | None = None,
    engine: str = "duckdb",
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    glob: bool = False,
    quote: bool = False,
    progress: bool = False,
    partition_by: Sequence[str] | None = None,
) -> Scored:
    """Score every person of a table on this machine, into a file or a folder of it.

    Parameters
    ----------
    out : Path
        With the ending of a file; without one, a folder.
    partition_by : sequence of str, optional
        By default those of the source.
    posterior, source, ids, target, shares, causes, level, actions, coupling, draws, engine
        As for `backrisk.score`, as are all others.

    Raises
    ------
    SurveyError, QueryError
        As `backrisk.score`.
    """
    ids = read_names(ids, "ids")
    thin = posterior if draws is None else posterior.subset(positive(draws))
    asked = Questions.of(
        thin, target, causes, level, actions, coupling, shares=shares or causes is not None
    )
    path = out
    demand_kind(path, partition_by, folders=True)
    listed = problems_of(path)
    demand_place(listed, QueryError, (source,))
    _demand_list(listed)
    options = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal, "glob": glob}
    with (
        placed(path, (source,), thin, quote=quote) as sink,
        opened(source, engine, lenient=True, **options) as found,  # type: ignore[arg-type]
        shown(progress) as stages,
    ):
        book = _codebook(posterior, found)
        table = selected(found, book, demand=False)
        parts = table.keys if partition_by is None and not path.suffix else partition_by or ()
        kept = tuple(dict.fromkeys([*ids, *(each for each in parts if each not in asked.columns)]))
        demand_columns(table.columns, table.name, book, ids, kept, asked.columns)
        demand_texts(parts, asked.columns)
        fields = {name: table.fields[table.columns.index(name)] for name in kept}
        coded = encode_table(table, book, posterior.graph, tuple(fields.values()), LISTED)
        if not coded.rows:
            raise NoRows(say("cohort.no_rows", table=table.name))
        with coded.table(table.engine) as rows:
            profiles = _answer(thin, asked, coded, rows, stages)
            answers = parquet_of(rows.get_backend(), coded.path.with_name(_ANSWERS))
            joined = _joined(coded, rows, fields, asked, answers)
            told = stages("writing", coded.rows)
            sink.write_all(_numbered(joined, table, told), parts)
        count, problems = _problems(table, coded, book, kept)
        if count:  # before the result takes its place: it is not there without its problems
            _list(listed, problems, source, quote=quote)
    if not count:
        listed.unlink(missing_ok=True)  # of an earlier run
    warnings = posterior.warnings_about()
    return Scored(
        path,
        coded.rows,
        profiles,
        thin.draws,
        count,
        listed if count else None,
        warnings,
        table.blank,
    )


def problems_of(out: Path) -> Path:
    """Return the file beside a scored cohort that lists its problems."""
    return out.with_suffix(".problems.csv")


def _demand_list(listed: Path) -> None:
    """Refuse to replace a file that is no list of problems."""
    if listed.is_file():
        start = ",".join(_HEADER).encode()
        with listed.open("rb") as file:
            found = file.read(2 * len(start)).replace(b'"', b"")
        if not found.startswith(start):
            raise QueryError(say("cohort.not_a_list", path=listed))


def _list(
    listed: Path, problems: Sequence[Sequence[object]], source: object, *, quote: bool
) -> None:
    """Write the list of problems."""
    lines = io.StringIO()
    writer = csv.writer(lines, quoting=csv.QUOTE_STRINGS if quote else csv.QUOTE_MINIMAL)
    writer.writerow(_HEADER)
    for line in problems:
        writer.writerow(
            neutral(cell) if isinstance(cell, str) and not quote else cell for cell in line
        )
    write(listed, lines.getvalue().encode(errors="replace"), QueryError, (source,))


def positive(draws: int) -> int:
    """Return a number of draws.

    Raises
    ------
    QueryError
        If it is none.
    """
    if draws < 1:
        raise QueryError(say("cohort.draws", draws=draws))
    return draws


def _codebook(posterior: Posterior, table: Source) -> Codebook:
    """Return what reads a table whose rows are scored each for itself."""
    best = codebook_for(posterior, table.columns)
    unused = [name for name in (best.site, best.weight) if name]
    if best.one_row_per is not None:
        unused += [name for name in (best.one_row_per.column, best.one_row_per.by) if name]
    return best.model_copy(
        update={
            "site": None,
            "weight": None,
            "one_row_per": None,
            "ignore": best.ignoring(*(name for name in unused if name not in best.columns)).ignore,
        }
    )


def demand_columns(
    columns: Sequence[str],
    source: str,
    book: Codebook,
    ids: Sequence[str],
    kept: Sequence[str],
    answers: Mapping[str, str],
) -> None:
    """Refuse a table without a column to read, and columns that cannot be kept.

    Parameters
    ----------
    columns : sequence of str
        Of the table.
    source : str
        What messages call it.
    book : Codebook
    ids : sequence of str
        The columns that were asked for as identifiers.
    kept : sequence of str
        These, and those by which the result is in parts.
    answers : mapping of str to str
        The columns of the result.

    Raises
    ------
    SurveyError, QueryError
    """
    if not set(columns) & set(book.columns):
        raise SurveyError(say("cohort.no_column", table=source, codebook=book.name))
    for name in kept:
        count = columns.count(name)
        if not count:
            near = suggest(name, columns)
            raise QueryError(say("cohort.no_id", table=source, name=name, near=near))
        if count > 1:
            raise QueryError(say("cohort.many_ids", table=source, name=name, n=count))
        if name in (*answers, ROW):
            raise QueryError(say("cohort.id_is_taken", name=name))
        if ids.count(name) > 1:
            raise QueryError(say("cohort.id_twice", name=name))


def _problems(
    table: Source, coded: Coded, book: Codebook, ids: Sequence[str]
) -> tuple[int, list[tuple[int | str, str, str, str]]]:
    """Return the number of problems, and the lines that list them."""
    known = book.ignoring(*ids)
    header = header_problems(table.columns, known, table.name)
    lines: list[tuple[int | str, str, str, str]] = [("", "", "", words) for words in header]
    rows = [(line, "", "", words) for line, words in table.refused]
    rows += [(cell.row, cell.column, cell.value, cell.sentence(table.name)) for cell in coded.cells]
    lines += sorted(rows, key=lambda line: line[0])
    refused = sum(coded.refused.values())
    if more := refused - len(coded.cells):
        lines.append(("", "", "", say("cohort.more_cells", count=more, n=whole(more))))
    return len(header) + len(table.refused) + refused, lines


def _answer(
    posterior: Posterior, asked: Questions, coded: Coded, rows: ibis.Table, stages: Stages
) -> int:
    """Answer the distinct profiles and write what was found, a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = list(coded.words)
    fields = [pa.field(word, pa.int64()) for word in words] + arrow_fields(asked.columns)
    schema, count = pa.schema(fields), 0
    profiles = coded.path.with_name("profiles.parquet")
    keyed = pa.schema(fields[: len(words)])
    with pq.ParquetWriter(profiles, keyed) as writer:
        for batch in batches(rows.select(*words).distinct(), _PROFILES):
            writer.write_batch(batch.cast(keyed))
            count += len(batch)
    if count > _MANY:
        get_ready()
    tell = stages("answering", count)
    with (
        pq.ParquetFile(profiles) as distinct,
        pq.ParquetWriter(coded.path.with_name(_ANSWERS), schema) as writer,
    ):
        for batch in distinct.iter_batches(_PROFILES):
            keys = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            codes = coded.unpack(keys, len(posterior.graph.names))[:, :-1]
            found = dict(zip(words, keys, strict=True)) | answer(posterior, asked, codes, tell)
            writer.write_table(pa.table(found, schema=schema))
    return count


def _joined(
    coded: Coded,
    rows: ibis.Table,
    fields: Mapping[str, str],
    asked: Questions,
    answers: ibis.Table,
) -> Iterator[pa.RecordBatch]:
    """Yield every row with the answers of its profile, in the order of the source.

    The engine joins and sorts a block of rows at a time. They lie together in its file, of which
    it reads no more than it needs.
    """
    known = answers.rename({f"key_{word}": word for word in coded.words})
    last = int(rows[ROW].max().to_pyarrow().as_py())
    for start in range(0, last + 1, _ROWS):
        block = rows.filter(rows[ROW].between(start, start + _ROWS - 1))
        joined = block.inner_join(
            known, [block[word] == known[f"key_{word}"] for word in coded.words]
        )
        flags = joined["flags"]
        for name in reversed(list(coded.refused)):
            flags = joined[coded.bad[name]].ifelse(f"{flag('refused', column=name)}; ", "") + flags
        chosen = joined.select(
            ROW,
            **{name: joined[field] for name, field in fields.items()},
            **{name: joined[name] for name in asked.columns if name != "flags"},
            flags=flags,
        )
        yield from batches(chosen.order_by(ROW), _ROWS)


def _numbered(
    joined: Iterator[pa.RecordBatch], table: Source, tell: Callable[[int], None]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows, numbered as people count."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = enumerate(table.numbers())
    for batch in joined:
        records = batch.column(0).to_numpy()
        told = _numbers(numbers, records)
        flags = pc.replace_substring_regex(batch.column("flags"), "; $", "")
        whole = batch.set_column(0, ROW, pa.array(told, pa.int64()))
        yield whole.set_column(whole.num_columns - 1, "flags", flags)
        tell(len(batch))


def _numbers(numbers: Iterator[tuple[int, int]], records: Sequence[int]) -> list[int]:
    """Return what people call records, which come in order; blank ones are passed over."""
    return [next(number for at, number in numbers if at == record) for record in records]
