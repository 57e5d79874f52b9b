"""What flows along each edge for one person, as a drawing shows it. Rung: seeing.

Path tracing on posterior means: quick and approximate, where `attribute` is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.posterior import Posterior
from backrisk.queries.asked import read_person, read_target
from backrisk.queries.seeing import distributions

_CELLS = 2**22  # of a table in all the draws that its mean is taken over: 32 MB
_SAMPLES = 500  # of the causes of a node with more cells than that


@dataclass(frozen=True)
class Flow:
    """How one person's risk runs through the graph.

    Parameters
    ----------
    evidence : mapping of node to state code
    shares : mapping of node to ndarray, shape (state,)
        Posterior mean of each node's distribution given the answers; certain where answered.
    lifts : mapping of (cause, effect) to float
        How much the cause's likely state raises the chance of the effect being adverse, the
        effect's other causes being as likely as they are.
    routes : tuple of tuple of str
        The strongest routes into the target, strongest first.
    """

    evidence: Mapping[str, int]
    shares: Mapping[str, Array]
    lifts: Mapping[tuple[str, str], float]
    routes: tuple[tuple[str, ...], ...]


def adverse_chances(posterior: Posterior) -> dict[str, Array]:
    """Return the posterior mean chance of each node not being at its reference, ``(*parents,)``.

    Of a large table it is the mean of fewer draws; a node whose table is too large even for these
    is left out.
    """
    graph = posterior.graph
    found = {}
    for name in graph.names:
        cells = math.prod(graph.shape(name))
        few = posterior if cells * posterior.draws <= _CELLS else posterior.thinned
        if name not in graph.items and cells * few.draws <= _CELLS:
            found[name] = 1.0 - few.mean_cpt(name)[..., 0]
    return found


def flow(
    posterior: Posterior,
    person: Mapping[str, Any],
    chances: Mapping[str, Array],
    *,
    target: str | None = None,
    routes: int = 5,
) -> Flow:
    """Trace what flows along each edge for one person, approximately.

    Each cause is taken by itself and causes as independent; a route's strength is the adverse
    share where it begins times the slopes along it (path tracing, Wright 1934,
    doi:10.1214/aoms/1177732676). For a drawing, not for numbers: those are `attribute`'s.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
    chances : mapping of node to ndarray
        Of `adverse_chances`, which do not depend on the person. What nodes without an entry hear
        of their causes is sampled, from the same numbers for everyone.
    target : str, optional
    routes : int
        At most this many.

    Returns
    -------
    Flow

    Raises
    ------
    QueryError
        As for `backrisk.risk`.
    """
    graph = posterior.graph
    event = read_target(graph, target)
    evidence = read_person(posterior, person)
    names = [name for name in graph.names if name not in graph.items]
    unseen = distributions(posterior, evidence, [name for name in names if name not in evidence])
    shares = {
        name: unseen[name].mean(axis=-1)
        if name in unseen
        else np.eye(len(graph.node(name).states))[evidence[name]]
        for name in names
    }
    lifts: dict[tuple[str, str], float] = {}
    for name in names:
        if name in chances:
            lifts |= _lifts(name, graph.parents(name), chances[name], shares)
        else:
            lifts |= _sampled_lifts(posterior.thinned, name, shares)
    # What nobody can change is no cause that a route could begin at.
    begins = set(evidence).union(n for n in names if not graph.parents(n))
    starts = begins.difference(graph.playing("traits"))
    return Flow(evidence, shares, lifts, _routes(event.node, begins, starts, shares, lifts, routes))


def _lifts(
    effect: str, parents: tuple[str, ...], adverse: Array, shares: Mapping[str, Array]
) -> dict[tuple[str, str], float]:
    """Return, for each cause of a node, by how much its likely state raises the node's chance."""
    lifts = {}
    for axis, parent in enumerate(parents):
        reduced = np.moveaxis(adverse, axis, -1)
        for other in parents[:axis] + parents[axis + 1 :]:
            reduced = np.tensordot(shares[other], reduced, axes=(0, 0))
        lifts[parent, effect] = float(shares[parent] @ (reduced - reduced[0]))
    return lifts


def _sampled_lifts(
    posterior: Posterior, effect: str, shares: Mapping[str, Array]
) -> dict[tuple[str, str], float]:
    """Return the same as `_lifts` from samples of the states of a node's causes."""
    parents = posterior.graph.parents(effect)
    rng = np.random.default_rng(0)
    uniforms = rng.random((_SAMPLES, len(parents)))
    states = np.empty(uniforms.shape, dtype=np.intp)
    for axis, parent in enumerate(parents):
        states[:, axis] = np.searchsorted(np.cumsum(shares[parent])[:-1], uniforms[:, axis])
    lifts = {}
    for axis, parent in enumerate(parents):
        adverse = np.empty(len(shares[parent]))
        for code in range(len(adverse)):
            there = states.copy()
            there[:, axis] = code
            adverse[code] = 1.0 - posterior.rows(effect, there)[:, 0].mean()
        lifts[parent, effect] = float(shares[parent] @ (adverse - adverse[0]))
    return lifts


def _routes(
    target: str,
    begins: set[str],
    starts: set[str],
    shares: Mapping[str, Array],
    lifts: Mapping[tuple[str, str], float],
    most: int,
) -> tuple[tuple[str, ...], ...]:
    """Return the strongest routes into a target.

    They begin where a node's state is known, or has no cause; those that begin elsewhere than at
    the starts are left out.
    """
    into: dict[str, list[str]] = {}
    for cause, effect in lifts:
        into.setdefault(effect, []).append(cause)
    found: list[tuple[float, tuple[str, ...]]] = []

    def walk(route: tuple[str, ...], slope: float) -> None:
        here = route[0]
        if here in starts and len(route) > 1:
            found.append((slope * (1.0 - float(shares[here][0])), route))
        if here in begins and here != target:
            return
        for cause in into.get(here, ()):
            exposure = 1.0 - float(shares[cause][0])
            if lifts[cause, here] > 0 and exposure > 0:
                walk((cause, *route), slope * lifts[cause, here] / exposure)

    walk((target,), 1.0)
    found.sort(key=lambda pair: -pair[0])
    return tuple(route for _, route in found[:most])
