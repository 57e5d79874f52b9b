"""A graph and a survey as a PyMC model of two random variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray

from backrisk.errors import FitError
from backrisk.fitting.likelihood import MarginalLogLikelihood
from backrisk.graph import CausalGraph
from backrisk.inference.rows import Cells, Circuit, build_circuit
from backrisk.mechanisms import Layout, Mechanism, NoisyMax, OrdinalLogit, Saturated
from backrisk.survey import Survey, tabulate

Ints = NDArray[np.int64]

_FAR = 1e3  # a cutpoint beyond every linear predictor


def build_model(
    graph: CausalGraph, survey: Survey | None = None, *, circuit: Circuit | None = None
) -> pm.Model:
    """Build the PyMC model. Never samples.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the survey; ``survey.graph`` where there is a survey.
    survey : Survey, optional
        Without it, the model is the prior.
    circuit : Circuit, optional
        The survey's circuit, where it is already made.

    Returns
    -------
    pymc.Model
        ``continuation`` (dimension ``distribution``) and ``beta`` (dimension ``effect``), with
        the coordinates of `Layout`; ``log_cells``, the log of every CPT cell, is not recorded.

    Raises
    ------
    FitError
        If the graph lacks a node of the survey, or exact elimination is out of reach.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> build_model(g).coords["distribution"]
    ('x: no', 'y | x=no: no', 'y | x=yes: no')
    """
    if survey is not None and survey.graph != graph:
        raise FitError(
            f"The survey was read for graph '{survey.graph.name}' with "
            f"{len(survey.graph.names)} nodes and items; build the model of that graph."
        )
    if survey is not None and circuit is None:
        patterns = tabulate(survey)
        circuit = build_circuit(graph, patterns.codes, patterns.weights)
    layout = Layout(graph)
    coords = {"distribution": layout.fraction_labels, "effect": layout.effect_labels}
    with pm.Model(coords=coords) as model:
        first, second = layout.fraction_prior
        continuation = pm.Beta("continuation", first, second, dims="distribution")
        beta: Any = pt.zeros(0)
        if layout.effect_labels:
            mean, sd = layout.effect_prior
            z = pm.Normal("z", 0.0, 1.0, dims="effect")
            beta = pm.Deterministic("beta", mean + sd * z, dims="effect")
        if circuit is not None:
            tape, reals = (pytensor.shared(part) for part in circuit.packed())
            cells = log_cells(layout, continuation, beta)
            value, _ = MarginalLogLikelihood()(cells, tape, reals)
            pm.Potential("log_likelihood", value)
    return model


def log_cells(layout: Layout, continuation: Any, beta: Any) -> Any:
    """Return the log of every CPT cell as one PyTensor vector, in the order of `Cells`.

    Parameters
    ----------
    layout : Layout
    continuation, beta : TensorVariable, vectors

    Returns
    -------
    TensorVariable, vector
    """
    sums = _Sums(len(layout.fraction_labels))
    parts = [
        _saturated_cells(layout, sums, continuation),
        _ordinal_cells(layout, sums, continuation, beta),
        _noisy_max_cells(layout, sums, continuation),
    ]
    present = [part for part in parts if part is not None]
    order = np.concatenate([where for _, where in present])
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

    def evaluate(self, rows: list[list[int]], continuation: Any) -> Any:
        """Return the sum of each row."""
        width = max(map(len, rows), default=0)
        if not width:
            return pt.zeros(len(rows))
        index = np.array([row + [0] * (width - len(row)) for row in rows])
        logs = pt.concatenate([pt.zeros(1), pt.log(continuation), pt.log1p(-continuation)])
        return logs[index.ravel()].reshape(index.shape).sum(axis=1)


def _of_kind(layout: Layout, kind: type[Mechanism]) -> list[tuple[Mechanism, int, int, slice]]:
    """Nodes of one kind: mechanism, first fraction, first effect, place among the cells."""
    cells = Cells.of(layout.graph)
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


def _where(nodes: list[tuple[Mechanism, int, int, slice]]) -> Ints:
    return np.concatenate([np.arange(part.start, part.stop) for *_, part in nodes])


def _saturated_cells(layout: Layout, sums: _Sums, continuation: Any) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, Saturated)
    if not nodes:
        return None
    rows = []
    for each, start, _, _ in nodes:
        for simplex in each.simplexes:
            states = len(simplex.alpha)
            rows += [sums.cell(start, k, states) for k in range(states)]
            start += states - 1
    return sums.evaluate(rows, continuation), _where(nodes)


def _ordinal_cells(
    layout: Layout, sums: _Sums, continuation: Any, beta: Any
) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, OrdinalLogit)
    if not nodes:
        return None
    survivals: list[list[int]] = []  # P(X > k) on average, for each finite cutpoint
    steps: list[list[int]] = []  # 1 - exposure, for each inner state of a cause
    effects: list[list[int]] = []  # for each row of a CPT: which betas,
    products: list[list[tuple[int, int]]] = []  # which two exposures they multiply,
    centres: list[list[float]] = []
    upper: list[int] = []
    lower: list[int] = []
    row_of: list[int] = []
    for each, start, first_effect, _ in nodes:
        states = each.shape[-1]
        first_cut = len(survivals)
        survivals += [sums.survival(start, k + 1) for k in range(states - 1)]
        start += states - 1
        exposure: list[list[int]] = []  # address of each state's exposure; 0 is none, 1 is full
        for size in each.shape[:-1]:
            exposure.append([0, *(2 + len(steps) + j for j in range(size - 2)), 1])
            steps += [sums.survival(start, k) for k in range(1, size - 1)]
            start += max(size - 2, 0)
        for row in each.configurations():
            for k in range(states):
                upper.append(first_cut + k if k < states - 1 else -2)
                lower.append(first_cut + k - 1 if k else -1)
                row_of.append(len(effects))
            effects.append([1 + first_effect + e for e in range(len(each.effects))])
            centres.append([effect.centre for effect in each.effects])
            products.append(
                [
                    (
                        exposure[e.causes[0]][row[e.causes[0]]],
                        exposure[e.causes[-1]][row[e.causes[-1]]],
                    )
                    if len(e.causes) > 1
                    else (exposure[e.causes[0]][row[e.causes[0]]], 1)
                    for e in each.effects
                ]
            )
    width = max(map(len, effects))
    padded = np.array([row + [0] * (width - len(row)) for row in effects])
    centre = np.array([row + [0.0] * (width - len(row)) for row in centres])
    pairs = np.array([row + [(0, 0)] * (width - len(row)) for row in products])

    survival = sums.evaluate(survivals, continuation)
    cut = pt.concatenate([pt.log1mexp(survival) - survival, np.array([_FAR, -_FAR])])
    level = pt.constant(np.array([0.0, 1.0]))
    if steps:
        level = pt.concatenate([level, -pt.expm1(sums.evaluate(steps, continuation))])
    weights = pt.concatenate([pt.zeros(1), beta])[padded.ravel()]
    exposed = level[pairs[..., 0].ravel()] * level[pairs[..., 1].ravel()]
    shift = (weights * (exposed - centre.ravel())).reshape(padded.shape).sum(axis=1)
    here = shift[np.array(row_of)]
    finite = len(survivals)
    above = cut[np.array([i if i >= 0 else finite for i in upper])] - here
    below = cut[np.array([i if i >= 0 else finite + 1 for i in lower])] - here
    value = -pt.softplus(-above) - pt.softplus(below) + pt.log1mexp(below - above)
    return value, _where(nodes)


def _noisy_max_cells(layout: Layout, sums: _Sums, continuation: Any) -> tuple[Any, Ints] | None:
    nodes = _of_kind(layout, NoisyMax)
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
    logs = pt.concatenate([pt.zeros(1), pt.log1mexp(sums.evaluate(survivals, continuation))])
    below = logs[index.ravel()].reshape(index.shape).sum(axis=1)
    opening = np.array(first_state)
    previous = pt.concatenate([pt.zeros(1), below[:-1]])
    gap = pt.switch(opening, -_FAR, previous - below)
    return below + pt.log1mexp(gap), _where(nodes)
