"""Queries as circuits: products of tables, each summed over some variables, with many roots.

What several roots have in common is one product, formed once. A circuit speaks of scopes and
numbers of states alone, so one that was built serves whoever answered the same questions.

It is carried out in one of two ways. `numpy.einsum` takes it product by product: slow, obvious,
and nothing but NumPy is imported. The compiled loops of `backrisk.inference.lanes` take blocks of
draws through all products at once. Both give the same numbers but for rounding.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.inference.elimination import LETTERS
from backrisk.inference.slices import Table, Unfilled, as_array
from backrisk.inference.tape import Tape, laid_down
from backrisk.inference.threads import in_threads, workers
from backrisk.inference.twin_network import Variable
from backrisk.inference.watching import watcher

Scope = tuple[Variable, ...]
Rows = NDArray[np.intp]
Look = Callable[[Iterable[Variable]], None]

BUDGET = 512 * 2**20  # bytes that the tables of a query may take at any moment
_WORTH_IMPORTING = 10**9  # cells times draws, for which NumPy takes longer than the import
_WORTH_SHARING = 2 * 10**7  # cells times draws from which on threads are worth starting
_AT_ONCE = 2**28  # cells times draws between two looks at whoever asked
_TAPES = 512  # that are kept, some 50 KB each


@dataclass(frozen=True)
class Product:
    """Tables multiplied, and summed over all variables that are not kept.

    Parameters
    ----------
    inputs : tuple of int
        Tables by number: first a circuit's sources, then the results of its products.
    scope : tuple of variables
        What is kept, in the order of the result's axes.
    """

    inputs: tuple[int, ...]
    scope: Scope


@dataclass(frozen=True, eq=False)
class QueryCircuit:
    """Products that lead from sources to roots.

    Parameters
    ----------
    sources : tuple of scopes
    products : tuple of Product
    roots : tuple of int
        The tables that are asked for.
    sizes : tuple of (variable, int)
        The number of states of each variable.
    """

    sources: tuple[Scope, ...]
    products: tuple[Product, ...]
    roots: tuple[int, ...]
    sizes: tuple[tuple[Variable, int], ...]

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """What each table speaks of: the sources, then the results."""
        return (*self.sources, *(product.scope for product in self.products))

    @cached_property
    def unions(self) -> tuple[tuple[Variable, ...], ...]:
        """What each product passes over."""
        return tuple(
            tuple(dict.fromkeys(v for i in product.inputs for v in self.scopes[i]))
            for product in self.products
        )

    @cached_property
    def work(self) -> int:
        """Cells that are passed over, for one draw and one row of answers."""
        sizes = dict(self.sizes)
        return sum(math.prod(sizes[v] for v in union) for union in self.unions)


@dataclass(frozen=True, eq=False)
class Readings:
    """The rows of answers of each table, and which of them each product reads.

    Parameters
    ----------
    counts : tuple of int
        How many rows each table has: first the sources, then the results.
    rows : mapping of (result, input) to ndarray of int
        The row of an input that is read for each row of a result. Where there is none, it is the
        same one, or the only one.
    """

    counts: tuple[int, ...]
    rows: dict[tuple[int, int], Rows] = field(default_factory=dict)


class Drafted:
    """A circuit being built: what is asked for again is what there is.

    Parameters
    ----------
    sources : sequence of scopes
    sizes : mapping of variable to int
    """

    def __init__(self, sources: Sequence[Scope], sizes: dict[Variable, int]) -> None:
        self.sources = tuple(sources)
        self.sizes = sizes
        self.scopes = list(sources)
        self.products: list[Product] = []
        self._found: dict[tuple[tuple[int, ...], frozenset[Variable]], int] = {}

    def cells(self, scope: Iterable[Variable]) -> int:
        """Return the number of cells of a table."""
        return math.prod(self.sizes[v] for v in scope)

    def multiplied(self, tables: Sequence[int], keep: Iterable[Variable | None]) -> int:
        """Multiply tables and sum out all variables but some; return the result's number.

        Two at a time, the smallest first; what the others do not speak of is summed out at once.
        """
        kept, left = frozenset(v for v in keep if v is not None), list(tables)
        while len(left) > 2:
            left.sort(key=lambda table: self.cells(self.scopes[table]))
            beyond = kept.union(*(self.scopes[table] for table in left[2:]))
            left[:2] = [self._product(left[:2], beyond)]
        return self._product(left, kept)

    def _product(self, tables: Sequence[int], keep: frozenset[Variable]) -> int:
        scope = dict.fromkeys(v for table in tables for v in self.scopes[table])
        if len(tables) == 1 and keep.issuperset(scope):
            return tables[0]
        kept = tuple(sorted(v for v in scope if v in keep))
        key = tuple(sorted(tables)), frozenset(kept)
        if key not in self._found:
            self.products.append(Product(tuple(tables), kept))
            self.scopes.append(kept)
            self._found[key] = len(self.scopes) - 1
        return self._found[key]

    def circuit(self, roots: Sequence[int]) -> QueryCircuit:
        """Return the circuit with the tables that are asked for."""
        return QueryCircuit(
            self.sources, tuple(self.products), tuple(roots), tuple(self.sizes.items())
        )


def evaluated(
    circuit: QueryCircuit,
    tables: Sequence[Table],
    draws: int,
    readings: Readings | None = None,
    look: Look | None = None,
    compiled: bool | None = None,
) -> list[Array]:
    """Return the roots of a circuit.

    Parameters
    ----------
    circuit : QueryCircuit
    tables : sequence of ndarray, each ([row], *scope, draw), or of parts of tables to be filled
        The sources; with one draw where it is the same in all.
    draws : int
    readings : Readings, optional
        Where tables have rows; else they have no axis of rows.
    look : callable, optional
        What to call with the variables of each product.
    compiled : bool, optional
        Whether to use the compiled loops; by default as `worth_compiling` says.

    Returns
    -------
    list of ndarray, each ([row], *scope, draw)
    """
    look = look or watcher()
    if worth_compiling(circuit.work * draws) if compiled is None else compiled:
        return _in_lanes(circuit, tables, draws, readings, look)
    return _one_by_one(circuit, tables, readings, look)


def worth_compiling(work: int) -> bool:
    """Return whether to use the compiled loops: where they are there, or much is to be done.

    Then they are there: what is fetched afterwards may be filled by them.

    Parameters
    ----------
    work : int
        Cells that are passed over, times draws.
    """
    if "numba" in sys.modules:
        return True
    if work > _WORTH_IMPORTING:
        from backrisk.inference import lanes

        assert lanes
    return work > _WORTH_IMPORTING


def _one_by_one(
    circuit: QueryCircuit,
    tables: Sequence[Table],
    readings: Readings | None,
    look: Look,
) -> list[Array]:
    """Carry the products out by `numpy.einsum`."""
    left = [0] * len(circuit.scopes)
    for table in itertools.chain(circuit.roots, *(p.inputs for p in circuit.products)):
        left[table] += 1
    found = {
        i: as_array(table)[None] if readings and isinstance(table, Unfilled) else as_array(table)
        for i, table in enumerate(tables)
    }
    for number, product in enumerate(circuit.products, start=len(tables)):
        look(circuit.unions[number - len(tables)])
        inputs = []
        for table in product.inputs:
            values = found[table]
            if readings and (number, table) in readings.rows:
                values = values[readings.rows[number, table]]
            inputs.append(values)
            left[table] -= 1
            if not left[table]:
                del found[table]
        subscripts = _subscripts(
            tuple(circuit.scopes[table] for table in product.inputs), product.scope
        )
        if readings:
            subscripts = "Y" + subscripts.replace(",", ",Y").replace("->", "->Y")
        found[number] = np.einsum(subscripts, *inputs)
    return [found[root] for root in circuit.roots]


@lru_cache(maxsize=4096)
def _subscripts(scopes: tuple[Scope, ...], kept: Scope) -> str:
    """Return how to write the product of tables for einsum."""
    union = dict.fromkeys(v for scope in scopes for v in scope)
    letter = dict(zip(union, LETTERS, strict=False))
    inputs = ",".join("".join(letter[v] for v in scope) + "Z" for scope in scopes)
    return f"{inputs}->{''.join(letter[v] for v in kept)}Z"


@lru_cache(maxsize=_TAPES)
def _tape(circuit: QueryCircuit, counts: tuple[int, ...]) -> Tape:
    return laid_down(circuit.sources, circuit.products, circuit.roots, dict(circuit.sizes), counts)


@lru_cache(maxsize=256)  # of a wide table it is as long as the table is for one draw
def _cells_of(shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray[np.int64]:
    """Return where each cell of a table lies from its first, in bytes."""
    axes = [np.arange(n, dtype=np.int64) * step for n, step in zip(shape, strides, strict=True)]
    return reduce(np.add.outer, axes, np.zeros((), np.int64)).ravel()


def _side_by_side(table: Array, shape: tuple[int, ...], draws: int) -> Array:
    """Return a table of some shape, and of these draws or one, that lie one after the other."""
    table = np.broadcast_to(table, (*shape, draws if table.shape[-1] > 1 else 1))
    if table.dtype == np.float64 and table.strides[-1] == table.itemsize:
        return table
    return np.ascontiguousarray(table, np.float64)


def _in_lanes(
    circuit: QueryCircuit,
    tables: Sequence[Table],
    draws: int,
    readings: Readings | None,
    look: Look,
) -> list[Array]:
    """Carry the products out by compiled loops, in blocks of draws."""
    from backrisk.inference.filling import recipe_for
    from backrisk.inference.lanes import carry_out
    from backrisk.inference.vectors import LANES

    counts = readings.counts if readings else (1,) * len(circuit.scopes)
    tape = _tape(circuit, counts)
    room = 8 * tape.cells * LANES
    if room > BUDGET:  # of a single draw there may be room
        return _one_by_one(circuit, tables, readings, look)
    rows = [np.zeros(0, np.int64)]
    for number, table in tape.readings:
        read = readings.rows.get((number, table)) if readings else None
        if read is None:
            same = counts[table] == counts[number]
            read = np.arange(counts[number]) if same else np.zeros(counts[number], np.int64)
        rows.append(read)
    sizes = dict(circuit.sizes)

    def shape_of(table: int) -> tuple[int, ...]:
        cells = tuple(sizes[v] for v in circuit.scopes[table])
        return (counts[table], *cells) if readings else cells

    # Kept until the loops are done, which are given addresses and look no further: each table has
    # the shape that the tape takes it to have, and its draws lie side by side.
    kept: list[Array] = []
    given = np.zeros(len(tables), np.int64)
    filled, wide = np.zeros((2, len(tables)), bool)
    lists = [np.zeros(0, np.int64)]
    for i, source in enumerate(tables):
        if isinstance(source, Unfilled):
            assert (1, *source.shape) == (counts[i], *shape_of(i)[bool(readings) :], draws)
            recipe, needed = recipe_for(source.form, source.codes, source.some, event=source.event)
            lists.append(recipe)
            kept += needed
        else:
            array = _side_by_side(source, shape_of(i), draws)
            given[i], filled[i], wide[i] = array.ctypes.data, True, array.shape[-1] > 1
            lists.append(_cells_of(array.shape[:-1], array.strides[:-1]))
            kept.append(array)
    starts = np.cumsum([len(each) for each in lists])
    shapes = [shape_of(root) for root in circuit.roots]
    ends = [start + math.prod(shape) for start, shape in zip(tape.roots, shapes, strict=True)]
    out = np.empty((max(ends, default=0), draws))
    where = np.concatenate(lists)
    fixed = tape.steps, tape.places, np.concatenate(rows), given, filled, wide, where, starts
    for union in circuit.unions:
        look(union)
    count = min(workers(tape.work * draws > _WORTH_SHARING), BUDGET // room)
    piece = max(_AT_ONCE // max(tape.work, 1) // LANES, 1) * LANES
    piece = min(piece, -(-draws // (count * LANES)) * LANES)

    def some(first: int) -> None:
        if first:
            look(circuit.unions[-1] if circuit.unions else ())
        buffer = np.empty(room // 8)
        carry_out(*fixed, buffer, out, first, min(first + piece, draws))

    in_threads(some, range(0, draws, piece), count)
    return [
        out[start:end].reshape(*shape, draws)
        for start, end, shape in zip(tape.roots, ends, shapes, strict=True)
    ]
