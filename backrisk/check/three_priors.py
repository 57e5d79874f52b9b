"""The same survey under three priors: of who believes the claims, of the literature, of nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk.check.comparison import demand_alike, survey_for
from backrisk.check.doubted import DOUBTED
from backrisk.check.moment import demand_graph, demand_moment
from backrisk.check.reweighting import Cloud, Model, values_of
from backrisk.errors import QueryError
from backrisk.fitting import fit
from backrisk.graph import CausalGraph, Edge, Prior
from backrisk.posterior import Posterior
from backrisk.survey import Survey
from backrisk.words import listed, say

FOLK, LITERATURE, FLAT = "folk", "literature", "flat"
BELIEVED = Prior(0.7, 0.35)  # an odds ratio of 2, between 1.1 and 3.6 with 90 %
NOTHING = Prior(0.0, 1.5)  # between 0.08 and 12: hardly flatter on the scale of a risk


@dataclass(frozen=True, eq=False)
class UnderPriors:
    """Posteriors of one survey and graph under several priors.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        ``folk``, ``literature`` and ``flat``, as far as they could be had.
    how : mapping of str to str
        ``stated`` (it is the fit that was given), ``reweighted`` or ``refitted``.
    k_hat : mapping of str to float
        Of the weights that were tried.
    left_out : tuple of str
        Priors that the draws cannot be weighted to, and for which no fit was allowed.
    """

    posteriors: Mapping[str, Posterior]
    how: Mapping[str, str]
    k_hat: Mapping[str, float]
    left_out: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row a prior: ``how`` its posterior was made (empty: not at all), and ``k_hat``."""
        names = [*self.posteriors, *self.left_out]
        return pd.DataFrame(
            {
                "how": [self.how.get(name, "") for name in names],
                "k_hat": [self.k_hat.get(name, np.nan) for name in names],
            },
            index=pd.Index(names, name="prior"),
        )

    @property
    def text(self) -> str:
        """What each prior is, and what could not be had."""
        told = [str(say(f"check.three_priors.{name}")) for name in self.posteriors]
        if self.left_out:
            names = listed(map(repr, self.left_out))
            told.append(say("check.three_priors.left_out", count=len(self.left_out), priors=names))
        return " ".join(told)


@checked()
def prior_graphs(
    graph: CausalGraph, *, believed: Prior = BELIEVED, flat: Prior = NOTHING
) -> dict[str, CausalGraph]:
    """Return a graph with three sets of priors: ``folk``, ``literature`` and ``flat``.

    Parameters
    ----------
    graph : CausalGraph
    believed : Prior
        Of a claim of the described cascade (origin ``described``) whose evidence is graded ``none``
        or ``contradicted``, for whoever takes it at its word. Its sign is that of the stated mean,
        where there is one.
    flat : Prior
        Of every effect, for whoever knows nothing.

    Returns
    -------
    dict of str to CausalGraph
        ``literature`` is the graph as it is. The other two leave its published figures out, which
        would condition their priors, and differ in nothing else: all have the same edges.

    Raises
    ------
    QueryError
        If no edge of the graph states a prior.

    Examples
    --------
    >>> from backrisk import load_graph
    >>> found = prior_graphs(load_graph("runner_core"))
    >>> [graph.edges_into("pelvic_tilt")[0].prior for graph in found.values()]
    [Prior(mean=0.7, sd=0.35), Prior(mean=0.1, sd=0.3), Prior(mean=0.0, sd=1.5)]
    """
    demand_moment(graph)
    if not any(edge.priors for edge in graph.edges):
        raise QueryError(say("check.three_priors.no_prior", graph=graph.name))

    def taken(edge: Edge) -> Edge:
        doubted = edge.origin == "described" and edge.grade in DOUBTED and edge.prior is not None
        if not doubted:
            return edge
        sign = -1.0 if edge.prior is not None and edge.prior.mean < 0 else 1.0
        return replace(edge, prior=Prior(sign * believed.mean, believed.sd))

    def ignored(edge: Edge) -> Edge:
        return replace(edge, prior=flat, state_priors=()) if edge.priors else edge

    return {
        FOLK: replace(graph, edges=tuple(map(taken, graph.edges)), figures=()),
        LITERATURE: graph,
        FLAT: replace(graph, edges=tuple(map(ignored, graph.edges)), figures=()),
    }


@checked()
def under_priors(
    posterior: Posterior,
    survey: Survey,
    *,
    believed: Prior = BELIEVED,
    flat: Prior = NOTHING,
    fits: int = 0,
    seed: int = 0,
    cores: int | None = None,
) -> UnderPriors:
    """Return the posterior of a survey under three priors, side by side.

    Parameters
    ----------
    posterior : Posterior
        From `fit`, with the graph's own priors: those of the literature.
    survey : Survey
        That it was fitted to.
    believed, flat : Prior
        See `prior_graphs`.
    fits : int
        How many of the other two may be fitted anew, where the draws cannot be weighted to them.
    seed : int
    cores : int, optional
        Of a fit; see `fit`.

    Returns
    -------
    UnderPriors
        `attribute_over` takes its posteriors.

    Raises
    ------
    QueryError
        If the posterior is not from a fit, belongs to another graph than the survey, or has sites;
        if no edge states a prior; or if people have different sampling weights.
    FitError
        If people were chosen by the outcome.

    Notes
    -----
    The likelihood stays, so that a draw's weight is the ratio of the priors' densities. Pareto
    smoothed; above a k-hat of 0.7 (less for few draws) the weights are not used.
    """
    if posterior.fractions is None or posterior.beta is None:
        raise QueryError(say("check.standing.not_fitted"))
    if posterior.sites is not None:
        raise QueryError(say("check.standing.sites"))
    demand_graph(posterior, survey)
    demand_alike(survey)
    graphs = prior_graphs(posterior.graph, believed=believed, flat=flat)
    own, values = Model.of(posterior, posterior.graph, survey), values_of(posterior)
    told = posterior.log_likelihood
    told = own.densities(values)[1] if told is None else told
    posteriors: dict[str, Posterior] = {}
    how: dict[str, str] = {}
    k_hat: dict[str, float] = {}
    left = []
    for place, (name, graph) in enumerate(graphs.items()):
        if name == LITERATURE:
            posteriors[name], how[name] = posterior, "stated"
            continue
        rng = np.random.default_rng([seed, place])
        read = survey_for(survey, graph, graph.name)
        # The other two have no figures to be conditioned on.
        model = replace(own, graph=graph, evidence=False)
        was, is_ = (each.prior.log_density(*each.split(values)) for each in (own, model))
        moved = Cloud(model, values, is_, told, is_ - was).settled(rng)
        k_hat[name] = moved.k_hat
        if moved.good:
            posteriors[name], how[name] = moved.posterior, "reweighted"
        elif fits > 0:
            fits -= 1
            posteriors[name] = fit(
                graph,
                read,
                seed=int(rng.integers(2**31)),
                draws=int(posterior.meta.get("draws", 1000)),
                chains=posterior.chains,
                tune=int(posterior.meta.get("tune", 1000)),
                cores=cores,
                evidence=False,
                progress=False,
            )
            how[name] = "refitted"
        else:
            left.append(name)
    return UnderPriors(posteriors, how, k_hat, tuple(left))
