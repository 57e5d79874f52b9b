"""All CPTs of a graph in one flat vector: where each cell lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.graph import CausalGraph

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """Addresses of all CPT cells in one flat vector, node after node, rows in C order.

    Parameters
    ----------
    graph : CausalGraph
    families : tuple of tuple of int
        Of each node: the positions of its parents, and its own at the end.
    strides : tuple of ndarray
        Of each node: how far apart neighbouring states of each member of its family lie.
    starts : tuple of int
        Where each node's CPT starts.
    size : int
        The number of all cells.

    Examples
    --------
    >>> states = {"a": ["no", "yes"], "b": ["low", "mid", "high"]}
    >>> cells = Cells.of(CausalGraph.from_edges([("a", "b")], states))
    >>> cells.part("b"), cells.families, [stride.tolist() for stride in cells.strides]
    (slice(2, 8, None), ((0,), (0, 1)), [[1], [3, 1]])
    """

    graph: CausalGraph
    families: tuple[tuple[int, ...], ...]
    strides: tuple[Ints, ...]
    starts: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, graph: CausalGraph) -> Cells:
        """Lay out the CPTs of a graph."""
        position = {name: i for i, name in enumerate(graph.names)}
        families, strides, starts, size = [], [], [], 0
        for name in graph.names:
            shape = graph.shape(name)
            families.append((*(position[parent] for parent in graph.parents(name)), position[name]))
            strides.append(np.cumprod([1, *shape[:0:-1]])[::-1].astype(np.int64))
            starts.append(size)
            size += int(np.prod(shape))
        return cls(graph, tuple(families), tuple(strides), tuple(starts), size)

    def part(self, name: str) -> slice:
        """Return where the CPT of a node lies."""
        i = self.graph.names.index(name)
        return slice(self.starts[i], self.starts[i] + int(np.prod(self.graph.shape(name))))


def stack_logs(cells: Cells, tables: Mapping[str, Array]) -> Array:
    """Lay the logs of CPT draws out as the kernel reads them.

    Parameters
    ----------
    cells : Cells
    tables : mapping of node to ndarray, shape (draw, *parents, state)

    Returns
    -------
    ndarray, shape (draw, cells)
    """
    draws = len(next(iter(tables.values())))
    logs = np.empty((draws, cells.size))
    for name, table in tables.items():
        logs[:, cells.part(name)] = np.log(np.maximum(table, np.finfo(float).tiny)).reshape(
            draws, -1
        )
    return logs
