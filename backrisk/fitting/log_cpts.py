"""The log of every CPT cell that is used as PyTensor, for all nodes of one mechanism at once.

One vector operation over all nodes compiles several times faster than one operation for each: so
index arrays are laid out beforehand (`backrisk.fitting.design`), and the compiled model gathers,
adds and multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt

from backrisk.fitting.design import of_kind
from backrisk.graph import KnownItem, Layout, NoisyMax, OrdinalLogit, Saturated


def log_cells(
    layout: Layout,
    fractions: Any,
    beta: Any,
    design: Mapping[str, Any],
    shift: Any = None,
    sites: int = 0,
) -> Any:
    """Return the log of every CPT cell of a circuit as one PyTensor vector.

    Parameters
    ----------
    layout : Layout
    fractions, beta : TensorVariable, vectors
    design : mapping of str to TensorVariable
        What `lay_out` gave for the circuit's cells, as constants or as shared data. Beside it
        ``told``, the logs of cells that are known, where people were chosen by the outcome.
    shift : TensorVariable, shape (site, pooled node), optional
        Added to the linear predictor at each site.
    sites : int

    Returns
    -------
    TensorVariable, vector
    """
    sums = _Sums(len(layout.fraction_labels))
    parts = [
        _saturated_cells(layout, sums, fractions),
        _known_cells(layout),
        _ordinal_cells(layout, sums, fractions, beta, design, shift),
        _noisy_max_cells(layout, sums, fractions, design),
        # Of the nodes that only the circuit has, in their order: the site, being a case.
        pt.zeros(sites) if shift is not None else None,
        design.get("told"),
    ]
    return pt.concatenate([part for part in parts if part is not None])[design["place"]]


class _Sums:
    """Sums of logs of fractions, gathered by padded index matrices: one operation for all nodes.

    Address 0 is a zero; then ``log v``; then ``log (1 - v)``.
    """

    def __init__(self, n: int) -> None:
        self.n = n

    def cell(self, start: int, k: int, states: int) -> list[int]:
        """Addresses whose sum is the log of P(X = k)."""
        stop = [1 + start + k] if k < states - 1 else []
        return self.survival(start, k) + stop

    def survival(self, start: int, k: int) -> list[int]:
        """Addresses whose sum is the log of P(X >= k)."""
        return [1 + self.n + start + j for j in range(k)]

    def evaluate(self, rows: list[list[int]], fractions: Any) -> Any:
        """Return the sum of each row."""
        width = max(map(len, rows), default=0)
        if not width:
            return pt.zeros(len(rows))
        index = np.array([row + [0] * (width - len(row)) for row in rows])
        logs = pt.concatenate([pt.zeros(1), pt.log(fractions), pt.log1p(-fractions)])
        return logs[index.ravel()].reshape(index.shape).sum(axis=1)


def _added(terms: Any, index: Any) -> Any:
    """Return the sum of the terms in each row of an index matrix."""
    return terms[index.ravel()].reshape(index.shape).sum(axis=1)


def _saturated_cells(layout: Layout, sums: _Sums, fractions: Any) -> Any:
    rows = []
    for name in of_kind(layout, Saturated):
        start = layout.fraction_slices[name].start
        for simplex in layout.mechanism(name).simplexes:
            states = len(simplex.alpha)
            rows += [sums.cell(start, k, states) for k in range(states)]
            start += states - 1
    return sums.evaluate(rows, fractions) if rows else None


def _known_cells(layout: Layout) -> Any:
    known = [layout.mechanism(name) for name in of_kind(layout, KnownItem)]
    rows = [np.ravel(each.known) for each in known if isinstance(each, KnownItem)]
    if not rows:
        return None
    return pt.constant(np.log(np.maximum(np.concatenate(rows), np.finfo(float).tiny)))


def _ordinal_cells(
    layout: Layout, sums: _Sums, fractions: Any, beta: Any, design: Mapping[str, Any], shift: Any
) -> Any:
    nodes = of_kind(layout, OrdinalLogit)
    if not nodes:
        return None
    survivals: list[list[int]] = []  # P(X > k) on average, for each cutpoint
    node_of: list[int] = []  # of each cutpoint
    inner: list[int] = []  # cutpoints that have one below them in their node
    steps: list[list[int]] = []  # 1 - exposure, for each inner state of an ordered cause
    effects: list[int] = []  # for each term: which beta,
    products: list[tuple[int, int]] = []  # which two exposures it multiplies,
    centres: list[float] = []  # and what is subtracted
    for place, name in enumerate(nodes):
        each = layout.mechanism(name)
        assert isinstance(each, OrdinalLogit)
        start, first_effect = layout.fraction_slices[name].start, layout.effect_slices[name].start
        states = each.shape[-1]
        inner += range(len(survivals) + 1, len(survivals) + states - 1)
        survivals += [sums.survival(start, k + 1) for k in range(states - 1)]
        node_of += [place] * (states - 1)
        start += states - 1
        exposure: list[list[int]] = []  # address of each state's exposure; 0 is none, 1 is full
        for cause, size in enumerate(each.shape[:-1]):
            if cause in each.nominal:
                exposure.append([])
                continue
            exposure.append([0, *(2 + len(steps) + j for j in range(size - 2)), 1])
            steps += [sums.survival(start, k) for k in range(1, size - 1)]
            start += max(size - 2, 0)
        for number, effect in enumerate(each.effects):
            for at in np.ndindex(*(each.shape[cause] for cause in effect.causes)):
                levels = [
                    exposure[cause][code] if state is None else int(code == state)
                    for cause, state, code in zip(effect.causes, effect.states, at, strict=True)
                ]
                products.append((levels[0], levels[1] if len(levels) > 1 else 1))
                effects.append(first_effect + number)
                centres.append(effect.centre)

    # The fractions are of the average configuration, so that log P(X <= k) - log P(X > k) is its
    # cutpoint, and each exposure is centred on its average: cutpoints and effects are then nearly
    # independent, and chains mix.
    survival = sums.evaluate(survivals, fractions)
    average = pt.log1mexp(survival) - survival
    cut = average
    if shift is not None:
        cut = (average[None, :] - shift[:, np.array(node_of)]).ravel()
    predictor: Any = pt.zeros(design["ordinal_terms"].shape[0])
    if effects:
        level = pt.constant(np.array([0.0, 1.0]))
        if steps:
            level = pt.concatenate([level, -pt.expm1(sums.evaluate(steps, fractions))])
        first, second = np.array(products).T
        terms = beta[np.array(effects)] * (level[first] * level[second] - np.array(centres))
        predictor = _added(pt.concatenate([pt.zeros(1), terms]), design["ordinal_terms"])
    # P(X <= k | pa) = logistic(c_k - eta), so its log and that of P(X > k) are two ends of one
    # softplus. A state between two cutpoints has a factor that depends on their distance alone:
    # log(logistic(a) - logistic(b)) = log logistic(a) + log logistic(-b) + log(1 - exp(b - a)).
    beyond = predictor[design["ordinal_points"][0]] - cut[design["ordinal_points"][1]]
    not_below = pt.softplus(beyond)
    not_above = not_below - beyond
    middle = design["ordinal_middle"]
    between = -not_below[middle[0]] - not_above[middle[1]]
    if inner:
        own = np.array(inner)
        between = between + pt.log1mexp(average[own - 1] - average[own])[middle[2]]
    return pt.concatenate(
        [-not_below[design["ordinal_first"]], -not_above[design["ordinal_last"]], between]
    )


def _noisy_max_cells(layout: Layout, sums: _Sums, fractions: Any, design: Mapping[str, Any]) -> Any:
    nodes = of_kind(layout, NoisyMax)
    if not nodes:
        return None
    survivals: list[list[int]] = []  # P(contribution > k) of the leak and of each cause's state
    for name in nodes:
        start = layout.fraction_slices[name].start
        for simplex in layout.mechanism(name).simplexes:
            states = len(simplex.states)
            survivals += [sums.survival(start, k + 1) for k in range(states - 1)]
            start += states - 1
    logs = pt.concatenate([pt.zeros(1), pt.log1mexp(sums.evaluate(survivals, fractions))])
    below = _added(logs, design["noisy_terms"])  # log P(X <= k)
    # log(P(X <= k) - P(X <= k - 1)) from the logs of both.
    upper, lower = below[design["noisy_middle"][0]], below[design["noisy_middle"][1]]
    return pt.concatenate(
        [
            below[design["noisy_first"]],
            pt.log1mexp(below[design["noisy_last"]]),
            upper + pt.log1mexp(lower - upper),
        ]
    )
