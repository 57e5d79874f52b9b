"""What a graph implies before any data, compared with published figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.graph import CausalGraph, Layout
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries import distribution, read_target
from backrisk.summary import interval

_DRAWS = 1000
_RATIOS = ("OR", "aOR", "crude OR")  # measures that an implied odds ratio may stand beside


def prior_model(graph: CausalGraph, *, draws: int = _DRAWS, seed: int = 0) -> Posterior:
    """Return draws of the prior as a posterior, which every query can be asked of.

    Parameters
    ----------
    graph : CausalGraph
    draws : int
    seed : int

    Returns
    -------
    Posterior
    """
    return Posterior(graph, *Layout(graph).draw_prior(draws, np.random.default_rng(seed)))


def prior_margins(graph: CausalGraph, *, draws: int = _DRAWS, seed: int = 0) -> pd.DataFrame:
    """Compare what the prior predicts of each node's margin with published prevalences.

    Parameters
    ----------
    graph : CausalGraph
    draws : int
        Of the prior.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Columns ``node, state, mean, low, high``, one row a state; for a state, or several
        together, of which the graph's `figures` hold one: ``published``, ``what`` it is a figure
        of, ``citation``, and ``inside``, whether the prior's interval
        (`backrisk.summary.interval`) holds it.

    Examples
    --------
    >>> from backrisk.graph import load_graph
    >>> table = prior_margins(load_graph("runner_core"), draws=200)
    >>> table.set_index(["node", "state"]).loc[("fatigue", "high"), "published"]
    np.float64(0.173)
    """
    prior = prior_model(graph, draws=draws, seed=seed)
    published: dict[tuple[str, str], list[tuple[float, str, str]]] = {}
    for figure in _published(graph, "prevalence"):
        source = figure["citation"] or figure["identifier"]
        published.setdefault((figure["node"], figure["state"]), []).append(
            (float(figure["proportion"]), figure["what"], source)
        )
    rows = []
    for node in graph.nodes:
        shares = distribution(World(prior, {}, {}), node.name)
        said = [states for name, states in published if name == node.name]
        for states in dict.fromkeys((*node.states, *said)):
            codes = [node.code(state) for state in states.split(" or ")]
            draws_of = shares[codes].sum(axis=0)
            low, high = interval(draws_of)
            row = {
                "node": node.name,
                "state": states,
                "mean": float(draws_of.mean()),
                "low": float(low),
                "high": float(high),
            }
            for share, what, source in published.get((node.name, states), [(np.nan, "", "")]):
                inside = "" if np.isnan(share) else "yes" if low <= share <= high else "no"
                found = {"published": share, "what": what, "citation": source, "inside": inside}
                rows.append({**row, **found})
    return pd.DataFrame(rows)


def prior_associations(
    graph: CausalGraph, *, target: str | None = None, draws: int = _DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Compare the odds ratios that the prior implies with the published ones.

    An edge is a direct effect; a published figure is mostly an association of a factor with the
    outcome by all routes and whatever confounds them. So the two are compared through the whole
    graph: for each draw of the prior, the odds of the target among those in a cause's worst state
    over the odds among those at its reference.

    Parameters
    ----------
    graph : CausalGraph
    target : str, optional
        Default: the graph's outcome.
    draws : int
    seed : int

    Returns
    -------
    pandas.DataFrame
        One row a published odds ratio of a cause with the target: ``cause``, ``implied``,
        ``low``, ``high`` (median and interval over the prior), ``published``,
        ``published_low``, ``published_high``, ``grade``, ``citation``, and ``inside``, whether
        the implied interval holds the published estimate.

    Raises
    ------
    QueryError
        If the target is not understood.
    """
    event = read_target(graph, target)
    prior = prior_model(graph, draws=draws, seed=seed)
    rows = []
    for figure in _published(graph, "evidence"):
        cause = figure["cause"]
        known = cause in graph.names and cause in graph.ancestors(event.node)
        if not known or figure["effect"] != event.node or not figure["estimate"]:
            continue
        if not figure["measure"].startswith(_RATIOS):
            continue
        worst = len(graph.node(cause).states) - 1
        odds = []
        for code in (0, worst):
            share = distribution(World(prior, {cause: code}, {}), event.node)
            risk = share[list(event.codes)].sum(axis=0)
            odds.append(risk / (1.0 - risk))
        ratio: Array = odds[1] / odds[0]
        low, high = interval(ratio)
        estimate = float(figure["estimate"])
        rows.append(
            {
                "cause": cause,
                "implied": float(np.median(ratio)),
                "low": float(low),
                "high": float(high),
                "published": estimate,
                "published_low": float(figure["low"] or np.nan),
                "published_high": float(figure["high"] or np.nan),
                "grade": figure["grade"],
                "citation": figure["citation"],
                "inside": "yes" if low <= estimate <= high else "no",
            }
        )
    return pd.DataFrame(rows)


def _published(graph: CausalGraph, kind: str) -> list[dict[str, str]]:
    """Return the published figures that a graph states, as cells of text."""
    if kind == "prevalence":
        return [
            {
                "node": found.node,
                "state": " or ".join(found.states),
                "proportion": str(found.share),
                "what": found.what,
                "citation": found.citation,
                "identifier": found.identifier,
            }
            for found in graph.prevalences
        ]
    return [
        {
            "cause": figure.cause,
            "effect": figure.effect,
            "measure": figure.measure,
            "estimate": "" if figure.estimate is None else str(figure.estimate),
            "low": "" if figure.low is None else str(figure.low),
            "high": "" if figure.high is None else str(figure.high),
            "grade": figure.grade,
            "citation": figure.citation,
        }
        for figure in graph.figures
    ]
