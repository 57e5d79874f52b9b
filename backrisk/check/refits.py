"""Fits without some of a survey's people, who are then predicted: cross-validation in folds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.check.left_out import Group, risks_of
from backrisk.check.rows import Ints
from backrisk.fitting import compile_model, fit
from backrisk.posterior import Posterior
from backrisk.queries import Target
from backrisk.survey import Survey

_DRAWS, _TUNE, _CHAINS = 500, 500, 2  # of each fit: a mean risk needs no more


@dataclass(frozen=True, eq=False)
class Refitted:
    """What fits without each fold say of the people in it.

    Parameters
    ----------
    folds : ndarray of int, shape (fold, group)
        How many people of each group are in the fold.
    risks : ndarray, shape (fold, group)
        Their risk; not a number where the fold has none of the group.
    unsound : int
        How many of the fits were not sound.
    """

    folds: NDArray[np.int64]
    risks: Array
    unsound: int


def fold_counts(
    people: NDArray[np.int64],
    strata: Ints,
    folds: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Deal people into folds by chance, so that each has its share of every stratum.

    Parameters
    ----------
    people : ndarray of int, shape (row,)
        How many each row stands for.
    strata : ndarray of int, shape (row,)
    folds : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (fold, row)

    Examples
    --------
    >>> dealt = fold_counts(np.array([4, 2]), np.array([0, 1]), 2, np.random.default_rng(1))
    >>> dealt.sum(axis=0).tolist(), dealt.sum(axis=1).tolist(), dealt[:, 1].tolist()
    ([4, 2], [3, 3], [1, 1])
    """
    row = np.repeat(np.arange(len(people)), people)
    row = row[rng.permutation(len(row))]
    row = row[np.argsort(strata[row], kind="stable")]
    fold = np.arange(len(row)) % folds
    found = np.zeros((folds, len(people)), np.int64)
    np.add.at(found, (fold, row), 1)
    return found


def without(survey: Survey, gone: NDArray[np.int64]) -> Survey:
    """Return a survey without some people of each row.

    Parameters
    ----------
    survey : Survey
    gone : ndarray of int, shape (row,)
        How many of each row.
    """
    whole = np.ones(len(survey.codes), np.int64) if survey.people is None else survey.people
    left = whole - gone
    keep = np.flatnonzero(left > 0)
    share = left[keep] / whole[keep]

    def part(values: Array | None) -> Array | None:
        return None if values is None else values[keep] * share

    return replace(
        survey,
        codes=survey.codes[keep],
        weights=part(survey.weights),
        site=None if survey.site is None else survey.site[keep],
        people=None if survey.people is None else left[keep],
        squares=part(survey.squares),
    )


def refit(
    posterior: Posterior,
    survey: Survey,
    groups: Group,
    target: Target,
    folds: NDArray[np.int64],
    *,
    seed: int,
) -> Refitted:
    """Fit the model of a posterior again without each fold, and predict who is in it.

    Parameters
    ----------
    posterior : Posterior
        Says whether published figures condition the prior, and whether fits are exact.
    survey : Survey
    groups : Group
    target : Target
    folds : ndarray of int, shape (fold, survey row)
        How many people of each row of the survey are in the fold.
    seed : int
    """
    evidence = bool(posterior.meta.get("figures"))
    exact = posterior.diagnostics.method == "exact"
    compiled = None if exact else compile_model(survey.graph, survey, evidence=evidence)
    reported = groups.rows >= 0
    counts = np.array(
        [np.bincount(groups.rows[reported], fold[reported], len(groups)) for fold in folds]
    ).astype(np.int64)
    risks = np.full(counts.shape, np.nan)
    unsound = 0
    seeds = np.random.SeedSequence(seed).generate_state(len(folds))
    for place, fold in enumerate(folds):
        found = fit(
            survey.graph,
            without(survey, fold),
            seed=int(seeds[place]),
            draws=_DRAWS,
            tune=_TUNE,
            chains=_CHAINS,
            compiled=compiled,
            evidence=evidence,
            progress=False,
        )
        unsound += not found.diagnostics.good
        here: Ints = np.flatnonzero(counts[place])
        risks[place, here] = risks_of(found, survey, groups, here, target)
    return Refitted(counts, risks, unsound)
