"""Rows of a survey under every draw of a posterior, and under its mean: what checks start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.check.moment import demand_graph
from backrisk.errors import QueryError
from backrisk.likelihood import build_circuit, in_parts, row_log_likelihood, stack_logs
from backrisk.posterior import Posterior, SiteEffects
from backrisk.survey import Survey
from backrisk.words import say

Codes = NDArray[np.int8]
Ints = NDArray[np.intp]

GIVEN = "given"  # how a posterior came by its draws where nothing was fitted


def demand_people(posterior: Posterior, survey: Survey) -> None:
    """Refuse a survey whose people a check cannot take as independent people of this model.

    Raises
    ------
    QueryError
        If the survey was read for another graph, has other sites than the model, is empty, or its
        design chose people by the outcome or holds several visits of one person.
    """
    demand_graph(posterior, survey)
    design = survey.codebook.design
    if design is not None and design.by_outcome:
        raise QueryError(say("check.rows.by_outcome"))
    if design is not None and design.kind == "repeated":
        raise QueryError(say("check.rows.repeated"))
    if not survey.n:
        raise QueryError(say("check.rows.empty"))
    known = () if posterior.sites is None else posterior.sites.names
    if known and survey.site is None:
        raise QueryError(say("check.rows.no_sites"))
    if known and (strange := [site for site in survey.sites if site not in known]):
        raise QueryError(say("check.rows.other_site", site=strange[0]))


def by_site(
    posterior: Posterior, survey: Survey, site: Ints | None
) -> Iterator[tuple[Posterior, Ints | slice]]:
    """Yield the model of each site, and which rows are its own.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
        Whose sites `site` counts.
    site : ndarray of int, shape (row,), optional
    """
    if posterior.sites is None or site is None:
        yield posterior, slice(None)
        return
    for place in np.unique(site):
        yield posterior.at_site(survey.sites[place]), np.flatnonzero(site == place)


def log_likelihoods(posterior: Posterior, codes: Codes) -> Array:
    """Return the log probability of each row's answers in each draw.

    Parameters
    ----------
    posterior : Posterior
        Of one site, or of none.
    codes : ndarray of int8, shape (row, node)
        -1 where not answered.

    Returns
    -------
    ndarray, shape (draw, row)
    """
    rows, which = np.unique(codes, axis=0, return_inverse=True)
    circuit = build_circuit(posterior.graph, rows, np.ones(len(rows)), posterior.layout.by_row)
    found = np.empty((posterior.draws, len(rows)))
    for some in in_parts(posterior.draws):
        found[some] = row_log_likelihood(circuit, stack_logs(circuit.cells, posterior, some))
    return found[:, which.ravel()]


def at_the_mean(posterior: Posterior) -> Posterior:
    """Return the posterior of one draw whose parameters are the means of all draws.

    Fractions are averaged on the scale of log odds, where their posterior is near normal.
    """
    if posterior.given is not None:
        means = {name: table.mean(axis=0) for name, table in posterior.given.items()}
        return Posterior.from_cpts(posterior.graph, means)
    assert posterior.fractions is not None
    assert posterior.beta is not None
    held = np.clip(posterior.fractions, np.finfo(float).tiny, 1.0 - np.finfo(float).eps)
    odds = np.exp((np.log(held) - np.log1p(-held)).mean(axis=0, keepdims=True))
    sites = posterior.sites
    return replace(
        posterior,
        fractions=odds / (1.0 + odds),
        beta=posterior.beta.mean(axis=0, keepdims=True),
        chains=1,
        prior_fractions=None,
        prior_beta=None,
        sites=sites
        and SiteEffects(
            sites.names,
            sites.shift.mean(axis=0, keepdims=True),
            sites.scale.mean(axis=0, keepdims=True),
        ),
        log_prior=None,
        log_likelihood=None,
    )
