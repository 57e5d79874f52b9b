"""The distinct answer patterns of a survey: all that later stages need from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk.survey.answers import Survey


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct rows of a survey.

    Parameters
    ----------
    codes : ndarray of int8, shape (patterns, nodes)
        Sorted by site, then by the codes in the order of the nodes; -1 is missing.
    weights : ndarray of float, shape (patterns,)
        Number of people, or their total weight.
    index : ndarray of int, shape (rows,)
        The pattern of each row of the survey.
    site : ndarray of int, shape (patterns,), optional
        People of different sites are never one pattern.
    people : ndarray of int, shape (patterns,)
        Number of people.
    squares : ndarray of float, shape (patterns,)
        Sum of the squared weights of the people: the effective sample size of all is
        ``weights.sum() ** 2 / squares.sum()``.
    """

    codes: NDArray[np.int8]
    weights: NDArray[np.float64]
    index: NDArray[np.intp]
    site: NDArray[np.intp] | None
    people: NDArray[np.int64]
    squares: NDArray[np.float64]


@checked()
def tabulate(survey: Survey) -> Patterns:
    """Reduce a survey to its distinct answer patterns.

    Parameters
    ----------
    survey : Survey
        Without weights, each person counts as one.

    Returns
    -------
    Patterns

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk.graph import CausalGraph
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"a": ["no", "yes", "no"], "b": ["no", "", "no"]})
    >>> patterns = tabulate(Survey.from_frame(frame, graph))
    >>> patterns.codes.tolist(), patterns.weights.tolist()
    ([[0, 0], [1, -1]], [2.0, 1.0])
    """
    rows: NDArray[Any] = survey.codes
    if survey.site is not None:
        rows = np.column_stack([survey.site, rows])
    unique, index = np.unique(rows, axis=0, return_inverse=True)
    index = index.ravel()
    codes, site = (unique, None) if survey.site is None else (unique[:, 1:], unique[:, 0])
    each = np.ones(len(rows), np.int64) if survey.people is None else survey.people
    weights = each.astype(np.float64) if survey.weights is None else survey.weights
    squares = survey.squares
    if squares is None and survey.people is None:
        squares = weights**2
    if survey.weights is None or squares is None:  # without weights each person weighs one
        squares = weights
    return Patterns(
        codes=np.ascontiguousarray(codes, dtype=np.int8),
        weights=np.bincount(index, weights, len(unique)),
        index=index,
        site=None if site is None else site.astype(np.intp),
        people=np.bincount(index, each, len(unique)).astype(np.int64),
        squares=np.bincount(index, squares, len(unique)),
    )
