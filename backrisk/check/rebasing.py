"""One family of a model moved so that its node is distributed as stated, draw by draw, exactly.

A family keeps how its causes act; only its baseline moves. Of an ordinal logit these are the
cutpoints, so that every odds ratio stays; of a noisy-max it is the leak, so that every cause's own
contribution stays; of a family without such a form, the log odds between its states move by as
much in every row (iterative proportional fitting, Deming and Stephan 1940,
doi:10.1214/aoms/1177731829), so that every odds ratio between node and causes stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backrisk._types import Array, Codes
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, KnownItem, Layout, NoisyMax, OrdinalLogit, with_odds
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.words import names_of, say

_CELLS = 2**21  # of a family that are worked on at once, in all draws
_FURTHEST = 700.0  # log odds, whose exponential a double holds
_STEPS, _SWEEPS = 200, 20_000
_CLOSE = 1e-14


def moved_baseline(posterior: Posterior, name: str, wanted: Array, first: int | None) -> Posterior:
    """Return the posterior whose node is distributed as wanted, by moving its baseline.

    Parameters
    ----------
    posterior : Posterior
        Whose nodes above are as they should be.
    name : str
    wanted : ndarray, shape (draw, state); (draw, 2) for an event
        Shares in the whole population; of an event, its complement's first.
    first : int, optional
        The first state of the event. All cutpoints then move alike; without a form, odds between
        states on the same side of the event stay.

    Returns
    -------
    Posterior

    Raises
    ------
    QueryError
        If no baseline gives the stated share, or the node's error is known and fixed.
    """
    cuts = np.cumsum(wanted, axis=1)[:, :-1].T  # (cut, draw)
    if posterior.given is None:
        family = posterior.layout.mechanism(name)
        if isinstance(family, KnownItem):
            raise QueryError(say("check.transport.fixed", node=name))
        if isinstance(family, OrdinalLogit):
            shift = _cutpoints(posterior, name, cuts, first)
            return _with_average(posterior, name, lambda own: with_odds(own, shift.T))
        if isinstance(family, NoisyMax):
            return _leak(posterior, name, cuts, first)
    rows = np.moveaxis(posterior.cpt(name), 0, -1)
    table = rows.reshape(-1, *rows.shape[-2:])
    weights = _weights(posterior, name, slice(0, posterior.draws))
    if first is None and wanted.shape[1] > 2:
        moved = _tilted(posterior.graph, name, table, weights, wanted.T)
    else:
        at = 1 if first is None else first
        below = table[:, :at].sum(axis=1, keepdims=True)
        above = table[:, at:].sum(axis=1, keepdims=True)
        odds = np.exp(_shift(posterior.graph, name, below, above, weights, cuts))
        whole = below + above * odds
        moved = np.concatenate([table[:, :at], table[:, at:] * odds], axis=1) / whole
    return with_table(posterior, name, np.moveaxis(moved, -1, 0).reshape(-1, *rows.shape[:-1]))


def with_table(posterior: Posterior, name: str, table: Array) -> Posterior:
    """Return the posterior with another CPT of one node.

    Parameters
    ----------
    posterior : Posterior
    name : str
    table : ndarray, shape ``(draw, *parents, state)``

    Returns
    -------
    Posterior
        A node whose mechanism cannot hold the table is saturated there.
    """
    if posterior.given is not None:
        made = Posterior.from_cpts(posterior.graph, {**posterior.given, name: table})
        return replace(posterior, given=made.given)
    assert posterior.fractions is not None
    if posterior.graph.mechanism(name) not in ("saturated", "item"):
        posterior = _saturated(posterior, name)
    elif isinstance(posterior.layout.mechanism(name), KnownItem):
        raise QueryError(say("check.transport.fixed", node=name))
    left = np.cumsum(table[..., ::-1], axis=-1)[..., :0:-1]  # of a state and those after it
    fractions = np.array(posterior.fractions)
    fractions[:, posterior.layout.fraction_slices[name]] = np.clip(
        table[..., :-1] / left, 0.0, 1.0
    ).reshape(len(table), -1)
    return _changed(posterior, fractions=fractions)


def _changed(posterior: Posterior, **fields: Any) -> Posterior:
    """Return the posterior with other draws, or another graph and its layout."""
    layout = fields.pop("layout", posterior.layout)
    moved = replace(posterior, **fields)
    vars(moved)["layout"] = layout  # which takes longer to make than most of what is asked of it
    return moved


def _saturated(posterior: Posterior, name: str) -> Posterior:
    """Return the posterior of the graph in which a node has a distribution of its own in each row.

    What the node's own parameters are is left to whoever sets its table.
    """
    nodes = tuple(
        replace(node, mechanism="saturated", interactions=()) if node.name == name else node
        for node in posterior.graph.nodes
    )
    graph = replace(posterior.graph, nodes=nodes)
    before, after = posterior.layout, Layout(graph)
    assert posterior.fractions is not None
    assert posterior.beta is not None
    draws = posterior.draws
    size = after.mechanisms[name].n_fractions
    fractions = [
        np.full((draws, size), 0.5)
        if node == name
        else posterior.fractions[:, before.fraction_slices[node]]
        for node in graph.names
    ]
    effects = [
        posterior.beta[:, before.effect_slices[node]] for node in graph.names if node != name
    ]
    return _changed(
        posterior,
        layout=after,
        graph=graph,
        fractions=np.concatenate(fractions, axis=1),
        beta=np.concatenate([np.empty((draws, 0)), *effects], axis=1),
    )


def _with_average(posterior: Posterior, name: str, change: Callable[[Array], Array]) -> Posterior:
    """Return the posterior with other fractions of a node's first distribution."""
    assert posterior.fractions is not None
    start = posterior.layout.fraction_slices[name].start
    part = slice(start, start + posterior.graph.shape(name)[-1] - 1)
    fractions = np.array(posterior.fractions)
    fractions[:, part] = change(fractions[:, part])
    return _changed(posterior, fractions=fractions)


def _cutpoints(posterior: Posterior, name: str, cuts: Array, first: int | None) -> Array:
    """Return how far the cutpoints move, ``(cut or 1, draw)``; no row is held for all draws."""
    found = np.empty_like(cuts)
    for some, weights, rows in _parts(posterior, name):
        below = np.cumsum(rows, axis=1)[:, :-1]
        above = np.cumsum(rows[:, ::-1], axis=1)[:, -2::-1]
        if first is not None:
            below, above = below[:, [first - 1]], above[:, [first - 1]]
        found[:, some] = _shift(posterior.graph, name, below, above, weights, cuts[:, some])
    return found


def _leak(posterior: Posterior, name: str, cuts: Array, first: int | None) -> Posterior:
    """Return the posterior whose noisy-max leaks as much as gives the stated shares.

    ``P(X <= k) = L_k E[prod_p Q_p[x_p, k]]``, so that the leak is the ratio of both.
    """
    assert posterior.fractions is not None
    start = posterior.layout.fraction_slices[name].start
    states = posterior.graph.shape(name)[-1]
    own = posterior.fractions[:, start : start + states - 1]
    leak = 1.0 - np.cumprod(1.0 - own, axis=1)  # (draw, cut)
    reached = np.empty_like(leak)
    for some, weights, rows in _parts(posterior, name):
        below = np.cumsum(rows, axis=1)[:, :-1]
        reached[some] = np.einsum("rkd,rd->dk", below, weights)
    if first is not None:
        at = first - 1
        asked = cuts[0] * leak[:, at] / reached[:, at]
        _demand(posterior.graph, name, (asked > 0) & (asked < 1))
        shift = np.log(leak[:, at] / (1.0 - leak[:, at])) - np.log(asked / (1.0 - asked))
        return _with_average(posterior, name, lambda part: with_odds(part, shift[:, None]))
    asked = cuts.T * leak / reached
    ordered = np.diff(asked, axis=1, prepend=0.0, append=1.0) > 0
    _demand(posterior.graph, name, ordered.all(axis=1))
    before = np.concatenate([np.ones_like(asked[:, :1]), 1.0 - asked[:, :-1]], axis=1)
    return _with_average(posterior, name, lambda part: 1.0 - (1.0 - asked) / before)


def _shift(
    graph: CausalGraph, name: str, below: Array, above: Array, weights: Array, wanted: Array
) -> Array:
    """Return what to add to the log odds of lying above, so that the mean below is as wanted.

    Parameters
    ----------
    below, above : ndarray, shape (row, cut, draw)
    weights : ndarray, shape (row, draw)
    wanted : ndarray, shape (cut, draw)

    Returns
    -------
    ndarray, shape (cut, draw)
    """
    with np.errstate(divide="ignore"):
        odds = np.ascontiguousarray((above / below).transpose(2, 1, 0))  # endless: always above
    shares = np.ascontiguousarray(weights.T)
    # One draw at a time: its rows stay near the processor through all steps.
    found = [_solved(*each) for each in zip(odds, shares, wanted.T, strict=True)]
    _demand(graph, name, all(each is not None for each in found))
    return np.array(found, dtype=float).T


def _solved(odds: Array, weights: Array, wanted: Array) -> Array | None:
    """Return the shifts of one draw, ``(cut,)``; None where there is none.

    Newton's method on the log odds of the mean, which are nearly a line, kept within a bracket.

    Parameters
    ----------
    odds : ndarray, shape (cut, row)
        Of lying above.
    weights : ndarray, shape (row,)
    wanted : ndarray, shape (cut,)
    """
    least, most = (odds == 0) @ weights, np.isfinite(odds) @ weights
    if not ((least < wanted) & (wanted < most)).all():
        return None
    goal = np.log(wanted) - np.log1p(-wanted)
    shift = np.zeros_like(wanted)
    low, high = np.full_like(wanted, -_FURTHEST), np.full_like(wanted, _FURTHEST)
    share, squared = np.empty_like(odds), np.empty_like(odds)
    for _ in range(_STEPS):
        np.multiply(odds, np.exp(shift)[:, None], out=share)
        share += 1.0
        np.reciprocal(share, out=share)
        mean = share @ weights
        slope = mean - np.square(share, out=squared) @ weights
        low, high = np.where(mean > wanted, shift, low), np.where(mean < wanted, shift, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (np.log(mean) - np.log1p(-mean) - goal) * mean * (1.0 - mean) / slope
        inside = (low < shift + step) & (shift + step < high)  # false where a step is no number
        moved = np.where(mean == wanted, shift, np.where(inside, shift + step, (low + high) / 2))
        done = (np.abs(moved - shift) <= _CLOSE * (1.0 + np.abs(shift))).all()
        shift = moved
        if done:
            break
    return shift


def _tilted(graph: CausalGraph, name: str, table: Array, weights: Array, wanted: Array) -> Array:
    """Return rows ``(row, state, draw)`` whose states are all likelier by one factor each."""
    factor = np.ones_like(wanted)
    for _ in range(_SWEEPS):
        moved = table * factor
        moved /= moved.sum(axis=1, keepdims=True)
        mean = np.einsum("rkd,rd->kd", moved, weights)
        if (np.abs(mean - wanted) <= _CLOSE).all():
            return moved
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = factor * (wanted / mean)
        factor /= factor.max(axis=0)
        if not np.isfinite(factor).all():
            break
    _demand(graph, name, np.zeros(1, dtype=bool))
    return moved


def _demand(graph: CausalGraph, name: str, reached: Any) -> None:
    """Refuse a share that no baseline gives.

    Raises
    ------
    QueryError
    """
    if not np.all(reached):
        raise QueryError(say("check.transport.out_of_reach", node=names_of(graph).node(name)))


def _parts(posterior: Posterior, name: str) -> Iterator[tuple[slice, Array, Array]]:
    """Yield some draws at a time: which, the weights of the rows, the rows."""
    sizes = posterior.graph.shape(name)
    count = math.prod(sizes[:-1])
    every = np.indices(sizes[:-1], dtype=np.intp).reshape(len(sizes) - 1, count).T
    few = max(_CELLS // math.prod(sizes), 1)
    for start in range(0, posterior.draws, few):
        some = slice(start, min(start + few, posterior.draws))
        yield some, _weights(posterior, name, some), posterior.rows(name, every, some)


def _weights(posterior: Posterior, name: str, some: slice) -> Array:
    """Return how likely each configuration of a node's parents is, ``(row, draw)``."""
    parents = posterior.graph.parents(name)
    if not parents:
        return np.ones((1, some.stop - some.start))
    found = World(_Part(posterior, some), {}, {}).joint([(parent, 0) for parent in parents])
    weights = found.reshape(-1, found.shape[-1])
    return weights / weights.sum(axis=0)


@dataclass(frozen=True, eq=False)
class _Part:
    """Some draws of a posterior, whose tables are computed once for all of them.

    Parameters
    ----------
    source : Posterior
    some : slice
        With both ends.
    """

    source: Posterior
    some: slice

    @property
    def graph(self) -> CausalGraph:
        return self.source.graph

    @property
    def draws(self) -> int:
        return int(self.some.stop - self.some.start)

    def table(self, name: str, at: tuple[Any, ...] = ()) -> Array:
        found: Array = self.source.table(name, at)[..., self.some]
        return found

    def cut(self, name: str, at: tuple[Any, ...]) -> Callable[[slice], Array]:
        cut, before = self.source.cut(name, at), self.some.start

        def part(some: slice) -> Array:
            start, stop, _ = some.indices(self.draws)
            return cut(slice(before + start, before + stop))

        return part

    def levels(self, name: str, states: Sequence[Codes]) -> Array:
        raise NotImplementedError  # of walks, which no marginal takes

    def proportional_odds(self, name: str) -> None:
        raise NotImplementedError  # of walks, too

    def positive(self, name: str) -> bool:
        return self.source.positive(name)

    def causes(self, name: str) -> tuple[Array, list[Array]] | None:
        return None
