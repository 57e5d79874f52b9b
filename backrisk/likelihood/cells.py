"""The CPT cells that a likelihood needs, in one flat vector: where each of them lies."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.graph import CausalGraph

Ints = NDArray[np.int64]
Codes = NDArray[np.int8]

_AT_ONCE = 256  # draws whose cells are held at once


class Rows(Protocol):
    """What gives rows of CPTs for some draws, such as a `Posterior`."""

    @property
    def draws(self) -> int:
        """The number of draws."""

    def rows(self, name: str, rows: NDArray[np.intp], some: slice) -> Array:
        """Return rows of a node's CPT, given the states of its parents: (row, state, draw)."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The part of a family's CPT that answer patterns address, block after block.

    A block holds the cells that agree with what is observed of a family, in C order over its
    unobserved members. Two blocks may hold the same cell.

    Parameters
    ----------
    known : ndarray of int8, shape (block, member)
        The state of each member of the family, -1 where it is unobserved.
    starts : ndarray, shape (block,)
        Where each block starts, from the start of the family.
    """

    known: Codes
    starts: Ints


@dataclass(frozen=True, eq=False)
class Cells:
    """Addresses of CPT cells in one flat vector, node after node.

    A family is laid out whole, rows in C order, or in blocks of the cells that are used. A node
    that is tied to another has the cells of its owner.

    Parameters
    ----------
    graph : CausalGraph
    families : tuple of tuple of int
        Of each node: the positions of its parents, and its own at the end.
    shapes : tuple of tuple of int
        Of each node: ``(*parents, state)``.
    starts : tuple of int
        Where each node's cells start.
    sizes : tuple of int
        How many cells each node has.
    size : int
        The number of all cells.
    blocks : mapping of int to Blocks
        Of each node that is not laid out whole.

    Examples
    --------
    >>> states = {"a": ["no", "yes"], "b": ["low", "mid", "high"]}
    >>> cells = Cells.of(CausalGraph.from_edges([("a", "b")], states))
    >>> cells.part("b"), cells.families, cells.strides(1, 0b11)
    (slice(2, 8, None), ((0,), (0, 1)), [(0, 3), (1, 1)])
    >>> cells.joint("b")[4].tolist()
    [1, 1]
    """

    graph: CausalGraph
    families: tuple[tuple[int, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    size: int
    blocks: Mapping[int, Blocks] = field(default_factory=dict)

    @classmethod
    def of(
        cls, graph: CausalGraph, blocks: Mapping[int, tuple[Blocks, int]] | None = None
    ) -> Cells:
        """Lay out the CPTs of a graph, whole but for those given as blocks with their cells."""
        position = {name: i for i, name in enumerate(graph.names)}
        families, shapes, size = [], [], 0
        own: dict[str, tuple[int, int]] = {}  # where the cells of a node start, how many there are
        for v, name in enumerate(graph.names):
            families.append((*(position[parent] for parent in graph.parents(name)), v))
            shapes.append(graph.shape(name))
            if graph.owner(name) == name:
                count = blocks[v][1] if blocks and v in blocks else math.prod(shapes[-1])
                own[name] = (size, count)
                size += count
        starts, sizes = zip(*(own[graph.owner(name)] for name in graph.names), strict=True)
        kept = {v: each for v, (each, _) in (blocks or {}).items()}
        return cls(graph, tuple(families), tuple(shapes), starts, sizes, size, kept)

    @classmethod
    def used(
        cls,
        graph: CausalGraph,
        codes: Codes,
        kept: NDArray[np.bool_],
        by_row: Collection[str],
    ) -> tuple[Cells, Ints]:
        """Lay out the cells that answer patterns address.

        Parameters
        ----------
        graph : CausalGraph
        codes : ndarray of int8, shape (patterns, nodes)
            -1 where unobserved.
        kept : ndarray of bool, shape (patterns, nodes)
            Whether a pattern's likelihood depends on the node's family.
        by_row : collection of str
            The nodes of which any row can be computed apart from the others. They are laid out in
            blocks, unless the whole table has no more cells.

        Returns
        -------
        cells : Cells
        addresses : ndarray, shape (patterns, nodes)
            Of each pattern's family, unobserved members at 0; -1 where its likelihood does not
            depend on a family in blocks.
        """
        whole = cls.of(graph)
        blocks: dict[int, tuple[Blocks, int]] = {}
        block_of: dict[int, Ints] = {}
        for together in _together(graph, by_row):
            rows = [np.flatnonzero(kept[:, v]) for v in together]
            states = [
                codes[some][:, list(whole.families[v])]
                for v, some in zip(together, rows, strict=True)
            ]
            known, which = distinct_bytes(np.concatenate(states))
            shape = whole.shapes[together[0]]
            sizes = np.where(known < 0, shape, 1).prod(axis=1, dtype=np.float64)
            if sizes.sum() < math.prod(shape):
                stops = np.cumsum(sizes.astype(np.int64))
                starts = stops - sizes.astype(np.int64)
                found = Blocks(known, starts), int(stops[-1]) if len(stops) else 0
                ends = np.cumsum([len(some) for some in rows])[:-1]
                for v, some, each in zip(together, rows, np.split(which, ends), strict=True):
                    blocks[v] = found
                    block_of[v] = np.full(len(codes), -1, dtype=np.int64)
                    block_of[v][some] = each
        cells = cls.of(graph, blocks)
        addresses = np.empty(codes.shape, dtype=np.int64)
        answers = np.maximum(codes, 0).astype(np.int64)
        for v in range(len(cells.families)):
            if v in blocks:
                starts = np.append(cells.blocks[v].starts + cells.starts[v], -1)
                addresses[:, v] = starts[block_of[v]]
                continue
            addresses[:, v] = cells.starts[v]
            for u, stride in cells.strides(v, -1):
                addresses[:, v] += stride * answers[:, u]
        return cells, addresses

    def part(self, name: str) -> slice:
        """Return where the cells of a node lie."""
        v = self.graph.names.index(name)
        return slice(self.starts[v], self.starts[v] + self.sizes[v])

    def strides(self, v: int, nodes: int) -> list[tuple[int, int]]:
        """Return how far apart neighbouring states of some members of a family lie.

        Parameters
        ----------
        v : int
        nodes : int
            The members asked about, one bit a node; of a family in blocks, all that are
            unobserved.

        Returns
        -------
        list of (member, distance)
        """
        found, stride = [], 1
        for u, states in zip(reversed(self.families[v]), reversed(self.shapes[v]), strict=True):
            asked = nodes >> u & 1
            if asked:
                found.append((u, stride))
            if asked or v not in self.blocks:
                stride *= states
        return found[::-1]

    def joint(self, name: str) -> Codes:
        """Return the states of a node's parents and its own in each of its cells.

        Returns
        -------
        ndarray of int8, shape (cell, member)
        """
        v = self.graph.names.index(name)
        shape = self.shapes[v]
        if v not in self.blocks:
            return np.indices(shape, dtype=np.int8).reshape(len(shape), -1).T
        here = self.part(name)
        found = np.empty((here.stop - here.start, len(shape)), dtype=np.int8)
        known, starts = self.blocks[v].known, self.blocks[v].starts
        for hidden in np.unique(known < 0, axis=0):
            these = np.flatnonzero(((known < 0) == hidden).all(axis=1))
            sizes = tuple(np.array(shape)[hidden].tolist())
            inside = np.indices(sizes, dtype=np.int8).reshape(len(sizes), math.prod(sizes)).T
            at = starts[these][:, None] + np.arange(len(inside))
            found[at] = known[these][:, None]
            found[at[..., None], np.flatnonzero(hidden)] = inside
        return found


def _together(graph: CausalGraph, by_row: Collection[str]) -> list[list[int]]:
    """Return the positions of nodes with the same parameters, of those that go by row."""
    found: dict[str, list[int]] = {}
    for v, name in enumerate(graph.names):
        if name in by_row:
            found.setdefault(graph.owner(name), []).append(v)
    return list(found.values())


def distinct_bytes(rows: Codes) -> tuple[Codes, Ints]:
    """Return the distinct rows, and the distinct row of every row."""
    if not rows.shape[1]:
        return rows[:1], np.zeros(len(rows), dtype=np.int64)
    packed = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return rows[first], inverse


def in_parts(draws: int) -> Iterator[slice]:
    """Yield slices of the draws, few enough for all cells of each to be held."""
    for start in range(0, draws, _AT_ONCE):
        yield slice(start, min(start + _AT_ONCE, draws))


def stack_logs(cells: Cells, source: Rows, some: slice = slice(None)) -> Array:
    """Lay the logs of CPT draws out as the kernel reads them.

    Parameters
    ----------
    cells : Cells
    source : Rows
        A posterior of the graph, or what gives rows as it does.
    some : slice
        The draws.

    Returns
    -------
    ndarray, shape (draw, cells)
    """
    logs = np.empty((len(range(*some.indices(source.draws))), cells.size))
    for name in cells.graph.names:
        if cells.graph.owner(name) != name:
            continue
        joint = cells.joint(name)
        rows, which = distinct_bytes(joint[:, :-1])
        table = source.rows(name, rows.astype(np.intp), some)[which, joint[:, -1]]
        logs[:, cells.part(name)] = np.log(np.maximum(table, np.finfo(float).tiny)).T
    return logs
