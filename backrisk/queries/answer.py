"""What every answer has: draws, a table, a text, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from importlib.metadata import entry_points
from textwrap import fill
from typing import TYPE_CHECKING, Any, cast

from backrisk._html import MOST_ROWS, block, folded, paragraph, table
from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.summary import INTERVAL
from backrisk.words import (
    ENGLISH,
    Names,
    again,
    decimal,
    disclaimer,
    interval_name,
    language,
    names_of,
    percent,
    ranged,
    say,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_LINE = 88  # characters of a line of an answer's text
_SENTENCES = 3  # that a notebook shows; the others fold away


class Renewed[Text: (str, tuple[str, ...])]:
    """A field of text that is said again, in the language spoken, whenever it is read.

    An answer may be asked in one language and read in another, as by a server that keeps it.

    Parameters
    ----------
    default : str or tuple of str, optional
        Without one the field has to be given.
    """

    def __init__(self, *default: Text) -> None:
        self._default: tuple[Text, ...] = default

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn where the instance keeps the text."""
        self._held = f"_{name}"

    def __get__(self, instance: object, owner: type | None = None) -> Text:
        """Return the text, said again."""
        if instance is None:  # a dataclass asks the class for the field's default
            if not self._default:
                raise AttributeError(self._held)
            return self._default[0]
        held = instance.__dict__[self._held]
        return cast(Text, again(held) if isinstance(held, str) else tuple(map(again, held)))

    def __set__(self, instance: object, value: Text) -> None:
        """Keep the text."""
        instance.__dict__[self._held] = value


@dataclass(frozen=True)
class Target:
    """The outcome event that a question is about.

    Parameters
    ----------
    node : str
    codes : tuple of int
        Positions of the states that count as the event.
    label : str
        As a sentence says it: "the risk of {label}".
    """

    node: str
    codes: tuple[int, ...]
    label: Renewed[str] = Renewed()


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """What the answers have in common.

    A subclass defines `columns` or `table`, and `sentences`.

    Parameters
    ----------
    draws : ndarray
        First axis: posterior draws.
    target : Target
    evidence : mapping of node to state
        What the answer took into account.
    graph : CausalGraph
        What the question was about; words the nodes and states.
    notes : tuple of str
        Assumptions and what was left out.
    warnings : tuple of str
        Those of the fit, and where prior and data disagree about what the answer rests on.

    Raises
    ------
    TypeError
        When a subclass is made that defines neither `columns` nor `table`.
    """

    draws: Array
    target: Target
    evidence: Mapping[str, str]
    _: KW_ONLY
    graph: CausalGraph = field(repr=False)
    notes: Renewed[tuple[str, ...]] = Renewed(())
    warnings: Renewed[tuple[str, ...]] = Renewed(())

    def __init_subclass__(cls) -> None:
        """Refuse a kind of answer that shows nothing: each of the two is made from the other."""
        if cls.table is Answer.table and cls.columns is Answer.columns:
            raise TypeError(say("queries.no_table", kind=cls.__name__))

    @property
    def table(self) -> pd.DataFrame:
        """Mean and interval, one row a quantity."""
        import pandas as pd

        columns = self.columns()
        return pd.DataFrame(columns, index=pd.Index(columns.pop("name")))

    def columns(self) -> dict[str, list[Any]]:
        """Return the table as plain columns, the row's ``name`` first: all that printing needs.

        A subclass defines this, or `table` where it needs more of pandas.
        """
        frame = self.table
        columns = {str(name): frame[name].tolist() for name in frame}
        return {"name": frame.index.tolist(), **columns}

    @property
    def names(self) -> Names:
        """The words for the graph's nodes and states, in the language spoken."""
        return names_of(self.graph)

    @property
    def measure(self) -> str:
        """What the means of `table` are, in words of the command line."""
        return "mean"

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities, shown in points."""
        return False

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        return self.names.node(name)

    def sentences(self) -> list[str]:
        """Return what the answer says, without notes."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The answer in words, with its assumptions and the fit's warnings."""
        kind = "closing" if len(self.draws) != 1 else "closing_one"
        closing = say(f"queries.{kind}", interval=interval_name(), disclaimer=disclaimer())
        warned = [say("queries.warning", warning=warning) for warning in self.warnings]
        return " ".join([*self.sentences(), *self.notes, *warned, closing])

    def __str__(self) -> str:
        """Return the text, in lines that a terminal and a notebook hold."""
        return fill(self.text, _LINE)

    def __repr__(self) -> str:
        """Return what was asked, in a line; the numbers are in `table`."""
        told = {"target": self.target.label, "evidence": len(self.evidence)}
        asked = ", ".join(f"{name}={value!r}" for name, value in told.items())
        return f"{type(self).__name__}({asked}, draws={len(self.draws)})"

    def _repr_html_(self) -> str:
        """Return the first rows of the table with their intervals drawn, and the sentences."""
        rows = list(zip(*self.columns().values(), strict=True))
        named = [dict(zip(self.columns(), row, strict=True)) for row in rows][:MOST_ROWS]
        columns, bars = {"": [self.row_label(str(row["name"])) for row in named]}, []
        if named and {"mean", "low", "high"} <= named[0].keys():
            columns[interval_name()] = [
                points_cell(row) if self.in_points(str(row["name"])) else estimate_cell(self, row)
                for row in named
            ]
            bars = [(row["mean"], row["low"], row["high"]) for row in named]
        elif named and "share" in named[0]:  # of a question: what it would tell
            columns[say("queries.told_share")] = [percent(row["share"]) for row in named]
            bars = [(row["share"], 0.0, row["share"]) for row in named]
        left = len(rows) - len(named)
        return block(
            say("queries.about", kind=type(self).__name__, target=self.target.label),
            table(columns, bars) if named else "",
            paragraph(say("queries.more_rows", count=left, n=left) if left else ""),
            *(paragraph(sentence) for sentence in self.sentences()[:_SENTENCES]),
            *(paragraph(say("queries.warning", warning=warning)) for warning in self.warnings),
            folded(say("queries.assumed"), (*self.sentences()[_SENTENCES:], *self.notes)),
            paragraph(disclaimer()),
        )

    def plot(self) -> Figure:
        """Draw the answer; imports Matplotlib only now.

        Raises
        ------
        BackriskError
            If Matplotlib is not installed, or there is nothing to draw.
        """
        # The room that draws stands above this one; it registers itself as an entry point.
        (drawing,) = entry_points(group="backrisk.plot", name="figures")
        figure: Figure = drawing.load()(self)
        return figure

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values: the JSON that the command line prints."""
        columns = self.columns()
        rows = [
            {
                name: None if value != value else value
                for name, value in zip(columns, row, strict=True)
            }
            for row in zip(*columns.values(), strict=True)
        ]
        return {
            "kind": type(self).__name__.lower(),
            "target": self.target.label,
            "evidence": dict(self.evidence),
            "interval": {"kind": "equal-tailed", "probability": INTERVAL},
            "draws": len(self.draws),
            "rows": rows,
            "text": self.text,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def estimate_cell(answer: Answer, row: Mapping[str, Any]) -> str:
    """Word the number of a row of `columns` with its interval, in the unit that it has."""
    ends = row["mean"], row["low"], row["high"]
    if row["mean"] != row["mean"]:
        return "-"
    if not answer.in_points(row["name"]):
        return ranged(*ends, unit=False)
    mean, low, high = map(in_points, ends)
    # Where the head of the column does not say that it is of points, the cell does.
    key = "phrases.points" if answer.measure == "mean" else "phrases.estimate"
    return say(key, mean=mean, low=low, high=high)


def points_cell(row: Mapping[str, Any]) -> str:
    """Word a difference of probabilities with its interval and the name of its unit."""
    if row["mean"] != row["mean"]:
        return "-"
    mean, low, high = (in_points(row[end]) for end in ("mean", "low", "high"))
    return say("phrases.points", mean=mean, low=low, high=high)


def in_points(difference: float) -> str:
    """Word a difference of probabilities in percentage points, without their name."""
    number = 100 * difference
    digits = 0 if abs(number) >= 9.95 else 1  # as percentages
    return decimal(round(number, digits) or 0.0, digits)


def row_name(row: str) -> str:
    """Return the name of a table's row: the English words, which programs rely on."""
    name: str = language(ENGLISH).raw(f"queries.rows.{row}")
    return name
