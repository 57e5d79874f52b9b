"""A circuit laid down as a tape: what is multiplied where, in one buffer that is used again.

The axes of a result are cut into an outer and an inner part, and so are those that are summed
over: the place of a cell in a table is the sum of a place for each, so that no list is as long as
a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backrisk.inference.twin_network import Variable

Ints = NDArray[np.int64]
Scope = tuple[Variable, ...]

LOAD, STORE = 0, 4  # kinds of steps; between them the number of tables that are multiplied
_MOST_INPUTS = 3
_INNER = 512  # cells of the inner part of a table's axes, at most
_COLUMNS = 15


class Operation(Protocol):
    """A product, as circuits have them."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """Tables by number."""

    @property
    def scope(self) -> Scope:
        """What is kept."""


@dataclass(frozen=True, eq=False)
class Tape:
    """What the compiled loops follow.

    Parameters
    ----------
    steps : ndarray of int, shape (step, column)
        Kind; where the result lies; rows, or cells to load or store; the sizes of the outer and
        inner part of its axes, and of those that are summed over; where each input lies, and how
        many cells a row of it has; where its places begin, and its rows.
    places : ndarray of int
        Of each step and input: those of the four parts.
    readings : tuple of (result, input)
        Whose rows are read, in the order in which the steps expect them.
    cells : int
        Of the buffer, for one draw.
    roots : tuple of int
        Where each root begins among the cells of all.
    work : int
        Cells that are passed over.
    """

    steps: Ints
    places: Ints
    readings: tuple[tuple[int, int], ...]
    cells: int
    roots: tuple[int, ...]
    work: int


class _Room:
    """Where in the buffer tables lie; what is no longer needed makes room for others."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []  # (start, cells), in order
        self.end = 0

    def take(self, cells: int) -> int:
        """Return where a new table lies: in the smallest gap that holds it, or at the end."""
        fits = [(size, start) for start, size in self.free if size >= cells]
        if not fits:
            start = self.end
            if self.free and sum(self.free[-1]) == self.end:
                start, _ = self.free.pop()
            self.end = start + cells
            return start
        size, start = min(fits)
        self.free.remove((start, size))
        if size > cells:
            self.free.append((start + cells, size - cells))
            self.free.sort()
        return start

    def give(self, start: int, cells: int) -> None:
        """Take a table's cells back."""
        self.free.append((start, cells))
        self.free.sort()
        merged: list[tuple[int, int]] = []
        for at, size in self.free:
            if merged and sum(merged[-1]) == at:
                merged[-1] = merged[-1][0], merged[-1][1] + size
            else:
                merged.append((at, size))
        self.free = merged


def laid_down(
    sources: Sequence[Scope],
    products: Sequence[Operation],
    roots: Sequence[int],
    sizes: Mapping[Variable, int],
    counts: Sequence[int],
) -> Tape:
    """Lay a circuit down as a tape.

    Parameters
    ----------
    sources : sequence of scopes
    products : sequence of products
    roots : sequence of int
    sizes : mapping of variable to int
    counts : sequence of int
        How many rows each table has: first the sources, then the results.

    Returns
    -------
    Tape
    """
    scopes = [*sources, *(product.scope for product in products)]
    cells = [math.prod(sizes[v] for v in scope) for scope in scopes]
    inputs = _fused(len(sources), products, roots, scopes, cells, counts, sizes)
    uses = [0] * len(scopes)
    for read in inputs.values():
        for table in read:
            uses[table] += 1
    for root in roots:
        uses[root] += 1
    room, at = _Room(), {}
    steps: list[list[int]] = []
    places: list[Ints] = []
    readings: list[tuple[int, int]] = []
    stored: set[int] = set()
    work = length = rows = 0
    starts = dict(zip(roots, _starts([counts[r] * cells[r] for r in roots]), strict=True))

    def had(table: int) -> int:
        """Return where a table lies, loaded if it is a source."""
        if table not in at:
            at[table] = room.take(counts[table] * cells[table])
            step = [LOAD, at[table], counts[table] * cells[table]]
            steps.append(_padded([*step, 0, 0, 0, 0, table]))
        return at[table]

    def done(table: int) -> None:
        uses[table] -= 1
        if not uses[table]:
            room.give(at[table], counts[table] * cells[table])

    def store(table: int) -> None:
        step = [STORE, starts[table], counts[table] * cells[table], 0, 0, 0, 0, had(table)]
        steps.append(_padded(step))
        stored.add(table)
        for _ in range(list(roots).count(table)):
            done(table)

    for number, read in inputs.items():
        bases = [had(table) for table in read]
        at[number] = room.take(counts[number] * cells[number])
        parts = _parts(scopes[number], [scopes[table] for table in read], sizes)
        shape = [math.prod(sizes[v] for v in part) for part in parts]
        step = [len(read), at[number], counts[number], *shape, *bases]
        step += [0] * (_MOST_INPUTS - len(read))
        step += [cells[table] for table in read] + [0] * (_MOST_INPUTS - len(read))
        steps.append([*step, length, rows])
        for table in read:
            strides = _strides(scopes[table], sizes)
            found = [_places(part, strides, sizes) for part in parts]
            places += found
            length += sum(map(len, found))
            rows += counts[number]
            readings.append((number, table))
        work += counts[number] * math.prod(shape)
        for table in read:
            done(table)
        if number in starts:
            store(number)
    for root in roots:
        if root not in stored:
            store(root)
    return Tape(
        np.array(steps, np.int64).reshape(-1, _COLUMNS),
        np.concatenate(places) if places else np.zeros(0, np.int64),
        tuple(readings),
        max(room.end, 1),
        tuple(starts[root] for root in roots),
        work,
    )


def _padded(step: list[int]) -> list[int]:
    return step + [0] * (_COLUMNS - len(step))


def _starts(sizes: Iterable[int]) -> list[int]:
    found, end = [], 0
    for size in sizes:
        found.append(end)
        end += size
    return found


def _fused(
    first: int,
    products: Sequence[Operation],
    roots: Sequence[int],
    scopes: Sequence[Scope],
    cells: Sequence[int],
    counts: Sequence[int],
    sizes: Mapping[Variable, int],
) -> dict[int, tuple[int, ...]]:
    """Return what each product reads, those left out that are formed on the way to another.

    A product that sums nothing, and is read once, by a product over no more cells, need not lie
    anywhere: its inputs are read in its place.
    """
    inputs = {first + i: product.inputs for i, product in enumerate(products)}
    readers: dict[int, list[int]] = {}
    for number, read in inputs.items():
        for table in read:
            readers.setdefault(table, []).append(number)
    for number in list(inputs):
        read = inputs[number]
        if number in roots or len(readers.get(number, ())) != 1 or counts[number] != 1:
            continue
        (reader,) = readers[number]
        others = [table for table in inputs[reader] if table != number]
        if len(others) + 1 != len(inputs[reader]) or len(others) + len(read) > _MOST_INPUTS:
            continue
        union = {v for table in read for v in scopes[table]}
        wide = union.union(*(scopes[table] for table in others))
        if len(union) != len(scopes[number]) or counts[reader] != 1:
            continue
        if math.prod(sizes[v] for v in wide) > cells[number]:
            continue
        inputs[reader] = (*read, *others)
        del inputs[number]
        for table in read:
            readers[table] = [reader if n == number else n for n in readers[table]]
    return inputs


def _parts(
    scope: Scope, inputs: Sequence[Scope], sizes: Mapping[Variable, int]
) -> tuple[Scope, Scope, Scope, Scope]:
    """Cut the axes that are kept, and those that are summed over, into an outer and inner part."""
    gone = tuple(dict.fromkeys(v for table in inputs for v in table if v not in scope))
    return *_cut(scope, sizes), *_cut(gone, sizes)


def _cut(scope: Scope, sizes: Mapping[Variable, int]) -> tuple[Scope, Scope]:
    cells, at = 1, len(scope)
    while at and cells * sizes[scope[at - 1]] <= _INNER:
        at -= 1
        cells *= sizes[scope[at]]
    return scope[:at], scope[at:]


def _strides(scope: Scope, sizes: Mapping[Variable, int]) -> dict[Variable, int]:
    strides, step = {}, 1
    for v in reversed(scope):
        strides[v] = step
        step *= sizes[v]
    return strides


def _places(part: Scope, strides: Mapping[Variable, int], sizes: Mapping[Variable, int]) -> Ints:
    """Return the place that each cell of some axes has in a table."""
    return _grid(tuple((sizes[v], strides.get(v, 0)) for v in part))


@lru_cache(maxsize=2**12)
def _grid(axes: tuple[tuple[int, int], ...]) -> Ints:
    """Return where the cells of some axes lie, by each axis's number of entries and step."""
    steps = [np.arange(size, dtype=np.int64) * step for size, step in axes]
    found: Ints = reduce(np.add.outer, steps, np.zeros((), np.int64)).ravel()
    return found
