"""Which checks are of models of one moment, and which survey a fit is compared on."""

from __future__ import annotations

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.survey import Survey
from backrisk.words import say


def demand_moment(graph: CausalGraph) -> None:
    """Refuse a graph of several periods, whose families share their parameters.

    Raises
    ------
    QueryError
        If families are tied, for a check that would take each for one of its own.
    """
    if graph.tied:
        raise QueryError(say("check.moment.several", graph=graph.name))


def demand_graph(posterior: Posterior, survey: Survey) -> None:
    """Refuse a survey that was read for another graph than the model's.

    Raises
    ------
    QueryError
    """
    if survey.graph != posterior.graph:
        found, expected = survey.graph.name, posterior.graph.name
        key = "check.same_name" if found == expected else "check.other_graph"
        raise QueryError(say(key, found=found, expected=expected))


def is_own(posterior: Posterior, survey: Survey) -> bool:
    """Return whether people look like those that a model learned from: as many, as much known."""
    meta = posterior.meta
    if meta.get("people") != survey.n:
        return False
    known = (survey.codes >= 0).mean(axis=0)
    told = dict(meta.get("answered", {}))
    return all(
        abs(told.get(name, share) - share) < 1e-6
        for name, share in zip(survey.graph.names, known.tolist(), strict=True)
    )
