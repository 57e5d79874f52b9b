"""How far one answer moves as prior, or data, count for more or less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.pareto import good_k, pareto_smoothed
from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries import (
    SENSITIVE,
    Answer,
    Attribution,
    Contrast,
    is_flat,
    sensitivity,
    sensitivity_of_noise,
)
from backrisk.summary import DIGITS
from backrisk.words import capital, listed, say

POWERS = (0.8, 1.25)  # that prior and likelihood are raised to (Kallioinen et al. 2024)
_FEWEST = 100  # draws


@dataclass(frozen=True, eq=False)
class Scaled:
    """What an answer owes to the prior, and what to the data.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a number of the answer: ``mean``; ``moved_by_prior`` and ``moved_by_likelihood``,
        the gradient of the cumulative Jensen-Shannon distance by the binary logarithm of the power,
        from 0.05 on counted as sensitive; ``prior_noise`` and ``likelihood_noise``, how far draws
        that have nothing to do with either would seem to move: up to there, a distance cannot be
        told from Monte Carlo error; the mean with the power 0.8 and 1.25 of each,
        ``prior_less``, ``prior_more``, ``likelihood_less``, ``likelihood_more``, NaN where the
        weights cannot be used; ``prior_k_hat``, ``likelihood_k_hat``, the larger of both powers;
        ``diagnosis``, ``conflict``, ``strong_prior``, ``untold`` (it seems to move, but within
        Monte Carlo error) or empty.
    answer : Answer
    """

    table: pd.DataFrame
    answer: Answer

    @property
    def text(self) -> str:
        """Which numbers rest on the prior, and how."""
        told: list[str] = []
        for diagnosis in ("conflict", "strong_prior", "untold"):
            rows = self.table.index[self.table["diagnosis"] == diagnosis]
            if len(rows):
                what = listed(self.label(str(row)) for row in rows)
                told.append(say(f"check.scaling.{diagnosis}", count=len(rows), what=what))
        if self.table["moved_by_prior"].isna().all():
            told.append(say("check.scaling.flat"))
        elif not told:
            told.append(say("check.scaling.neither"))
        if self.table[["prior_less", "likelihood_less"]].isna().any(axis=None):
            told.append(say("check.scaling.weights"))
        return capital(" ".join(told))

    def label(self, row: str) -> str:
        """Return how a person reads the name of a row of the table."""
        return self.answer.names.node(row) if isinstance(self.answer, Attribution) else row


@checked()
def power_scaling(posterior: Posterior, answer: Answer) -> Scaled:
    """Say how far an answer moves as the prior, or the likelihood, is raised to a power.

    Parameters
    ----------
    posterior : Posterior
        That the answer was asked of.
    answer : Answer
        Of `backrisk.risk`, `intervene`, `counterfactual` (the change) or `attribute`.

    Returns
    -------
    Scaled

    Raises
    ------
    QueryError
        If the posterior does not hold the log prior and log likelihood of its draws, there are
        fewer than 100, or the answer is of another posterior or kind.

    Notes
    -----
    A quantity that moves with the prior and with the likelihood is one about which the two
    disagree: *prior-data conflict*. One that moves with the prior alone has a *strong prior or a
    weak likelihood*. One that does not move with the prior rests on the data (Kallioinen, Paananen,
    Bürkner and Vehtari 2024, doi:10.1007/s11222-023-10366-5). The prior is that of all parameters
    together, the likelihood that of the whole survey; both distances are those that stand in the
    answer's own table. What has nothing to do with the prior still seems to move by as much as the
    log prior varies over the root of the number of draws, which with hundreds of parameters may be
    more than 0.05: nothing is called moved that does not move further than under any of 99 shifts
    of the densities against the draws, by chance one number in 100. The means at the powers 0.8 and
    1.25 are by Pareto smoothed importance sampling, and are left out where its k-hat is too high:
    with hundreds of parameters it often is, while weights at the distances' powers, 0.99 and 1.01,
    are all near 1.

    Examples
    --------
    >>> from backrisk import attribute, example_posterior
    >>> posterior = example_posterior()
    >>> found = power_scaling(posterior, attribute(posterior, {}, method="diagnostic"))
    >>> "moved_by_prior" in found.table
    True
    """
    rows, draws = _numbers(answer)
    if posterior.log_prior is None or posterior.log_likelihood is None:
        raise QueryError(say("check.scaling.no_densities"))
    if posterior.draws < _FEWEST:
        few = {"draws": posterior.draws, "least": _FEWEST}
        raise QueryError(say("check.scaling.few_draws", **few))
    if len(draws) < _FEWEST or len(draws) > posterior.draws or answer.graph != posterior.graph:
        told = {"draws": len(draws), "least": _FEWEST, "of": posterior.draws}
        raise QueryError(say("check.scaling.other_draws", **told))
    keep = posterior.spaced(len(draws)) if len(draws) < posterior.draws else slice(None)
    columns: dict[str, Any] = {"mean": draws.mean(axis=0)}
    densities = {
        "prior": posterior.log_prior[keep],
        "likelihood": posterior.log_likelihood[keep],
    }
    rounded = draws.round(DIGITS)  # as the answer's own support is told
    for name, density in densities.items():
        scaled = None if is_flat(density) else density
        columns[f"moved_by_{name}"] = sensitivity(rounded, scaled)
        columns[f"{name}_noise"] = sensitivity_of_noise(rounded, scaled)
    for name, density in densities.items():
        khats = []
        for key, power in zip(("less", "more"), POWERS, strict=True):
            weights, k_hat = pareto_smoothed((power - 1.0) * density)
            good = k_hat <= good_k(len(draws))
            columns[f"{name}_{key}"] = weights @ draws if good else np.full(len(rows), np.nan)
            khats.append(k_hat)
        columns[f"{name}_k_hat"] = max(khats)
    prior, likelihood = (columns[f"moved_by_{name}"] for name in densities)
    by_prior, by_likelihood = prior >= SENSITIVE, likelihood >= SENSITIVE
    untold = prior <= columns["prior_noise"]
    untold |= by_likelihood & (likelihood <= columns["likelihood_noise"])
    columns["diagnosis"] = np.select(
        [~by_prior, untold, by_likelihood], ["", "untold", "conflict"], "strong_prior"
    ).tolist()
    return Scaled(pd.DataFrame(columns, index=pd.Index(rows, name="name")), answer)


def _numbers(answer: Answer) -> tuple[list[str], Array]:
    """Return what an answer's numbers are of, and their draws, ``(draw, number)``."""
    if isinstance(answer, Attribution):
        return list(answer.causes), answer.draws
    draws = answer.change if isinstance(answer, Contrast) else answer.draws
    if draws.ndim != 1:
        raise QueryError(say("check.scaling.kind", kind=type(answer).__name__))
    return [str(answer.target.label)], draws[:, None]
