"""Surveys: answers of people as integer codes, read from a file and checked in full.

`read_survey` turns a CSV or Parquet file into a frozen `Survey` of integer codes (-1 is a missing
answer), or raises one `SurveyError` that lists every problem of the file. `tabulate` reduces a
survey to its distinct answer patterns: everything later depends on the number of people only
through these. Databases and big files are reduced to the same patterns by an engine, before
anything comes to Python; see `backrisk.tables`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import SurveyError, no_file
from backrisk.graph import CausalGraph
from backrisk.survey import readers
from backrisk.survey.checks import TEXT, chosen, complaint, demand_columns, header_problems, in_time
from backrisk.survey.codebook import Codebook, Column, Derived, failure, sentence

_BIG = 50_000_000  # bytes of a file that pandas still reads by default


@dataclass(frozen=True, eq=False)
class Survey:
    """Answers of people as integer codes; no names, no identifiers.

    A row is a person, or where `people` is given all people of one answer pattern and site.

    Parameters
    ----------
    graph : CausalGraph
        The graph, extended by the codebook's items.
    codes : ndarray of int8, shape (rows, nodes)
        State index in the order of ``graph.names``; -1 is missing.
    codebook : Codebook
    weights : ndarray of float, shape (rows,), optional
        The sum of the weights of the people of the row.
    site : ndarray of int, shape (rows,), optional
        Index into `sites`.
    sites : tuple of str
    people : ndarray of int, shape (rows,), optional
        How many people each row stands for; left out, each stands for one.
    squares : ndarray of float, shape (rows,), optional
        The sum of the squared weights of the people of the row; needed beside `people`, where
        there are weights, for the effective sample size.
    """

    graph: CausalGraph
    codes: NDArray[np.int8]
    codebook: Codebook
    weights: NDArray[np.float64] | None = None
    site: NDArray[np.intp] | None = None
    sites: tuple[str, ...] = ()
    people: NDArray[np.int64] | None = None
    squares: NDArray[np.float64] | None = None

    @property
    def n(self) -> int:
        """The number of people."""
        return len(self.codes) if self.people is None else int(self.people.sum())

    @property
    def answered(self) -> pd.Series[float]:
        """The share of people whose state is observed, by node."""
        shares = np.average(self.codes >= 0, axis=0, weights=self.people)
        return pd.Series(shares, index=list(self.graph.names), name="answered")

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        graph: CausalGraph,
        codebook: Codebook | str | Path | None = None,
        source: str = "frame",
    ) -> Survey:
        """Check and encode a table.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row a person. Problems name the row by its index where that is integer and
            unique (`read_survey` puts the line numbers there), else by its position from 0.
        graph : CausalGraph
        codebook : Codebook, str or Path, optional
            By default the packaged codebook with the graph's name where it knows at least as
            many columns as a plain table of nodes and labels would; else that plain reading.
        source : str
            What messages call the table.

        Returns
        -------
        Survey

        Raises
        ------
        SurveyError
            Every problem of the table at once, each with row, column, value and expectation.

        Examples
        --------
        >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
        >>> frame = pd.DataFrame({"a": ["no", "yes"], "b": ["yes", None]})
        >>> Survey.from_frame(frame, graph).codes.tolist()
        [[0, 1], [1, -1]]
        """
        frame = frame.set_axis([str(name).strip() for name in frame.columns], axis=1)
        codebook = chosen(codebook, list(frame.columns), graph)
        if frame.empty:
            raise SurveyError(f"{source} has no rows, expected a header and one row a person.")
        if not frame.index.is_unique or not pd.api.types.is_integer_dtype(frame.index):
            frame = frame.reset_index(drop=True)
        problems = header_problems(list(frame.columns), codebook, source)
        known = [name for name in codebook.known if list(frame.columns).count(name) == 1]
        problems += _cell_problems(frame[known], codebook, source)
        if problems:
            raise failure(source, problems)
        frame = _one_row_each(frame[known], codebook)

        extended = codebook.extend(graph)
        codes = np.full((len(frame), len(extended.names)), -1, dtype=np.int8)
        for name, spec in codebook.measures.items():
            place = extended.names.index(codebook.node_of(name))
            codes[:, place] = _encode(frame, name, spec, codebook, extended.nodes[place].states)
        if (codes < 0).all():
            raise SurveyError(f"{source} has no answers: all are missing in all {len(frame)} rows.")
        codes = codebook.with_responses(codes, extended, frame.columns)
        weights: NDArray[np.float64] | None = None
        site, sites = None, tuple[str, ...]()
        if codebook.weight in frame.columns:
            weights = np.asarray(frame[codebook.weight].astype(float), np.float64)
            if not weights.sum() > 0:
                raise SurveyError(f"{source}, column '{codebook.weight}': no weight is above 0.")
        if codebook.site in frame.columns:
            site, labels = pd.factorize(frame[codebook.site].astype(str).str.strip(), sort=True)
            sites = tuple(map(str, labels))
        return cls(extended, codes, codebook, weights, site, sites)


def read_survey(
    path: str | Path,
    graph: CausalGraph,
    codebook: Codebook | str | Path | None = None,
    *,
    engine: str | None = None,
) -> Survey:
    """Read a survey from a CSV or Parquet file, or from a table of a DuckDB or SQLite file.

    Parameters
    ----------
    path : str or Path
        ``.parquet`` or ``.pq`` is read as Parquet, ``.duckdb`` or ``.ddb`` as DuckDB, ``.sqlite``,
        ``.sqlite3`` or ``.db`` as SQLite, anything else as UTF-8 CSV with commas. A table of a
        database is chosen as ``file.duckdb::table``; a file with one table needs no choice.
    graph : CausalGraph
    codebook : Codebook, str or Path, optional
        See `Survey.from_frame`.
    engine : {"pandas", "duckdb", "spark"}, optional
        What reads the table. pandas keeps a row for each person. The others, through Ibis, count
        the distinct answer patterns, check the same and give the same codes; memory grows with
        the patterns (and with the distinct free texts, where the codebook reads any) and not with
        the people. By default pandas for CSV and Parquet files up to 50 MB, else DuckDB.

    Returns
    -------
    Survey
        Of one row a person from pandas, else of one row a pattern and site, sorted.

    Raises
    ------
    SurveyError
        Every problem of the file at once (of more than a thousand bad cells, through Ibis, the
        first thousand). A row is the line of the file (the header is line 1); in Parquet and
        databases, the position of the record from 1.
    """
    file = Path(str(path).partition("::")[0])
    if engine is None:
        big = file.is_file() and file.stat().st_size > _BIG
        engine = "duckdb" if big or readers.is_database(path) else "pandas"
    if engine != "pandas":
        return _count(path, graph, codebook, engine)
    if readers.is_database(path):
        raise SurveyError(f"{file.name} is a database, which pandas does not read; use duckdb.")
    path = Path(path)
    if not path.is_file():
        raise SurveyError(no_file(path))
    if path.stat().st_size == 0:
        raise SurveyError(f"{path.name} is empty, expected a header and one row a person.")
    frame = _read_parquet(path) if path.suffix.lower() in readers.PARQUET else _read_csv(path)
    return Survey.from_frame(frame, graph, codebook, source=path.name)


def _count(
    path: str | Path, graph: CausalGraph, codebook: Codebook | str | Path | None, engine: str
) -> Survey:
    """Let an engine reduce a table to its patterns."""
    with readers.opened(path, engine) as source:
        from backrisk.survey.engine import tabulate_source

        book = chosen(codebook, source.columns, graph)
        extended = book.extend(graph)
        found = tabulate_source(source, book, extended)
        codes = book.with_responses(found.codes, extended, source.columns)
    return Survey(
        graph=extended,
        codes=codes,
        codebook=book,
        weights=found.weights,
        site=found.site,
        sites=found.sites,
        people=found.people,
        squares=found.squares,
    )


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise SurveyError(f"{path.name}: reading Parquet needs the package pyarrow.") from error
    except (OSError, ValueError) as error:
        raise SurveyError(f"{path.name} is not a Parquet file that can be read.") from error
    return frame.set_axis(range(1, len(frame) + 1))


def _read_csv(path: Path) -> pd.DataFrame:
    """Read all cells as text, with each record's first line of the file as the index."""
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: list[str] = []
    with readers.told(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = next(reader, [])
        demand_columns(header, path.name)
        before = reader.line_num
        for row in reader:
            line, before = before + 1, reader.line_num
            if row and len(row) != len(header):
                ragged.append(
                    f"{path.name}, row {line}: {len(row)} values, expected {len(header)}."
                )
            elif row:
                rows.append(row)
                lines.append(line)
    if ragged:
        raise failure(path.name, ragged)
    return pd.DataFrame(rows, columns=header, index=pd.Index(lines, dtype=np.int64), dtype=object)


def _cell_problems(frame: pd.DataFrame, codebook: Codebook, source: str) -> list[str]:
    """Check every cell with pandera, lazily, and word the failures."""
    import pandera.pandas as pa  # half a second: only where a table is read

    def check(name: str) -> Any:
        def valid(column: pd.Series[Any]) -> pd.Series[bool]:
            codes, distinct = pd.factorize(column, use_na_sentinel=False)
            good = np.array([complaint(name, raw, codebook) is None for raw in distinct], bool)
            return pd.Series(good[codes], index=column.index)

        return pa.Column(None, pa.Check(valid, ignore_na=False), nullable=True)

    order = {str(name): place for place, name in enumerate(frame.columns)}
    if not order:
        return []
    try:
        pa.DataFrameSchema({name: check(name) for name in order}).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        found = set(zip(cases["index"].astype(int), cases["column"], strict=True))
        problems = []
        for row, name in sorted(found, key=lambda cell: (cell[0], order[cell[1]])):
            raw: Any = frame.at[row, name]
            wanted = complaint(name, raw, codebook)
            problems.append(
                sentence(f"{source}, row {row}, column '{name}': value '{raw}', expected {wanted}")
            )
        return problems
    return []


def _one_row_each(frame: pd.DataFrame, codebook: Codebook) -> pd.DataFrame:
    """Keep the row that stands for each person, in the order of the file."""
    rule = codebook.one_row_per
    if rule is None or rule.column not in frame.columns:
        return frame
    ordered = frame
    if rule.by in frame.columns:  # what cannot be read sorts last
        when = in_time(frame[rule.by])
        ordered = frame.loc[when.sort_values(kind="stable").index]
    person = ordered[rule.column].map(lambda raw: TEXT.read(raw, codebook.missing))
    repeated = person.duplicated(keep=rule.keep) & person.notna()
    return frame.loc[frame.index.isin(ordered.index[~repeated])]


def _encode(
    frame: pd.DataFrame,
    name: str,
    spec: Column | Derived,
    codebook: Codebook,
    states: tuple[str, ...],
) -> NDArray[np.int8]:
    """Return the codes of one measure, found once for each distinct row of its inputs."""
    inputs = [c for c in (spec.from_ if isinstance(spec, Derived) else (name,)) if c in frame]
    if not inputs:
        return np.full(len(frame), -1, dtype=np.int8)

    def code(raw: tuple[object, ...]) -> int:
        values = {
            column: codebook.columns[column].read(cell, codebook.missing)
            for column, cell in zip(inputs, raw, strict=True)
        }
        state = spec.state(spec.value(values) if isinstance(spec, Derived) else values[name])
        return -1 if state is None else states.index(state)

    rows = list(zip(*(frame[column] for column in inputs), strict=True))
    codes = {raw: code(raw) for raw in set(rows)}
    return np.fromiter((codes[raw] for raw in rows), dtype=np.int8, count=len(rows))


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct rows of a survey.

    Parameters
    ----------
    codes : ndarray of int8, shape (patterns, nodes)
    weights : ndarray of float, shape (patterns,)
        Number of people, or their total weight.
    index : ndarray of int, shape (rows,)
        The pattern of each row of the survey.
    site : ndarray of int, shape (patterns,), optional
        People of different sites are never one pattern.
    people : ndarray of int, shape (patterns,)
        Number of people.
    squares : ndarray of float, shape (patterns,)
        Sum of the squared weights of the people: the effective sample size of all is
        ``weights.sum() ** 2 / squares.sum()``.
    """

    codes: NDArray[np.int8]
    weights: NDArray[np.float64]
    index: NDArray[np.intp]
    site: NDArray[np.intp] | None
    people: NDArray[np.int64]
    squares: NDArray[np.float64]


def tabulate(survey: Survey) -> Patterns:
    """Reduce a survey to its distinct answer patterns.

    Parameters
    ----------
    survey : Survey
        Without weights, each person counts as one.

    Returns
    -------
    Patterns

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"a": ["no", "yes", "no"], "b": ["no", "", "no"]})
    >>> patterns = tabulate(Survey.from_frame(frame, graph))
    >>> patterns.codes.tolist(), patterns.weights.tolist()
    ([[0, 0], [1, -1]], [2.0, 1.0])
    """
    rows: NDArray[Any] = survey.codes
    if survey.site is not None:
        rows = np.column_stack([survey.site, rows])
    unique, index = np.unique(rows, axis=0, return_inverse=True)
    index = index.ravel()
    codes, site = (unique, None) if survey.site is None else (unique[:, 1:], unique[:, 0])
    each = np.ones(len(rows), np.int64) if survey.people is None else survey.people
    weights = each.astype(np.float64) if survey.weights is None else survey.weights
    squares = weights**2 if survey.people is None else survey.squares
    if survey.weights is None or squares is None:  # without weights each person weighs one
        squares = weights
    return Patterns(
        codes=np.ascontiguousarray(codes, dtype=np.int8),
        weights=np.bincount(index, weights, len(unique)),
        index=index,
        site=None if site is None else site.astype(np.intp),
        people=np.bincount(index, each, len(unique)).astype(np.int64),
        squares=np.bincount(index, squares, len(unique)),
    )
