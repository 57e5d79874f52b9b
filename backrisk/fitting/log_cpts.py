"""The log of every CPT cell that is used as PyTensor, for all nodes of one mechanism at once.

One vector operation over all nodes compiles several times faster than one operation for each: so
index arrays are laid out beforehand (`backrisk.fitting.recipe`, `backrisk.fitting.design`), and the
compiled model gathers, adds and multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt

from backrisk.fitting.recipe import Ints, Recipe
from backrisk.graph import Layout


def log_cells(
    layout: Layout,
    fractions: Any,
    beta: Any,
    design: Mapping[str, Any],
    shift: Any = None,
    sites: int = 0,
) -> Any:
    """Return the log of every CPT cell of a circuit as one PyTensor vector.

    Parameters
    ----------
    layout : Layout
    fractions, beta : TensorVariable, vectors
    design : mapping of str to TensorVariable
        What `lay_out` gave for the circuit's cells, as constants or as shared data. Beside it
        ``told``, the logs of cells that are known, where people were chosen by the outcome.
    shift : TensorVariable, shape (site, pooled node), optional
        Added to the linear predictor at each site.
    sites : int

    Returns
    -------
    TensorVariable, vector
    """
    recipe = Recipe.of(layout)
    parts = [
        _sums(recipe.tables, fractions) if len(recipe.tables) else None,
        pt.constant(recipe.known) if len(recipe.known) else None,
        _ordinal_cells(recipe, fractions, beta, design, shift) if len(recipe.cutpoints) else None,
        _noisy_max_cells(recipe, fractions, design) if len(recipe.contributions) else None,
        # Of the nodes that only the circuit has, in their order: the site, being a case.
        pt.zeros(sites) if shift is not None else None,
        design.get("told"),
    ]
    return pt.concatenate([part for part in parts if part is not None])[design["place"]]


def _sums(rows: Ints, fractions: Any) -> Any:
    """Return the sum of the logs of fractions at the addresses in each row."""
    if not rows.shape[1]:
        return pt.zeros(len(rows))
    logs = pt.concatenate([pt.zeros(1), pt.log(fractions), pt.log1p(-fractions)])
    return logs[rows.ravel()].reshape(rows.shape).sum(axis=1)


def _added(terms: Any, index: Any) -> Any:
    """Return the sum of the terms in each row of an index matrix."""
    return terms[index.ravel()].reshape(index.shape).sum(axis=1)


def _ordinal_cells(
    recipe: Recipe, fractions: Any, beta: Any, design: Mapping[str, Any], shift: Any
) -> Any:
    # The fractions are of the average configuration, so that log P(X <= k) - log P(X > k) is its
    # cutpoint, and each exposure is centred on its average: cutpoints and effects are then nearly
    # independent, and chains mix.
    survival = _sums(recipe.cutpoints, fractions)
    average = pt.log1mexp(survival) - survival
    cut = average
    if shift is not None:
        cut = (average[None, :] - shift[:, recipe.node_of]).ravel()
    predictor: Any = pt.zeros(design["ordinal_terms"].shape[0])
    if len(recipe.effects):
        level = pt.constant(np.array([0.0, 1.0]))
        if len(recipe.steps):
            level = pt.concatenate([level, -pt.expm1(_sums(recipe.steps, fractions))])
        first, second = recipe.levels
        terms = beta[recipe.effects] * (level[first] * level[second] - recipe.centres)
        predictor = _added(pt.concatenate([pt.zeros(1), terms]), design["ordinal_terms"])
    # P(X <= k | pa) = logistic(c_k - eta), so its log and that of P(X > k) are two ends of one
    # softplus. A state between two cutpoints has a factor that depends on their distance alone:
    # log(logistic(a) - logistic(b)) = log logistic(a) + log logistic(-b) + log(1 - exp(b - a)).
    beyond = predictor[design["ordinal_points"][0]] - cut[design["ordinal_points"][1]]
    not_below = pt.softplus(beyond)
    not_above = not_below - beyond
    middle = design["ordinal_middle"]
    between = -not_below[middle[0]] - not_above[middle[1]]
    if len(recipe.inner):
        own = recipe.inner
        between = between + pt.log1mexp(average[own - 1] - average[own])[middle[2]]
    return pt.concatenate(
        [-not_below[design["ordinal_first"]], -not_above[design["ordinal_last"]], between]
    )


def _noisy_max_cells(recipe: Recipe, fractions: Any, design: Mapping[str, Any]) -> Any:
    logs = pt.concatenate([pt.zeros(1), pt.log1mexp(_sums(recipe.contributions, fractions))])
    below = _added(logs, design["noisy_terms"])  # log P(X <= k)
    # log(P(X <= k) - P(X <= k - 1)) from the logs of both.
    upper, lower = below[design["noisy_middle"][0]], below[design["noisy_middle"][1]]
    return pt.concatenate(
        [
            below[design["noisy_first"]],
            pt.log1mexp(below[design["noisy_last"]]),
            upper + pt.log1mexp(lower - upper),
        ]
    )


def matched_sets(cells: Any, data: Mapping[str, Any], first: int) -> Any:
    """Return the log likelihood of matched sets as PyTensor.

    Parameters
    ----------
    cells : TensorVariable, vector
        The log of every CPT cell of the circuit.
    data : mapping of str to TensorVariable
        What `Sampled.data` gave.
    first : int
        The outcome's first state of cases.
    """
    logs = cells[data["set_cells"]]
    log_odds = pt.logsumexp(logs[:, first:], axis=1) - pt.logsumexp(logs[:, :first], axis=1)
    padded = pt.concatenate([pt.zeros(1), log_odds])
    chosen = padded[data["set_choices"]].sum(axis=1)
    # No choice is as unlikely as can be, not impossible: the gradient would have no value.
    none = pt.full((1,), -1e9)
    ways = pt.concatenate([none, chosen])[data["set_choices_of"]]
    cases = padded[data["set_cases"]].sum(axis=1)
    return (data["set_counts"] * (cases - pt.logsumexp(ways, axis=1))).sum()
