"""A graph and a survey as a PyMC model of two random variables."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor
import pytensor.tensor as pt

from backrisk._arguments import checked
from backrisk.errors import FitError
from backrisk.fitting.design import lay_out
from backrisk.fitting.log_cpts import log_cells, matched_sets
from backrisk.fitting.observed import pooled_sites, survey_circuit
from backrisk.fitting.op import MarginalLogLikelihood
from backrisk.fitting.sampled import Sampled
from backrisk.graph import SITE_SCALE, CausalGraph, Layout, ParameterPrior
from backrisk.likelihood import Circuit
from backrisk.posterior import EFFECTS, FRACTIONS, SITE_SCALES, SITE_SHIFTS
from backrisk.survey import Survey, tabulate
from backrisk.words import say


@checked()
def build_model(
    graph: CausalGraph,
    survey: Survey | None = None,
    *,
    circuit: Circuit | None = None,
    prior: ParameterPrior | None = None,
) -> pm.Model:
    """Build the PyMC model. Never samples.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the survey; ``survey.graph`` where there is a survey.
    survey : Survey, optional
        Without it, the model is the prior. With sites, the intercepts of ordinal nodes vary by
        site around their pooled value.
    circuit : Circuit, optional
        What `survey_circuit` gave for the survey, where it is already made.
    prior : ParameterPrior, optional
        In place of the one that the graph states, such as one that is conditioned on published
        figures (`backrisk.likelihood.conditioned`).

    Returns
    -------
    pymc.Model
        ``continuation`` (the stick-breaking fractions, dimension ``distribution``) and ``beta``
        (the effects, log odds ratios, dimension ``effect``), with
        the coordinates of `Layout`; with sites ``site_scale`` (dimension ``pooled``, the nodes)
        and ``site_shift`` (dimensions ``site, pooled``), on the log odds scale. The log of every
        CPT cell is not recorded.

    Raises
    ------
    FitError
        If the graph lacks a node of the survey, or exact elimination is out of reach.

    Examples
    --------
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> build_model(g).coords["distribution"]
    ('x: no', 'y | x=no: no', 'y | x=yes: no')
    """
    if survey is not None and survey.graph != graph:
        own = survey.graph
        raise FitError(say("fitting.not_its_graph", graph=own.name, count=len(own.names)))
    sampled = Sampled.of(survey)
    if survey is not None and circuit is None:
        circuit = survey_circuit(survey, tabulate(survey), sampled)
    layout = Layout(graph)
    prior = prior or layout.prior
    sites = pooled_sites(survey)
    pooled = layout.pooled if sites else ()
    coords = {"distribution": layout.fraction_labels, "effect": layout.effect_labels}
    if pooled:
        coords |= {"site": sites, "pooled": pooled}
    with pm.Model(coords=coords) as model:
        first, second = prior.fractions
        fractions = pm.Beta(FRACTIONS, first, second, dims="distribution", initval=prior.start)
        beta: Any = pt.zeros(0)
        if layout.effect_labels:
            z = pm.Normal("z", 0.0, 1.0, dims="effect")
            # A sum in place of pt.dot, which takes most of a minute to compile.
            away = prior.sd * z if prior.root is None else (prior.root * z).sum(axis=1)
            value = prior.mean + away
            beta = pm.Deterministic(EFFECTS, value, dims="effect")
        shift: Any = None
        if pooled:
            scale = pm.HalfNormal(SITE_SCALES, SITE_SCALE, dims="pooled")
            site_z = pm.Normal("site_z", 0.0, 1.0, dims=("site", "pooled"))
            shift = pm.Deterministic(SITE_SHIFTS, scale * site_z, dims=("site", "pooled"))
        if circuit is not None:
            tape, reals = circuit.packed()
            found = {
                "tape": tape,
                "reals": reals,
                **lay_out(layout, circuit.cells, len(sites)),
                **({} if sampled is None else sampled.data(circuit)),
            }
            data = {name: pytensor.shared(part, name=name) for name, part in found.items()}
            cells = log_cells(layout, fractions, beta, data, shift, len(sites))
            value, _ = MarginalLogLikelihood()(cells, data["tape"], data["reals"])
            pm.Potential("log_likelihood", value)
            if sampled is not None and sampled.sets is not None:
                pm.Potential("matched_sets", matched_sets(cells, data, sampled.first))
    return model
