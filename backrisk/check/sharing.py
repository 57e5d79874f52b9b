"""The posterior of a graph one edge away, where only the changed families need a fit.

The likelihood of complete families is a product over families, and so is a prior that ties none to
another: then is the posterior, and what a change of causes leaves as it is has the same draws.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backrisk._types import Array
from backrisk.check.neighbours import Neighbour
from backrisk.check.reweighting import Model, used_evidence
from backrisk.fitting import fit
from backrisk.graph import CausalGraph, Layout, Roles
from backrisk.posterior import Diagnostics, Posterior
from backrisk.survey import Codebook, Survey


def shares(posterior: Posterior, neighbour: Neighbour, survey: Survey) -> bool:
    """Return whether all but the changed families of a neighbour have the posterior of the fit.

    So it is where everybody answered about every member of the changed families, of both graphs,
    no published figure conditions the prior, which would tie families, and no sites are pooled.

    Parameters
    ----------
    posterior : Posterior
    neighbour : Neighbour
        Of the posterior's graph.
    survey : Survey
        Read for the posterior's graph.
    """
    if used_evidence(posterior) or posterior.sites is not None or posterior.fractions is None:
        return False
    members = {
        member
        for graph in (neighbour.base, neighbour.graph)
        for name in neighbour.changed
        for member in (name, *graph.parents(name))
    }
    columns = [survey.graph.names.index(name) for name in members]
    return bool((survey.codes[:, columns] >= 0).all())


def refit_changed(
    posterior: Posterior,
    neighbour: Neighbour,
    survey: Survey,
    *,
    seed: int,
    tune: int,
    cores: int | None = None,
) -> Posterior:
    """Return a neighbour's posterior: a fit of the changed families beside the draws of the others.

    Parameters
    ----------
    posterior : Posterior
        That `shares` its other families.
    neighbour : Neighbour
    survey : Survey
    seed, tune, cores
        Of the fit; it has as many chains and draws as the posterior.

    Returns
    -------
    Posterior
    """
    part = part_of(neighbour)
    columns = [survey.graph.names.index(name) for name in part.names]
    answers = Survey(
        part,
        np.ascontiguousarray(survey.codes[:, columns]),
        Codebook.plain(part),
        people=survey.people,
    )
    each = -(-posterior.draws // posterior.chains)
    found = fit(
        part,
        answers,
        seed=seed,
        draws=each,
        chains=posterior.chains,
        tune=tune,
        cores=cores,
        evidence=False,
        progress=False,
    )
    return _spliced(posterior, found, neighbour, survey)


def part_of(neighbour: Neighbour) -> CausalGraph:
    """Return the changed families of a neighbour as a graph of their own.

    The causes of a changed node that are not changed themselves have none here.
    """
    graph = neighbour.graph
    edges = tuple(e for e in graph.edges if e.effect in neighbour.changed)
    members = {name for e in edges for name in (e.cause, e.effect)} | set(neighbour.changed)
    nodes = tuple(
        node if node.name in neighbour.changed else replace(node, interactions=(), mechanism=None)
        for node in graph.nodes
        if node.name in members
    )
    return replace(
        graph,
        nodes=nodes,
        edges=edges,
        lagged=(),
        outcome=neighbour.effect,
        roles=Roles(),
        figures=(),
        prevalences=(),
        left_out=(),
    )


def _spliced(
    posterior: Posterior, part: Posterior, neighbour: Neighbour, survey: Survey
) -> Posterior:
    """Put the draws of the changed families beside those of all others."""
    model = Model.of(posterior, neighbour.graph, survey)
    layout, draws = model.layout, posterior.draws
    own, new = posterior.layout, part.layout
    kept, changed = _drawn(posterior), _drawn(part)
    fractions = np.empty((draws, len(layout.fraction_labels)))
    beta = np.empty((draws, len(layout.effect_labels)))

    def put(source: Layout, name: str, drawn: tuple[Array, Array]) -> None:
        fractions[:, layout.fraction_slices[name]] = drawn[0][:draws, source.fraction_slices[name]]
        beta[:, layout.effect_slices[name]] = drawn[1][:draws, source.effect_slices[name]]

    for name in layout.graph.names:
        if name in neighbour.changed:
            put(new, name, changed)
        else:
            put(own, name, kept)
    count = draws if posterior.prior_fractions is None else len(posterior.prior_fractions)
    before = model.prior.draw(count, np.random.default_rng(0))
    shared = replace(
        posterior,
        graph=layout.graph,
        fractions=fractions,
        beta=beta,
        prior_fractions=before[0],
        prior_beta=before[1],
        diagnostics=Diagnostics(
            posterior.diagnostics.method,
            part.diagnostics.worst or posterior.diagnostics.worst,
            (*posterior.diagnostics.warnings, *part.diagnostics.warnings),
        ),
        log_prior=None,
        log_likelihood=None,
    )
    log_prior = model.prior.log_density(fractions, beta)
    people = model.pointwise.patterns.people.astype(np.float64)
    return replace(
        shared,
        log_prior=log_prior,
        log_likelihood=model.pointwise.log_likelihood(shared) @ people,
    )


def _drawn(posterior: Posterior) -> tuple[Array, Array]:
    assert posterior.fractions is not None
    assert posterior.beta is not None
    return posterior.fractions, posterior.beta
