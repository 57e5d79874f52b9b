"""Surveys: answers of people as integer codes, read from a file and checked in full.

`read_survey` turns a CSV or Parquet file into a frozen `Survey` of integer codes (-1 is a missing
answer), or raises one `SurveyError` that lists every problem of the file. Databases and big files
are reduced to their distinct answer patterns by an engine, before anything comes to Python; see
`backrisk.survey.engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._arguments import checked, checked_class
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import frames, readers
from backrisk.survey.cautions import answer_cautions
from backrisk.survey.census import Census, take_census
from backrisk.survey.checks import frame_problems, header_problems
from backrisk.survey.codebook import Codebook, choose_codebook
from backrisk.survey.design import (
    demand_design,
    design_cautions,
    like_identifiers,
    repeated_identifiers,
)
from backrisk.survey.problems import failure
from backrisk.words import Said, say

_BIG = 50_000_000  # bytes of a file that pandas still reads by default


@checked_class()
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
    not_asked : mapping of str to int
        How many people were not asked, by node: those for whom the codebook's ``asked_if`` does
        not hold. Where it says which state follows they count as observed, else as unobserved.
    cautions : tuple of str
        What bears on every answer that is drawn from the survey, though nothing is wrong: rules
        that can never match, impossible values, questions that seem to have been skipped or were
        answered by people who were not asked, signs of a design that nobody stated. A fit repeats
        them.
    census : Census
        How often each label stands in the table.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"a": ["no", "yes"], "b": ["yes", None], "w": [1.5, 0.5]})
    >>> survey = Survey.from_frame(frame, graph, weight="w")
    >>> survey.n, survey.codes.tolist(), survey.weights.tolist()
    (2, [[0, 1], [1, -1]], [1.5, 0.5])
    >>> survey.answered.to_dict()
    {'a': 1.0, 'b': 0.5}
    """

    graph: CausalGraph
    codes: NDArray[np.int8]
    codebook: Codebook
    weights: NDArray[np.float64] | None = None
    site: NDArray[np.intp] | None = None
    sites: tuple[str, ...] = ()
    people: NDArray[np.int64] | None = None
    squares: NDArray[np.float64] | None = None
    not_asked: Mapping[str, int] = field(default_factory=dict)
    cautions: tuple[Said, ...] = ()
    census: Census = field(default_factory=Census)

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
    @checked()
    def from_frame(
        cls,
        frame: pd.DataFrame,
        graph: CausalGraph,
        codebook: Codebook | str | Path | None = None,
        source: str = "frame",
        *,
        weight: str | None = None,
        site: str | None = None,
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
        weight, site : str, optional
            The columns of sampling weights and of sites, by default as the codebook says.

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
        book = choose_codebook(codebook, list(frame.columns), graph)
        book = book.with_roles(frame.columns, source, weight=weight, site=site)
        if frame.empty:
            raise SurveyError(say("survey.table.no_rows", source=source))
        if not frame.index.is_unique or not pd.api.types.is_integer_dtype(frame.index):
            frame = frame.reset_index(drop=True)
        problems = header_problems(list(frame.columns), book, source)
        known = [name for name in book.known if list(frame.columns).count(name) == 1]
        problems += [cell.sentence(source) for cell in frame_problems(frame[known], book)]
        if problems:
            raise failure(source, problems)
        census = take_census(book, frame.columns, len(frame), frames.distinct_rows(frame))
        frame = frames.one_row_each(frame[known], book)

        extended = book.extend(graph)
        codes = np.full((len(frame), len(extended.names)), -1, dtype=np.int8)
        for name, spec in book.measures.items():
            place = extended.names.index(book.node_of(name))
            states = extended.nodes[place].states
            codes[:, place] = frames.encode_measure(frame, name, spec, book, states)
        not_asked = frames.put_not_asked(frame, book, extended, codes)
        if (codes < 0).all():
            raise SurveyError(say("survey.table.no_answers", source=source, rows=len(frame)))
        codes = book.with_responses(codes, extended, frame.columns, not_asked.rows)
        weights: NDArray[np.float64] | None = None
        places, sites = None, tuple[str, ...]()
        if book.weight in frame.columns:
            weights = np.asarray(frame[book.weight].astype(float), np.float64)
            if not weights.sum() > 0:
                raise SurveyError(say("survey.table.no_weight", source=source, column=book.weight))
        if book.site in frame.columns:
            places, labels = pd.factorize(frame[book.site].astype(str).str.strip(), sort=True)
            sites = tuple(map(str, labels))
        squares = None
        if book.design is not None and book.design.person in frame.columns:
            weights = frames.shares_of_people(frame[book.design.person], book.missing)
            squares = weights  # the visits of one person tell no more than one
        each = np.ones(len(codes), np.int64)
        demand_design(book, extended, codes, each, source)
        told = [
            repeated_identifiers(name, frame[name].nunique(), frame[name].count())
            for name in like_identifiers(book, frame.columns)
        ]
        return cls(
            extended,
            codes,
            book,
            weights,
            places,
            sites,
            squares=squares,
            not_asked=not_asked.people,
            cautions=(
                *answer_cautions(book, extended, codes, None, census),
                *not_asked.cautions(book),
                *design_cautions(book, extended, codes, each, places),
                *(each for each in told if each is not None),
            ),
            census=census,
        )


@checked()
def read_survey(
    path: str | Path,
    graph: CausalGraph,
    codebook: Codebook | str | Path | None = None,
    *,
    engine: str | None = None,
    weight: str | None = None,
    site: str | None = None,
) -> Survey:
    r"""Read a survey from a CSV or Parquet file, or from a table of a DuckDB or SQLite file.

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
    weight, site : str, optional
        The columns of sampling weights and of sites, by default as the codebook says: no column
        has a role because of its name.

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

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "answers.csv"
    >>> _ = path.write_text("a,b\nno,yes\nyes,\nyes,maybe\n")
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> read_survey(path, graph)
    Traceback (most recent call last):
    backrisk.errors.SurveyError: answers.csv, row 4, column 'b': value 'maybe', expected one of ...
    >>> _ = path.write_text("a,b\nno,yes\nyes,\nyes,no\n")
    >>> read_survey(path, graph).codes.tolist()
    [[0, 1], [1, -1], [1, 0]]
    """
    file = Path(str(path).partition("::")[0])
    if engine is None:
        big = file.is_file() and file.stat().st_size > _BIG
        engine = "duckdb" if big or readers.needs_engine(path) else "pandas"
    if engine != "pandas":
        return _count(path, graph, codebook, engine, weight, site)
    if readers.needs_engine(path):
        raise SurveyError(say("survey.file.database", file=file.name))
    path = Path(path)
    readers.demand_file(path)
    parquet = path.suffix.lower() in readers.PARQUET
    frame = frames.read_parquet(path) if parquet else frames.read_csv(path)
    return Survey.from_frame(frame, graph, codebook, path.name, weight=weight, site=site)


def _count(
    path: str | Path,
    graph: CausalGraph,
    codebook: Codebook | str | Path | None,
    engine: str,
    weight: str | None,
    site: str | None,
) -> Survey:
    """Let an engine reduce a table to its patterns."""
    with readers.opened(path, engine) as source:
        from backrisk.survey.engine import tabulate_source  # needs Ibis, which may not be there

        book = choose_codebook(codebook, source.columns, graph)
        book = book.with_roles(source.columns, source.name, weight=weight, site=site)
        extended = book.extend(graph)
        found = tabulate_source(source, book, extended)
        codes = book.with_responses(found.codes, extended, source.columns, found.not_asked.rows)
        demand_design(book, extended, found.codes, found.people, source.name)
        rows = int(source.table.count().to_pyarrow().as_py())
        census = take_census(book, source.columns, rows, readers.distinct_rows(source))
        cautions = (
            *answer_cautions(book, extended, codes, found.people, census),
            *found.not_asked.cautions(book),
            *design_cautions(book, extended, found.codes, found.people, found.site),
            *found.cautions,
        )
    return Survey(
        graph=extended,
        codes=codes,
        codebook=book,
        weights=found.weights,
        site=found.site,
        sites=found.sites,
        people=found.people,
        squares=found.squares,
        not_asked=found.not_asked.people,
        cautions=cautions,
        census=census,
    )
