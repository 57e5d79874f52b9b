"""The value of every coalition of causes, for one person and for many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.inference import Tables, World, joint_of_people
from backrisk.queries.answer import Target
from backrisk.queries.attribution.necessity import demand_possible, unchanged

Codes = NDArray[np.integer[Any]]


def coalitions(
    tables: Tables, evidence: Mapping[str, int], causes: Sequence[str], target: Target
) -> Array:
    """Return v(S) for all sets of causes, shape ``(2, ..., 2, draw)``; index 1 is in the set."""
    codes = np.full((1, len(tables.graph.names)), -1)
    for name, code in evidence.items():
        codes[0, tables.graph.names.index(name)] = code
    values = coalitions_of_many(tables, codes, causes, target, 1)
    demand_possible(~np.isnan(values))
    return values[..., 0, :]


def coalitions_of_many(
    tables: Tables, codes: Codes, causes: Sequence[str], target: Target, rows: int
) -> Array:
    """Return the same for many people, ``(2, ..., 2, person, draw)``.

    Parameters
    ----------
    tables : Tables
    codes : ndarray of int, shape (person, node)
        -1 where not seen.
    causes : sequence of str
    target : Target
    rows : int
        About so many people, or ways to fill their gaps, are worked on at once.

    Returns
    -------
    ndarray, shape (2, ..., 2, person, draw)
        NaN where answers contradict each other.
    """
    names = tables.graph.names
    context = np.full_like(codes, -1)
    kept = [names.index(name) for name in unchanged(tables.graph, dict.fromkeys(names, 0), causes)]
    context[:, kept] = codes[:, kept]
    # Every cause keeps its axis, so one contraction holds all sets.
    keep = [*((cause, 1) for cause in causes), (target.node, 1)]
    joint = joint_of_people(tables, context, keep, free=causes, rows=rows)
    with np.errstate(invalid="ignore"):  # 0 / 0: contradictory answers
        table = joint[..., list(target.codes), :].sum(axis=-2) / joint.sum(axis=-2)
    values = np.empty((*(2,) * len(causes), len(codes), tables.draws))
    own = codes[:, [names.index(cause) for cause in causes]]
    patterns, which = np.unique(own >= 0, axis=0, return_inverse=True)
    for number, told in enumerate(patterns):
        some = np.flatnonzero(which.ravel() == number)
        left = [(cause, 0) for cause, seen in zip(causes, told, strict=True) if not seen]
        weights = np.ones((len(some), tables.draws))
        if left:
            weights = joint_of_people(tables, codes[some], left, rows=rows)
        values[..., some, :] = _mix(table[some], own[some], weights)
    return values


def coalition(
    tables: Tables, evidence: Mapping[str, int], causes: Sequence[str], target: Target
) -> Callable[[frozenset[int]], Array]:
    """Return v as a function of a set of positions among the causes."""
    context = unchanged(tables.graph, evidence, causes)

    def value(inside: frozenset[int]) -> Array:
        members = [cause for i, cause in enumerate(causes) if i in inside]
        free = tuple(cause for cause in members if cause not in evidence)
        setting = {
            cause: evidence[cause] if cause in members else 0
            for cause in causes
            if cause not in free
        }
        world = World(tables, context, setting, free=free)
        keep = [(target.node, 1), *((cause, 1) for cause in free)]
        risk = world.joint(keep)
        risk = risk[list(target.codes)].sum(axis=0) / risk.sum(axis=0)
        if not free:
            return risk
        weights = World(tables, evidence, {}).joint([(cause, 0) for cause in free])
        axes = tuple(range(len(free)))
        whole = weights.sum(axis=axes)
        demand_possible(whole)
        mean: Array = (weights * risk).sum(axis=axes) / whole
        return mean

    return value


def _mix(table: Array, own: Codes, weights: Array) -> Array:
    """Average the causes that people did not report over their joint posterior.

    Parameters
    ----------
    table : ndarray, shape (person, *state of each cause, draw)
    own : ndarray of int, shape (person, cause)
        -1 for the causes that none of these people reported.
    weights : ndarray, shape (person, *state of each such cause, draw)
        Up to a factor, which may be 0 where answers contradict each other.

    Returns
    -------
    ndarray, shape (2, ..., 2, person, draw)
    """
    people, causes, draws = len(own), own.shape[1], table.shape[-1]
    left, told = (np.flatnonzero(here).tolist() for here in (own[0] < 0, own[0] >= 0))
    for cause in told:  # outside the set at the reference, inside as reported
        states = np.moveaxis(table, 1 + cause, 1)
        reported = states[np.arange(people), own[:, cause]]
        table = np.moveaxis(np.stack([states[:, 0], reported], axis=1), 1, 1 + cause)
    with np.errstate(invalid="ignore"):  # 0 / 0
        weights = weights / weights.sum(axis=tuple(range(1, 1 + len(left))), keepdims=True)
    mixed = np.empty((*(2,) * causes, people, draws))
    table = table.transpose(0, *(1 + axis for axis in (*left, *told)), -1)

    # Decided cause by cause: inside the set its axis stays; outside it is at the reference.
    undecided: list[tuple[tuple[int, ...], Array, Array]] = [((), table, weights)]
    while undecided:
        chosen, some, share = undecided.pop()
        if len(chosen) < len(left):
            axis = 1 + sum(chosen)
            undecided.append(((*chosen, 1), some, share))
            undecided.append(((*chosen, 0), np.take(some, 0, axis=axis), share.sum(axis=axis)))
            continue
        ways = math.prod(share.shape[1:-1])
        average = np.einsum(
            "pid,pird->rpd",
            share.reshape(people, ways, draws),
            some.reshape(people, ways, -1, draws),
        )
        mixed[chosen] = average.reshape(*(2,) * len(told), people, draws)
    return mixed.transpose(*np.argsort([*left, *told]), -2, -1)
