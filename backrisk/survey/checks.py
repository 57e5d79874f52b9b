"""What is wrong with the header and the cells of a table, whichever engine reads it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backrisk.errors import SurveyError
from backrisk.survey import design
from backrisk.survey.branching import columns_of
from backrisk.survey.schema import Column, Contents
from backrisk.survey.site_names import AVERAGE, NEW, reserved
from backrisk.words import Said, say, suggest

TEXT = Column(role="input", type="text")


@dataclass(frozen=True)
class RefusedCell:
    """A cell that the codebook refuses.

    Parameters
    ----------
    row : int
        As people count: the line of a CSV file, else the position or the index of the record.
    column, value, expected : str
    """

    row: int
    column: str
    value: str
    expected: str

    def sentence(self, source: str) -> Said:
        """Return the problem as a sentence about a table."""
        return say(
            "survey.table.cell",
            source=source,
            row=self.row,
            column=self.column,
            value=self.value,
            expected=self.expected,
        )


def demand_columns(header: Sequence[str], source: str) -> None:
    """Refuse a first line that names no columns, or separates them by something but commas.

    Raises
    ------
    SurveyError
    """
    if not header:
        raise SurveyError(say("survey.table.no_header", source=source))
    for mark, key in ((";", "survey.table.semicolons"), ("\t", "survey.table.tabs")):
        if len(header) == 1 and mark in header[0]:
            raise SurveyError(say(key, source=source))


def header_problems(names: Sequence[str], codebook: Contents, source: str) -> list[Said]:
    """Return what is wrong with the names of a table's columns."""
    book = codebook.name
    problems = [
        say(
            "survey.table.unknown_column",
            source=source,
            column=name,
            book=book,
            near=suggest(name, codebook.known),
        )
        for name in dict.fromkeys(names)
        if name not in codebook.known and not codebook.takes_rest
    ]
    problems += [
        say("survey.table.repeated_column", source=source, column=name, count=count)
        for name, count in Counter(names).items()
        if count > 1
    ]
    problems += [
        say("survey.branching.not_in_file", source=source, column=name, other=other)
        for name in codebook.columns
        if name in names
        for other in columns_of(codebook, name)
        if other not in names
    ]
    problems += design.header_problems(names, codebook, source)
    if not set(names) & set(codebook.columns):
        problems.append(say("survey.table.no_column", source=source, book=book))
    return problems


def expectation(name: str, raw: object, codebook: Contents) -> str | None:
    """Return what was expected of a cell that is refused, None where it is accepted."""
    if name in codebook.columns:
        try:
            codebook.columns[name].read(raw, codebook.missing)
        except ValueError as error:
            expected: str = error.args[0]
            return expected
    elif name == codebook.site:
        if TEXT.read(raw, codebook.missing) is None:
            return say("survey.expected.site")
        if reserved(str(raw)):
            return say("survey.expected.other_site", new=NEW, average=AVERAGE)
    elif name == codebook.weight:
        try:
            accepted = 0 <= float(str(raw)) < math.inf
        except ValueError:
            accepted = False
        if not accepted:
            return say("survey.expected.weight")
    return None


def frame_problems(frame: pd.DataFrame, codebook: Contents) -> list[RefusedCell]:
    """Return the refused cells of a frame by row, then in the order of its columns.

    A value that a column repeats is read once.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its index, of distinct integers, says what the rows are called.
    codebook : Contents
    """
    found: list[tuple[int, int, RefusedCell]] = []
    for place, name in enumerate(map(str, frame.columns)):
        codes, distinct = pd.factorize(frame[name], use_na_sentinel=False)
        told = {
            code: expected
            for code, raw in enumerate(distinct)
            if (expected := expectation(name, raw, codebook)) is not None
        }
        for at in np.flatnonzero(np.isin(codes, list(told))).tolist():
            row, value = int(frame.index[at]), str(frame.iat[at, place])
            found.append((row, place, RefusedCell(row, name, value, told[codes[at]])))
    return [cell for *_, cell in sorted(found, key=lambda each: each[:2])]
