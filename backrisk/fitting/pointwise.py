"""The log likelihood of each person, for leave-one-out cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import FitError
from backrisk.fitting.observed import pooled_sites
from backrisk.graph import Layout
from backrisk.likelihood import Circuit, build_circuit, in_parts, row_log_likelihood, stack_logs
from backrisk.posterior import Posterior
from backrisk.survey import Patterns, Survey, tabulate
from backrisk.words import say


@dataclass(frozen=True, eq=False)
class Pointwise:
    """The log likelihood of each distinct pattern of answers, for any posterior of a graph.

    People with the same answers, of the same site, have the same likelihood: what is about each
    person is computed once a pattern.

    Parameters
    ----------
    survey : Survey
    patterns : Patterns
    circuits : tuple of (str or None, ndarray of int, Circuit)
        Of each site, or once where none are pooled: its name, its patterns, their circuit.
    """

    survey: Survey
    patterns: Patterns
    circuits: tuple[tuple[str | None, NDArray[np.intp], Circuit], ...]

    @classmethod
    def of(cls, survey: Survey) -> Pointwise:
        """Compile a survey's patterns.

        Raises
        ------
        FitError
            If people were chosen by the outcome: the likelihood then is not a product over people.
        """
        design = survey.codebook.design
        if design is not None and design.by_outcome:
            raise FitError(say("fitting.chosen_by_outcome"))
        patterns = tabulate(survey)
        sites, by_row = pooled_sites(survey), Layout(survey.graph).by_row
        circuits = []
        for place, site in enumerate(sites or (None,)):
            every = np.arange(len(patterns.weights))
            here = np.flatnonzero(patterns.site == place) if sites else every
            answers = patterns.codes[here], patterns.weights[here]
            circuits.append((site, here, build_circuit(survey.graph, *answers, by_row)))
        return cls(survey, patterns, tuple(circuits))

    def log_likelihood(self, posterior: Posterior) -> Array:
        """Return the log probability of each pattern's answers, ``(draw, pattern)``.

        Parameters
        ----------
        posterior : Posterior
            Of the survey's graph.
        """
        rows = np.empty((posterior.draws, len(self.patterns.weights)))
        for site, here, circuit in self.circuits:
            local = posterior.at_site(site)
            for some in in_parts(local.draws):
                logs = stack_logs(circuit.cells, local, some)
                rows[some, here] = row_log_likelihood(circuit, logs)
        return rows


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
    if survey.people is not None:
        raise FitError(say("fitting.patterns_only"))
    pointwise = Pointwise.of(survey)
    rows = pointwise.log_likelihood(posterior)
    tree = posterior.to_datatree()
    shaped = rows[:, pointwise.patterns.index].reshape(posterior.chains, -1, survey.n)
    tree["log_likelihood"] = xr.DataTree(
        xr.Dataset({"answers": (("chain", "draw", "person"), shaped)})
    )
    return tree
