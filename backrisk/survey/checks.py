"""What the header and the cells of a survey must hold, however the table is read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from backrisk.errors import SurveyError, suggest
from backrisk.graph import CausalGraph
from backrisk.survey.codebook import Codebook, Column, load_codebook, packaged_codebooks, sentence

TEXT = Column(role="input", type="text")


def chosen(
    codebook: Codebook | str | Path | None, columns: Iterable[str], graph: CausalGraph
) -> Codebook:
    """Return the codebook to read these columns with, checked against the graph.

    Without a choice it is the packaged codebook with the graph's name, where that fits at least
    as well as the plain reading.
    """
    if isinstance(codebook, Codebook):
        return codebook.resolved(graph)
    if codebook is not None:
        return load_codebook(codebook, graph)
    plain = Codebook.plain(graph)
    if graph.name not in packaged_codebooks():
        return plain
    try:
        packaged = load_codebook(graph.name, graph)
    except SurveyError:  # a graph of the user's own that shares a packaged name
        return plain
    names = set(columns)
    return packaged if len(names & set(packaged.known)) >= len(names & set(plain.known)) else plain


def demand_columns(header: Sequence[str], source: str) -> None:
    """Refuse a first line that tells no columns, or one that another mark than the comma parts.

    Raises
    ------
    SurveyError
    """
    if not header:
        raise SurveyError(f"{source} has no header in its first line.")
    for mark, marks in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            raise SurveyError(f"{source} separates its columns by {marks}, expected commas.")


def header_problems(names: Sequence[str], codebook: Codebook, source: str) -> list[str]:
    """Return what is wrong with the names of a table's columns."""
    problems = [
        sentence(
            f"{source}, column '{name}': unknown, expected a column of codebook "
            f"'{codebook.name}'{suggest(name, codebook.known)}"
        )
        for name in dict.fromkeys(names)
        if name not in codebook.known
    ]
    for name, count in Counter(names).items():
        if count > 1:
            problems.append(f"{source}, column '{name}': occurs {count} times, expected once.")
    if not set(names) & set(codebook.columns):
        problems.append(f"{source} has no column of codebook '{codebook.name}'.")
    return problems


def complaint(name: str, raw: object, codebook: Codebook) -> str | None:
    """Return what was expected of a cell, None where the cell is as expected."""
    try:
        if name in codebook.columns:
            codebook.columns[name].read(raw, codebook.missing)
        elif name == codebook.site and TEXT.read(raw, codebook.missing) is None:
            return "the name of a site"
        elif name == codebook.weight and not 0 <= float(str(raw)) < math.inf:
            return "a weight, a finite number not below 0"
    except ValueError as error:
        return str(error) if name in codebook.columns else "a weight, a finite number not below 0"
    return None


def in_time(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Read cells as numbers, or as dates where none is a number; what cannot be read is missing."""
    when: pd.Series[Any] = pd.to_numeric(cells, errors="coerce")
    if when.isna().all():
        when = pd.to_datetime(cells, errors="coerce", format="mixed")
    return when
