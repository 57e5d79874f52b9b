"""What exact inference needs from a posterior."""

from __future__ import annotations

from typing import Any, Protocol

from backrisk._types import Array
from backrisk.graph import CausalGraph


class Tables(Protocol):
    """What the engine needs of a posterior."""

    @property
    def graph(self) -> CausalGraph:
        """The causal DAG."""

    @property
    def draws(self) -> int:
        """Number of draws."""

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        """Return a node's CPT, ``(*parents, state, draw)``, of which only rows `at` are sure."""

    def positive(self, name: str) -> bool:
        """Return whether no cell of a node's CPT is zero."""

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        """Return a node's CPT as a leak and independent causes, if it has that form."""
