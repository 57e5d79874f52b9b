"""Parts of tables that are too large to be kept whole: kept while there is room.

All that is asked about one person meets the same few parts of such a table, for one chunk of draws
after the other. What is kept is bounded for all posteriors together; the part that was asked for
longest ago goes first, and with a posterior goes what was kept of it.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.graph import holds
from backrisk.inference.coupling import cumulated
from backrisk.inference.tables import Tables

KEPT = 2**28  # bytes of all parts together
_LEAST = 2**12  # cells of one draw, fewer than which are as soon computed

Part = Callable[[slice], Array]


@dataclass(eq=False)
class _Kept:
    """A part of a table, of which some draws are there."""

    draws: int
    there: Array = field(init=False)
    table: Array | None = None

    def __post_init__(self) -> None:
        self.there = np.zeros(self.draws, bool)

    def get(self, compute: Part, some: slice) -> Array:
        """Return some draws, computed where they are not there."""
        if self.table is None or not self.there[some].all():
            found = compute(some)
            with _lock:
                if self.table is None:
                    self.table = np.empty((*found.shape[:-1], self.draws))
            self.table[..., some] = found
            self.there[some] = True  # after the values: another thread may be reading
        return self.table[..., some]


_lock = threading.Lock()
_parts: OrderedDict[tuple[Any, ...], tuple[int, _Kept]] = OrderedDict()


def part_of(tables: Tables, name: str, at: tuple[Any, ...], *, cdf: bool = False) -> Part:
    """Return how to get a part of a node's CPT for some draws; see `Tables.cut`.

    Parameters
    ----------
    tables : Tables
    name : str
    at : tuple
    cdf : bool
        Cumulated over the states, without the last.

    Returns
    -------
    callable
        Of a slice of the draws. What it returns is read only by agreement: it may be kept.
    """
    cut = tables.cut(name, at)
    positive = cdf and tables.positive(name)

    def compute(some: slice) -> Array:
        return cumulated(cut(some), positive=positive) if cdf else cut(some)

    known = [codes for codes in at if not isinstance(codes, slice)]
    if holds(tables.graph, name, tables.draws) or any(len(codes) > 1 for codes in known):
        return compute
    *sizes, states = tables.graph.shape(name)
    left = (n for n, codes in zip(sizes, at, strict=True) if isinstance(codes, slice))
    cells = int(np.prod([*left, states - cdf], dtype=np.int64))
    size = 8 * cells * tables.draws
    if cells < _LEAST or size > KEPT // 2:
        return compute
    codes = tuple(None if isinstance(each, slice) else int(each[0]) for each in at)
    key = weakref.ref(tables, _forget), name, codes, cdf
    with _lock:
        if key not in _parts:
            _parts[key] = size, _Kept(tables.draws)
        _parts.move_to_end(key)
        _, mine = _parts[key]
        while kept() > KEPT:
            _parts.popitem(last=False)
    return lambda some: mine.get(compute, some)


def kept() -> int:
    """Return how many bytes are kept."""
    return sum(size for size, _ in _parts.values())


def forget() -> None:
    """Let go of all that is kept."""
    with _lock:
        _parts.clear()


def _forget(dead: weakref.ref[Tables]) -> None:
    """Let go of what was kept of a posterior that is gone."""
    for key in [key for key in list(_parts) if key[0] is dead]:
        _parts.pop(key, None)
