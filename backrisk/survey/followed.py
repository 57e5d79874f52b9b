"""How many people's histories ever held to a state for so long: what a plan over time rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.graph import CausalGraph

FEWEST = 5  # people, fewer of whom are not told one from another

Counts = tuple[int | None, ...]


@dataclass(frozen=True)
class Followed:
    """How many people reported a state in L consecutive slices, starting at any, for every L.

    What answers of a model over time can rest on: where few people ever held to a plan, its risk
    is told by the model more than by them. A slice without an answer ends the run, so that nobody
    counts for what was not seen. A constant is held to in all slices.

    Parameters
    ----------
    counts : mapping of str to mapping of str to tuple of int or None
        By node and state, the people for 1, 2, ... slices. None is fewer than five.
    people : int
        Of the panel.
    periods : int
        Slices of the panel.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> codes = np.array([[[0, 1], [0, 1], [1, -1], [0, 0]]], np.int8)
    >>> found = Followed.of(np.repeat(codes, 6, axis=0), graph, None)
    >>> found.counts["a"]["no"], found.counts["b"]["yes"], found.of_run("a", "yes", 2)
    ((6, 6, 0, 0), (6, 6, 0, 0), 0)
    >>> found.coarse().counts["b"]["no"], found.coarse().of_run("a", "yes", 9)
    ((6, 0, 0, 0), 0)
    """

    counts: Mapping[str, Mapping[str, Counts]]
    people: int
    periods: int

    @classmethod
    def of(
        cls, codes: NDArray[np.int8], graph: CausalGraph, people: NDArray[np.int64] | None
    ) -> Followed:
        """Count the runs of a panel.

        Parameters
        ----------
        codes : ndarray of int8, shape (rows, slices, nodes)
        graph : CausalGraph
        people : ndarray of int, shape (rows,), optional
            How many people each row stands for.
        """
        rows, periods, nodes = codes.shape
        each = np.ones(rows, np.int64) if people is None else people
        states = max((len(node.states) for node in graph.nodes), default=0)
        run = np.zeros((rows, nodes), np.int32)
        longest = np.zeros((states, rows, nodes), np.int32)
        for period in range(periods):
            here = codes[:, period]
            same = here == codes[:, period - 1] if period else np.zeros_like(here, bool)
            run = np.where(here < 0, 0, np.where(same, run + 1, 1))
            for code in range(states):
                np.maximum(longest[code], run, out=longest[code], where=here == code)
        counts: dict[str, dict[str, Counts]] = {}
        for place, node in enumerate(graph.nodes):
            held: dict[str, Counts] = {}
            for code, state in enumerate(node.states):
                exact = np.bincount(longest[code, :, place], each, periods + 1)
                at_least = np.cumsum(exact[::-1])[::-1][1:]
                held[state] = tuple(int(number) for number in at_least)
            counts[node.name] = held
        return cls(counts, int(each.sum()), periods)

    def of_run(self, node: str, state: str, periods: int) -> int | None:
        """Return how many people reported a state in so many consecutive slices.

        Parameters
        ----------
        node, state : str
        periods : int
            1 or more; beyond the slices of the panel nobody did.

        Returns
        -------
        int or None
            None where all that is known is that they are fewer than five.
        """
        held = self.counts[node][state]
        if periods <= len(held):
            return held[periods - 1]
        return 0

    @property
    def table(self) -> pd.DataFrame:
        """The counts by node, state and periods; people is missing where they are fewer than 5."""
        rows = [
            (node, state, periods, count)
            for node, states in self.counts.items()
            for state, held in states.items()
            for periods, count in enumerate(held, 1)
        ]
        table = pd.DataFrame(rows, columns=["node", "state", "periods", "people"])
        return table.astype({"periods": "int64", "people": "Int64"})

    def coarse(self) -> Followed:
        """Return the counts with one to four people as None, as a saved model keeps them.

        That nobody did is kept: it tells of no person, and a plan nobody followed is refused.
        """
        counts = {
            node: {
                state: tuple(None if n is None or 0 < n < FEWEST else n for n in held)
                for state, held in states.items()
            }
            for node, states in self.counts.items()
        }
        return Followed(counts, self.people, self.periods)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain lists and dictionaries, for JSON."""
        counts = {
            node: {state: list(held) for state, held in states.items()}
            for node, states in self.counts.items()
        }
        return {"counts": counts, "people": self.people, "periods": self.periods}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Followed:
        """Return what `to_dict` was made from."""
        counts = {
            node: {state: tuple(held) for state, held in states.items()}
            for node, states in data["counts"].items()
        }
        return cls(counts, data["people"], data["periods"])
