"""Synthetic people over time: visits drawn from a stated truth of an unrolled graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.graph import STAYS, CausalGraph, UnrolledGraph, unroll
from backrisk.posterior.posterior import Posterior
from backrisk.posterior.simulation import (
    MOST,
    demand_plain_sample,
    draw_states,
    raw_answers,
    without_refused,
)
from backrisk.posterior.simulation import truth as truth_of
from backrisk.survey import Codebook, Column, Derived
from backrisk.words import say

ID, TIME = "id", "time"
MISSING = 0.2  # share of the answers of a visit that are missing, whatever the person is like
VISITS_MISSING = 0.1  # share of the visits between a person's first and last that are not made


@checked()
def simulate_panel(
    graph: CausalGraph,
    people: int,
    periods: int,
    seed: int,
    *,
    codebook: Codebook | None = None,
    missing: float = MISSING,
    visits_missing: float = VISITS_MISSING,
    trait: bool = False,
    dropout: Sequence[str] = (),
    truth: Posterior | None = None,
) -> pd.DataFrame:
    """Simulate people who are asked again and again. The result is synthetic.

    Everybody is drawn from the graph unrolled over the periods (`unroll`), and makes one visit in
    each. Then, completely at random, visits between a person's first and last are not made, and
    answers are missing. What depends on the person is only who leaves, by `dropout`.

    Parameters
    ----------
    graph : CausalGraph
        The template, one period of which others are made.
    people : int
    periods : int
    seed : int
    codebook : Codebook, optional
        How states become answers; by default columns are nodes and answers are states. What is
        constant is asked at every visit, and has the same answer at each.
    missing : float
        Probability that an answer is missing, 0 to below 1, each by itself. Answers that everybody
        gives (`Roles.answered`) are never missing. Answers with a ``nonresponse`` in the codebook
        are missing where the response node says so instead.
    visits_missing : float
        Probability, 0 to below 1, that a visit is not made, of those between the first and the
        last.
    trait : bool
        Whether people differ in a lasting susceptibility that nothing measures.
    dropout : sequence of str
        Nodes whose state one period before decides who leaves; who has left makes no further
        visit.
    truth : Posterior, optional
        What to draw from: on the template, with the codebook's items, unrolled over the same
        periods. Trait and drop-out are then those of its graph. Default: every parameter at its
        prior mean.

    Returns
    -------
    pandas.DataFrame
        One row a person and visit, with ``id`` (1, 2, ...) and ``time`` (the period: 0, 1, ...); a
        missing answer is an empty string.

    Raises
    ------
    QueryError
        If there is nobody or no period, a share is not in [0, 1), the truth is of another graph,
        the codebook has columns ``id`` or ``time``, or it states how people were chosen.
    SurveyError
        If the codebook has a column whose answers cannot be drawn.
    GraphError
        If the graph cannot be unrolled, or has no node of `dropout`.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> frame = simulate_panel(load_graph("runner_core"), 2, 3, seed=1, visits_missing=0)
    >>> frame[["id", "time"]].to_numpy().tolist()
    [[1, 0], [1, 1], [1, 2], [2, 0], [2, 1], [2, 2]]
    """
    for key, number in (("people", people), ("periods", periods)):
        if number < 1:
            raise QueryError(say("posterior.panel.none", key=key, number=number))
    for key, share in (("missing", missing), ("visits_missing", visits_missing)):
        if not 0 <= share < 1:
            raise QueryError(say("posterior.panel.share", key=key, share=share))
    codebook = codebook or Codebook.plain(graph)
    demand_plain_sample(codebook)
    if taken := sorted({ID, TIME} & set(codebook.columns)):
        raise QueryError(say("posterior.panel.taken", column=taken[0]))
    template = codebook.extend(graph)
    unrolled = _unrolled(template, periods, trait, dropout, truth)
    if people * len(unrolled.names) > MOST:
        most = f"{MOST // len(unrolled.names):,}"
        raise QueryError(say("posterior.crowd", n=people, most=most))
    rng = np.random.default_rng(seed)
    states = draw_states(truth or truth_of(unrolled), people, rng)
    made = _made(unrolled, states, visits_missing, rng)
    once, skipped = _of_constants(template, codebook), _left_out(template, codebook)
    first: pd.DataFrame | None = None
    visits = []
    for time in range(periods):
        at = [unrolled.names.index(unrolled.at(name, time)) for name in template.names]
        codes = states[:, at]
        frame = raw_answers(codebook, template, codes, rng)
        first = frame if first is None else first
        frame = codebook.without_unasked(frame.assign(**{name: first[name] for name in once}))
        for name in skipped:
            frame[name] = frame[name].mask(rng.random(people) < missing, "")
        frame = without_refused(frame, codebook, template, codes)
        frame.insert(0, ID, np.arange(1, people + 1))
        frame.insert(1, TIME, time)
        visits.append(frame[made[:, time]])
    return pd.concat(visits).sort_values([ID, TIME], kind="stable", ignore_index=True)


def _unrolled(
    template: CausalGraph,
    periods: int,
    trait: bool,
    dropout: Sequence[str],
    truth: Posterior | None,
) -> UnrolledGraph:
    """Return the graph that people are drawn from: the truth's own, where one is given."""
    if truth is None:
        return unroll(template, periods, trait=trait, dropout=tuple(dropout))
    found = truth.graph
    if not isinstance(found, UnrolledGraph):
        raise QueryError(say("posterior.panel.not_unrolled", graph=found.name))
    if found.template != template or found.periods != periods:
        raise QueryError(say("posterior.panel.other_graph", periods=periods, graph=template.name))
    return found


def _columns(spec: Column | Derived, name: str) -> tuple[str, ...]:
    """Return the columns that a measure is read from."""
    return spec.from_ if isinstance(spec, Derived) else (name,)


def _of_constants(template: CausalGraph, codebook: Codebook) -> set[str]:
    """Return the columns that tell of nothing but what is constant."""
    told: dict[str, bool] = {}
    for name, spec in codebook.measures.items():
        constant = template.node(str(spec.measured)).constant
        for column in _columns(spec, name):
            told[column] = constant and told.get(column, True)
    return {column for column, constant in told.items() if constant}


def _left_out(template: CausalGraph, codebook: Codebook) -> list[str]:
    """Return the columns whose answers may be missing at random, in the codebook's order."""
    answered = template.playing("answered")
    told = {
        column
        for name, spec in codebook.measures.items()
        if spec.node not in answered and spec.nonresponse is None
        for column in _columns(spec, name)
    }
    return [name for name in codebook.columns if name in told]


def _made(
    unrolled: UnrolledGraph,
    states: NDArray[np.int16],
    visits_missing: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return which visits are made, ``(people, periods)``: the first and the last always are."""
    last = np.full(len(states), unrolled.periods - 1)
    if unrolled.dropout:
        for time in range(unrolled.periods - 1, 0, -1):
            left = states[:, unrolled.names.index(unrolled.at(STAYS, time))] > 0
            last = np.where(left, time - 1, last)
    times = np.arange(unrolled.periods)
    between = (times > 0) & (times < last[:, None])
    skipped = between & (rng.random((len(states), unrolled.periods)) < visits_missing)
    return np.asarray((times <= last[:, None]) & ~skipped)
