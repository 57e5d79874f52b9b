"""A logistic regression on the same answers, out of sample: what a model has to beat.

The answers enter as indicators, one for each state but the reference and one for a missing answer,
under a ridge penalty. The penalty is the one whose predictions of people left out are best.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from backrisk._types import Array
from backrisk.check.ordering import Influence

PENALTIES = np.logspace(3, -2, 11)  # precision of a log odds ratio, the strictest first
_STEPS, _CLOSE = 50, 1e-8  # of Newton's method
_LEAST = 1e-12  # a chance is not taken for smaller


def indicators(codes: NDArray[np.int8]) -> Array:
    """Return the answers as columns of a regression, a constant first.

    A state of a question has an indicator if it is not the reference, a missing answer too; what
    is the same for everybody has none.

    Parameters
    ----------
    codes : ndarray of int8, shape (row, question)
        -1 where not answered.

    Returns
    -------
    ndarray, shape (row, column)

    Examples
    --------
    >>> indicators(np.array([[0, 2], [1, 2], [-1, 2]], np.int8)).tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    found = [np.ones(len(codes))]
    for column in codes.T:
        states = [*range(1, int(column.max(initial=0)) + 1), -1]
        found += [column == state for state in states if 0 < (column == state).sum() < len(column)]
    return np.column_stack(found).astype(np.float64)


def ridge(
    columns: Array, event: Array, weight: Array, penalty: float, start: Array | None = None
) -> tuple[Array, Array]:
    """Fit a logistic regression whose log odds ratios, not its constant, are penalised.

    Parameters
    ----------
    columns : ndarray, shape (row, column)
    event : ndarray, shape (row,)
    weight : ndarray, shape (row,)
    penalty : float
    start : ndarray, shape (column,), optional

    Returns
    -------
    beta : ndarray, shape (column,)
    inverse : ndarray, shape (column, column)
        Of the curvature there.
    """
    size = columns.shape[1]
    ridged = np.full(size, penalty)
    ridged[0] = 1e-9  # the constant is free, but all may have had the event
    beta = np.zeros(size) if start is None else start

    def height(at: Array) -> float:
        odds = columns @ at
        loss = np.logaddexp(0.0, odds) - event * odds
        return float(weight @ loss + 0.5 * ridged @ at**2)

    def curvature(at: Array) -> tuple[Array, Array]:
        chance = expit(columns @ at)
        slope = columns.T @ (weight * (event - chance)) - ridged * at
        bent = (columns * (weight * chance * (1.0 - chance))[:, None]).T @ columns
        bent[np.diag_indices(size)] += ridged
        return slope, bent

    lowest = height(beta)
    for _ in range(_STEPS):
        slope, bent = curvature(beta)
        move, length = cho_solve(cho_factor(bent), slope), 1.0
        while (tried := height(beta + length * move)) > lowest and length > _CLOSE:
            length /= 2.0  # a step too far
        beta = beta + length * move
        fallen, lowest = lowest - tried, tried
        if fallen < _CLOSE:
            break
    inverse = cho_solve(cho_factor(curvature(beta)[1]), np.eye(size))
    return beta, inverse


def without_each(
    columns: Array, event: Array, weight: Array, person: Array, beta: Array, inverse: Array
) -> Array:
    """Return each row's log odds of the event as if one of its people had not been there.

    One step of Newton's method from the fit to all, in closed form (Rad and Maleki 2020,
    doi:10.1111/rssb.12374).

    Parameters
    ----------
    columns, event, weight : ndarray
        As for `ridge`.
    person : ndarray, shape (row,)
        The weight of one person of the row.
    beta, inverse : ndarray
        What `ridge` gave.

    Returns
    -------
    ndarray, shape (row,)
    """
    odds = columns @ beta
    chance = expit(odds)
    reach = np.einsum("ij,jk,ik->i", columns, inverse, columns, optimize=True)
    bent = person * chance * (1.0 - chance) * reach
    found: Array = odds - reach * person * (event - chance) / np.maximum(1.0 - bent, _LEAST)
    return found


class Fit(NamedTuple):
    """A regression under the penalty that predicts people left out best.

    Parameters
    ----------
    beta : ndarray, shape (column,)
    inverse : ndarray, shape (column, column)
        Of the curvature.
    risk : ndarray, shape (row,)
        Of the people of each row, each left out in turn.
    """

    beta: Array
    inverse: Array
    risk: Array


def best_fit(columns: Array, event: Array, weight: Array, person: Array) -> Fit:
    """Fit with the penalty under which people left out are predicted best."""
    best, start = np.inf, None
    chosen = Fit(np.zeros(columns.shape[1]), np.eye(columns.shape[1]), np.full(len(event), 0.5))
    for penalty in PENALTIES:
        start, inverse = ridge(columns, event, weight, float(penalty), start)
        odds = without_each(columns, event, weight, person, start, inverse)
        loss = float(weight @ (np.logaddexp(0.0, odds) - event * odds))
        if loss < best:
            best, chosen = loss, Fit(start, inverse, expit(odds))
    return chosen


class LeftOutOfRegression(NamedTuple):
    """What a regression says of people left out.

    Parameters
    ----------
    risk : ndarray, shape (row,)
    odds : ndarray, shape (row,)
        The log odds from the fit to all.
    influence : Influence
        By how much a person of each row moves the log odds of each.
    """

    risk: Array
    odds: Array
    influence: Influence


def leave_one_out_risks(
    codes: NDArray[np.int8],
    event: NDArray[np.bool_],
    people: NDArray[np.int64],
    person: Array,
) -> LeftOutOfRegression:
    """Return the regression's risk of the people of each row, each left out in turn.

    The penalty is chosen once, by the same predictions: by a hair in the regression's favour.

    Parameters
    ----------
    codes : ndarray of int8, shape (row, question)
        Without the outcome.
    event : ndarray of bool, shape (row,)
    people : ndarray of int, shape (row,)
    person : ndarray, shape (row,)
        The weight of one of them.
    """
    columns, happened = indicators(codes), event.astype(np.float64)
    found = best_fit(columns, happened, people * person, person)
    odds = columns @ found.beta
    pull = columns * (person * (happened - expit(odds)))[:, None]
    return LeftOutOfRegression(found.risk, odds, Influence(columns @ found.inverse, pull))


def fold_risks(
    codes: NDArray[np.int8],
    event: NDArray[np.bool_],
    people: NDArray[np.int64],
    person: Array,
    folds: Iterable[NDArray[np.int64]],
) -> list[Array]:
    """Return the regression's risk of every row, fitted without each fold in turn.

    Parameters
    ----------
    codes, event, people, person
        As for `leave_one_out_risks`.
    folds : iterable of ndarray of int, shape (row,)
        How many people of each row are in the fold.

    Returns
    -------
    list of ndarray, each (row,)
        One for each fold; its penalty was chosen without the fold.
    """
    columns, happened = indicators(codes), event.astype(np.float64)
    found = []
    for fold in folds:
        weight = (people - fold) * person
        fitted = best_fit(columns, happened, weight, person * (weight > 0))
        found.append(expit(columns @ fitted.beta))
    return found
