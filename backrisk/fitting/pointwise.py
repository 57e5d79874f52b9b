"""The log likelihood of each person, for leave-one-out cross-validation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from backrisk._arguments import checked
from backrisk.errors import FitError
from backrisk.fitting.observed import pooled_sites
from backrisk.likelihood import build_circuit, in_parts, row_log_likelihood, stack_logs
from backrisk.posterior import Posterior
from backrisk.survey import Survey, tabulate
from backrisk.words import say


@checked()
def log_likelihood(posterior: Posterior, survey: Survey) -> xr.DataTree:
    """Compute each person's log-likelihood after sampling, for leave-one-out comparison.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey

    Returns
    -------
    xarray.DataTree
        The posterior's tree with a group ``log_likelihood``: variable ``answers`` of dimensions
        ``(chain, draw, person)``; ``az.loo(tree, var_name="answers")`` reads it.

    Raises
    ------
    FitError
        If the survey belongs to another graph, or has patterns instead of people, or if these were
        chosen by the outcome: the likelihood then is not a product over people.
    """
    if survey.graph != posterior.graph:
        said = say("fitting.other_graph", found=survey.graph.name, expected=posterior.graph.name)
        raise FitError(said)
    design = survey.codebook.design
    if design is not None and design.by_outcome:
        raise FitError(say("fitting.chosen_by_outcome"))
    if survey.people is not None:
        raise FitError(say("fitting.patterns_only"))
    patterns = tabulate(survey)
    rows = np.empty((posterior.draws, len(patterns.weights)))
    sites = pooled_sites(survey)
    for place, site in enumerate(sites or (None,)):
        here = np.flatnonzero(patterns.site == place) if sites else np.arange(rows.shape[1])
        local = posterior.at_site(site)
        answers = patterns.codes[here], patterns.weights[here]
        circuit = build_circuit(local.graph, *answers, local.layout.by_row)
        for some in in_parts(local.draws):
            logs = stack_logs(circuit.cells, local, some)
            rows[some, here] = row_log_likelihood(circuit, logs)
    tree = posterior.to_datatree()
    shaped = rows[:, patterns.index].reshape(posterior.chains, -1, survey.n)
    tree["log_likelihood"] = xr.DataTree(
        xr.Dataset({"answers": (("chain", "draw", "person"), shaped)})
    )
    return tree
