"""Saved posteriors, read back."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import BackriskError, GraphError, PosteriorError, SurveyError
from backrisk.graph import CausalGraph, Layout, read_graph
from backrisk.posterior.cpts import draws_last
from backrisk.posterior.datatree import (
    EFFECTS,
    FRACTIONS,
    LOG_LIKELIHOOD,
    LOG_PRIOR,
    MARGIN,
    SAMPLE_STATS,
    SITE_SCALES,
    SITE_SHIFTS,
)
from backrisk.posterior.diagnostics import Diagnostics
from backrisk.posterior.given import owners, variable
from backrisk.posterior.posterior import Posterior
from backrisk.posterior.sites import SiteEffects
from backrisk.posterior.soundness import refuse_unsound
from backrisk.posterior.storage import Stored, restore
from backrisk.survey import Codebook
from backrisk.words import say


@checked()
def load_posterior(path: str | Path) -> Posterior:
    """Load a saved posterior, refusing a file that is foreign, truncated or altered.

    The length and the checksum of all bytes are compared before any of them is interpreted, then
    the shape and range of every number. This is integrity, not authenticity: damage is found, but
    whoever can write a file can seal it. Load models of people you trust, or compare a signature.
    Models that an earlier version saved open in this one; those of a later version are refused.

    Parameters
    ----------
    path : str or Path
        What `Posterior.save` wrote.

    Returns
    -------
    Posterior
        Whose every answer equals, to the bit, that of the one that was saved.

    Raises
    ------
    PosteriorError
        In one sentence, if there is no such file, it holds something else, it was altered, a
        later version saved it, its numbers are not what they stand for, or this version reads its
        graph differently.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    >>> with TemporaryDirectory() as folder:
    ...     path = Posterior.from_cpts(g, cpts).save(f"{folder}/model.nc")
    ...     load_posterior(path).cpt("y").tolist()
    [[[0.7, 0.3], [0.2, 0.8]]]
    """
    stored = restore(path)
    try:
        posterior = _posterior(stored)
        _hold_margin(posterior, stored)
        refuse_unsound(posterior)
    except Exception as error:  # a record may hold anything that JSON can, whoever sealed it
        raise PosteriorError(say("posterior.other_graph", path=path, why=_why(error))) from error
    return posterior


def _why(error: Exception) -> str:
    """Say in one line why a record cannot be read."""
    if isinstance(error, GraphError | SurveyError):
        return error.problems[0]
    known = isinstance(error, BackriskError | KeyError)
    return str(error) if known else type(error).__name__


def _posterior(stored: Stored) -> Posterior:
    record, arrays = stored.record, stored.arrays
    graph = read_graph(record["graph"])
    book = record["codebook"]
    common = Posterior(
        graph=graph,
        diagnostics=Diagnostics.from_dict(record["diagnostics"]),
        codebook=None if book is None else Codebook.from_dict(book, graph),
        meta=record["meta"],
    )
    if f"posterior/{FRACTIONS}" not in arrays:
        given = {
            name: draws_last(_one_chain(arrays[f"posterior/{variable(name)}"]))
            for name in owners(graph)
        }
        return replace(common, given=given)
    chains, _, fractions = arrays[f"posterior/{FRACTIONS}"].shape
    # Told before any parameter is laid out: a graph may ask for more than any file holds.
    if _at_least(graph) > fractions or _labelled_otherwise(stored, Layout(graph)):
        raise PosteriorError(say("posterior.other_parameters"))
    names = record["sites"]
    shift, scale = (_joined(stored, f"posterior/{name}") for name in (SITE_SHIFTS, SITE_SCALES))
    return replace(
        common,
        fractions=_joined(stored, f"posterior/{FRACTIONS}"),
        beta=_joined(stored, f"posterior/{EFFECTS}"),
        chains=chains,
        prior_fractions=_joined(stored, f"prior/{FRACTIONS}"),
        prior_beta=_joined(stored, f"prior/{EFFECTS}"),
        log_prior=_joined(stored, f"log_prior/{LOG_PRIOR}"),
        log_likelihood=_joined(stored, f"log_likelihood/{LOG_LIKELIHOOD}"),
        sample_stats=_steps(stored),
        sites=None if shift is None or scale is None else SiteEffects(tuple(names), shift, scale),
    )


def _hold_margin(posterior: Posterior, stored: Stored) -> None:
    """Put the outcome's distribution where a posterior looks first, if it is one."""
    margin, outcome = _joined(stored, f"population/{MARGIN}"), posterior.graph.outcome
    if margin is None:
        return
    states = () if outcome is None else posterior.graph.node(outcome).states
    labels = stored.labels.get("population/state")
    sound = margin.shape == (posterior.draws, len(states)) and labels == states
    if not sound or not (margin >= 0).all() or not np.allclose(margin.sum(axis=1), 1.0, atol=1e-9):
        raise PosteriorError(say("posterior.other_parameters"))
    found = np.ascontiguousarray(margin.T)
    found.flags.writeable = False
    posterior._marginals[str(outcome)] = found


def _labelled_otherwise(stored: Stored, layout: Layout) -> bool:
    """Return whether an axis of the arrays has other labels than the graph and the record give.

    Arrays of sites go together, and with the names of the sites. An axis of no places may have no
    labels.
    """
    sites = stored.record["sites"]
    held = [f"posterior/{name}" in stored.arrays for name in (SITE_SHIFTS, SITE_SCALES)]
    if held != [sites is not None] * 2 or not isinstance(sites, list | None):
        return True
    axes = (
        ("distribution", FRACTIONS, layout.fraction_labels),
        ("effect", EFFECTS, layout.effect_labels),
        ("site", SITE_SHIFTS, tuple(sites or ())),
        ("pooled", SITE_SCALES, layout.pooled),
    )
    return any(
        stored.labels.get(f"{group}/{axis}", ()) != expected
        for group in ("posterior", "prior")
        for axis, name, expected in axes
        if f"{group}/{name}" in stored.arrays
    )


def _at_least(graph: CausalGraph) -> int:
    """Return how many fractions a graph has in the families that are laid out whole."""
    return sum(
        math.prod(graph.shape(name)[:-1]) * (graph.shape(name)[-1] - 1)
        for name in owners(graph)
        if graph.mechanism(name) == "saturated"
    )


def _one_chain(array: Array) -> Array:
    """Return a given CPT without its axis of chains."""
    if len(array) != 1:
        raise PosteriorError(say("posterior.other_parameters"))
    found: Array = array[0]
    return found


def _steps(stored: Stored) -> dict[str, Array] | None:
    """Return what is told of the sampler's steps, where anything is."""
    found = {name: _joined(stored, f"sample_stats/{name}") for name in SAMPLE_STATS}
    return {name: values for name, values in found.items() if values is not None} or None


def _joined(stored: Stored, name: str) -> Array | None:
    """Return the draws of an array, one chain after the other, ``(draw, ...)``."""
    if name not in stored.arrays:
        return None
    array = stored.arrays[name]
    chains, draws, *rest = array.shape
    return array.reshape(chains * draws, *rest)  # not -1: a graph may have no effects
