"""Every edge as an odds ratio: before the data, after them, and as others have published it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.prior import BETWEEN, RATIOS
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, Figure
from backrisk.posterior import Posterior, ratio_draws
from backrisk.summary import interval
from backrisk.words import say


@checked()
def effects(posterior: Posterior, nodes: Sequence[str] | None = None) -> pd.DataFrame:
    """Return each edge's effect as an odds ratio, before the data and after, published beside.

    *Estimand*: the ratio of the odds that the effect is not at its reference, between a state of
    the cause and the cause's reference, with the effect's other causes at theirs: the direct
    effect of the edge. Of a node by which people were chosen the event is that they are cases. It
    is causal where the graph is right. Of an ordinal logit without
    interactions the same ratio holds whatever the other causes are, and beyond every state of the
    effect.

    A published figure is another thing, an association by all routes: it stands beside the edge
    for orientation, and agrees with it only where the edge is the only route and nothing confounds
    it. What the whole graph implies of such a figure is in `prior_associations`.

    Parameters
    ----------
    posterior : Posterior
    nodes : sequence of str, optional
        Whose causes are listed; by default every node's that has some, but for items, whose one
        cause is what they measure, and for nodes whose family is that of another period.

    Returns
    -------
    pandas.DataFrame
        A row for each state of each cause of each node: ``cause``, ``state`` of the cause,
        ``effect``; ``median``, ``low``, ``high``, the posterior's median and equal-tailed interval,
        infinite or NaN where a table that was given says never or always;
        ``prior_median``, ``prior_low``, ``prior_high``, the same of the prior, NaN where the
        posterior holds no prior; ``p_above``, the posterior probability that the ratio is above 1;
        ``grade`` of the edge; ``published``, ``published_low``, ``published_high`` (95 %),
        ``compared``, the states that the figure compares, ``measure`` (OR, RR or HR) and
        ``citation``; NaN and empty where there is no figure.

    Raises
    ------
    QueryError
        If a node has no causes, or none of them has.
    GraphError
        If there is no such node.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.8, 0.2], [0.5, 0.5]]]})
    >>> effects(p)[["cause", "state", "effect", "median", "p_above"]].round(2).values.tolist()
    [['x', 'yes', 'y', 4.0, 1.0]]
    """
    graph, prior = posterior.graph, posterior.prior
    chosen = [] if nodes is None else list(nodes)
    left_out = {*graph.items, *dict(graph.tied)}
    asked = [graph.node(name).name for name in chosen] or [
        name for name in graph.names if graph.parents(name) and name not in left_out
    ]
    if childless := [name for name in asked if not graph.parents(name)]:
        raise QueryError(say("posterior.no_causes", node=childless[0]))
    if not asked:
        raise QueryError(say("check.no_edges"))
    grades = {(edge.cause, edge.effect): edge.grade for edge in graph.edges}
    figures = _figures(graph)
    found = []
    for name in dict.fromkeys(asked):
        labels, ratios = ratio_draws(posterior, name)
        before = None if prior is None else ratio_draws(prior, name)[1]
        published = [figures.get((cause, state, name)) for cause, state in labels]
        found.append(
            pd.DataFrame(labels, columns=["cause", "state"]).assign(
                effect=name,
                **_summary(ratios, len(labels)),
                **{f"prior_{key}": each for key, each in _summary(before, len(labels)).items()},
                p_above=(ratios > 1.0).mean(axis=1),
                grade=[grades[cause, name] for cause, _ in labels],
                published=[np.nan if f is None else _end(f.estimate) for f in published],
                published_low=[np.nan if f is None else _end(f.low) for f in published],
                published_high=[np.nan if f is None else _end(f.high) for f in published],
                compared=[_compared(f) for f in published],
                measure=["" if f is None else f.measure for f in published],
                citation=["" if f is None else f.citation for f in published],
            )
        )
    return pd.concat(found, ignore_index=True)


def _summary(ratios: Array | None, rows: int) -> dict[str, Array]:
    """Return median and ends of the interval of each ratio, NaN where there are no draws."""
    if ratios is None:
        return dict.fromkeys(("median", "low", "high"), np.full(rows, np.nan))
    with np.errstate(invalid="ignore"):  # between infinite ratios
        low, high = interval(ratios.T)
    return {"median": np.median(ratios, axis=1), "low": low, "high": high}


def _end(value: float | None) -> float:
    return np.nan if value is None else value


def _figures(graph: CausalGraph) -> dict[tuple[str, str, str], Figure]:
    """Return the published ratio of each state of a cause against its reference, where one is.

    Of several, what the prior is conditioned on stands first.
    """
    found: dict[tuple[str, str, str], Figure] = {}
    for each in sorted(graph.figures, key=lambda figure: not figure.condition):
        if each.measure in RATIOS and graph.node(each.cause).reference in each.reference:
            for state in each.exposed:
                found.setdefault((each.cause, state, each.effect), each)
    return found


def _compared(figure: Figure | None) -> str:
    """Say which states a published figure compares."""
    if figure is None:
        return ""
    exposed, reference = BETWEEN.join(figure.exposed), BETWEEN.join(figure.reference)
    return say("check.compared", exposed=exposed, reference=reference)
