"""What every answer has: draws, a table, a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk.words import DISCLAIMER, INTERVAL_NAME

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


Array = NDArray[np.float64]


_LINE = 88  # characters of a line of an answer's text


@dataclass(frozen=True)
class Target:
    """The outcome event.

    Parameters
    ----------
    node : str
    codes : tuple of int
        States that count as the event.
    label : str
    """

    node: str
    codes: tuple[int, ...]
    label: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What the answers have in common.

    Parameters
    ----------
    draws : ndarray
        First axis: posterior draws.
    target : Target
    evidence : mapping of node to state
        What the answer took into account.
    notes : tuple of str
        Assumptions and what was left out.
    warnings : tuple of str
        Those of the fit.
    """

    draws: Array
    target: Target
    evidence: Mapping[str, str]
    notes: tuple[str, ...] = field(default=(), kw_only=True)
    warnings: tuple[str, ...] = field(default=(), kw_only=True)

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

    def sentences(self) -> list[str]:
        """Return what the answer says, without notes."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The answer in words, with its assumptions and the fit's warnings."""
        closing = f"Ranges are the {INTERVAL_NAME}. {DISCLAIMER}"
        warned = [f"Warning: {warning}" for warning in self.warnings]
        return " ".join([*self.sentences(), *self.notes, *warned, closing])

    def __str__(self) -> str:
        """Return the text, in lines that a terminal and a notebook hold."""
        return fill(self.text, _LINE)

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
            "interval": {"kind": "equal-tailed", "probability": 0.90},
            "draws": len(self.draws),
            "rows": rows,
            "text": self.text,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
