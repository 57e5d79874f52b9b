"""Tables that pandas holds: read from a file, one row kept for each person, and encoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.branching import NotAsked, asked, columns_of, gate_of, unticked
from backrisk.survey.census import Distinct
from backrisk.survey.checks import TEXT
from backrisk.survey.lines import read_header, split_records
from backrisk.survey.problems import failure
from backrisk.survey.schema import Column, Contents, Derived
from backrisk.survey.spelling import spell
from backrisk.words import Said, say


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file, with each record's position from 1 as the index.

    Raises
    ------
    SurveyError
    """
    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise SurveyError(say("survey.file.needs_pyarrow", file=path.name)) from error
    except (OSError, ValueError) as error:
        raise SurveyError(say("survey.file.not_kind", file=path.name, kind="Parquet")) from error
    return frame.set_axis(range(1, len(frame) + 1))


def read_csv(path: Path) -> pd.DataFrame:
    """Read all cells as text, with each record's first line of the file as the index.

    Raises
    ------
    SurveyError
    """
    header = read_header(path)
    refused: list[tuple[int, Said]] = []
    records = list(split_records(path, refused))
    if refused:
        raise failure(path.name, [problem for _, problem in refused])
    lines = pd.Index([line for line, _ in records], dtype=np.int64)
    return pd.DataFrame([row for _, row in records], columns=header, index=lines, dtype=object)


def distinct_rows(frame: pd.DataFrame) -> Distinct:
    """Return a function from columns to their distinct rows, with how often each occurs."""

    def distinct(names: tuple[str, ...]) -> Iterator[tuple[tuple[object, ...], int]]:
        rows = zip(*(map(spell, frame[name]) for name in names), strict=True)
        yield from Counter(rows).items()

    return distinct


def in_time(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Read cells as numbers, or as dates where none is a number; what cannot be read is missing."""
    when: pd.Series[Any] = pd.to_numeric(cells, errors="coerce")
    if when.isna().all():
        when = pd.to_datetime(cells, errors="coerce", format="mixed")
    return when


def one_row_each(frame: pd.DataFrame, codebook: Contents) -> pd.DataFrame:
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


def encode_measure(
    frame: pd.DataFrame,
    name: str,
    spec: Column | Derived,
    codebook: Contents,
    states: tuple[str, ...],
) -> NDArray[np.int8]:
    """Return the codes of one measure, found once for each distinct row of its inputs.

    Parameters
    ----------
    frame : pandas.DataFrame
        Whose cells are all accepted.
    name : str
    spec : Column or Derived
    codebook : Contents
    states : tuple of str
        Of the node that the measure fills.

    Returns
    -------
    ndarray of int8, shape (rows,)
        -1 where the answer is missing.
    """
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


def put_not_asked(
    frame: pd.DataFrame, book: Contents, graph: CausalGraph, codes: NDArray[np.int8]
) -> NotAsked:
    """Put in what follows for people who were not asked.

    Parameters
    ----------
    frame : pandas.DataFrame
    book : Contents
    graph : CausalGraph
        Extended by the codebook's items.
    codes : ndarray of int8, shape (rows, nodes)
        Changed in place.

    Returns
    -------
    NotAsked
    """
    gates, packed = [], codes.astype(np.int16)
    for name, spec in book.measures.items():
        node = graph.names.index(book.node_of(name))
        gate = gate_of(name, spec, node, graph.nodes[node].states)
        columns = [column for column in columns_of(book, name) if column in frame]
        if gate is None or not columns:
            continue
        rows = list(zip(*(frame[column] for column in columns), strict=True))
        found = {
            raw: asked(book, name, dict(zip(columns, raw, strict=True))) is False
            for raw in dict.fromkeys(rows)
        }
        off = np.array([found[raw] for raw in rows])
        own = packed[:, node].copy()
        if name in frame:
            own[[unticked(name, cell) for cell in frame[name]]] = -1
        instead = np.where(own < 0, gate.states, own + gate.states + 1)
        packed[:, node] = np.where(off, instead, packed[:, node])
        codes[:, node] = gate.settled(packed[:, node])
        gates.append(gate)
    people = np.ones(len(frame), np.int64)
    return NotAsked.of(gates, packed, people, graph.names)


def shares_of_people(cells: pd.Series[Any], missing: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the weight of each visit: one over the visits of its person.

    A visit without an identifier is a person of its own.
    """
    person = cells.map(lambda raw: TEXT.read(raw, missing))
    visits = person.map(person.value_counts())
    return np.asarray(1.0 / visits.fillna(1.0), np.float64)
