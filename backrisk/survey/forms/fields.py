"""What is known of a column before it has a codebook, wherever that was found out."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from backrisk.survey.units import unit_of

_TAG = re.compile(r"<(/?[a-zA-Z][^<>]*|!--.*?--)>", re.DOTALL)
_BREAK = re.compile(r"</?(p|div|br|li|ul|ol|tr|td|th|h[1-6])\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """A column that a table has, or that a form says its export will have.

    Parameters
    ----------
    name : str
        Of the column in the file; where exports differ, in the one with codes.
    kind : {"choice", "number", "text", "closed"}
        One of a few labels, a number, any text, or nothing that a survey may read: a name, a
        date, a file.
    question : str
        The question as it is asked, in plain text; where an export has questions in its header,
        that header.
    choices : mapping
        Label by code, in the order of the form.
    low, high : float, optional
        Least and largest number that the form accepts, or that the table has.
    whole : bool
        Whether all numbers are whole.
    form : str
        The page or instrument on which it is asked.
    asked_if : str
        When it is asked, in REDCap's syntax; empty for always.
    box : str
        For a box of a question with several answers: the answer that it stands for.
    group : str
        For such a box: the name of its question, which all boxes of it share.
    asks : str
        For such a box: the question without the answer.
    unit : str
        In which its numbers are, where a note or the question says so.
    units : tuple of str
        Of a column whose cells say units of their own: the units that its numbers may be in.
    own : mapping
        Keys that a codebook had for it, where the form was made from a codebook.
    """

    name: str
    kind: Literal["choice", "number", "text", "closed"] = "text"
    question: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    whole: bool = True
    form: str = ""
    asked_if: str = ""
    box: str = ""
    group: str = ""
    asks: str = ""
    unit: str = ""
    units: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest number, infinite where there is none."""
        low = -math.inf if self.low is None else self.low
        return low, math.inf if self.high is None else self.high


@dataclass(frozen=True)
class Form:
    """All that is known of a table before it has a codebook.

    Parameters
    ----------
    fields : tuple of Field
    inputs : tuple of Field
        Columns about the file and not about people: which event, whether a page is complete.
    missing : mapping
        By column, the cells of it that look like codes for no answer.
    rows : mapping
        The rows that are read: for a column, the cells that it may have.
    row_choices : mapping
        For a column of `rows`, what there is to choose from, as a person reads it.
    person : str
        The column that names a person; empty where nobody appears twice.
    order : str
        The column that orders the rows of a person.
    own : mapping
        Keys that a codebook had beside its columns, where the form was made from a codebook.
    empty : frozenset of str
        Fields that nobody answers in the rows that are read.
    events : tuple of str
        Where the rows of a person may be read as one, since no two of them answer one question:
        all events of the file. Else empty.
    """

    fields: tuple[Field, ...]
    inputs: tuple[Field, ...] = ()
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    row_choices: Mapping[str, str] = field(default_factory=dict)
    person: str = ""
    order: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    events: tuple[str, ...] = ()


_BRACKETS = re.compile(r"[(\[]([^()\[\]]+)[)\]]")


def unit_said(*texts: str) -> str:
    """Return the first unit that a note, brackets in a question or the end of a name says.

    Examples
    --------
    >>> unit_said("", "Weight (in kg)"), unit_said("height_cm"), unit_said("seconds")
    ('kg', 'cm', 's')
    """
    for text in texts:
        ending = text.rpartition("_")[2] if " " not in text else ""
        for part in (text, *_BRACKETS.findall(text), ending if len(ending) > 1 else ""):
            found = unit_of(part.strip().removeprefix("in "))
            if found is not None:
                return found.name
    return ""


def plain(text: str) -> str:
    """Return a text as it reads, without HTML and in one line.

    Examples
    --------
    >>> plain("<p>How <b>tired</b><br>are you?</p> x &lt; 3")
    'How tired are you? x < 3'
    """
    return " ".join(html.unescape(_TAG.sub("", _BREAK.sub(" ", text))).split())
