"""The target's probability with a change made, beside that without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.inference import World
from backrisk.queries.answer import Answer, Target, row_name
from backrisk.queries.asked import coupling_name
from backrisk.summary import described
from backrisk.words import estimate, listed, names_of, percent, say, shift


@dataclass(frozen=True, eq=False, repr=False)
class Contrast(Answer):
    """The target's probability with a change made; ``draws`` is ``(draw,)``, beside ``before``.

    Parameters
    ----------
    before : ndarray, shape (draw,)
        The probability without the change.
    do : mapping of node to state
    coupling : str, optional
        That of a counterfactual; None for an intervention.
    """

    before: Array
    do: Mapping[str, str]
    coupling: str | None

    @property
    def change(self) -> Array:
        """After minus before, ``(draw,)``."""
        return self.draws - self.before

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``before``, ``after`` and ``change``."""
        draws = np.column_stack([self.before, self.draws, self.change])
        return described(draws, list(map(row_name, _CONTRAST)))

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities: the change is."""
        return name == row_name("change")

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        row = next(row for row in _CONTRAST if row_name(row) == name)
        return say(f"queries.rows.{row}")

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        return [
            say(
                "queries.intervene" if self.coupling is None else "queries.counterfactual",
                done=listed(self.names.phrase(node, state) for node, state in self.do.items()),
                target=self.target.label,
                after=estimate(self.draws),
                before=percent(float(self.before.mean())),
                shift=shift(self.change),
            )
        ]


_CONTRAST = ("before", "after", "change")  # rows of its table


def coupling_notes(world: World, target: Target) -> tuple[str, ...]:
    """Say which coupling an answer assumes, and where the model does not allow it."""
    notes = [say("queries.coupling_assumed", coupling=coupling_name(world.coupling))]
    if world.coupling == "independent_causes":
        others = world.without_own_causes([world.variable(target.node)])
        if others:
            nodes = listed(map(names_of(world.graph).node, others))
            notes.append(say("queries.coupling_replaced", nodes=nodes))
    return tuple(notes)
