"""The log of every CPT cell as PyTensor, for all nodes of one mechanism at once.

One vector operation over all nodes compiles several times faster than one operation for each: so
index matrices are laid out in Python, once, and the compiled model gathers, adds and multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray

from backrisk.fitting.observed import SITE, with_sites
from backrisk.graph import KnownItem, Layout, Mechanism, NoisyMax, OrdinalLogit, Saturated
from backrisk.likelihood import Cells

Ints = NDArray[np.int64]

_FAR = 1e3  # a cutpoint beyond every linear predictor


def log_cells(layout: Layout, fractions: Any, beta: Any, shift: Any = None, sites: int = 0) -> Any:
    """Return the log of every CPT cell as one PyTensor vector, in the order of `Cells`.

    Parameters
    ----------
    layout : Layout
    fractions, beta : TensorVariable, vectors
    shift : TensorVariable, shape (site, pooled node), optional
        Added to the linear predictor at each site. The cells are then those of `with_sites`.
    sites : int

    Returns
    -------
    TensorVariable, vector
    """
    sums = _Sums(len(layout.fraction_labels))
    graph = (
        layout.graph if shift is None else with_sites(layout.graph, [str(i) for i in range(sites)])
    )
    place_of = Cells.of(graph)
    parts = [
        _saturated_cells(layout, place_of, sums, fractions),
        _ordinal_cells(layout, place_of, sums, fractions, beta, shift, sites),
        _noisy_max_cells(layout, place_of, sums, fractions),
        _known_cells(layout, place_of),
    ]
    present = [part for part in parts if part is not None]
    if shift is not None:
        where = place_of.part(SITE)
        present.append((pt.zeros(sites), np.arange(where.start, where.stop)))
    order = np.concatenate([where for _, where in present])
    if len(order) != place_of.size:  # else the cells of the others would be taken for theirs
        written = (Saturated, OrdinalLogit, NoisyMax, KnownItem)
        kinds = {type(m).__name__ for m in layout.mechanisms.values() if not isinstance(m, written)}
        raise NotImplementedError(", ".join(sorted(kinds)))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return pt.concatenate([value for value, _ in present])[place]


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


def _of_kind[M: Mechanism](
    layout: Layout, cells: Cells, kind: type[M]
) -> list[tuple[M, int, int, slice]]:
    """Nodes of one kind: mechanism, first fraction, first effect, place among the cells."""
    return [
        (
            each,
            layout.fraction_slices[name].start,
            layout.effect_slices[name].start,
            cells.part(name),
        )
        for name, each in layout.mechanisms.items()
        if isinstance(each, kind)
    ]


def _where(nodes: Sequence[tuple[Mechanism, int, int, slice]]) -> Ints:
    return np.concatenate([np.arange(part.start, part.stop) for *_, part in nodes])


def _known_cells(layout: Layout, cells: Cells) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, cells, KnownItem)
    if not nodes:
        return None
    rows = np.concatenate([np.ravel(each.known) for each, *_ in nodes])
    return pt.constant(np.log(np.maximum(rows, np.finfo(float).tiny))), _where(nodes)


def _saturated_cells(
    layout: Layout, cells: Cells, sums: _Sums, fractions: Any
) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, cells, Saturated)
    if not nodes:
        return None
    rows = []
    for each, start, _, _ in nodes:
        for simplex in each.simplexes:
            states = len(simplex.alpha)
            rows += [sums.cell(start, k, states) for k in range(states)]
            start += states - 1
    return sums.evaluate(rows, fractions), _where(nodes)


def _ordinal_cells(
    layout: Layout,
    cells: Cells,
    sums: _Sums,
    fractions: Any,
    beta: Any,
    shift_of_site: Any = None,
    sites: int = 0,
) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, cells, OrdinalLogit)
    if not nodes:
        return None
    # P(X <= k | pa) = logistic(c_k - eta): a cell is the difference of two of these. Everything
    # below up to the arrays is bookkeeping: for each cell, the addresses of its upper and lower
    # cutpoint and of its row's linear predictor; for each row, of its effects and exposures.
    # Cutpoint -2 lies above every state and -1 below; both are far constants.
    survivals: list[list[int]] = []  # P(X > k) on average, for each finite cutpoint
    steps: list[list[int]] = []  # 1 - exposure, for each inner state of a cause
    effects: list[list[int]] = []  # for each row of a CPT: which betas,
    products: list[list[tuple[int, int]]] = []  # which two exposures they multiply,
    centres: list[list[float]] = []
    upper: list[int] = []
    lower: list[int] = []
    row_of: list[int] = []
    node_of: list[int] = []  # of each finite cutpoint
    total = sum(each.shape[-1] - 1 for each, *_ in nodes)  # finite cutpoints of one site
    for place, (each, start, first_effect, _) in enumerate(nodes):
        states = each.shape[-1]
        first_cut = len(survivals)
        node_of += [place] * (states - 1)
        survivals += [sums.survival(start, k + 1) for k in range(states - 1)]
        start += states - 1
        exposure: list[list[int]] = []  # address of each state's exposure; 0 is none, 1 is full
        for cause, size in enumerate(each.shape[:-1]):
            if cause in each.nominal:
                exposure.append([])
                continue
            exposure.append([0, *(2 + len(steps) + j for j in range(size - 2)), 1])
            steps += [sums.survival(start, k) for k in range(1, size - 1)]
            start += max(size - 2, 0)
        first_row = len(effects)
        rows = list(each.configurations())
        for site in range(max(sites, 1)):  # the site is the first axis of the CPT
            for place_of_row in range(first_row, first_row + len(rows)):
                for k in range(states):
                    upper.append(site * total + first_cut + k if k < states - 1 else -2)
                    lower.append(site * total + first_cut + k - 1 if k else -1)
                    row_of.append(place_of_row)
        for row in rows:
            effects.append([1 + first_effect + e for e in range(len(each.effects))])
            centres.append([effect.centre for effect in each.effects])
            products.append([])
            for effect in each.effects:
                levels = [
                    exposure[cause][row[cause]] if state is None else int(row[cause] == state)
                    for cause, state in zip(effect.causes, effect.states, strict=True)
                ]
                products[-1].append((levels[0], levels[1] if len(levels) > 1 else 1))
    width = max(map(len, effects))
    padded = np.array([row + [0] * (width - len(row)) for row in effects])
    centre = np.array([row + [0.0] * (width - len(row)) for row in centres])
    pairs = np.array([row + [(0, 0)] * (width - len(row)) for row in products])

    # The fractions are of the average configuration, so that log P(X <= k) - log P(X > k) is its
    # cutpoint, and each exposure is centred on its average: cutpoints and effects are then nearly
    # independent, and chains mix.
    survival = sums.evaluate(survivals, fractions)
    average = pt.log1mexp(survival) - survival
    if shift_of_site is not None:
        average = (average[None, :] - shift_of_site[:, np.array(node_of)]).ravel()
    cut = pt.concatenate([average, np.array([_FAR, -_FAR])])
    level = pt.constant(np.array([0.0, 1.0]))
    if steps:
        level = pt.concatenate([level, -pt.expm1(sums.evaluate(steps, fractions))])
    weights = pt.concatenate([pt.zeros(1), beta])[padded.ravel()]
    exposed = level[pairs[..., 0].ravel()] * level[pairs[..., 1].ravel()]
    shift = (weights * (exposed - centre.ravel())).reshape(padded.shape).sum(axis=1)
    here = shift[np.array(row_of)]
    finite = total * max(sites, 1)
    above = cut[np.array([i if i >= 0 else finite for i in upper])] - here
    below = cut[np.array([i if i >= 0 else finite + 1 for i in lower])] - here
    # log(logistic(above) - logistic(below)), without cancellation where both are near 0 or 1.
    value = -pt.softplus(-above) - pt.softplus(below) + pt.log1mexp(below - above)
    return value, _where(nodes)


def _noisy_max_cells(
    layout: Layout, cells: Cells, sums: _Sums, fractions: Any
) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, cells, NoisyMax)
    if not nodes:
        return None
    survivals: list[list[int]] = []  # P(contribution > k) of the leak and of each cause's state
    factors: list[list[int]] = []  # for each cell: which logs of CDFs add up to log P(X <= k)
    first_state: list[bool] = []
    for each, start, _, _ in nodes:
        states = each.shape[-1]
        cdf = []
        for _simplex in each.simplexes:
            cdf.append([1 + len(survivals) + k for k in range(states - 1)] + [0])
            survivals += [sums.survival(start, k + 1) for k in range(states - 1)]
            start += states - 1
        first = np.cumsum([1, *(size - 1 for size in each.shape[:-1])])
        for row in each.configurations():
            active = [0, *(int(first[p]) + x - 1 for p, x in enumerate(row) if x)]
            factors += [[cdf[a][k] for a in active] for k in range(states)]
            first_state += [k == 0 for k in range(states)]
    width = max(map(len, factors))
    index = np.array([row + [0] * (width - len(row)) for row in factors])
    logs = pt.concatenate([pt.zeros(1), pt.log1mexp(sums.evaluate(survivals, fractions))])
    below = logs[index.ravel()].reshape(index.shape).sum(axis=1)
    # log(P(X <= k) - P(X <= k - 1)) from the logs of both; the first state has nothing below it.
    opening = np.array(first_state)
    previous = pt.concatenate([pt.zeros(1), below[:-1]])
    gap = pt.switch(opening, -_FAR, previous - below)
    return below + pt.log1mexp(gap), _where(nodes)
