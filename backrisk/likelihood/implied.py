"""The associations that a graph implies for given parameters, and how they move with the effects.

A study reports how the odds, or the risk, of an outcome differ between two groups, as they are or
within strata of what it adjusted for. The same quantity follows exactly from the CPTs of a graph,
in the population that the graph describes: the joint distribution of the factor, the outcome and
what was adjusted for, with everything else summed out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backrisk._types import Array
from backrisk.graph import Layout
from backrisk.likelihood.joints import Joint
from backrisk.likelihood.tables import slopes, whole_table

LARGEST = 16_000_000  # cells of a joint table for one draw: 128 MB
_AT_ONCE = 8_000_000  # cells of all draws that are worked on at once


@dataclass(frozen=True)
class Contrast:
    """Which association is asked for.

    Parameters
    ----------
    cause, effect : str
        The factor and the outcome.
    exposed, reference : tuple of int
        Codes of the factor's states in the two groups.
    event : tuple of int
        Codes of the outcome's states that count.
    adjusted : tuple of str
        Nodes within whose strata the groups are compared.
    scale : {"odds", "risk"}
        A ratio of odds or of risks.
    by_lot : bool
        Whether the factor was given by lot, as in a trial: nothing that leads to it then tells of
        the outcome.
    """

    cause: str
    effect: str
    exposed: tuple[int, ...]
    reference: tuple[int, ...]
    event: tuple[int, ...]
    adjusted: tuple[str, ...] = ()
    scale: str = "odds"
    by_lot: bool = False

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes whose joint distribution it is a function of."""
        return tuple(dict.fromkeys((self.cause, self.effect, *self.adjusted)))


@dataclass(frozen=True, eq=False)
class Implied:
    """The log ratios that a graph implies, one for each contrast, as functions of its parameters.

    Parameters
    ----------
    layout : Layout
    contrasts : sequence of Contrast

    Notes
    -----
    With ``p_a(x, y)`` the probability of group x, event y and stratum a, and ``p_a`` that of
    either group in the stratum, an odds ratio is that of Mantel and Haenszel (1959,
    doi:10.1093/jnci/22.4.719), ``sum_a p_a(1,1) p_a(0,0) / p_a`` over
    ``sum_a p_a(1,0) p_a(0,1) / p_a``, in the population in place of a sample. Where the odds ratio
    is the same in every stratum it is that one, which a logistic regression on the same nodes
    estimates; else it is an average of them. Without adjustment it is the crude odds ratio. A
    ratio of risks is pooled likewise (Greenland and Robins 1985, doi:10.2307/2530643).
    """

    layout: Layout
    contrasts: tuple[Contrast, ...]

    @cached_property
    def _groups(self) -> list[tuple[Joint, tuple[int, ...]]]:
        """Contrasts that are read off one joint table: those that make it no larger."""
        found: list[tuple[Joint, tuple[int, ...]]] = []
        alone = [self._joint((i,)) for i in range(len(self.contrasts))]
        for i in sorted(range(len(alone)), key=lambda i: (-alone[i].cells, i)):
            for place, (joint, chosen) in enumerate(found):
                both = self._joint((*chosen, i))
                if joint.cut == alone[i].cut and both.cells <= joint.cells:
                    found[place] = both, (*chosen, i)
                    break
            else:
                found.append((alone[i], (i,)))
        return found

    def _joint(self, chosen: Sequence[int]) -> Joint:
        graph, first = self.layout.graph, self.contrasts[chosen[0]]
        keep = dict.fromkeys(node for i in chosen for node in self.contrasts[i].nodes)
        cut = first.cause if first.by_lot and graph.parents(first.cause) else None
        return Joint(graph, tuple(keep), cut)

    @property
    def cells(self) -> tuple[int, ...]:
        """Of each contrast, the cells of the largest table that has to be laid out for it."""
        found = dict.fromkeys(range(len(self.contrasts)), 0)
        for joint, chosen in self._groups:
            found |= dict.fromkeys(chosen, joint.cells)
        return tuple(found.values())

    def values(self, fractions: Array, effects: Array) -> Array:
        """Return the implied log ratios.

        Parameters
        ----------
        fractions : ndarray, shape (draw, fraction)
        effects : ndarray, shape (draw, effect)

        Returns
        -------
        ndarray, shape (draw, contrast)
        """
        found = np.empty((len(effects), len(self.contrasts)))
        for joint, chosen in self._groups:
            size = max(1, _AT_ONCE // joint.cells)
            for some in _parts(len(effects), size):
                table = joint.forward(
                    _tables(self.layout, joint, fractions[some].T, effects[some].T)
                )[-1]
                for i in chosen:
                    counts = _Strata(self.contrasts[i], joint).counts(table)
                    found[some, i] = _log_ratio(counts, self.contrasts[i].scale)[0]
        return found

    def gradient(self, fractions: Array, effects: Array) -> tuple[Array, Array, Array]:
        """Return the implied log ratios at one parameter value, and their derivatives.

        Parameters
        ----------
        fractions : ndarray, shape (fraction,)
        effects : ndarray, shape (effect,)

        Returns
        -------
        values : ndarray, shape (contrast,)
        by_fractions : ndarray, shape (contrast, fraction)
        by_effects : ndarray, shape (contrast, effect)
        """
        values = np.empty(len(self.contrasts))
        by_fractions = np.zeros((len(self.contrasts), len(fractions)))
        by_effects = np.zeros((len(self.contrasts), len(effects)))
        first, second = fractions[:, None], effects[:, None]
        for joint, chosen in self._groups:
            tables = _tables(self.layout, joint, first, second)
            passed = joint.forward(tables)
            shape = passed[-1].shape[:-1]
            cotangent = np.empty((*shape, len(chosen)))
            for at, i in enumerate(chosen):
                strata = _Strata(self.contrasts[i], joint)
                counts = strata.counts(passed[-1])
                values[i : i + 1], onto = _log_ratio(counts, self.contrasts[i].scale)
                cotangent[..., at] = strata.back(onto[..., 0], shape)
            for name, moved in joint.backward(passed, cotangent).items():
                one, other = slopes(self.layout, fractions, effects, name, moved)
                by_fractions[list(chosen), self.layout.fraction_slices[name]] = one.T
                by_effects[list(chosen), self.layout.effect_slices[name]] = other.T
        return values, by_fractions, by_effects


def implied_margin(layout: Layout, fractions: Array, effects: Array, name: str) -> Array:
    """Return how a node is distributed in the population.

    Parameters
    ----------
    layout : Layout
    fractions : ndarray, shape (draw, fraction)
    effects : ndarray, shape (draw, effect)
    name : str

    Returns
    -------
    ndarray, shape (draw, state)
    """
    joint = Joint(layout.graph, (name,))
    found = np.empty((len(effects), len(layout.graph.node(name).states)))
    for some in _parts(len(effects), max(1, _AT_ONCE // joint.cells)):
        tables = _tables(layout, joint, fractions[some].T, effects[some].T)
        found[some] = joint.forward(tables)[-1].T
    return found


def _tables(layout: Layout, joint: Joint, fractions: Array, effects: Array) -> dict[str, Array]:
    return {
        name: whole_table(layout, fractions, effects, name)
        for name in joint.nodes
        if name != joint.cut
    }


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


@dataclass(frozen=True, eq=False)
class _Strata:
    """How the joint table of some nodes becomes group, event and stratum, and back.

    Parameters
    ----------
    contrast : Contrast
    joint : Joint
    """

    contrast: Contrast
    joint: Joint

    @cached_property
    def _members(self) -> tuple[Array, Array]:
        """Which states of the cause are in each group, which of the effect are the event or not."""
        graph, contrast = self.joint.graph, self.contrast
        groups = np.zeros((2, len(graph.node(contrast.cause).states)))
        groups[0, list(contrast.exposed)] = groups[1, list(contrast.reference)] = 1.0
        events = np.zeros((2, len(graph.node(contrast.effect).states)))
        events[0, list(contrast.event)] = 1.0
        events[1] = 1.0 - events[0]
        return groups, events

    @cached_property
    def _order(self) -> tuple[list[int], list[int]]:
        """The axes of the joint table that go, and where those of the contrast's nodes are left."""
        keep, nodes = self.joint.keep, self.contrast.nodes
        gone = [i for i, name in enumerate(keep) if name not in nodes]
        left = [name for name in keep if name in nodes]
        return gone, [left.index(name) for name in nodes]

    def counts(self, table: Array) -> Array:
        """Return the probabilities ``(group, event, stratum, draw)``."""
        gone, order = self._order
        own = table.sum(axis=tuple(gone)).transpose(*order, len(order))
        groups, events = self._members
        flat = own.reshape(*own.shape[:2], -1, own.shape[-1])
        found: Array = np.einsum("gc,ve,cesd->gvsd", groups, events, flat)
        return found

    def back(self, onto: Array, shape: Sequence[int]) -> Array:
        """Return the derivatives by the joint table from those by the probabilities, one draw."""
        gone, order = self._order
        groups, events = self._members
        flat = np.einsum("gc,ve,gvs->ces", groups, events, onto)
        left = [size for i, size in enumerate(shape) if i not in gone]
        own = flat.reshape([left[i] for i in order]).transpose(np.argsort(order))
        return np.broadcast_to(np.expand_dims(own, tuple(gone)), shape)


def _log_ratio(counts: Array, scale: str) -> tuple[Array, Array]:
    """Return the pooled log ratio, ``(draw,)``, and its derivatives by the probabilities.

    Both kinds are the log of ``sum_a u_a v_a / n_a`` less that of the same sum of another pair:
    for odds the pairs are (1,1), (0,0) and (1,0), (0,1); for risks each second member is the whole
    of its group.
    """
    one, other = counts
    whole = counts.sum(axis=(0, 1))  # of the stratum, both groups
    onto = np.zeros_like(counts)
    total = np.zeros(counts.shape[-1])
    for sign, group in ((1.0, 0), (-1.0, 1)):
        exposed, rest = (one, other) if group == 0 else (other, one)
        beside = rest[1] if scale == "odds" else rest.sum(axis=0)
        share = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
        product = exposed[0] * beside * share
        pooled = product.sum(axis=0)
        total += sign * np.log(pooled)
        onto[group, 0] += sign * beside * share / pooled
        second = sign * exposed[0] * share / pooled
        onto[1 - group, 1] += second
        if scale == "risk":
            onto[1 - group, 0] += second
        onto -= sign * product * share / pooled
    return total, onto
