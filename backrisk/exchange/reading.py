"""What every reader of a network's file does: variables and tables are put together and judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.exchange.network import MOST_CELLS, ROUNDED, Family, Network
from backrisk.exchange.spelling import NODE, STATE, stands_for, unescaped
from backrisk.words import choices, say, suggest

MOST_NODES = 10_000


@dataclass
class Reading:
    """A network that is being read.

    Parameters
    ----------
    source : str
        The name of the file.
    """

    source: str
    states: dict[str, tuple[str, ...]] = field(default_factory=dict)
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    tables: dict[str, tuple[tuple[str, ...], Array]] = field(default_factory=dict)
    cells: int = 0

    def refuse(self, key: str, **told: Any) -> PosteriorError:
        """Return what is raised about the file."""
        return PosteriorError(say(f"exchange.{key}", source=self.source, **told))

    def variable(self, name: str, states: Iterable[str], said: Mapping[str, str]) -> None:
        """Take a variable, with what is said of it."""
        labels = tuple(states)
        if name in self.states:
            raise self.refuse("twice", node=name)
        if len(labels) < 2 or len(set(labels)) < len(labels) or not all(labels):
            raise self.refuse("states", node=name, states=", ".join(map(repr, labels)))
        if len(self.states) >= MOST_NODES:
            raise self.refuse("many_nodes", most=f"{MOST_NODES:,}")
        self.states[name], self.said[name] = labels, dict(said)

    def known(self, name: str) -> str:
        """Return the name of a variable, refusing one that there is not."""
        if name not in self.states:
            near = suggest(name, self.states)
            raise self.refuse("unknown_node", node=name, suggestion=near)
        return name

    def state(self, name: str, state: str) -> int:
        """Return the position of a state, refusing one that there is not."""
        states = self.states[name]
        if state not in states:
            raise self.refuse("unknown_state", node=name, state=state, states=choices(states))
        return states.index(state)

    def shape(self, name: str, parents: Sequence[str]) -> tuple[int, ...]:
        """Return the shape of a table before it is read, refusing one of too many cells."""
        self.known(name)
        if name in self.tables:
            raise self.refuse("table_twice", node=name)
        if len({*parents, name}) <= len(parents):
            raise self.refuse("own_parent", node=name)
        shape = tuple(len(self.states[self.known(each)]) for each in (*parents, name))
        self.cells += math.prod(shape)
        if self.cells > MOST_CELLS:
            raise self.refuse("many_cells", node=name, most=f"{MOST_CELLS:,}")
        return shape

    def table(self, name: str, parents: Sequence[str], values: Array) -> None:
        """Take a table of the right shape, refusing rows that are no distributions."""
        sums = values.sum(axis=-1)
        bad = ~((values >= 0).all(axis=-1) & (np.abs(sums - 1) <= ROUNDED))  # NaN is bad too
        if bad.any():
            row = tuple(map(int, np.argwhere(bad)[0]))
            at = ", ".join(
                f"{parent}={self.states[parent][code]}"
                for parent, code in zip(parents, row, strict=True)
            )
            key = "row_at" if at else "row"
            told = ", ".join(f"{value:.6g}" for value in values[row][:9])
            raise self.refuse(key, node=name, at=at, values=told)
        self.tables[name] = tuple(parents), values / sums[..., None]

    def numbers(self, name: str, parents: Sequence[str], given: Sequence[str]) -> Array:
        """Return the numbers of a table, in the order of the axes ``(*parents, state)``."""
        return self.shaped(name, self.shape(name, parents), given)

    def shaped(self, name: str, shape: tuple[int, ...], given: Sequence[str]) -> Array:
        """Return texts as numbers in a shape, refusing more or fewer."""
        if len(given) != math.prod(shape):
            told = {"found": f"{len(given):,}", "expected": f"{math.prod(shape):,}"}
            raise self.refuse("count", node=name, **told)
        return self.floats(name, given).reshape(shape)

    def floats(self, name: str, given: Sequence[str]) -> Array:
        """Return texts as numbers."""
        try:
            return np.array([float(text) for text in given])
        except ValueError:
            wrong = next(text for text in given if not _is_number(text))
            raise self.refuse("number", node=name, value=wrong[:40]) from None

    def network(self, name: str, outcome: str = "") -> Network:
        """Return what was read, with the names that were meant."""
        if not self.states:
            raise self.refuse("empty")
        for each in self.states:
            if each not in self.tables:
                raise self.refuse("no_table", node=each)
        names = {
            each: stands_for([each], said.get("backrisk_name"), NODE)[0]
            for each, said in self.said.items()
        }
        if len(set(names.values())) < len(names):
            names = {each: each for each in names}
        families = []
        for each, shown in self.states.items():
            (parents, values), said = self.tables[each], self.said[each]
            label, labels = said.get("backrisk_label"), said.get("backrisk_labels")
            read = tuple(unescaped(labels)) if labels else ()
            family = Family(
                names[each],
                stands_for(shown, said.get("backrisk_states"), STATE),
                tuple(names[parent] for parent in parents),
                values,
                unescaped(label)[0] if label else "",
                read if len(read) == len(shown) else (),
                said.get("backrisk_order") == "none",
            )
            families.append(family)
        asked = unescaped(outcome)[0] if outcome else None
        return Network(name, tuple(families), asked if asked in names.values() else None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
