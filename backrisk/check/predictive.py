"""What the data taught about each node, and how a model's predictions compare with a survey."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.check.moment import demand_graph
from backrisk.errors import QueryError
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries import demand_risks, distribution
from backrisk.summary import interval
from backrisk.survey import Survey, cases_of, tabulate
from backrisk.words import say

_MOSTLY_PRIOR = 0.2  # a distance below which little was learned
_MOST_ROWS = 1024  # rows of a CPT that are all looked at
_ROUNDING = 1e-12  # a standard deviation below which a cell does not vary


def learned(posterior: Posterior) -> pd.DataFrame:
    """Say for each node how far the data moved its CPT from the prior.

    Parameters
    ----------
    posterior : Posterior
        With prior draws.

    Returns
    -------
    pandas.DataFrame
        Index node; ``answered``, the share of people who report it; ``distance``, the mean over
        CPT cells of ``1 - sd(posterior) / sd(prior)``, 0 where nothing was learned and 1 where
        everything was (of a CPT with many rows, those in which at most one cause is away from its
        reference); ``reading``: ``"hardly narrowed"`` below 0.2, ``"narrowed by data"``, or
        ``"known beforehand"`` for an error that is fixed, in the words of the language. Data may
        move a cell without narrowing it, and many cells are those of few people: a node that
        everybody reports may be hardly narrowed.

    Raises
    ------
    QueryError
        If the posterior holds no prior draws.
    """
    prior = posterior.prior
    if prior is None:
        raise QueryError(say("check.no_prior"))
    answered = posterior.meta.get("answered", {})
    rows = []
    for name in posterior.graph.names:
        which = _rows(posterior, name)
        before, after = (each.rows(name, which).std(axis=-1) for each in (prior, posterior))
        open_cells = before > _ROUNDING
        moved = np.clip(1.0 - after[open_cells] / before[open_cells], 0.0, 1.0)
        distance = float(moved.mean()) if moved.size else 0.0
        reading = say(
            "check.known_beforehand"
            if not moved.size
            else "check.mostly_prior"
            if distance < _MOSTLY_PRIOR
            else "check.learned_from_data"
        )
        rows.append(
            {
                "answered": float(answered.get(name, 0.0)),
                "distance": distance,
                "reading": reading,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(posterior.graph.names))


def _rows(posterior: Posterior, name: str) -> NDArray[np.intp]:
    """Return the rows of a node's CPT that are looked at, ``(row, parent)``."""
    sizes = posterior.graph.shape(name)[:-1]
    if math.prod(sizes) <= _MOST_ROWS:
        return np.indices(sizes, dtype=np.intp).reshape(len(sizes), math.prod(sizes)).T
    one_away = [
        [state if other == cause else 0 for other in range(len(sizes))]
        for cause, size in enumerate(sizes)
        for state in range(1, size)
    ]
    return np.array([[0] * len(sizes), *one_away], dtype=np.intp)


def predicted_margins(posterior: Posterior, survey: Survey) -> pd.DataFrame:
    """Compare each observed node's margin with the model's.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey

    Returns
    -------
    pandas.DataFrame
        Columns ``node, state, survey, model, low, high``: shares among those who answered, and
        the model's mean and interval for the population. Where people were chosen by the outcome,
        cases and controls are weighted to its prevalence.

    Raises
    ------
    QueryError
        If the survey was read for another graph, or its design leaves every share unknown.
    """
    demand_graph(posterior, survey)
    demand_risks(posterior)
    patterns = tabulate(survey)
    weights, design = patterns.weights, survey.codebook.design
    if design is not None and design.prevalence is not None:
        # As the population has cases and controls, of which the model speaks.
        cases, controls = cases_of(design, survey.graph, patterns.codes)
        case, control = design.prevalence / weights[cases].sum(), 1.0 - design.prevalence
        weights = weights * np.where(cases, case, control / weights[controls].sum())
    rows = []
    for column, node in enumerate(posterior.graph.nodes):
        codes = patterns.codes[:, column]
        seen = codes >= 0
        if not seen.any():
            continue
        shares = np.bincount(codes[seen], weights=weights[seen], minlength=len(node.states))
        shares = shares / shares.sum()
        draws = distribution(World(posterior, {}, {}), node.name)
        low, high = interval(draws.T)
        for k, state in enumerate(node.states):
            rows.append(
                {
                    "node": node.name,
                    "state": state,
                    "survey": float(shares[k]),
                    "model": float(draws[k].mean()),
                    "low": float(low[k]),
                    "high": float(high[k]),
                }
            )
    return pd.DataFrame(rows)
