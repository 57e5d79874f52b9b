"""Parts of tables that are too large to be kept whole: kept while there is room.

All that is asked about one person meets the same few parts of such a table, for one chunk of draws
after the other. What is asked for again is kept. It is bounded for all posteriors together; the
part that was asked for longest ago goes first, and with a posterior goes what was kept of it.
"""

from __future__ import annotations

import math
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.graph import ProportionalOdds, holds
from backrisk.inference.coupling import cumulated
from backrisk.inference.tables import Tables

KEPT = 2**28  # bytes of all parts together
_LEAST = 2**12  # cells of one draw, fewer than which are as soon computed
_REMEMBERED = 64  # parts that were asked for once

Part = Callable[[slice], Array]


@dataclass(frozen=True, eq=False)
class Unfilled:
    """Some draws of a part of a wide table, which compiled loops fill where they read it.

    Parameters
    ----------
    form : ProportionalOdds
    codes : tuple of int or None
        Of each parent: its state, or None where it is open.
    some : slice
        Of the draws.
    event : tuple of int, optional
        States that are summed, in place of all.
    """

    form: ProportionalOdds
    codes: tuple[int | None, ...]
    some: slice
    event: tuple[int, ...] | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the table, ``(*open parents, [state], draw)``."""
        sizes = [n for n, code in zip(self.form.sizes, self.codes, strict=True) if code is None]
        states = [len(self.form.below) + 1] if self.event is None else []
        first, last, _ = self.some.indices(self.form.below.shape[-1])
        return (*sizes, *states, last - first)


Table = Array | Unfilled


def as_array(table: Table) -> Array:
    """Return a table, filled."""
    if not isinstance(table, Unfilled):
        return table
    from backrisk.inference.filling import filled

    return filled(table.form, table.codes, table.some, event=table.event)


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
        found = self.table[..., some]
        found.flags.writeable = False
        return found


_lock = threading.Lock()
_parts: OrderedDict[tuple[Any, ...], tuple[int, _Kept]] = OrderedDict()
_asked: OrderedDict[tuple[Any, ...], None] = OrderedDict()  # what was asked for once


def part_of(
    tables: Tables,
    name: str,
    at: tuple[Any, ...],
    *,
    cdf: bool = False,
    event: tuple[int, ...] | None = None,
) -> Part:
    """Return how to get a part of a node's CPT for some draws; see `Tables.cut`.

    Parameters
    ----------
    tables : Tables
    name : str
    at : tuple
    cdf : bool
        Cumulated over the states, without the last.
    event : tuple of int, optional
        States that are summed, whose axis then falls away.

    Returns
    -------
    callable
        Of a slice of the draws. What it returns is not to be changed: it may be kept.
    """
    known = [codes for codes in at if not isinstance(codes, slice)]
    if holds(tables.graph, name, tables.draws) or any(len(codes) > 1 for codes in known):
        return _cut(tables, name, at, cdf=cdf, event=event)
    codes = tuple(None if isinstance(each, slice) else int(each[0]) for each in at)
    compiled = "numba" in sys.modules
    form = tables.proportional_odds(name) if compiled or event is not None else None
    if form is None:
        compute = _cut(tables, name, at, cdf=cdf, event=event)
    elif compiled:
        compute = _from_odds(form, codes, cdf=cdf, event=event)
    else:
        compute = _event_from_odds(form, codes, event or ())
    *sizes, states = tables.graph.shape(name)
    left = (n for n, code in zip(sizes, codes, strict=True) if code is None)
    cells = math.prod([*left, states - cdf if event is None else 1])
    size = 8 * cells * tables.draws
    if cells < _LEAST or size > KEPT // 2:
        return compute
    key = weakref.ref(tables, _forget), name, codes, cdf, event
    with _lock:
        if key not in _parts:
            if key not in _asked:  # once is no reason to keep anything
                _asked[key] = None
                while len(_asked) > _REMEMBERED:
                    _asked.popitem(last=False)
                return compute
            _parts[key] = size, _Kept(tables.draws)
        _parts.move_to_end(key)
        _, mine = _parts[key]
        while kept() > KEPT:
            _parts.popitem(last=False)
    return lambda some: mine.get(compute, some)


def unfilled_part(
    tables: Tables, name: str, at: tuple[Any, ...], event: tuple[int, ...] | None
) -> Callable[[slice], Unfilled] | None:
    """Return how to get a part of a wide table that is filled where it is read.

    Parameters
    ----------
    tables : Tables
    name : str
    at : tuple
        As for `part_of`.
    event : tuple of int, optional
        States that are summed, whose axis then falls away.

    Returns
    -------
    callable, optional
        None where the table is kept whole, is not one of odds, or is asked about for many people;
        and without the compiled loops.
    """
    if "numba" not in sys.modules or holds(tables.graph, name, tables.draws):
        return None
    if any(len(codes) > 1 for codes in at if not isinstance(codes, slice)):
        return None
    form = tables.proportional_odds(name)
    if form is None:
        return None
    codes = tuple(None if isinstance(each, slice) else int(each[0]) for each in at)
    return lambda some: Unfilled(form, codes, some, event)


def _cut(
    tables: Tables, name: str, at: tuple[Any, ...], *, cdf: bool, event: tuple[int, ...] | None
) -> Part:
    cut = tables.cut(name, at)
    if event is not None:
        states = list(event)
        if len(states) == 1:  # a view, not a copy
            return lambda some: cut(some)[..., states[0], :]
        return lambda some: cut(some)[..., states, :].sum(axis=-2)
    if not cdf:
        return cut
    positive = tables.positive(name)
    return lambda some: cumulated(cut(some), positive=positive)


def _from_odds(
    form: ProportionalOdds,
    codes: Sequence[int | None],
    *,
    cdf: bool,
    event: tuple[int, ...] | None,
) -> Part:
    from backrisk.inference.filling import filled

    return lambda some: filled(form, codes, some, cdf=cdf, event=event)[None]


def _event_from_odds(
    form: ProportionalOdds, codes: Sequence[int | None], event: tuple[int, ...]
) -> Part:
    """Return how to get the sum of some states without the compiled loops.

    Only the levels at which the event begins and ends are worked out, and no state.
    """
    left = [n for n, code in zip(form.sizes, codes, strict=True) if code is None]
    inside = np.isin(np.arange(len(form.below) + 1), event)
    signs = inside[:-1].astype(int) - inside[1:]

    def part(some: slice) -> Array:
        odds: Array = np.ones_like(form.below[0, some])
        for causes, factor in zip(form.causes, form.factors, strict=True):
            by_state = factor[:, some].reshape(*(form.sizes[cause] for cause in causes), -1)
            known = (codes[cause] for cause in causes)
            table = by_state[tuple(slice(None) if code is None else code for code in known)]
            shape = [form.sizes[c] if c in causes else 1 for c, k in enumerate(codes) if k is None]
            odds = odds * table.reshape(*shape, table.shape[-1])
        found = np.full((*left, len(form.below[0, some])), float(inside[-1]))
        for sign, below, above in zip(signs, form.below, form.above, strict=True):
            if sign:
                found += sign * (below[some] / (above[some] * odds + below[some]))
        return found[None]

    return part


def kept() -> int:
    """Return how many bytes are kept."""
    return sum(size for size, _ in list(_parts.values()))  # a posterior may go meanwhile


def forget() -> None:
    """Let go of all that is kept."""
    with _lock:
        _parts.clear()
        _asked.clear()


def _forget(dead: weakref.ref[Tables]) -> None:
    """Let go of what was kept of a posterior that is gone."""
    for key in [key for key in (*_parts, *_asked) if key[0] is dead]:
        _parts.pop(key, None)
        _asked.pop(key, None)
