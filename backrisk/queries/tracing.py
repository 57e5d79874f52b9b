"""What flows along each edge for one person, as a drawing shows it. Rung: seeing.

Path tracing on posterior means: quick and approximate, where `attribute` is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries.asked import read_person, read_target
from backrisk.queries.seeing import distribution


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
    """Return the posterior mean chance of each node not being at its reference, ``(*parents,)``."""
    graph = posterior.graph
    names = [name for name in graph.names if name not in graph.items]
    return {name: 1.0 - posterior.mean_cpt(name)[..., 0] for name in names}


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
        Of `adverse_chances`, which do not depend on the person.
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
    world = World(posterior, evidence, {})
    shares = {}
    for name in chances:
        if name in evidence:
            shares[name] = np.eye(len(graph.node(name).states))[evidence[name]]
        else:
            shares[name] = distribution(world, name).mean(axis=-1)
    lifts: dict[tuple[str, str], float] = {}
    for name, chance in chances.items():
        lifts |= _lifts(name, graph.parents(name), chance, shares)
    return Flow(evidence, shares, lifts, _routes(event.node, set(evidence), shares, lifts, routes))


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


def _routes(
    target: str,
    seen: set[str],
    shares: Mapping[str, Array],
    lifts: Mapping[tuple[str, str], float],
    most: int,
) -> tuple[tuple[str, ...], ...]:
    """Return the strongest routes; one begins where the state is known, or has no cause."""
    into: dict[str, list[str]] = {}
    for cause, effect in lifts:
        into.setdefault(effect, []).append(cause)
    found: list[tuple[float, tuple[str, ...]]] = []

    def walk(route: tuple[str, ...], slope: float) -> None:
        here = route[0]
        begins = here in seen or here not in into
        if begins and len(route) > 1:
            found.append((slope * (1.0 - float(shares[here][0])), route))
        if begins and here != target:
            return
        for cause in into.get(here, ()):
            exposure = 1.0 - float(shares[cause][0])
            if lifts[cause, here] > 0 and exposure > 0:
                walk((cause, *route), slope * lifts[cause, here] / exposure)

    walk((target,), 1.0)
    found.sort(key=lambda pair: -pair[0])
    return tuple(route for _, route in found[:most])
