"""Tables given directly, some of which is left open: how common states are, or what a cause adds.

A table that was given may be wrong in how common a state is though the graph is right. Whether two
nodes are independent given others must then be asked with the table's own values left open: it is
tilted, ``P(state | causes) exp(t)``, by as much as the survey asks for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.check.parameters import Loosened
from backrisk.posterior import Posterior

Ints = NDArray[np.intp]
# Nothing; how common each state is; also what each cause adds; each row of the table by itself.
Open = Literal["nothing", "levels", "effects", "rows"]

_MOST_ROWS = 100  # open cells of one table, beyond which only what each cause adds is left open
_PRECISION = 1.0  # of a tilt around none: it counts as the answers of four people


@dataclass(frozen=True, eq=False)
class Tilted:
    """Given tables, tilted; what `Parameters` is for a fit.

    Parameters
    ----------
    given : Posterior
        The tables as they were given, of one draw.
    open : {"nothing", "levels", "effects", "rows"}
    values : ndarray, shape (parameter,)
        The tilts, node by node: of each feature of a row (see `_features`) and state but the
        reference, the log odds that are added.
    loosened : Loosened, optional
        What stands in place of the prior.
    """

    given: Posterior
    open: Open
    values: Array
    loosened: Loosened | None = None
    sites: tuple[str, ...] = ()

    @classmethod
    def at_mean(cls, posterior: Posterior, open: Open) -> Tilted:
        """Return the mean of the tables as they were given."""
        means = {name: posterior.mean_cpt(name) for name in posterior.graph.names}
        start = cls(Posterior.from_cpts(posterior.graph, means), open, np.empty(0))
        size = max((part.stop for part in start._parts.values()), default=0)
        return replace(start, values=np.zeros(size))

    def moved(self, values: Array) -> Tilted:
        """Return other values of the same parameters."""
        return replace(self, values=values)

    def at(self, site: int | None) -> Posterior:
        """Return the model: the same at every site."""
        del site
        return self.posterior

    @cached_property
    def posterior(self) -> Posterior:
        """The tilted tables."""
        if not self.values.any():
            return self.given
        graph, tables = self.given.graph, {}
        for name in graph.names:
            shape = graph.shape(name)
            rows = np.indices(shape[:-1]).reshape(len(shape) - 1, math.prod(shape[:-1])).T
            tables[name] = self._tilted(name, rows).reshape(shape)
        return Posterior.from_cpts(graph, tables)

    def _tilted(self, name: str, rows: Ints) -> Array:
        own, states = self._parts[name], self.given.graph.shape(name)[-1]
        table: Array = self.given.rows(name, rows)[..., 0]
        tilt = self._features(name, rows) @ self.values[own].reshape(-1, states - 1)
        away = np.concatenate([np.zeros((len(rows), 1)), tilt], axis=1)
        heavy = table * np.exp(away - away.max(axis=1, keepdims=True))
        found: Array = heavy / heavy.sum(axis=1, keepdims=True)
        return found

    @cached_property
    def _parts(self) -> dict[str, slice]:
        """Which parameters each node has."""
        found, start = {}, 0
        for name in self.given.graph.names:
            none = np.zeros((1, len(self.given.graph.parents(name))), np.intp)
            width = self._features(name, none).shape[1] * (self.given.graph.shape(name)[-1] - 1)
            found[name] = slice(start, start + width)
            start += width
        return found

    def _features(self, name: str, rows: Ints) -> Array:
        """Return what of each row is left open, ``(row, feature)``."""
        *sizes, states = self.given.graph.shape(name)
        if self.open == "nothing":
            return np.zeros((len(rows), 0))
        count = math.prod(sizes)
        if self.open == "rows" and count * (states - 1) <= _MOST_ROWS:
            place = np.ravel_multi_index(tuple(rows.T), tuple(sizes)) if sizes else np.zeros(1, int)
            return np.asarray(np.eye(count)[place])
        parts = [np.ones((len(rows), 1))]
        if self.open != "levels":
            parts += [np.eye(size)[rows[:, at], 1:] for at, size in enumerate(sizes)]
        return np.concatenate(parts, axis=1)

    def of(self, name: str, site: int | None) -> Ints:
        """Return which parameters a node's table depends on."""
        del site
        own = self._parts[name]
        return np.arange(own.start, own.stop)

    def slopes(self, name: str, site: int | None, rows: Ints) -> Array:
        """Return how the logs of a table move with the node's tilts, in some of its rows.

        Returns
        -------
        ndarray, shape (row, state, parameter of the node)
        """
        del site
        states = self.given.graph.shape(name)[-1]
        features = self._features(name, rows)
        if not features.shape[1] or not len(rows):
            return np.zeros((len(rows), states, len(self.of(name, None))))
        pulls = np.eye(states)[:, 1:] - self._tilted(name, rows)[:, None, 1:]
        found: Array = features[:, None, :, None] * pulls[:, :, None]
        return found.reshape(len(rows), states, -1)

    def log_prior(self) -> float:
        """Return the log prior density, but for a constant."""
        if self.loosened is None:
            return float(-0.5 * _PRECISION * self.values @ self.values)
        return self.loosened.log_density(self.values)

    def prior_slope(self) -> Array:
        """Return the slope of the log prior density, ``(parameter,)``."""
        if self.loosened is None:
            return -_PRECISION * self.values
        return self.loosened.slope_at(self.values)

    def prior_curvature(self) -> Array:
        """Return the negative second derivative of it, ``(parameter, parameter)``."""
        if self.loosened is None:
            return _PRECISION * np.eye(len(self.values))
        return self.loosened.curvature
