"""What a graph implies before any data, compared with published figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.graph import CausalGraph, Layout, ParameterPrior
from backrisk.likelihood import (
    Conditioned,
    Implied,
    Reading,
    conditioned,
    implied_margin,
    readings,
)
from backrisk.posterior import Posterior
from backrisk.summary import interval

_DRAWS = 1000
RATIOS = ("OR", "RR", "HR")
BETWEEN = " or "  # between states that a figure takes together, as its file has it
_COLUMNS = [
    "cause", "effect", "exposed", "reference", "measure",
    "before", "before_low", "before_high", "implied", "low", "high",
    "published", "published_low", "published_high", "overlap", "inside",
    "used", "why", "grade", "citation",
]  # fmt: skip


def prior_model(
    graph: CausalGraph, *, draws: int = _DRAWS, seed: int = 0, evidence: bool = True
) -> Posterior:
    """Return draws of the prior as a posterior, which every query can be asked of.

    Parameters
    ----------
    graph : CausalGraph
    draws : int
    seed : int
    evidence : bool
        Condition the prior on the published figures of the graph, as `fit` does.

    Returns
    -------
    Posterior
    """
    return Posterior(graph, *_prior(graph, evidence).draw(draws, np.random.default_rng(seed)))


def _prior(graph: CausalGraph, evidence: bool) -> ParameterPrior:
    layout = Layout(graph)
    return conditioned(layout).prior if evidence else layout.prior


def prior_margins(
    graph: CausalGraph, *, draws: int = _DRAWS, seed: int = 0, evidence: bool = True
) -> pd.DataFrame:
    """Compare what the prior predicts of each node's margin with published prevalences.

    Parameters
    ----------
    graph : CausalGraph
    draws : int
        Of the prior.
    seed : int
    evidence : bool
        Condition the prior on the published figures of the graph, as `fit` does.

    Returns
    -------
    pandas.DataFrame
        Columns ``node, state, mean, low, high``, one row a state; for a state, or several
        together, of which the graph's `prevalences` hold one: ``published``, ``what`` it is a
        figure of, ``citation``, and ``inside``, whether the prior's interval
        (`backrisk.summary.interval`) holds it.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> table = prior_margins(load_graph("runner_core"), draws=200)
    >>> table.set_index(["node", "state"]).loc[("fatigue", "high"), "published"]
    np.float64(0.173)
    """
    drawn = _prior(graph, evidence).draw(draws, np.random.default_rng(seed))
    published: dict[tuple[str, tuple[str, ...]], list[tuple[float, str, str]]] = {}
    for each in graph.prevalences:
        figure = each.share, each.what, each.citation or each.identifier
        published.setdefault((each.node, each.states), []).append(figure)
    rows = []
    for node in graph.nodes:
        shares = implied_margin(Layout(graph), *drawn, node.name)
        said = [states for name, states in published if name == node.name]
        for states in dict.fromkeys((*((state,) for state in node.states), *said)):
            together = shares[:, [node.code(state) for state in states]].sum(axis=1)
            low, high = interval(together)
            row = {
                "node": node.name,
                "state": BETWEEN.join(states),
                "mean": float(together.mean()),
                "low": float(low),
                "high": float(high),
            }
            for share, what, source in published.get((node.name, states), [(np.nan, "", "")]):
                inside = "" if np.isnan(share) else "yes" if low <= share <= high else "no"
                found = {"published": share, "what": what, "citation": source, "inside": inside}
                rows.append({**row, **found})
    return pd.DataFrame(rows)


def prior_associations(
    graph: CausalGraph, *, draws: int = _DRAWS, seed: int = 0, evidence: bool = True
) -> pd.DataFrame:
    """Compare the associations that the prior implies with the published ones.

    An edge is a direct effect; a published figure is an association of a factor with an outcome by
    all routes, and by whatever confounds them unless the study adjusted for it. So the two are
    compared through the whole graph: between the states that were compared, adjusted for what the
    study adjusted for, exactly for each draw (`backrisk.likelihood.Implied`); before the prior is
    conditioned on the figures, and after.

    Parameters
    ----------
    graph : CausalGraph
    draws : int
    seed : int
    evidence : bool
        Condition the prior, as `fit` does; otherwise before and after are the same.

    Returns
    -------
    pandas.DataFrame
        One row a published ratio: ``cause``, ``effect``, ``exposed`` and ``reference`` states,
        ``measure`` (odds or risk ratio), ``published``, ``published_low``, ``published_high`` (95
        %), ``before``, ``before_low``, ``before_high``, ``implied``, ``low``, ``high`` (median and
        interval over the prior, before and after; NaN where the graph implies no such ratio),
        ``overlap`` and ``inside`` (whether the implied interval meets the published one, and
        holds the published estimate), ``used`` (whether the prior is conditioned on it) and
        ``why`` it is not, ``grade``, ``citation``.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> table = prior_associations(load_graph("runner_core"), draws=200).set_index("cause")
    >>> found = table.loc["fatigue"]
    >>> float(found["published"]), found["overlap"], found["used"]
    (2.68, 'yes', 'yes')
    """
    layout = Layout(graph)
    known = conditioned(layout) if evidence else Conditioned(layout.prior, readings(graph))
    figures = [each for each in known.figures if each.figure.measure in RATIOS]
    ratios = _ranges(layout, figures, (layout.prior, known.prior), draws, seed)
    rows = []
    for each, (before, after) in zip(figures, ratios, strict=True):
        figure = each.figure
        row: dict[str, object] = {
            "cause": figure.cause,
            "effect": figure.effect,
            "exposed": BETWEEN.join(figure.exposed),
            "reference": BETWEEN.join(figure.reference),
            "measure": figure.measure,
            "published": _number(figure.estimate),
            "published_low": _number(figure.low),
            "published_high": _number(figure.high),
        }
        row |= dict(zip(("before_low", "before", "before_high"), before, strict=True))
        row |= dict(zip(("low", "implied", "high"), after, strict=True))
        low, _, high = after
        ends = (_number(figure.low), _number(figure.high))
        row |= {
            "overlap": _yes(low <= ends[1] and ends[0] <= high, low + ends[0]),
            "inside": _yes(low <= _number(figure.estimate) <= high, low),
            "used": "yes" if evidence and each.used else "no",
            "why": each.why,
            "grade": figure.grade,
            "citation": figure.citation,
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _ranges(
    layout: Layout,
    figures: Sequence[Reading],
    priors: Sequence[ParameterPrior],
    draws: int,
    seed: int,
) -> Array:
    """Return low end, median and high end under each prior, ``(figure, prior, 3)``."""
    found = np.full((len(figures), len(priors), 3), np.nan)
    implied = Implied(layout, tuple(each.contrast for each in figures if each.contrast))
    having = [i for i, each in enumerate(figures) if each.contrast]
    for place, prior in enumerate(priors):
        if having:
            ratios = np.exp(implied.values(*prior.draw(draws, np.random.default_rng(seed))))
            low, high = interval(ratios)
            found[having, place] = np.stack([low, np.median(ratios, axis=0), high], axis=-1)
    return found


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _yes(answer: bool, known: float) -> str:
    """Word an answer; empty where what it rests on is not known."""
    return "" if np.isnan(known) else "yes" if answer else "no"
