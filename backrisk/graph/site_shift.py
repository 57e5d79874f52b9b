"""The parameters of one site, whose intercepts are shifted: a site as a model of its own."""

from __future__ import annotations

import numpy as np

from backrisk._types import Array
from backrisk.graph.graph import CausalGraph
from backrisk.graph.layout import Layout

SITE_SCALE = 0.5  # prior scale of how far sites lie apart, on the log odds scale


def has_intercepts(graph: CausalGraph) -> bool:
    """Whether any node has an intercept that may differ between sites; see `Layout.pooled`.

    Examples
    --------
    >>> has_intercepts(CausalGraph.from_edges([("a", "b")], dict.fromkeys("ab", ("no", "yes"))))
    False
    """
    return any(graph.mechanism(name) == "ordinal_logit" for name in graph.names)


def at_site(layout: Layout, fractions: Array, shift: Array) -> Array:
    """Return the fractions of a site whose linear predictors are shifted.

    A shift moves the cutpoints alone, so a site is a model like any other.

    Parameters
    ----------
    layout : Layout
    fractions : ndarray, shape (draw, fraction)
        Of the average over the sites.
    shift : ndarray, shape (draw, pooled node)
        On the log odds scale; positive towards the worst state.

    Returns
    -------
    ndarray, shape (draw, fraction)

    Examples
    --------
    >>> from backrisk.graph import CausalGraph, Node
    >>> graph = CausalGraph("g", (Node("pain", ("no", "yes"), mechanism="ordinal_logit"),))
    >>> odds = 1 / at_site(Layout(graph), np.array([[0.5]]), np.array([[0.7]])) - 1
    >>> np.log(odds).round(3).tolist()
    [[0.7]]
    """
    moved = fractions.copy()
    for column, name in enumerate(layout.pooled):
        start = layout.fraction_slices[name].start
        part = slice(start, start + layout.mechanism(name).shape[-1] - 1)
        moved[:, part] = with_odds(fractions[:, part], shift[:, column, None])
    return moved


def with_odds(fractions: Array, shift: Array) -> Array:
    """Return the fractions of distributions whose odds of lying above each state have grown.

    Parameters
    ----------
    fractions : ndarray, shape (draw, state - 1)
        Stick-breaking fractions.
    shift : ndarray, shape (draw, 1) or (draw, state - 1)
        Log of the factor, the same for all states or one for each. Those may not let a lower
        state overtake a higher one.

    Returns
    -------
    ndarray, shape (draw, state - 1)

    Examples
    --------
    >>> with_odds(np.array([[0.5]]), np.array([[np.log(3.0)]])).round(12).tolist()
    [[0.25]]
    """
    # P(X > k) is a product of survivals; its odds grow by exp(shift).
    above = np.cumprod(1.0 - fractions, axis=1)
    odds = np.exp(shift)
    above = above * odds / (1.0 - above + above * odds)
    before = np.concatenate([np.ones_like(above[:, :1]), above[:, :-1]], axis=1)
    found: Array = 1.0 - above / before
    return found
