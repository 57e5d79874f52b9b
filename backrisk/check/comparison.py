"""How well graphs predict each other person, one person left out at a time.

That two graphs predict equally well within error says that these data do not choose between them;
whether any data could is asked of `backrisk.check.equivalence`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.fitting import Pointwise
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.survey import Survey
from backrisk.words import decimal, listed, percent, say

FEWEST_DRAWS = 100  # whose largest weights a Pareto distribution can be fitted to
# A difference below 4 is small whatever its error, which then is no guide (Sivula, Magnusson,
# Matamoros and Vehtari 2025, doi:10.48550/arXiv.2008.10296).
SMALL, ERRORS = 4.0, 2.0
_EQUAL = 1e-9  # of the log predictive density: a difference that is rounding
_SAME = 1e-9  # a range of log likelihoods within which they are all one


@dataclass(frozen=True, eq=False)
class Comparison:
    """How well some models predict a person whom they were not fitted to.

    Parameters
    ----------
    names : tuple of str
        The best first.
    elpd : ndarray, shape (model,)
        Expected log predictive density: the sum over people of the log probability of all that a
        person answered, given everybody else's answers. Estimated by PSIS-LOO.
    difference : ndarray, shape (model,)
        `elpd` less that of the best, 0 or below.
    error : ndarray, shape (model,)
        The standard error of the difference, from the spread over people.
    weight : ndarray, shape (model,)
        Of stacking: the mixture of the models that predicts best. They sum to 1.
    parameters : ndarray, shape (model,)
        Effective number of parameters.
    k_hat : ndarray, shape (model,)
        The largest over people. Above `good_k` the estimate for that person is unsure.
    unsure : ndarray of int, shape (model,)
        People whose k-hat is above `good_k`.
    good_k : ndarray, shape (model,)
    people : int
    """

    names: tuple[str, ...]
    elpd: Array
    difference: Array
    error: Array
    weight: Array
    parameters: Array
    k_hat: Array
    unsure: NDArray[np.int64]
    good_k: Array
    people: int

    @property
    def stands(self) -> NDArray[np.bool_]:
        """Which models the data leave standing beside the best, ``(model,)``.

        Those whose difference is within two standard errors, or within 4.
        """
        return np.asarray(stands(self.difference, self.error))

    @property
    def table(self) -> pd.DataFrame:
        """One row a model, the best first; columns are the fields, and ``stands``."""
        columns = ("elpd", "difference", "error", "weight", "parameters", "k_hat", "unsure")
        return pd.DataFrame(
            {**{name: getattr(self, name) for name in columns}, "stands": self.stands},
            index=pd.Index(self.names, name="model"),
        )

    @property
    def text(self) -> str:
        """The comparison in words."""
        n = f"{self.people:,}"
        tied = int((np.abs(self.difference) <= _EQUAL * np.abs(self.elpd[0])).sum())
        if tied > 1:
            models = listed(f"'{name}'" for name in self.names[:tied])
            told: list[str] = [say("check.comparison.tied", models=models, n=n)]
        else:
            told = [say("check.comparison.best", model=self.names[0], n=n)]
        for place, name in enumerate(self.names[tied:], start=tied):
            numbers = {
                "difference": decimal(abs(self.difference[place]), 1),
                "error": decimal(self.error[place], 1),
                "weight": percent(float(self.weight[place])),
            }
            key = "stands" if self.stands[place] else "worse"
            told.append(say(f"check.comparison.{key}", model=name, **numbers))
        if unsure := [
            say("check.comparison.unsure_of", model=name, count=int(n), n=f"{n:,}")
            for name, n in zip(self.names, self.unsure, strict=True)
            if n
        ]:
            told.append(say("check.comparison.unsure", models=listed(unsure)))
        if self.stands[1:].any():
            told.append(say("check.comparison.not_equivalence"))
        return " ".join(told)


def stands(difference: Array, error: Array) -> NDArray[np.bool_]:
    """Return whether differences from the best are within two standard errors, or within 4."""
    return np.asarray(-difference <= np.maximum(ERRORS * error, SMALL))


@checked()
def compare_graphs(posteriors: Mapping[str, Posterior], survey: Survey) -> Comparison:
    """Compare fits of several graphs to one survey by how well they predict each person.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        By what a reader calls each; all fitted to this survey. Each has every node and item that
        anybody answered, with the same states, so that all predict the same answers.
    survey : Survey
        Read for any of the graphs.

    Returns
    -------
    Comparison

    Raises
    ------
    QueryError
        If there are fewer than two models, one has fewer than 100 draws, the survey is empty or
        holds answers that a graph does not know, or people have different sampling weights: a
        person then is not one term of the likelihood.
    FitError
        If people were chosen by the outcome: the likelihood then is not a product over people.

    Notes
    -----
    *Estimand.* The expected log predictive density of all that a new person of the population
    surveyed answers, by leave-one-out cross-validation with Pareto smoothed importance sampling
    (Vehtari, Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4). Left out are whole persons,
    with all of their answers; people with equal answers count as often as they are. Where the
    largest importance weights have an infinite variance (k-hat above 0.7, less for few draws), the
    number for that person is unsure, and how many those are is told. People are taken as drawn
    independently; those of one site are, given its own intercepts.

    *Weights* are those of stacking predictive distributions (Yao, Vehtari, Simpson and Gelman 2018,
    doi:10.1214/17-BA1091). They are no probabilities of the graphs: of two that predict alike, one
    may get all of the weight.

    Examples
    --------
    >>> from backrisk import CausalGraph, Survey, fit
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": ["no", "yes"] * 60, "y": ["no", "yes", "no"] * 40})
    >>> graphs = {text: CausalGraph.from_text(text, outcome="y") for text in ("x; y", "x -> y")}
    >>> fits = {n: fit(g, frame, seed=1, draws=250) for n, g in graphs.items()}
    >>> compare_graphs(fits, Survey.from_frame(frame, graphs["x; y"])).names[0]
    'x; y'
    """
    if len(posteriors) < 2:
        raise QueryError(say("check.comparison.one_model", count=len(posteriors)))
    found = {}
    for name, posterior in posteriors.items():
        read = survey_for(survey, posterior.graph, name)
        found[name] = leave_one_out(posterior, Pointwise.of(read), name)
    return compared(found)


def compared(found: Mapping[str, Any]) -> Comparison:
    """Compare what `leave_one_out` gave of each model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is told in words
        table = az.compare(dict(found), round_to="none")
    names = tuple(map(str, table.index))
    khats = [found[name].pareto_k.to_numpy() for name in names]
    good = np.array([float(found[name].good_k) for name in names])
    return Comparison(
        names=names,
        elpd=table["elpd"].to_numpy(dtype=np.float64),
        difference=table["elpd_diff"].to_numpy(dtype=np.float64),
        error=table["dse"].to_numpy(dtype=np.float64),
        weight=table["weight"].to_numpy(dtype=np.float64),
        parameters=table["p"].to_numpy(dtype=np.float64),
        k_hat=np.array([k.max() for k in khats]),
        unsure=np.array([int((k > limit).sum()) for k, limit in zip(khats, good, strict=True)]),
        good_k=good,
        people=int(found[names[0]].n_data_points),
    )


def leave_one_out(posterior: Posterior, pointwise: Pointwise, name: str) -> Any:
    """Estimate the log predictive density of each person given all others, by PSIS-LOO.

    Parameters
    ----------
    posterior : Posterior
    pointwise : Pointwise
        Of the survey, read for the posterior's graph.
    name : str
        What messages call the model.

    Returns
    -------
    arviz_stats.ELPDDataLOO
        Pointwise, a value a person.
    """
    if posterior.draws < FEWEST_DRAWS:
        told = {"model": name, "draws": posterior.draws, "least": FEWEST_DRAWS}
        raise QueryError(say("check.comparison.few_draws", **told))
    demand_alike(pointwise.survey)
    rows = pointwise.log_likelihood(posterior)
    tree = posterior.to_datatree()
    # Where all draws say the same of a person, each is what it would be without that person, and
    # there is no tail to fit: any numbers that do vary stand there, and are put right below.
    same = np.ptp(rows, axis=0) <= _SAME
    varied = np.where(same, np.linspace(-1.0, 0.0, len(rows))[:, None], rows)
    shaped = varied.reshape(posterior.chains, -1, rows.shape[1])
    answers = xr.Dataset({"answers": (("chain", "draw", "pattern"), shaped)})
    tree["log_likelihood"] = xr.DataTree(answers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k-hat is told in words
        once = az.loo(tree, var_name="answers", pointwise=True)
    survey, index = pointwise.survey, pointwise.patterns.index
    each = index if survey.people is None else np.repeat(index, survey.people)
    elpd = np.where(same, rows.mean(axis=0), once.elpd_i.to_numpy())[each]
    k_hat = np.where(same, 0.0, once.pareto_k.to_numpy())
    learned = (logsumexp(rows, axis=0) - np.log(len(rows)))[each] - elpd
    return replace(
        once,
        elpd=float(elpd.sum()),
        se=float(np.sqrt(len(elpd)) * elpd.std()),
        p=float(learned.sum()),
        n_data_points=len(elpd),
        elpd_i=xr.DataArray(elpd, dims="person"),
        pareto_k=xr.DataArray(k_hat[each], dims="person"),
        log_weights=None,
    )


def demand_alike(survey: Survey) -> None:
    """Refuse a survey that nobody can be left out of, and one of different sampling weights.

    Raises
    ------
    QueryError
    """
    if not survey.n:
        raise QueryError(say("check.comparison.nobody"))
    if survey.n < 2:
        raise QueryError(say("check.comparison.alone"))
    if not (survey.codes >= 0).any():
        raise QueryError(say("check.comparison.no_answer"))
    people = 1 if survey.people is None else survey.people
    if survey.weights is not None and len(np.unique((survey.weights / people).round(12))) > 1:
        raise QueryError(say("check.comparison.weighted"))


def survey_for(survey: Survey, graph: CausalGraph, name: str) -> Survey:
    """Return a survey as one of another graph that knows all of its answers.

    Raises
    ------
    QueryError
        If somebody answered about a node that the graph lacks or gives other states.
    """
    if survey.graph == graph:
        return survey
    codes = np.full((len(survey.codes), len(graph.names)), -1, dtype=np.int8)
    for column, node in enumerate(survey.graph.nodes):
        answers = survey.codes[:, column]
        if not (answers >= 0).any():
            continue
        if node.name not in graph.names or graph.node(node.name).states != node.states:
            raise QueryError(say("check.comparison.other_answers", node=node.name, model=name))
        codes[:, graph.names.index(node.name)] = answers
    return replace(survey, graph=graph, codes=codes)
