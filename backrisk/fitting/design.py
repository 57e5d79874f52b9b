"""Which terms add up to each CPT cell that is used, as index arrays for the compiled model.

Only cells that the circuit addresses are computed, whatever the size of a family. Which these are
depends on the survey, so that the arrays are data of the compiled model, like the circuit's tape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk.graph import KnownItem, Layout, Mechanism, NoisyMax, OrdinalLogit, Saturated
from backrisk.likelihood import Cells, distinct_bytes

Ints = NDArray[np.int64]
Design = Mapping[str, Ints]

_WHOLE: tuple[type[Mechanism], ...] = (Saturated, KnownItem)  # kinds that are laid out whole


def lay_out(layout: Layout, cells: Cells, sites: int = 0) -> dict[str, Ints]:
    """Lay out what the compiled model gathers and adds.

    Parameters
    ----------
    layout : Layout
    cells : Cells
        Those of the circuit. With sites, each pooled family has the site as its first member.
    sites : int

    Returns
    -------
    dict of str to ndarray of int
        ``place``, shape (cell,): where each of the circuit's cells is among the computed ones,
        which are those of tables and of items of known error, then those below.

        For each of ``ordinal`` and ``noisy``, where the graph has such nodes:

        ``*_terms``, shape (row, term) and (point, term)
            What adds up to a row's linear predictor, or to the log of a P(X <= level); 0 for
            nothing. An ordinal logit has a term for each joint state of the causes of each of its
            effects. A noisy-max has a term for each level of its leak and of each state of each
            cause.
        ``ordinal_points``, shape (2, point)
            The row and the cutpoint of each P(X <= level) that is needed. The cutpoints of all
            nodes follow each other, site by site.
        ``*_first``, ``*_last``, shape (cell,), and ``*_middle``
            The cells of first, last and other states. A first cell needs the point of its own
            level, a last one that of the level below, and a middle one both; for an ordinal
            logit, in a third row, also which of the gaps between cutpoints lies between them.

    Raises
    ------
    NotImplementedError
        Naming a kind of node whose cells are not written.
    """
    found: dict[str, Ints] = {}
    place = np.full(cells.size, -1, dtype=np.int64)
    end = 0
    for kind in _WHOLE:
        for name in of_kind(layout, kind):
            end = _whole(cells, name, place, end)
    for label, kind in (("ordinal", OrdinalLogit), ("noisy", NoisyMax)):
        if nodes := of_kind(layout, kind):
            needs = [_Needed.of(layout, cells, name, sites) for name in nodes]
            found |= {
                f"{label}_{key}": value
                for key, value in (
                    _ordinal(layout, needs) if kind is OrdinalLogit else _noisy(layout, needs)
                ).items()
            }
            end = _place(cells, needs, place, end)
    for name in cells.graph.names:
        if name not in layout.graph.names:  # the site, whose own distribution counts for nothing
            end = _whole(cells, name, place, end)
    if place.min(initial=0) < 0:  # else the cells of others would be taken for theirs
        written = (*_WHOLE, OrdinalLogit, NoisyMax)
        kinds = {type(m).__name__ for m in layout.mechanisms.values() if not isinstance(m, written)}
        raise NotImplementedError(", ".join(sorted(kinds)))
    return {**found, "place": place}


def of_kind(layout: Layout, kind: type[Mechanism]) -> list[str]:
    """Return the nodes of one kind, in the graph's order."""
    return [name for name, each in layout.mechanisms.items() if isinstance(each, kind)]


@dataclass(frozen=True, eq=False)
class _Needed:
    """What the cells of one node need.

    Parameters
    ----------
    name : str
    rows : ndarray of int8, shape (row, parent)
        The states of the parents in each row that is used.
    points : ndarray, shape (3, point)
        The site, row and level of each P(X <= level) that is needed.
    upper, lower : ndarray, shape (distinct cell,)
        The points of a cell's own level and of the one below; -1 where it has none.
    state : ndarray, shape (distinct cell,)
    which : ndarray, shape (cell,)
        The distinct cell of each of the circuit's.
    top : int
        The number of levels, one less than of states.
    """

    name: str
    rows: NDArray[np.int8]
    points: Ints
    upper: Ints
    lower: Ints
    state: Ints
    which: Ints
    top: int

    @classmethod
    def of(cls, layout: Layout, cells: Cells, name: str, sites: int) -> _Needed:
        top = layout.mechanism(name).shape[-1] - 1
        joint, which = distinct_bytes(cells.joint(name))
        site = np.zeros(len(joint), dtype=np.int64)
        if sites and name in layout.pooled:
            site, joint = joint[:, 0].astype(np.int64), joint[:, 1:]
        rows, row = distinct_bytes(joint[:, :-1])
        state = joint[:, -1].astype(np.int64)
        key = (site * len(rows) + row) * top + state
        points = np.unique(np.concatenate([key[state < top], key[state > 0] - 1]))
        at, level = np.divmod(points, top)
        upper, lower = (
            np.where(has, np.searchsorted(points, own), -1)
            for has, own in ((state < top, key), (state > 0, key - 1))
        )
        at_site, at_row = np.divmod(at, max(len(rows), 1))
        return cls(name, rows, np.stack([at_site, at_row, level]), upper, lower, state, which, top)

    @property
    def kinds(self) -> tuple[NDArray[np.bool_], ...]:
        """Which distinct cells are of the first state, of the last, of any other."""
        first, last = self.lower < 0, self.upper < 0
        return first, last, ~(first | last)


def _ordinal(layout: Layout, needs: list[_Needed]) -> dict[str, Ints]:
    width = max(len(layout.mechanism(need.name).effects) for need in needs)
    cuts = sum(need.top for need in needs)
    term, row, cut, gap, point = 1, 0, 0, 0, 0
    terms, points = [], []
    ends: tuple[list[Ints], ...] = ([], [], [])
    for need in needs:
        each = layout.mechanism(need.name)
        added = np.zeros((len(need.rows), width), dtype=np.int64)
        for column, effect in enumerate(each.effects):
            shape = tuple(each.shape[cause] for cause in effect.causes)
            causes = need.rows[:, list(effect.causes)].astype(np.int64)
            added[:, column] = term + np.ravel_multi_index(tuple(causes.T), shape)
            term += int(np.prod(shape))
        terms.append(added)
        site, at_row, level = need.points
        points.append(np.stack([row + at_row, site * cuts + cut + level]))
        first, last, middle = need.kinds
        ends[0].append(point + need.upper[first])
        ends[1].append(point + need.lower[last])
        between = (point + need.upper, point + need.lower, gap + need.state - 1)
        ends[2].append(np.stack(between)[:, middle])
        row, cut, gap = row + len(need.rows), cut + need.top, gap + need.top - 1
        point += need.points.shape[1]
    return {
        "terms": np.concatenate(terms),
        "points": np.concatenate(points, axis=1),
        **_joined(ends),
    }


def _noisy(layout: Layout, needs: list[_Needed]) -> dict[str, Ints]:
    width = 1 + max(need.rows.shape[1] for need in needs)
    term, point = 1, 0
    terms = []
    ends: tuple[list[Ints], ...] = ([], [], [])
    for need in needs:
        each = layout.mechanism(need.name)
        _, at_row, level = need.points
        added = np.zeros((len(level), width), dtype=np.int64)
        added[:, 0] = term + level
        term += need.top
        for cause, size in enumerate(each.shape[:-1]):
            state = need.rows[at_row, cause].astype(np.int64)
            active = term + (state - 1) * need.top + level
            added[:, 1 + cause] = np.where(state > 0, active, 0)
            term += (size - 1) * need.top
        terms.append(added)
        first, last, middle = need.kinds
        ends[0].append(point + need.upper[first])
        ends[1].append(point + need.lower[last])
        ends[2].append(point + np.stack([need.upper, need.lower])[:, middle])
        point += len(level)
    return {"terms": np.concatenate(terms), **_joined(ends)}


def _joined(ends: tuple[list[Ints], ...]) -> dict[str, Ints]:
    names = ("first", "last", "middle")
    return {name: np.concatenate(part, axis=-1) for name, part in zip(names, ends, strict=True)}


def _whole(cells: Cells, name: str, place: Ints, end: int) -> int:
    """Put a node's cells where they are computed, all in their order; return where they end."""
    part = cells.part(name)
    stop: int = end + part.stop - part.start
    place[part] = np.arange(end, stop)
    return stop


def _place(cells: Cells, needs: list[_Needed], place: Ints, end: int) -> int:
    """Put the cells of all nodes of a kind: first states, last, others; return where they end."""
    where = [np.empty(len(need.state), dtype=np.int64) for need in needs]
    for kind in range(3):
        for need, at in zip(needs, where, strict=True):
            these = need.kinds[kind]
            at[these] = np.arange(end, end + these.sum())
            end += int(these.sum())
    for need, at in zip(needs, where, strict=True):
        place[cells.part(need.name)] = at[need.which]
    return end
