"""How the CPT cells of a graph follow from its parameters, as index arrays.

Nothing here depends on a survey. Both ways to compute the cells read the same arrays: the PyTensor
expression of the PyMC model (`backrisk.fitting.log_cpts`), and the compiled loops of the sampler
(`backrisk.fitting.gradient`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.fitting.design import of_kind
from backrisk.graph import KnownItem, Layout, NoisyMax, OrdinalLogit, Saturated

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Recipe:
    """What is gathered, added and multiplied on the way from parameters to log cells.

    A sum of logs of fractions is a row of addresses: 0 is nothing, then ``log v`` of every fraction
    v, then ``log (1 - v)`` of every one.

    Parameters
    ----------
    tables : ndarray, shape (cell, term)
        Of the cells of tables: the logs that add up to each.
    known : ndarray, shape (cell,)
        The log of each cell of the items of known error.
    cutpoints : ndarray, shape (cutpoint, term)
        The logs that add up to the log of P(X > k) in the average configuration, for each cutpoint
        of each ordinal node.
    node_of : ndarray, shape (cutpoint,)
        The place of a cutpoint's node among the ordinal ones.
    inner : ndarray
        The cutpoints that have one below them in their node.
    steps : ndarray, shape (step, term)
        The logs that add up to that of 1 - exposure, for each inner state of an ordered cause.
    effects : ndarray, shape (term,)
        The effect of each term of a linear predictor.
    levels : ndarray, shape (2, term)
        The two exposures that a term multiplies: 0 is none, 1 is full, then those of `steps`.
    centres : ndarray, shape (term,)
        What is subtracted from their product.
    contributions : ndarray, shape (level, term)
        The logs that add up to that of P(contribution > k), for the leak and each state of each
        cause of each noisy-max.
    """

    tables: Ints
    known: Array
    cutpoints: Ints
    node_of: Ints
    inner: Ints
    steps: Ints
    effects: Ints
    levels: Ints
    centres: Array
    contributions: Ints

    @classmethod
    def of(cls, layout: Layout) -> Recipe:
        """Read the arrays off the mechanisms of a graph."""
        sums = _Sums(len(layout.fraction_labels))
        return cls(
            padded(_tables(layout, sums)),
            _known(layout),
            *_ordinal(layout, sums),
            padded(_contributions(layout, sums)),
        )


class _Sums:
    """Addresses of the logs of fractions, and of the logs of one less each."""

    def __init__(self, n: int) -> None:
        self.n = n

    def cell(self, start: int, k: int, states: int) -> list[int]:
        """Addresses whose sum is the log of P(X = k)."""
        stop = [1 + start + k] if k < states - 1 else []
        return self.survival(start, k) + stop

    def survival(self, start: int, k: int) -> list[int]:
        """Addresses whose sum is the log of P(X >= k)."""
        return [1 + self.n + start + j for j in range(k)]


def padded(rows: list[list[int]]) -> Ints:
    """Return rows of addresses as one matrix, with address 0 where a row is shorter."""
    width = max(map(len, rows), default=0)
    filled = [row + [0] * (width - len(row)) for row in rows]
    return np.array(filled, dtype=np.int64).reshape(len(rows), width)


def _tables(layout: Layout, sums: _Sums) -> list[list[int]]:
    rows = []
    for name in of_kind(layout, Saturated):
        start = layout.fraction_slices[name].start
        for simplex in layout.mechanism(name).simplexes:
            states = len(simplex.alpha)
            rows += [sums.cell(start, k, states) for k in range(states)]
            start += states - 1
    return rows


def _known(layout: Layout) -> Array:
    known = [layout.mechanism(name) for name in of_kind(layout, KnownItem)]
    rows = [np.ravel(each.known) for each in known if isinstance(each, KnownItem)]
    cells = np.concatenate([np.zeros(0), *rows])
    return np.asarray(np.log(np.maximum(cells, np.finfo(float).tiny)))


def _ordinal(layout: Layout, sums: _Sums) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Array]:
    cutpoints: list[list[int]] = []
    node_of: list[int] = []
    inner: list[int] = []
    steps: list[list[int]] = []
    effects: list[int] = []
    levels: list[tuple[int, int]] = []
    centres: list[float] = []
    for place, name in enumerate(of_kind(layout, OrdinalLogit)):
        each = layout.mechanism(name)
        assert isinstance(each, OrdinalLogit)
        start, first_effect = layout.fraction_slices[name].start, layout.effect_slices[name].start
        states = each.shape[-1]
        inner += range(len(cutpoints) + 1, len(cutpoints) + states - 1)
        cutpoints += [sums.survival(start, k + 1) for k in range(states - 1)]
        node_of += [place] * (states - 1)
        start += states - 1
        exposure: list[list[int]] = []  # address of each state's exposure
        for cause, size in enumerate(each.shape[:-1]):
            if cause in each.nominal:
                exposure.append([])
                continue
            exposure.append([0, *(2 + len(steps) + j for j in range(size - 2)), 1])
            steps += [sums.survival(start, k) for k in range(1, size - 1)]
            start += max(size - 2, 0)
        for number, effect in enumerate(each.effects):
            for at in np.ndindex(*(each.shape[cause] for cause in effect.causes)):
                found = [
                    exposure[cause][code] if state is None else int(code == state)
                    for cause, state, code in zip(effect.causes, effect.states, at, strict=True)
                ]
                levels.append((found[0], found[1] if len(found) > 1 else 1))
                effects.append(first_effect + number)
                centres.append(effect.centre)
    return (
        padded(cutpoints),
        np.array(node_of, dtype=np.int64),
        np.array(inner, dtype=np.int64),
        padded(steps),
        np.array(effects, dtype=np.int64),
        np.array(levels, dtype=np.int64).reshape(-1, 2).T,
        np.array(centres, dtype=np.float64),
    )


def _contributions(layout: Layout, sums: _Sums) -> list[list[int]]:
    rows = []
    for name in of_kind(layout, NoisyMax):
        start = layout.fraction_slices[name].start
        for simplex in layout.mechanism(name).simplexes:
            states = len(simplex.states)
            rows += [sums.survival(start, k + 1) for k in range(states - 1)]
            start += states - 1
    return rows
