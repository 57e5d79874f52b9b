"""Whether chains sit in mirror images of each other: which states changed places, what helps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.posterior.posterior import Posterior
from backrisk.words import Said, choices, listed, say

FEW = 0.5  # a node that a smaller share of people tell is hidden in most
_NEARER = 0.5  # a mirror image is this much nearer to another chain than the chain itself, at most
_MOST_STATES = 5  # whose exchanges are all tried
_MOST_CELLS = 4096  # of a CPT that is looked at
_DRAWS = 100  # of each chain that its mean is taken from


@dataclass(frozen=True)
class Swapped:
    """A hidden node whose states stand for different things in different chains.

    Parameters
    ----------
    node : str
    states : tuple of str
        Which changed places.
    people : int
        Of how many people the node is known.
    signs : tuple of str
        Answers that tell of it, and effects of it.
    """

    node: str
    states: tuple[str, ...]
    people: int
    signs: tuple[str, ...]

    @property
    def sentence(self) -> Said:
        """What happened, and what would help."""
        about = {
            "node": self.node,
            "states": listed(list(map(repr, self.states))),
            "signs": choices(self.signs),
            "count": self.people,
        }
        return say(f"posterior.swapped.{'few' if self.people else 'unseen'}", **about)


def hidden_nodes(graph: CausalGraph, answered: Mapping[str, float]) -> tuple[str, ...]:
    """Return the nodes that less than half of all people tell, and that are no answers."""
    return tuple(
        name for name in graph.names if answered.get(name, 1.0) < FEW and name not in graph.items
    )


def swapped(posterior: Posterior) -> tuple[Swapped, ...]:
    """Find the hidden nodes whose states changed places between chains.

    The CPTs of a node and of its effects, averaged over each chain, are compared with those of the
    first, as they are and with the node's states exchanged in every way: one of these is nearer by
    half or more.

    Parameters
    ----------
    posterior : Posterior
        From a fit by several chains.

    Returns
    -------
    tuple of Swapped
    """
    if posterior.chains < 2 or posterior.fractions is None:
        return ()
    answered = dict(posterior.meta.get("answered", {}))
    people, found = int(posterior.meta.get("people", 0)), []
    for name in hidden_nodes(posterior.graph, answered):
        states = posterior.graph.node(name).states
        if len(states) > _MOST_STATES:
            continue
        first, *others = _told(posterior, name)
        moved: set[int] = set()
        for other in others:
            best = min(
                itertools.permutations(range(len(states))),
                key=lambda order: float(np.sum((_exchanged(other, order) - first) ** 2)),
            )
            apart = [
                float(np.sum((_exchanged(other, order) - first) ** 2))
                for order in (tuple(range(len(states))), best)
            ]
            if apart[1] < _NEARER**2 * apart[0]:
                moved |= {at for at, to in enumerate(best) if at != to}
        if moved:
            signs = posterior.graph.children(name)
            told = round(answered.get(name, 0.0) * people)
            named = tuple(states[at] for at in sorted(moved))
            found.append(Swapped(name, named, told, signs))
    return tuple(found)


def _told(posterior: Posterior, name: str) -> list[Array]:
    """Return, for each chain, what it says of each state of a node: ``(state, cell)``."""
    graph, layout = posterior.graph, posterior.layout
    assert posterior.fractions is not None
    assert posterior.beta is not None
    each = posterior.draws // posterior.chains
    step = max(each // _DRAWS, 1)
    found = []
    for chain in range(posterior.chains):
        some = slice(chain * each, (chain + 1) * each, step)
        parts = []
        for other in (name, *graph.children(name)):
            if math.prod(graph.shape(other)) > _MOST_CELLS:
                continue
            cpt = layout.cpt(other, posterior.fractions[some], posterior.beta[some]).mean(axis=0)
            family = (*graph.parents(other), other)
            states = len(graph.node(name).states)
            parts.append(np.moveaxis(cpt, family.index(name), 0).reshape(states, -1))
        found.append(np.concatenate(parts, axis=1) if parts else np.zeros((1, 0)))
    return found


def _exchanged(told: Array, order: tuple[int, ...]) -> Array:
    return told[list(order)] if len(told) == len(order) else told
