"""Surveys: answers of people as integer codes, read from a table and checked in full.

`read_survey` turns a table of any kind into a frozen `Survey` of integer codes (-1 is a missing
answer), or raises one `SurveyError` that lists every problem of the table. Large ones are reduced
to their distinct answer patterns by an engine; see `backrisk.survey.engine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from backrisk._arguments import checked, checked_class
from backrisk._files import scratch
from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import readers
from backrisk.survey.cautions import answer_cautions
from backrisk.survey.census import Census, Distinct, take_census
from backrisk.survey.codebook import Codebook, choose_codebook
from backrisk.survey.coder import Coder
from backrisk.survey.design import demand_design, design_cautions, site_cautions
from backrisk.survey.engine import Tabulated, demand_few_states, tabulate_source
from backrisk.survey.held import Held, held
from backrisk.survey.input_skips import input_cautions
from backrisk.survey.merging import apart, merged
from backrisk.survey.reducing import can_reduce, reduced
from backrisk.survey.selection import names_in, selected
from backrisk.survey.shown import shown_answers
from backrisk.words import Said, say

Frame = IntoFrame  # of pandas, Polars, Arrow and others


@checked_class()
@dataclass(frozen=True, eq=False, repr=False)
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
    blank_rows : int
        Rows of the table without any cell, which are left out.
    source : str
        The name of the file that was read; empty where it was a frame.
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
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, Survey
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
    blank_rows: int = 0
    source: str = ""
    not_asked: Mapping[str, int] = field(default_factory=dict)
    cautions: tuple[Said, ...] = ()
    census: Census = field(default_factory=Census)

    def __repr__(self) -> str:
        """Return the size, in a line; no answer."""
        return f"{type(self).__name__}({self.graph.name!r}, n={self.n})"

    def _repr_html_(self) -> str:
        """Return the size, what is answered least and most, and every caution; no person."""
        told = say("survey.shown.survey", n=f"{self.n:,}")
        return shown_answers(self.graph, told, self.answered, self.cautions)

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
        frame: Frame,
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
        frame : frame
            Of pandas, Polars, Arrow or another library that narwhals knows; one row a person.
            Problems name the row by a pandas index where that is integer and unique, else by its
            position, from 0 in pandas and from 1 elsewhere.
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
        >>> import pandas as pd
        >>> from backrisk import CausalGraph, Survey
        >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
        >>> frame = pd.DataFrame({"a": ["no", "yes"], "b": ["yes", None]})
        >>> Survey.from_frame(frame, graph).codes.tolist()
        [[0, 1], [1, -1]]
        """
        with readers.opened(frame, name=source) as opened:
            book = choose_codebook(codebook, opened.columns, graph)
            return _read(opened, graph, book, count=None, weight=weight, site=site)


@checked()
def read_survey(
    table: str | Path | Frame,
    graph: CausalGraph,
    codebook: Codebook | str | Path | None = None,
    *,
    engine: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    glob: bool = False,
    weight: str | None = None,
    site: str | None = None,
) -> Survey:
    r"""Read a survey from a file of any kind, a database, or a frame.

    Parameters
    ----------
    table : str, Path or frame
        Delimited text (``.csv``, ``.tsv``, ``.txt``), also as one file of ``.gz`` or ``.zip``;
        Parquet (``.parquet``, ``.pq``); a DuckDB (``.duckdb``, ``.ddb``) or SQLite (``.sqlite``,
        ``.sqlite3``, ``.db``) file; Excel or OpenDocument (``.xlsx``, ``.xls``, ``.ods``); SPSS
        (``.sav``), Stata (``.dta``) or SAS (``.sas7bdat``, ``.xpt``). A table of a database and a
        sheet of a workbook are chosen as ``file.xlsx::sheet``; a file with a single one needs no
        choice. A folder of Parquet files is one table, in which ``sex=female/`` in a path is a
        column. Any of these may lie at an address that fsspec speaks to, ``s3://bucket/people/``,
        with the extra ``remote`` and the store's own package. Or a frame of pandas, Polars, Arrow
        or another library that narwhals knows; the named levels of a pandas index are columns
        like any other. Or what an engine holds: a table of Ibis, whatever is behind it, or a Spark
        DataFrame. The engine counts it, and only its distinct cells and patterns of answers come
        back, unless the codebook keeps one row of each person or reads visits, which takes all
        rows in their order.
    graph : CausalGraph
    codebook : Codebook, str or Path, optional
        See `Survey.from_frame`.
    engine : {"duckdb", "spark", "pandas"}, optional
        Count the distinct answer patterns by an engine, through Ibis: memory grows with the
        patterns and not with the people. By default a table of up to 200,000 people keeps a row
        for each, and a larger one is counted by DuckDB. With ``"spark"`` a folder of Parquet files
        is read by Spark's own workers, and of an address it is Spark that must know the store.
        ``"pandas"`` keeps a row for each person whatever their number, and whoever holds them.
    encoding : str, optional
        Of a text file, ``"cp1252"``; by default what a byte order mark says, else UTF-8. Of an
        SPSS, Stata or SAS file, where the one that it names is wrong.
    delimiter : str, optional
        What separates the columns of a text file; by default what its first line says, or the one
        of comma, semicolon, tab and bar that fits all of its records.
    decimal : {".", ","}, optional
        What stands before the decimals of a number. By default a comma where a column of numbers
        shows that it does.
    glob : bool
        Read all files of a folder, or that fit a pattern, as one table; else a name is what it
        says, and no pattern.
    weight, site : str, optional
        The columns of sampling weights and of sites, by default as the codebook says: no column
        has a role because of its name.

    Returns
    -------
    Survey
        Of one row a person in the order of the table; where they were counted, of one row a
        pattern and site, sorted. Rows without any cell are left out; `Survey.blank_rows` counts
        them.

    Raises
    ------
    SurveyError
        Every problem of the table at once (of more than a thousand bad cells, the first
        thousand). A row is the line of a text file and the row of a sheet (the header is row 1);
        elsewhere the position of the record from 1, or of a frame as `Survey.from_frame` says. What
        an engine holds has no rows in order: each distinct cell is told with how many have it.

    See Also
    --------
    read_panel : People over time: a table of a row for each person and time.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from backrisk import CausalGraph, read_survey
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
    options = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal, "glob": glob}
    return read_by_header(
        table,
        graph,
        lambda columns: choose_codebook(codebook, columns, graph),
        engine=engine,
        weight=weight,
        site=site,
        **options,
    )


def read_by_header(
    table: str | Path | Frame,
    graph: CausalGraph,
    choose: Callable[[Sequence[str]], Codebook],
    *,
    engine: str | None = None,
    weight: str | None = None,
    site: str | None = None,
    **options: Any,
) -> Survey:
    """Read a survey by the codebook that its header decides on.

    Parameters
    ----------
    table, graph, engine, weight, site, **options
        As for `read_survey`.
    choose : callable
        From the names of the columns to the codebook.

    Returns
    -------
    Survey

    Raises
    ------
    SurveyError
        As for `read_survey`.
    """
    rows = engine == "pandas"  # what read small files by another path once, and kept their rows
    chosen = None if rows else engine
    with held(table, chosen) as there:
        if there is not None and not rows:
            book = choose(tuple(spell(name) or "" for name in there.table.columns))
            if can_reduce(book):
                decimal = options.get("decimal")
                return _counted(there, graph, book, decimal, weight=weight, site=site)
    with readers.opened(table, chosen, **options) as opened:
        count = False if rows else None if chosen is None else True
        book = choose(opened.columns)
        found = _read(opened, graph, book, count=count, weight=weight, site=site)
        return found if readers.path_of(table) is None else replace(found, source=opened.name)


def _counted(
    there: Held,
    graph: CausalGraph,
    book: Codebook,
    decimal: str | None,
    *,
    weight: str | None,
    site: str | None,
) -> Survey:
    """Check and encode a table that an engine holds, of which only distinct answers leave it."""
    columns = names_in(tuple(spell(name) or "" for name in there.table.columns), book, there.name)
    book = book.with_roles(columns, there.name, weight=weight, site=site)
    extended = book.extend(graph)
    demand_few_states(extended)
    with scratch(SurveyError) as folder:
        least = reduced(there, book, extended, decimal, folder)
        found = tabulate_source(least.source, book, extended)
        return _survey(
            replace(least.source, columns=columns),
            graph,
            book,
            replace(found, rows=least.rows, cautions=(*found.cautions, *least.cautions)),
            least.counts.distinct_rows,
            Coder(least.source, book),
        )


def _read(
    source: readers.Source,
    graph: CausalGraph,
    book: Codebook,
    *,
    count: bool | None,
    weight: str | None,
    site: str | None,
) -> Survey:
    """Check and encode an opened table."""
    chosen = selected(source, book)
    whole = replace(source, columns=chosen.columns)
    book = book.with_roles(chosen.columns, chosen.name, weight=weight, site=site)
    source = merged(chosen, book)
    found = tabulate_source(source, book, book.extend(graph), count=count)
    coder = Coder(source, book)
    told = apart(whole, chosen, book)
    return _survey(source, graph, book, found, coder.distinct_rows, coder, told)


def _survey(
    source: readers.Source,
    graph: CausalGraph,
    book: Codebook,
    found: Tabulated,
    distinct: Distinct,
    coder: Coder,
    told: Iterable[Said] = (),
) -> Survey:
    """Return a survey of what was tabulated, with what is to be said of it.

    Parameters
    ----------
    source : Source
        Of which the columns count.
    graph, book, found
    distinct : callable
        Of the whole table, for the census.
    coder : Coder
        Of the rows that were tabulated.
    told : iterable of str
        Further cautions.
    """
    extended = book.extend(graph)
    each = np.ones(len(found.codes), np.int64) if found.people is None else found.people
    demand_design(book, extended, found.codes, each, source.name)
    codes = book.with_responses(found.codes, extended, source.columns, found.not_asked.rows)
    census = take_census(book, source.columns, found.rows, distinct)
    cautions = (
        *answer_cautions(book, extended, codes, found.people, census),
        *input_cautions(coder),
        *found.not_asked.cautions(book),
        *design_cautions(book, extended, found.codes, each, found.site),
        *site_cautions(book, extended, found.sites),
        *found.cautions,
        *told,
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
        blank_rows=source.blank,
        not_asked=found.not_asked.people,
        cautions=cautions,
        census=census,
    )
