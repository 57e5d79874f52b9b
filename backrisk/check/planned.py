"""A planned survey and what could be added to it: an item, an examined part, a second answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.check.simulated import Simulated
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Column
from backrisk.words import listed, names_of, percent, say

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Extra:
    """What a design has that the planned survey has not.

    Parameters
    ----------
    kind : {"", "item", "examined", "again"}
        Empty for the planned survey itself.
    node : str
        The node that is asked about once more, or examined.
    number : float
        The item's reliability, or the share of people who are examined.
    columns : tuple of str
        Those that are added.
    """

    kind: str = ""
    node: str = ""
    number: float = 0.0
    columns: tuple[str, ...] = ()

    def label(self, graph: CausalGraph) -> str:
        """Return the design's name in a table."""
        return say(f"check.planning.designs.{self.kind or 'planned'}", **self._about(graph))

    def note(self, graph: CausalGraph) -> str:
        """Say what the design assumes."""
        return say(f"check.planning.assumes.{self.kind}", **self._about(graph))

    def _about(self, graph: CausalGraph) -> dict[str, str]:
        node = names_of(graph).node(self.node) if self.node else ""
        columns = listed(self.columns) if self.columns else ""
        return {"node": node, "number": percent(self.number), "columns": columns}


@dataclass(frozen=True)
class PlannedSurvey:
    """Designs as columns of one table: the model of all of them is one, and is compiled once.

    Parameters
    ----------
    codebook : Codebook
        With the columns of every design.
    absent : tuple of str
        Columns of the codebook that the planned survey does not have.
    designs : tuple of Extra
        The planned survey first.
    """

    codebook: Codebook
    absent: tuple[str, ...]
    designs: tuple[Extra, ...]

    @classmethod
    def of(
        cls,
        graph: CausalGraph,
        codebook: Codebook | None,
        unmeasured: str | Sequence[str],
        items: Mapping[str, float],
        examined: Mapping[str, float],
        again: bool,
    ) -> PlannedSurvey:
        """Add the columns of each design to a codebook.

        Raises
        ------
        QueryError
            If a name is unknown, a number out of range, or a design has nothing to work on.
        """
        names = (unmeasured,) if isinstance(unmeasured, str) else tuple(unmeasured)
        start = Simulated(graph, codebook, names)
        book, absent = start.book, start.dropped
        columns, designs = dict(book.columns), [Extra()]
        for node, reliability in items.items():
            graph.node(node)
            if not 0 < reliability <= 1:
                raise QueryError(say("check.planning.reliability", node=node, number=reliability))
            name = _free(f"{node}_item", columns)
            columns[name] = Column(item=node, reliability=reliability)
            designs.append(Extra("item", node, reliability, (name,)))
        for node, share in examined.items():
            graph.node(node)
            if not 0 < share <= 1:
                raise QueryError(say("check.planning.share_examined", node=node, number=share))
            direct = [name for name, spec in book.measures.items() if spec.node == node]
            if any(name not in absent and name in columns for name in direct):
                raise QueryError(say("check.planning.measured", node=node))
            if direct and direct[0] not in columns:
                raise QueryError(say("check.planning.derived", node=node, column=direct[0]))
            name = direct[0] if direct else _free(f"{node}_examined", columns)
            columns.setdefault(name, Column(node=node))
            designs.append(Extra("examined", node, share, (name,)))
        if again:
            noisy = [n for n, spec in book.columns.items() if spec.item and n not in absent]
            first = (
                () if noisy else tuple(c for d in designs if d.kind == "item" for c in d.columns)
            )
            repeated = noisy or list(first)
            if not repeated:
                raise QueryError(say("check.planning.no_items"))
            added = []
            for name in repeated:
                added.append(_free(f"{name}_again", columns))
                columns[added[-1]] = columns[name]
            designs.append(Extra("again", "", 0.0, (*first, *added)))
        whole = book.model_copy(update={"columns": columns}).resolved(graph)
        extra = [column for design in designs for column in design.columns]
        return cls(whole, tuple(dict.fromkeys([*absent, *extra])), tuple(designs))

    def examined(self, people: int, rng: np.random.Generator) -> dict[str, Bools]:
        """Draw who is examined, by column, ``(people,)``."""
        return {
            design.columns[0]: rng.random(people) < design.number
            for design in self.designs
            if design.kind == "examined"
        }

    def answers(
        self, frame: pd.DataFrame, design: Extra, chosen: Mapping[str, Bools]
    ) -> pd.DataFrame:
        """Return what a survey of one design has of the answers to all."""
        kept = frame.drop(columns=[name for name in self.absent if name not in design.columns])
        if design.kind == "examined":
            (name,) = design.columns
            kept = kept.assign(**{name: frame[name].where(chosen[name][: len(frame)], "")})
        return kept


def _free(name: str, taken: Mapping[str, object]) -> str:
    """Return a name that no column has."""
    while name in taken:
        name += "_"
    return name
