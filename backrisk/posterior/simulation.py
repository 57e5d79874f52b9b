"""Synthetic people: a documented truth, people drawn from it, and answers with gaps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, Edge, Layout, UnrolledGraph
from backrisk.posterior.posterior import Posterior
from backrisk.survey import Codebook, Derived
from backrisk.words import say

_ROWS = 2_000_000  # rows of a CPT that are held at once, in all draws together
SKIPPED = 0.05  # share of answers missing whatever the person is like
SKIPPED_ITEM = 0.15  # share of tests and repeated questions not done ...
SKIPPED_OLDER = 0.15  # ... and how much larger it is for people past the first age band
_WIDER = 1.5  # how much further from its prior mean than expected an effect of a drawn truth is
_DOUBTED, _FALSE = ("none", "contradicted"), 0.5  # grades of claims that may be false, how often

MOST = 10**9  # answers that are simulated at once


@checked()
def truth(graph: CausalGraph) -> Posterior:
    """Return the truth that synthetic surveys are drawn from: every parameter at its prior mean.

    Each edge has the log odds ratio of its prior mean, each node the margin its prior is centred
    on at average parents, each item the reliability that its codebook states.

    Parameters
    ----------
    graph : CausalGraph
        With items, where they are to be drawn.

    Returns
    -------
    Posterior
        Of one draw.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> truth(load_graph("runner_core")).cpt("fatigue").round(3).tolist()
    [[0.45, 0.377, 0.173]]
    """
    layout = Layout(graph)
    first, second = layout.prior.fractions
    return Posterior(graph, (first / (first + second))[None], layout.prior.mean[None])


def false_claims(graph: CausalGraph, seed: int) -> tuple[tuple[str, str], ...]:
    """Return the claims, cause and effect, that have no effect in `drawn_truth`.

    Each claim of a node about another that is graded ``none`` or ``contradicted`` is false with a
    probability of one half, each by itself; over several periods, in all of them or in none. That a
    node stays as it was is no claim about another.

    Parameters
    ----------
    graph : CausalGraph
    seed : int

    Returns
    -------
    tuple of (str, str)
    """
    doubted: dict[tuple[str, str, int], list[tuple[str, str]]] = {}
    for edge in graph.edges:
        cause, effect, _ = claim = _claim(graph, edge)
        if edge.grade in _DOUBTED and not _tells(graph, edge) and cause != effect:
            doubted.setdefault(claim, []).append((edge.cause, edge.effect))
    false = np.random.default_rng([seed, 1]).random(len(doubted)) < _FALSE
    return tuple(
        pair for pairs, no in zip(doubted.values(), false, strict=True) if no for pair in pairs
    )


def drawn_truth(graph: CausalGraph, seed: int) -> Posterior:
    """Return a truth that does not sit at the prior's centre, so that a fit has much to learn.

    Every distribution is drawn from its prior, every effect from a normal around its prior mean
    with one and a half times its standard deviation, and the claims of `false_claims` are false:
    their effects are exactly zero.

    Parameters
    ----------
    graph : CausalGraph
        With items, where they are to be drawn.
    seed : int

    Returns
    -------
    Posterior
        Of one draw.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> graph = load_graph("runner_core")
    >>> false_claims(graph, 1)
    (('core_strength', 'pelvic_tilt'),)
    >>> drawn_truth(graph, 1).draws
    1
    """
    layout = Layout(graph)
    rng = np.random.default_rng([seed, 0])
    fractions, drawn = layout.draw_prior(1, rng)
    mean = layout.prior.mean
    effects = mean + _WIDER * (drawn - mean)
    false = set(false_claims(graph, seed))
    for at, (effect, causes) in enumerate(layout.effect_terms):
        if len(causes) == 1 and (causes[0][0], effect) in false:
            effects[:, at] = 0.0
    return Posterior(graph, fractions, effects)


def _claim(graph: CausalGraph, edge: Edge) -> tuple[str, str, int]:
    """Return cause and effect of a claim, in whichever period, and how much later the effect is."""
    if not isinstance(graph, UnrolledGraph):
        return edge.cause, edge.effect, 0
    (cause, before), (effect, now) = graph.base(edge.cause), graph.base(edge.effect)
    return cause, effect, now - before if cause in graph.moving else 0


def _tells(graph: CausalGraph, edge: Edge) -> bool:
    """Whether an edge is that of an answer, and claims nothing."""
    return edge.effect in graph.items


def draw_states(
    posterior: Posterior,
    n: int,
    rng: np.random.Generator,
    which: NDArray[np.intp] | None = None,
) -> NDArray[np.int16]:
    """Draw the states of every node for n people, one posterior draw each.

    Parameters
    ----------
    posterior : Posterior
    n : int
    rng : numpy.random.Generator
    which : ndarray of int, shape (n,), optional
        The posterior draw of each; by default one at random.

    Returns
    -------
    ndarray of int16, shape (n, nodes)
    """
    graph = posterior.graph
    codes = np.zeros((n, len(graph.names)), dtype=np.int16)
    which = rng.integers(posterior.draws, size=n) if which is None else which
    column = {name: i for i, name in enumerate(graph.names)}
    for name in graph.topological:
        parents = codes[:, [column[parent] for parent in graph.parents(name)]]
        uniform = rng.random(n)
        for some in _few_rows(posterior, parents):
            rows, row = np.unique(parents[some], axis=0, return_inverse=True)
            below = np.cumsum(posterior.rows(name, rows.astype(np.intp)), axis=1)
            below[:, -1] = 1.0
            mine = below[row.ravel(), :, which[some]]
            codes[some, column[name]] = (uniform[some, None] > mine).sum(axis=1)
    return codes


def _few_rows(posterior: Posterior, parents: NDArray[np.int16]) -> Iterator[NDArray[np.intp]]:
    """Part people so that each part has few enough rows of a CPT to be held in every draw."""
    order = np.lexsort(parents.T) if parents.shape[1] else np.arange(len(parents))
    changes = (np.diff(parents[order], axis=0) != 0).any(axis=1)
    row = np.concatenate([[0], np.cumsum(changes)])
    most = max(_ROWS // posterior.draws, 1)
    for part in range(int(row[-1]) // most + 1):
        yield order[row // most == part]


@checked()
def simulate(
    graph: CausalGraph,
    n: int,
    seed: int,
    *,
    codebook: Codebook | None = None,
    posterior: Posterior | None = None,
    gaps: bool = True,
) -> pd.DataFrame:
    """Simulate a survey as people would answer it. The result is synthetic.

    Parameters
    ----------
    graph : CausalGraph
    n : int
        Number of people.
    seed : int
    codebook : Codebook, optional
        How states become answers; by default columns are nodes and answers are states.
    posterior : Posterior, optional
        What to draw from, on the graph with the codebook's items; default `truth`. Another is
        `drawn_truth`.
    gaps : bool
        Leave answers out: some at random, and tests more often for older people, which makes
        them missing at random given age. Answers with a ``nonresponse`` in the codebook are
        missing where the response node says so, whatever `gaps` is. A question that the codebook
        does not ask of everyone is left blank where it would not have been asked.

    Returns
    -------
    pandas.DataFrame
        One row a person; a missing answer is an empty string.

    Raises
    ------
    QueryError
        If n is below 1, or the codebook states how people were chosen: simulated ones are a plain
        sample.
    SurveyError
        If the codebook has a column whose answers cannot be drawn.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> frame = simulate(load_graph("runner_core"), 3, seed=1, gaps=False)
    >>> frame.shape
    (3, 7)
    """
    if n < 1:
        raise QueryError(say("posterior.nobody", n=n))
    if n * len(graph.nodes) > MOST:
        raise QueryError(say("posterior.crowd", n=n, most=f"{MOST // len(graph.nodes):,}"))
    rng = np.random.default_rng(seed)
    codebook = codebook or Codebook.plain(graph)
    demand_plain_sample(codebook)
    graph = codebook.extend(graph)
    codes = draw_states(posterior or truth(graph), n, rng)
    frame = raw_answers(codebook, graph, codes, rng)
    if gaps:
        frame = _with_gaps(frame, graph, codebook, codes, rng)
    return without_refused(frame, codebook, graph, codes)


def demand_plain_sample(codebook: Codebook) -> None:
    """Refuse a codebook that states how people were chosen."""
    if codebook.design is not None and codebook.design.kind != "stratified":
        raise QueryError(say("posterior.simulated_design", kind=codebook.design.kind))


def raw_answers(
    codebook: Codebook, graph: CausalGraph, codes: NDArray[np.int16], rng: np.random.Generator
) -> pd.DataFrame:
    """Draw what people in these states would write, where they were asked and answer everything.

    Parameters
    ----------
    codebook : Codebook
    graph : CausalGraph
        With the codebook's items.
    codes : ndarray of int16, shape (n, nodes)
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        A row for each row of `codes`.
    """
    columns: dict[str, list[object]] = {}
    for name, spec in codebook.measures.items():
        node = graph.node(codebook.node_of(name))
        states = [node.states[code] for code in codes[:, graph.names.index(node.name)]]
        if isinstance(spec, Derived):
            drawn = [codebook.decode_derived(name, state, rng) for state in states]
            columns |= {key: [answer[key] for answer in drawn] for key in spec.from_}
        else:
            columns[name] = [codebook.decode(name, state, rng) for state in states]
    order = [name for name in codebook.columns if name in columns]
    frame = pd.DataFrame({name: columns[name] for name in order}, dtype=object)
    return codebook.without_unasked(frame)


def without_refused(
    frame: pd.DataFrame, codebook: Codebook, graph: CausalGraph, codes: NDArray[np.int16]
) -> pd.DataFrame:
    """Leave answers out where their response node says that they were not given."""
    for name, spec in codebook.measures.items():
        if spec.nonresponse is not None:
            response = codes[:, graph.names.index(codebook.response_of(name))]
            inputs = list(spec.from_) if isinstance(spec, Derived) else [name]
            frame.loc[response > 0, inputs] = ""
    return frame


def _with_gaps(
    frame: pd.DataFrame,
    graph: CausalGraph,
    codebook: Codebook,
    codes: NDArray[np.int16],
    rng: np.random.Generator,
) -> pd.DataFrame:
    skipping = graph.playing("skipped_by")
    older = (codes[:, [graph.names.index(name) for name in skipping]] > 0).any(axis=1).astype(float)
    answered = graph.playing("answered")
    for name in frame.columns:
        spec = codebook.columns[name]
        if spec.node in answered or spec.nonresponse is not None:
            continue  # so that what depends on them is missing at random
        rate = np.full(len(frame), SKIPPED)
        if spec.item:
            rate = SKIPPED_ITEM + SKIPPED_OLDER * older
        frame[name] = frame[name].mask(rng.random(len(frame)) < rate, "")
    return frame
