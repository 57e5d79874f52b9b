"""All that ArviZ has a group for, of a model and the survey that it was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.fitting import log_likelihood
from backrisk.posterior import MOST, Posterior, draw_states
from backrisk.survey import Survey
from backrisk.words import say

if TYPE_CHECKING:
    from xarray import DataTree

_DIMENSIONS = ("chain", "draw", "person")


@checked()
def to_datatree(
    posterior: Posterior, survey: Survey, *, predicted: int = 100, seed: int = 0
) -> DataTree:
    """Return the draws with all that follows from them and a survey, for ArviZ.

    *Estimand*: what is predicted are other people of the survey's population, each with the sites
    and the gaps of a person of the survey, from one draw; not the very people who answered.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
        Of the posterior's graph, one row a person.
    predicted : int
        Surveys of as many people that are drawn from the posterior, and from the prior.
    seed : int

    Returns
    -------
    xarray.DataTree
        What `Posterior.to_datatree` gives, and groups ``log_likelihood``, of each person
        ``(chain, draw, person)`` in place of the survey's sum; ``observed_data``, a variable
        ``(person,)`` for each node that somebody answered: the position of the state, NaN where
        there is no answer; ``posterior_predictive`` and, where the posterior holds prior draws,
        ``prior_predictive``: the same ``(chain, draw, person)``, with the gaps of the survey. The
        tree holds the survey's rows: it is for work on it, and `Posterior.save` writes none.

    Raises
    ------
    QueryError
        If the survey belongs to another graph, or `predicted` is below 1 or asks for too many
        answers to hold.
    FitError
        If it has patterns instead of people, or people were chosen by the outcome.
    """
    import xarray as xr

    if survey.graph != posterior.graph:
        found, expected = survey.graph.name, posterior.graph.name
        raise QueryError(say("check.other_graph", found=found, expected=expected))
    if predicted < 1:
        raise QueryError(say("check.predicted", predicted=predicted))
    if min(predicted, posterior.draws) * survey.codes.size > MOST:
        raise QueryError(say("check.predicted_many", predicted=predicted, most=f"{MOST:,}"))
    tree = log_likelihood(posterior, survey)
    known = survey.codes >= 0
    answered = {name: at for at, name in enumerate(survey.graph.names) if known[:, at].any()}

    def with_gaps(codes: NDArray[Any], dimensions: tuple[str, ...]) -> DataTree:
        """Return a group of what was answered, of states ``(..., person, node)``."""
        cells = np.where(known, codes, np.nan)
        told = {name: (dimensions, cells[..., at]) for name, at in answered.items()}
        return xr.DataTree(xr.Dataset(told))

    tree["observed_data"] = with_gaps(survey.codes, _DIMENSIONS[2:])
    rng = np.random.default_rng(seed)
    for when, model in (("posterior", posterior), ("prior", posterior.prior)):
        if model is not None:
            drawn = _predicted(model, survey, predicted, rng)
            tree[f"{when}_predictive"] = with_gaps(drawn[None], _DIMENSIONS)
    return tree


def _predicted(
    model: Posterior, survey: Survey, surveys: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Draw as many people as were asked, each at a site of its own, ``(survey, person, node)``."""
    found = np.empty((min(surveys, model.draws), *survey.codes.shape), dtype=np.int16)
    sites = survey.sites if model.sites is not None else ()
    for place, site in enumerate(sites or (None,)):
        local = model.at_site(site).subset(surveys)
        here = np.flatnonzero(survey.site == place) if sites else np.arange(survey.n)
        which = np.repeat(np.arange(local.draws), len(here))
        states = draw_states(local, len(which), rng, which)
        found[:, here] = states.reshape(local.draws, len(here), -1)
    return found
