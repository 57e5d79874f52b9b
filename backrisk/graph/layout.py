"""Which part of the two parameter vectors belongs to which node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.graph.graph import CausalGraph
from backrisk.graph.mechanisms import Levels, Mechanism, OrdinalLogit, ProportionalOdds
from backrisk.graph.parameter_prior import ParameterPrior
from backrisk.graph.priors import mechanism

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Layout:
    """Which part of the two parameter vectors belongs to which node.

    The fractions of all nodes stand in one vector, node after node in the graph's order, and the
    effects in another: a graph of any size is a model of two random variables. A node that is tied
    to another has the part of its owner.

    Parameters
    ----------
    graph : CausalGraph

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> layout = Layout(g)
    >>> layout.fraction_labels
    ('a: no', 'b | a=no: no', 'b | a=yes: no')
    >>> fractions, effects = layout.draw_prior(100, np.random.default_rng(1))
    >>> layout.cpt("b", fractions, effects).shape
    (100, 2, 2)
    """

    graph: CausalGraph

    @cached_property
    def mechanisms(self) -> dict[str, Mechanism]:
        """The mechanism of each node that has parameters of its own, in the graph's order."""
        tied = dict(self.graph.tied)
        return {name: mechanism(self.graph, name) for name in self.graph.names if name not in tied}

    def mechanism(self, name: str) -> Mechanism:
        """Return the mechanism of a node: of a tied one, that of its owner."""
        return self.mechanisms[self.graph.owner(name)]

    @cached_property
    def prior(self) -> ParameterPrior:
        """The prior of both vectors."""
        return ParameterPrior.of(self.mechanisms.values())

    @cached_property
    def pooled(self) -> tuple[str, ...]:
        """The nodes whose own intercept may differ between sites: the ordinal ones."""
        return tuple(n for n, m in self.mechanisms.items() if isinstance(m, OrdinalLogit))

    @cached_property
    def by_row(self) -> tuple[str, ...]:
        """The nodes of which any row is computed apart from the others, whatever their number."""
        return tuple(name for name in self.graph.names if self.mechanism(name).by_row)

    @cached_property
    def fraction_slices(self) -> dict[str, slice]:
        """The part of the fractions that each node has; a tied one has that of its owner."""
        return self._parts({n: m.n_fractions for n, m in self.mechanisms.items()})

    @cached_property
    def effect_slices(self) -> dict[str, slice]:
        """The part of the effects that each node has; a tied one has that of its owner."""
        return self._parts({n: len(m.effects) for n, m in self.mechanisms.items()})

    def _parts(self, sizes: Mapping[str, int]) -> dict[str, slice]:
        stops = np.cumsum(list(sizes.values()))
        own = {
            name: slice(int(stop) - size, int(stop))
            for (name, size), stop in zip(sizes.items(), stops, strict=True)
        }
        return own | {name: own[owner] for name, owner in self.graph.tied}

    @cached_property
    def fraction_labels(self) -> tuple[str, ...]:
        """What each fraction is: the distribution, and the state it stops at."""
        return tuple(
            f"{simplex.label}: {state}"
            for each in self.mechanisms.values()
            for simplex in each.simplexes
            for state in simplex.states[:-1]
        )

    @cached_property
    def effect_labels(self) -> tuple[str, ...]:
        """What each effect is: ``"effect, cause"``, or ``"effect, cause=state"``."""
        return tuple(e.label for each in self.mechanisms.values() for e in each.effects)

    @cached_property
    def effect_terms(self) -> tuple[tuple[str, tuple[tuple[str, str | None], ...]], ...]:
        """The same in parts, to be worded: the node, and its causes.

        Each cause stands with its state where it is nominal, and with None where it is ordered;
        an interaction has two.
        """
        return tuple(
            (
                name,
                tuple(
                    (cause, None if state is None else self.graph.node(cause).states[state])
                    for cause, state in zip(
                        (each.parents[at] for at in effect.causes), effect.states, strict=True
                    )
                ),
            )
            for name, each in self.mechanisms.items()
            for effect in each.effects
        )

    def cpt(self, name: str, fractions: Array, effects: Array) -> Array:
        """Return the CPT of a node.

        Parameters
        ----------
        name : str
        fractions : ndarray, shape (draw, fraction)
        effects : ndarray, shape (draw, effect)

        Returns
        -------
        ndarray, shape ``(draw, *parents, state)``
        """
        return self.mechanism(name).cpt(
            fractions[:, self.fraction_slices[name]], effects[:, self.effect_slices[name]]
        )

    def rows(self, name: str, fractions: Array, effects: Array, rows: Rows) -> Array:
        """Return some rows of the CPT of a node, draws last.

        Parameters
        ----------
        name : str
        fractions : ndarray, shape (fraction, draw)
        effects : ndarray, shape (effect, draw)
        rows : ndarray of int, shape (row, parent)
            The states of the parents in each row.

        Returns
        -------
        ndarray, shape (row, state, draw)
        """
        return self.mechanism(name).rows(
            fractions[self.fraction_slices[name]], effects[self.effect_slices[name]], rows
        )

    def part(
        self, name: str, fractions: Array, effects: Array, codes: Sequence[int | None]
    ) -> Array:
        """Return the rows of a node's CPT that are left where some parents' states are known.

        Parameters
        ----------
        name : str
        fractions : ndarray, shape (fraction, draw)
        effects : ndarray, shape (effect, draw)
        codes : sequence of int or None
            Of each parent: its state, or None where it is open.

        Returns
        -------
        ndarray, shape ``(*open parents, state, draw)``
        """
        return self.mechanism(name).part(
            fractions[self.fraction_slices[name]], effects[self.effect_slices[name]], codes
        )

    def levels(self, name: str, fractions: Array, effects: Array) -> Levels:
        """Return how to get a node's CDF where its parents' states differ from draw to draw.

        Parameters
        ----------
        name : str
        fractions : ndarray, shape (fraction, draw)
        effects : ndarray, shape (effect, draw)

        Returns
        -------
        callable
            See `backrisk.graph.mechanisms.Mechanism.levels`.
        """
        return self.mechanism(name).levels(
            fractions[self.fraction_slices[name]], effects[self.effect_slices[name]]
        )

    def proportional_odds(
        self, name: str, fractions: Array, effects: Array
    ) -> ProportionalOdds | None:
        """Return a node's CDF as odds that causes multiply, if it has that form.

        Parameters
        ----------
        name : str
        fractions : ndarray, shape (fraction, draw)
        effects : ndarray, shape (effect, draw)
        """
        return self.mechanism(name).proportional_odds(
            fractions[self.fraction_slices[name]], effects[self.effect_slices[name]]
        )

    def draw_prior(self, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw fractions and effects from their prior; see `ParameterPrior.draw`.

        Parameters
        ----------
        draws : int
        rng : numpy.random.Generator

        Returns
        -------
        fractions : ndarray, shape (draw, fraction)
        effects : ndarray, shape (draw, effect)
        """
        return self.prior.draw(draws, rng)
