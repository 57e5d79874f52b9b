"""What people's answers, and a model, say of the states of every two nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.check.rows import Codes, by_site, log_likelihoods
from backrisk.inference import World, each
from backrisk.posterior import Posterior
from backrisk.survey import Patterns, Survey

_AT_ONCE = 50_000  # rows whose probabilities are computed at once


@dataclass(frozen=True, eq=False)
class Expected:
    """What people's answers and the model's say of each state but the reference, and each two.

    Parameters
    ----------
    nodes : ndarray of int, shape (asked,)
        The nodes, by their place in the graph.
    columns : tuple of slice
        Of each of them, its states but the reference among all.
    scores : ndarray, shape (state, score)
        A score's value at each state: one of an ordered node, from 0 to 1; else an indicator.
    score_slices : tuple of slice
        Of each node, its scores among all.
    answers : ndarray, shape (pattern, state)
        The probability of the state given the pattern.
    both : tuple of ndarray
        Where neither answer of two is known, their covariance given the pattern: the patterns,
        the two states, the covariance.
    model : ndarray, shape (pattern, state)
        The model's probability, which is that of the pattern's site.
    model_both : ndarray, shape (site, state, state)
        The model's joint probability of two states of different nodes; of each on the diagonal.
    site : ndarray of int, shape (pattern,)
        Into `model_both`.
    answered : ndarray of bool, shape (pattern, asked)
        Whether the pattern has an answer of the node.
    """

    nodes: NDArray[np.intp]
    columns: tuple[slice, ...]
    scores: Array
    score_slices: tuple[slice, ...]
    answers: Array
    both: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Array]
    model: Array
    model_both: Array
    site: NDArray[np.intp]
    answered: NDArray[np.bool_]

    def table_of_site(self, site: int, one: int, two: int) -> Array:
        """Return the model's table of two of the nodes at a site."""
        joint, first, second = self.model_both[site], self.columns[one], self.columns[two]
        alone = np.diagonal(joint)
        return _with_reference(joint[first, second], alone[first], alone[second])

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Every two of the nodes, by their place in `nodes`."""
        return list(combinations(range(len(self.nodes)), 2))

    @classmethod
    def of(
        cls,
        point: Posterior,
        survey: Survey,
        patterns: Patterns,
        asked: NDArray[np.intp],
    ) -> Expected:
        """Compute all of it by a posterior of one draw, such as the mean."""
        graph = point.graph
        columns, parts, slices = [], [], []
        start = first = 0
        for v in asked:
            node = graph.nodes[v]
            others = len(node.states) - 1
            own = np.eye(others) if node.nominal else np.arange(1, others + 1)[:, None] / others
            columns.append(slice(start, start + others))
            slices.append(slice(first, first + own.shape[1]))
            parts.append(own)
            start, first = start + others, first + own.shape[1]
        scores = np.zeros((start, first))
        for rows, at, own in zip(columns, slices, parts, strict=True):
            scores[rows, at] = own
        owner = np.repeat(np.arange(len(asked)), [c.stop - c.start for c in columns])
        state = np.concatenate([np.arange(1, c.stop - c.start + 1) for c in columns])
        codes = patterns.codes[:, asked]
        answers = (codes[:, owner] == state).astype(np.float64)
        model = np.empty((len(codes), start))
        site = np.zeros(len(codes), np.intp)
        joints, both = [], []
        for place, (local, members) in enumerate(by_site(point, survey, patterns.site)):
            here = np.arange(len(codes))[members]
            site[here] = place
            joint = _joint_of_model(local, asked, owner, state)
            joints.append(joint)
            model[here] = np.diagonal(joint)
            filled, pairs = _filled(local, patterns.codes[here], asked, owner, state)
            answers[here] = np.where(np.isnan(filled), answers[here], filled)
            both.append((here[pairs[0]], *pairs[1:]))
        together = tuple(np.concatenate(each) for each in zip(*both, strict=True))
        return cls(
            asked,
            tuple(columns),
            scores,
            tuple(slices),
            answers,
            together,  # type: ignore[arg-type]
            model,
            np.array(joints),
            site,
            codes >= 0,
        )

    @cached_property
    def lacking(self) -> list[tuple[tuple[int, int], NDArray[np.intp]]]:
        """The pairs of nodes that some pattern lacks both of, each with its entries in `both`."""
        owner = np.repeat(np.arange(len(self.nodes)), [c.stop - c.start for c in self.columns])
        key = owner[self.both[1]] * len(self.nodes) + owner[self.both[2]]
        order = np.argsort(key, kind="stable")
        keys, starts = np.unique(key[order], return_index=True)
        parts = np.split(order, starts[1:]) if len(keys) else []
        pairs = [divmod(int(each), len(self.nodes)) for each in keys]
        return list(zip(pairs, parts, strict=True))


def _joint_of_model(
    point: Posterior, asked: NDArray[np.intp], owner: NDArray[np.intp], state: NDArray[np.intp]
) -> Array:
    """Return the model's joint probability of every two states; on the diagonal, of each."""
    names = [point.graph.names[v] for v in asked]
    found = np.zeros((len(owner), len(owner)))
    for row, (node, code) in enumerate(zip(owner, state, strict=True)):
        name = names[node]
        alone = float(point.marginal(name)[code, 0])
        found[row, row] = alone
        rest = [(other, 0) for other in names if other != name]
        told = each(World(point, {name: int(code)}, {}), rest)
        for column, (other, other_code) in enumerate(zip(owner, state, strict=True)):
            if other != node:
                found[row, column] = told[(names[other], 0)][other_code, 0]
    return (found + found.T) / 2.0


def _filled(
    point: Posterior,
    codes: Codes,
    asked: NDArray[np.intp],
    owner: NDArray[np.intp],
    state: NDArray[np.intp],
) -> tuple[Array, tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Array]]:
    """Return the probability of states not answered given each pattern, and their covariances."""
    missing = codes[:, asked] < 0
    own = log_likelihoods(point, codes)[0]
    row, column = np.nonzero(missing[:, owner])
    alone = np.full((len(codes), len(owner)), np.nan)
    alone[row, column] = _given(point, codes, own, row, asked[owner[column]], state[column])
    # States of two nodes that the same pattern lacks.
    by_row = np.split(column, np.searchsorted(row, np.arange(1, len(codes))))
    firsts, seconds, rows = [], [], []
    for place, lacking in enumerate(by_row):
        left, right = np.triu_indices(len(lacking), 1)
        apart = owner[lacking[left]] != owner[lacking[right]]
        firsts.append(lacking[left[apart]])
        seconds.append(lacking[right[apart]])
        rows.append(np.full(int(apart.sum()), place))
    first, second, at = (np.concatenate(part).astype(np.intp) for part in (firsts, seconds, rows))
    joint = np.empty(len(at))
    for part in np.array_split(np.arange(len(at)), max(1, -(-len(at) // _AT_ONCE))):
        one, two = first[part], second[part]
        nodes, states = asked[owner[[one, two]]], state[[one, two]]
        joint[part] = _given(point, codes, own, at[part], nodes, states)
    return alone, (at, first, second, joint - alone[at, first] * alone[at, second])


def _given(
    point: Posterior,
    codes: Codes,
    own: Array,
    rows: NDArray[np.intp],
    nodes: NDArray[np.intp],
    states: NDArray[np.intp],
) -> Array:
    """Return the probability of one or two more answers given each of some patterns.

    Parameters
    ----------
    point : Posterior
    codes : ndarray of int8, shape (pattern, node)
    own : ndarray, shape (pattern,)
        The log probability of each pattern.
    rows : ndarray of int, shape (case,)
        The pattern.
    nodes, states : ndarray of int, shape (case,) or (2, case)
    """
    if not len(rows):
        return np.empty(0)
    more = codes[rows]
    for node, state in zip(np.atleast_2d(nodes), np.atleast_2d(states), strict=True):
        more[np.arange(len(rows)), node] = state
    found: Array = np.exp(log_likelihoods(point, more)[0] - own[rows])
    return found


def tables_of(expected: Expected, weights: Array, pair: tuple[int, int]) -> tuple[Array, Array]:
    """Return the table of two nodes as people answered, and as the model has it."""
    one, two = (expected.columns[node] for node in pair)
    share = weights / weights.sum()
    inside = (expected.answers[:, one] * share[:, None]).T @ expected.answers[:, two]
    at, first, second, covariance = expected.both
    here = (first >= one.start) & (first < one.stop) & (second >= two.start) & (second < two.stop)
    where = (first[here] - one.start, second[here] - two.start)
    np.add.at(inside, where, share[at[here]] * covariance[here])
    by_site = np.bincount(expected.site, share, len(expected.model_both))
    model = np.tensordot(by_site, expected.model_both[:, one, two], axes=1)
    margins = [(share @ e[:, one], share @ e[:, two]) for e in (expected.answers, expected.model)]
    first_table, second_table = (
        _with_reference(table, *margin)
        for table, margin in zip((inside, model), margins, strict=True)
    )
    return first_table, second_table


def _with_reference(inside: Array, one: Array, two: Array) -> Array:
    """Return the whole table from its cells beyond the references, and its margins."""
    found = np.empty((len(one) + 1, len(two) + 1))
    found[1:, 1:] = inside
    found[1:, 0] = one - inside.sum(axis=1)
    found[0, 1:] = two - inside.sum(axis=0)
    found[0, 0] = 1.0 - one.sum() - found[0, 1:].sum()
    return np.maximum(found, 0.0)
