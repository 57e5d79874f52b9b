"""Which part of the two parameter vectors belongs to which node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backrisk.graph.graph import CausalGraph
from backrisk.graph.mechanisms import Effect, Mechanism, OrdinalLogit
from backrisk.graph.priors import _LEAST, mechanism

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


SITE_SCALE = 0.5  # prior scale of how far sites lie apart, on the log odds scale


@dataclass(frozen=True, eq=False)
class Layout:
    """Which part of the two parameter vectors belongs to which node.

    Parameters
    ----------
    graph : CausalGraph

    Examples
    --------
    >>> g = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> Layout(g).fraction_labels
    ('a: no', 'b | a=no: no', 'b | a=yes: no')
    """

    graph: CausalGraph

    @cached_property
    def mechanisms(self) -> dict[str, Mechanism]:
        """The mechanism of each node, in the graph's order."""
        return {name: mechanism(self.graph, name) for name in self.graph.names}

    @cached_property
    def pooled(self) -> tuple[str, ...]:
        """The nodes whose intercept may differ between sites: the ordinal ones."""
        return tuple(n for n, m in self.mechanisms.items() if isinstance(m, OrdinalLogit))

    @cached_property
    def fraction_slices(self) -> dict[str, slice]:
        """The part of ``continuation`` that each node owns."""
        return _slices({n: m.n_fractions for n, m in self.mechanisms.items()})

    @cached_property
    def effect_slices(self) -> dict[str, slice]:
        """The part of ``beta`` that each node owns."""
        return _slices({n: len(m.effects) for n, m in self.mechanisms.items()})

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
        """What each effect is: ``"effect, cause"``."""
        return tuple(e.label for each in self.mechanisms.values() for e in each.effects)

    @cached_property
    def fraction_prior(self) -> tuple[Array, Array]:
        """The two parameters of the Beta prior of each fraction."""
        pairs = [
            pair
            for each in self.mechanisms.values()
            for simplex in each.simplexes
            for pair in simplex.fractions()
        ]
        return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])

    @cached_property
    def fraction_start(self) -> Array:
        """Where a chain starts each fraction."""
        found = []
        for each in self.mechanisms.values():
            for simplex in each.simplexes:
                share = np.array(simplex.alpha if simplex.start is None else simplex.start)
                rest = np.cumsum(share[::-1])[::-1]
                found += (share[:-1] / rest[:-1]).tolist()
        start: Array = np.clip(np.array(found), _LEAST / 2, 1 - _LEAST / 2)
        return start

    @cached_property
    def _effects(self) -> list[Effect]:
        return [effect for each in self.mechanisms.values() for effect in each.effects]

    @cached_property
    def effect_prior(self) -> tuple[Array, Array]:
        """Mean and standard deviation of the prior of each effect."""
        return np.array([e.mean for e in self._effects]), np.array([e.sd for e in self._effects])

    @cached_property
    def effect_scale(self) -> tuple[Array, Array, Array]:
        """How a standard normal ``z`` becomes an effect, three vectors: location, spread, sign.

        ``location + spread * z`` where the sign is 0; else ``sign * exp(location + spread * z)``,
        the log-normal of the prior's mean and standard deviation.
        """
        mean, sd = self.effect_prior
        sign = np.array([np.sign(e.mean) * e.settled for e in self._effects])
        ratio = np.divide(sd, mean, out=np.zeros_like(mean), where=sign != 0)
        spread = np.sqrt(np.log1p(ratio**2))
        size = np.log(np.where(sign != 0, np.abs(mean), 1.0)) - 0.5 * spread**2
        return np.where(sign != 0, size, mean), np.where(sign != 0, spread, sd), sign

    def cpt(self, name: str, continuation: Array, beta: Array) -> Array:
        """Return the CPT of a node.

        Parameters
        ----------
        name : str
        continuation : ndarray, shape (draw, fractions)
        beta : ndarray, shape (draw, effects)

        Returns
        -------
        ndarray, shape (draw, *parents, state)
        """
        return self.mechanisms[name].cpt(
            continuation[:, self.fraction_slices[name]], beta[:, self.effect_slices[name]]
        )

    def at_shift(self, continuation: Array, shift: Array) -> Array:
        """Return the fractions of a site whose linear predictors are shifted.

        A shift moves the cutpoints, so that the site is a model like any other.

        Parameters
        ----------
        continuation : ndarray, shape (draw, fractions)
        shift : ndarray, shape (draw, pooled node)

        Returns
        -------
        ndarray, shape (draw, fractions)
        """
        moved = continuation.copy()
        for column, name in enumerate(self.pooled):
            start = self.fraction_slices[name].start
            part = slice(start, start + self.mechanisms[name].shape[-1] - 1)
            # P(X > k) is a product of survivals; its odds grow by exp(shift).
            above = np.cumprod(1.0 - continuation[:, part], axis=1)
            odds = np.exp(shift[:, column, None])
            above = above * odds / (1.0 - above + above * odds)
            before = np.concatenate([np.ones_like(above[:, :1]), above[:, :-1]], axis=1)
            moved[:, part] = 1.0 - above / before
        return moved

    def rows(self, name: str, continuation: Array, beta: Array, rows: Rows) -> Array:
        """Return some rows of the CPT of a node, draws last.

        Parameters
        ----------
        name : str
        continuation : ndarray, shape (fractions, draw)
        beta : ndarray, shape (effects, draw)
        rows : ndarray of int, shape (row, parent)

        Returns
        -------
        ndarray, shape (row, state, draw)
        """
        return self.mechanisms[name].rows(
            continuation[self.fraction_slices[name]], beta[self.effect_slices[name]], rows
        )

    def draw_prior(self, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw ``continuation`` and ``beta`` from their priors, each ``(draw, ...)``."""
        a, b = self.fraction_prior
        continuation = rng.beta(a, b, size=(draws, len(a)))
        tiny = np.finfo(float).eps
        location, spread, sign = self.effect_scale
        beta = location + spread * rng.normal(size=(draws, len(location)))
        beta = np.where(sign != 0, sign * np.exp(np.where(sign != 0, beta, 0.0)), beta)
        return np.clip(continuation, tiny, 1 - tiny), beta


def _slices(sizes: Mapping[str, int]) -> dict[str, slice]:
    stops = np.cumsum(list(sizes.values()))
    return {
        name: slice(int(stop) - size, int(stop))
        for (name, size), stop in zip(sizes.items(), stops, strict=True)
    }
