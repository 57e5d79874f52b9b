"""A graph and a survey as a PyMC model of two random variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray

from backrisk.errors import FitError
from backrisk.fitting.op import MarginalLogLikelihood
from backrisk.graph import (
    SITE_SCALE,
    CausalGraph,
    Edge,
    KnownItem,
    Layout,
    Mechanism,
    Node,
    NoisyMax,
    OrdinalLogit,
    Saturated,
)
from backrisk.likelihood import Cells, Circuit, build_circuit
from backrisk.posterior import EFFECTS, FRACTIONS, SITE_SCALES, SITE_SHIFTS
from backrisk.survey import Patterns, Survey, tabulate
from backrisk.words import say

Ints = NDArray[np.int64]

_FAR = 1e3  # a cutpoint beyond every linear predictor
_SITE = "site__"


def build_model(
    graph: CausalGraph, survey: Survey | None = None, *, circuit: Circuit | None = None
) -> pm.Model:
    """Build the PyMC model. Never samples.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the survey; ``survey.graph`` where there is a survey.
    survey : Survey, optional
        Without it, the model is the prior. With sites, the intercepts of ordinal nodes vary by
        site around their pooled value.
    circuit : Circuit, optional
        What `survey_circuit` gave for the survey, where it is already made.

    Returns
    -------
    pymc.Model
        ``continuation`` (the stick-breaking fractions, dimension ``distribution``) and ``beta``
        (the effects, log odds ratios, dimension ``effect``), with
        the coordinates of `Layout`; with sites ``site_scale`` (dimension ``pooled``, the nodes)
        and ``site_shift`` (dimensions ``site, pooled``), on the log odds scale. The log of every
        CPT cell is not recorded.

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
        own = survey.graph
        raise FitError(say("fitting.not_its_graph", graph=own.name, count=len(own.names)))
    if survey is not None and circuit is None:
        circuit = survey_circuit(survey, tabulate(survey))
    layout = Layout(graph)
    sites = pooled_sites(survey)
    pooled = layout.pooled if sites else ()
    coords = {"distribution": layout.fraction_labels, "effect": layout.effect_labels}
    if pooled:
        coords |= {"site": sites, "pooled": pooled}
    with pm.Model(coords=coords) as model:
        first, second = layout.fraction_prior
        fractions = pm.Beta(
            FRACTIONS, first, second, dims="distribution", initval=layout.fraction_start
        )
        beta: Any = pt.zeros(0)
        if layout.effect_labels:
            location, spread, sign = layout.effect_scale
            z = pm.Normal("z", 0.0, 1.0, dims="effect")
            value = location + spread * z
            if sign.any():
                settled = sign != 0
                value = pt.switch(settled, sign * pt.exp(pt.switch(settled, value, 0.0)), value)
            beta = pm.Deterministic(EFFECTS, value, dims="effect")
        shift: Any = None
        if pooled:
            scale = pm.HalfNormal(SITE_SCALES, SITE_SCALE, dims="pooled")
            away = pm.Normal("site_z", 0.0, 1.0, dims=("site", "pooled"))
            shift = pm.Deterministic(SITE_SHIFTS, scale * away, dims=("site", "pooled"))
        if circuit is not None:
            tape, reals = (
                pytensor.shared(part, name=name)
                for name, part in zip(("tape", "reals"), circuit.packed(), strict=True)
            )
            cells = log_cells(layout, fractions, beta, shift, len(sites))
            value, _ = MarginalLogLikelihood()(cells, tape, reals)
            pm.Potential("log_likelihood", value)
    return model


def pooled_sites(survey: Survey | None) -> tuple[str, ...]:
    """Return the sites whose intercepts are pooled: none unless there are at least two."""
    if survey is None or survey.site is None or len(survey.sites) < 2:
        return ()
    return survey.sites


def survey_circuit(survey: Survey, patterns: Patterns) -> Circuit:
    """Compile a survey's patterns into a circuit.

    With sites, each ordinal node has a CPT for each site: the site is one more cause of it, which
    everyone reports and whose own distribution counts for nothing.

    Parameters
    ----------
    survey : Survey
    patterns : Patterns
        What `tabulate` gave.

    Returns
    -------
    Circuit

    Raises
    ------
    FitError
        If exact elimination is out of reach.
    """
    if not pooled_sites(survey):
        return build_circuit(survey.graph, patterns.codes, effective_weights(patterns))
    assert patterns.site is not None
    codes = np.column_stack([patterns.codes, patterns.site]).astype(np.int8)
    return build_circuit(with_sites(survey.graph, survey.sites), codes, effective_weights(patterns))


def effective_weights(patterns: Patterns) -> NDArray[np.float64]:
    """Scale sampling weights to sum to the effective sample size.

    Weighted answers carry the information of ``(sum w)^2 / sum w^2`` people (Kish 1965). Weights
    that sum to it give a pseudo-posterior (Savitsky and Toth 2016, doi:10.1214/16-EJS1153) whose
    intervals are neither those of the sum of the weights nor those of the number of people.
    Without weights nothing changes.

    Parameters
    ----------
    patterns : Patterns

    Returns
    -------
    ndarray, shape (patterns,)
    """
    scaled: NDArray[np.float64] = patterns.weights * (
        patterns.weights.sum() / patterns.squares.sum()
    )
    return scaled


def with_sites(graph: CausalGraph, sites: Sequence[str]) -> CausalGraph:
    """Return the graph with the site as the first cause of every ordinal node, for addresses."""
    node = Node(_SITE, tuple(sites))
    edges = [Edge(_SITE, name, _SITE, "stated", "none") for name in Layout(graph).pooled]
    return replace(graph, nodes=(*graph.nodes, node), edges=(*edges, *graph.edges))


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
        where = place_of.part(_SITE)
        present.append((pt.zeros(sites), np.arange(where.start, where.stop)))
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
        for size in each.shape[:-1]:
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
    opening = np.array(first_state)
    previous = pt.concatenate([pt.zeros(1), below[:-1]])
    gap = pt.switch(opening, -_FAR, previous - below)
    return below + pt.log1mexp(gap), _where(nodes)
