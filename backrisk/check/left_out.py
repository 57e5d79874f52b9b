"""What a model says of each person's outcome when it has not learned from that person.

By importance sampling: of the draws of the whole posterior, each is given the weight that it would
have had, had the person not been in the survey (Vehtari, Gelman and Gabry 2017,
doi:10.1007/s11222-016-9696-4), smoothed by a Pareto fit to the largest weights (Vehtari et al.
2024, arXiv:1507.02646).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from backrisk._types import Array
from backrisk.check.ordering import Influence
from backrisk.check.rows import GIVEN, Codes, Ints, by_site, log_likelihoods
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries import Target
from backrisk.survey import Survey
from backrisk.words import say

_PAIRED = 2**25  # numbers that tell how each moves each: draws are thinned to fewer, not to less
_FEWEST = 100  # than these
DRAWS = 2000  # of a posterior that predictions are made from, at most
_AT_ONCE = 2**23  # log likelihoods that are held at once
_LEAST = 25  # draws, of which a fifth is a tail long enough for a Pareto fit
_MOST_K = 0.7  # k-hat from which on weights are not to be trusted, however many draws
_SAME = 1e-9  # a range of log weights within which they are all one


@dataclass(frozen=True, eq=False)
class Group:
    """People who gave the same answers, the outcome's too, and who weigh the same.

    Parameters
    ----------
    codes : ndarray of int8, shape (group, node)
    outcome : ndarray of int, shape (group,)
        The state of the outcome, as a code.
    event : ndarray of bool, shape (group,)
        Whether that counts as the event.
    people : ndarray of int, shape (group,)
    weight : ndarray, shape (group,)
        Of each person, scaled so that all weights sum to the effective number of people.
    site : ndarray of int, shape (group,), optional
    rows : ndarray of int, shape (survey row,)
        The group of each row of the survey; -1 where the outcome was not reported.
    """

    codes: Codes
    outcome: Ints
    event: NDArray[np.bool_]
    people: NDArray[np.int64]
    weight: Array
    site: Ints | None
    rows: Ints

    @property
    def total(self) -> Array:
        """The weight of each group."""
        return self.people * self.weight

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.codes)


def person_weights(survey: Survey) -> tuple[NDArray[np.int64], Array]:
    """Return how many people each row stands for, and the weight of each of them.

    Weights sum to the effective number of people, as in a fit: see `backrisk.fitting.fit`. Where
    people were counted while the survey was read, those of a row all have their mean weight.
    """
    people = np.ones(len(survey.codes), np.int64) if survey.people is None else survey.people
    if survey.weights is None:
        return people, np.ones(len(people))
    squares = survey.squares
    if squares is None:
        squares = survey.weights**2 / np.maximum(people, 1)
    scale = survey.weights.sum() / squares.sum()
    return people, scale * survey.weights / np.maximum(people, 1)


def groups_of(survey: Survey, target: Target) -> Group:
    """Gather the people who reported the outcome.

    Raises
    ------
    QueryError
        If nobody did, or all of them are alike in whether it is the event.
    """
    column = survey.graph.names.index(target.node)
    people, weight = person_weights(survey)
    here = np.flatnonzero((survey.codes[:, column] >= 0) & (people > 0) & (weight > 0))
    if not len(here):
        raise QueryError(say("check.outcome.nobody", node=target.node))
    event = np.isin(survey.codes[here, column], target.codes)
    if event.all() or not event.any():
        key = "check.outcome.all" if event.all() else "check.outcome.none"
        raise QueryError(say(key, count=int(people[here].sum()), target=target.label))
    values, rank = np.unique(weight[here], return_inverse=True)
    keys = [rank.ravel()] if survey.site is None else [rank.ravel(), survey.site[here]]
    found, which = np.unique(
        np.column_stack([*keys, survey.codes[here]]), axis=0, return_inverse=True
    )
    rows = np.full(len(survey.codes), -1, np.intp)
    rows[here] = which = which.ravel()
    codes = np.ascontiguousarray(found[:, len(keys) :], np.int8)
    return Group(
        codes=codes,
        outcome=codes[:, column].astype(np.intp),
        event=np.isin(codes[:, column], target.codes),
        people=np.bincount(which, people[here], len(found)).astype(np.int64),
        weight=values[found[:, 0]],
        site=None if survey.site is None else found[:, 1].astype(np.intp),
        rows=rows,
    )


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Risks of people that a model has not learned from.

    Parameters
    ----------
    risk : ndarray, shape (group,)
    seen : ndarray, shape (group,), optional
        The risk under the whole posterior, which has learned from the person; None where the
        model has learned from nobody here.
    influence : Influence, optional
        By how much a person of each group moves the log odds of `seen` of each; None where nobody
        was left out.
    k_hat : ndarray, shape (group,), optional
        How heavy the tail of the weights is; None where there were none.
    most_k : float
        From which value on they are not to be trusted.
    """

    risk: Array
    seen: Array | None = None
    influence: Influence | None = None
    k_hat: Array | None = None
    most_k: float = _MOST_K

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Whose risk the weights do not give."""
        if self.k_hat is None:
            return np.zeros(len(self.risk), np.bool_)
        return ~(self.k_hat <= self.most_k)

    def replaced(self, groups: Ints, risk: Array) -> LeftOut:
        """Return the same with other risks for some groups, which are then in no doubt."""
        assert self.k_hat is not None
        risks, k_hat = self.risk.copy(), self.k_hat.copy()
        risks[groups], k_hat[groups] = risk, 0.0
        return replace(self, risk=risks, k_hat=k_hat)


def leave_one_out(
    posterior: Posterior, survey: Survey, groups: Group, target: Target, *, external: bool
) -> LeftOut:
    """Return everybody's risk from all their other answers, as though they had not taken part.

    The risk is what `backrisk.risk` would tell a new person of these answers after a fit to all
    others: the mean over draws of P(event | other answers).

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
    groups : Group
    target : Target
    external : bool
        The model was fitted to other people, so that nobody has to be left out.
    """
    posterior = posterior.subset(DRAWS)
    column, states = _column(posterior, target)
    risk, seen, k_hat = (np.empty(len(groups)) for _ in range(3))
    rank = min(posterior.draws, max(_PAIRED // len(groups), _FEWEST))
    thinned = np.linspace(0, posterior.draws - 1, rank).astype(np.intp)
    shares, owns = np.empty((2, rank, 0 if external else len(groups)))
    mixing = posterior.diagnostics.worst.get("ess_bulk", math.inf)
    r_eff = min(1.0, float(mixing) / posterior.draws)
    for local, rows in by_site(posterior, survey, groups.site):
        members = np.arange(len(groups))[rows]
        for part in np.array_split(members, _parts(len(members) * states * local.draws)):
            logs = _by_state(local, groups.codes[part], column, states)
            share = np.exp(
                logsumexp(logs[..., list(target.codes)], axis=-1) - logsumexp(logs, axis=-1)
            )
            seen[part] = share.mean(axis=0)
            if external:
                continue
            own = np.take_along_axis(logs, groups.outcome[part][None, :, None], axis=-1)[..., 0]
            shares[:, part] = share[thinned]
            owns[:, part] = own[thinned] * groups.weight[part]
            weights, k_hat[part] = smoothed((own * groups.weight[part]).T, r_eff)
            risk[part] = (weights * share.T).sum(axis=1)
    if external:
        return LeftOut(seen)
    few = 1.0 - 1.0 / math.log10(max(posterior.draws, 11))
    influence = _influence(shares, owns, seen)
    return LeftOut(risk, seen, influence, k_hat, min(few, _MOST_K))


def _influence(shares: Array, owns: Array, seen: Array) -> Influence:
    """Return how the log odds of each mean risk move with each person.

    To first order in the person's weight: the posterior covariance of the risk with the log
    likelihood of the person (Giordano and Broderick 2023, arXiv:2305.06466).

    Parameters
    ----------
    shares, owns : ndarray, shape (draw, group)
        Risks, and log likelihoods of a person, weighted.
    seen : ndarray, shape (group,)
    """
    steep = np.maximum(seen * (1.0 - seen), np.finfo(float).tiny) * max(len(shares) - 1, 1)
    away = (shares - shares.mean(axis=0)) / steep
    return Influence(
        np.ascontiguousarray(away.T), np.ascontiguousarray((owns - owns.mean(axis=0)).T)
    )


def risks_of(
    posterior: Posterior, survey: Survey, groups: Group, rows: Ints, target: Target
) -> Array:
    """Return the mean risk of some groups from all their other answers, ``(row,)``."""
    column, states = _column(posterior, target)
    found = np.empty(len(rows))
    site = None if groups.site is None else groups.site[rows]
    for local, here in by_site(posterior, survey, site):
        members = np.arange(len(rows))[here]
        for part in np.array_split(members, _parts(len(members) * states * local.draws)):
            logs = _by_state(local, groups.codes[rows[part]], column, states)
            event = logsumexp(logs[..., list(target.codes)], axis=-1)
            found[part] = np.exp(event - logsumexp(logs, axis=-1)).mean(axis=0)
    return found


def is_external(posterior: Posterior, external: bool) -> bool:
    """Return whether a model has learned from nobody in a survey: said so, or never fitted."""
    return external or posterior.diagnostics.method == GIVEN


def _column(posterior: Posterior, target: Target) -> tuple[int, int]:
    column = posterior.graph.names.index(target.node)
    return column, len(posterior.graph.node(target.node).states)


def _parts(size: int) -> int:
    return max(1, math.ceil(size / _AT_ONCE))


def _by_state(posterior: Posterior, codes: Codes, column: int, states: int) -> Array:
    """Return the log probability of answers with each state of a node, ``(draw, row, state)``."""
    each = np.repeat(codes, states, axis=0)
    each[:, column] = np.tile(np.arange(states), len(codes))
    return log_likelihoods(posterior, each).reshape(posterior.draws, len(codes), states)


def smoothed(own: Array, r_eff: float = 1.0) -> tuple[Array, Array]:
    """Return the weights of the draws without each person, and their k-hat.

    Parameters
    ----------
    own : ndarray, shape (person, draw)
        The log likelihood of the person's answers.
    r_eff : float
        Effective draws for each draw.

    Returns
    -------
    weights : ndarray, shape (person, draw)
        Each person's sum to one.
    k_hat : ndarray, shape (person,)
        Infinite where there are too few draws for a tail.

    Examples
    --------
    >>> own = np.log(np.random.default_rng(1).uniform(0.4, 0.6, (1, 400)))
    >>> weights, k_hat = smoothed(own)
    >>> float(weights.sum().round(6)), bool(k_hat[0] < 0.5)
    (1.0, True)
    """
    import arviz as az  # noqa: F401 - what gives arrays of xarray their statistics
    import xarray as xr

    plain: Array = softmax(-own, axis=1)
    k_hat = np.full(len(own), np.inf)
    vary = np.ptp(own, axis=1) > _SAME
    k_hat[~vary] = -np.inf
    if own.shape[1] < _LEAST:
        return plain, k_hat
    if vary.any():
        logs = xr.DataArray(own[vary], dims=("person", "draw"))
        logs, k_hat[vary] = logs.azstats.psislw(dim="draw", r_eff=r_eff)
        plain[vary] = np.exp(logs)
    return plain, k_hat
