"""Odds ratios: what a model still tells where people were chosen by the outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.posterior.posterior import Posterior
from backrisk.summary import interval
from backrisk.words import say


@checked()
def odds_ratios(posterior: Posterior, node: str | None = None) -> pd.DataFrame:
    """Return how the odds of a node's event go with the states of its causes.

    Of each state of a cause against its reference, with the other causes at theirs; where these do
    not interact, which an ordinal logit has by default, whatever the others are. The event is that
    the node is not at its reference, or, where people were chosen by this node, that the person is
    a case. These ratios are known where people were chosen by the outcome and no prevalence was
    stated, which leaves every risk unknown.

    Parameters
    ----------
    posterior : Posterior
    node : str, optional
        Default the outcome by which people were chosen, else the graph's.

    Returns
    -------
    pandas.DataFrame
        A row for each state of each cause: ``cause``, ``state``, ``median``, and the ends of the
        interval, ``low`` and ``high``.

    Raises
    ------
    PosteriorError
        If the node has no causes, or none is named and the graph has no outcome.
    GraphError
        If there is no such node.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.8, 0.2], [0.5, 0.5]]]})
    >>> odds_ratios(p).round(2).to_dict("records")
    [{'cause': 'x', 'state': 'yes', 'median': 4.0, 'low': 4.0, 'high': 4.0}]
    """
    labels, ratios = ratio_draws(posterior, node)
    low, high = interval(ratios.T)
    return pd.DataFrame(
        {
            "cause": [cause for cause, _ in labels],
            "state": [state for _, state in labels],
            "median": np.median(ratios, axis=1),
            "low": low,
            "high": high,
        }
    )


def ratio_draws(
    posterior: Posterior, node: str | None = None
) -> tuple[list[tuple[str, str]], Array]:
    """Return what `odds_ratios` summarises: cause and state of each, and ``(ratio, draw)``.

    Parameters
    ----------
    posterior : Posterior
    node : str, optional
        As for `odds_ratios`.

    Raises
    ------
    PosteriorError, GraphError
        As for `odds_ratios`.
    """
    graph, design = posterior.graph, posterior.meta.get("design") or {}
    chosen = design.get("outcome")
    name = node or chosen or graph.outcome
    if name is None:
        raise PosteriorError(say("posterior.no_outcome"))
    asked = graph.node(name)
    first = asked.code(design["cases"]) if name == chosen else 1
    parents = graph.parents(name)
    if not parents:
        raise PosteriorError(say("posterior.no_causes", node=name))
    rows = [(0,) * len(parents)]
    labels = []
    for at, parent in enumerate(parents):
        for code, state in enumerate(graph.node(parent).states):
            if code:
                rows.append(tuple(code if place == at else 0 for place in range(len(parents))))
                labels.append((parent, state))
    table = posterior.rows(name, np.array(rows, dtype=np.intp))
    with np.errstate(divide="ignore", invalid="ignore"):  # never, or always
        odds = table[:, first:].sum(axis=1) / table[:, :first].sum(axis=1)
        ratios = odds[1:] / odds[0]
    return labels, ratios
