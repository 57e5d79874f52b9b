"""Completed surveys: what was not answered or not measured, drawn from the posterior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.inference import World, completed
from backrisk.posterior import MOST, Posterior
from backrisk.survey import Survey, tabulate
from backrisk.words import say

_FIRST = ("imputation", "id")  # columns before those of nodes


@checked()
def impute(
    posterior: Posterior,
    survey: Survey,
    n: int = 20,
    *,
    seed: int,
    nodes: Sequence[str] | None = None,
    ids: Sequence[object] | None = None,
) -> pd.DataFrame:
    """Draw completed data sets: multiple imputations of all that is not known of each person.

    *Estimand*: for each person, the joint distribution of the nodes that were not answered or are
    never measured, given all that the person answered. Each imputation takes one posterior draw of
    the parameters and then exact states, everybody's by themselves; so analyses of the imputations
    can be pooled by Rubin's rules (Rubin 1987, doi:10.1002/9780470316696).

    *Assumptions*: the graph and its mechanisms; that answers are missing at random given the other
    answers, but where the codebook gives a question a response node; where people were chosen by
    the outcome, that it is known of them. An analysis that is pooled should not ask for more than
    the graph allows: an association that it leaves out is drawn as absent.

    Parameters
    ----------
    posterior : Posterior
        With at least as many draws as imputations; these are taken evenly spaced over the chains,
        so that they hardly depend on each other.
    survey : Survey
        Of the posterior's graph, one row a person. People of a site that the model knows are drawn
        by that site's parameters, others by the pooled ones.
    n : int
        Number of imputations.
    seed : int
    nodes : sequence of str, optional
        The columns; default every node, questions that are items among them.
    ids : sequence, optional
        What each person of the survey is called, in its order; default the position from 1, rows
        without any answer not counted.

    Returns
    -------
    pandas.DataFrame
        Columns ``imputation`` (from 1), ``id``, and a node each: ordered categories, its states
        from the reference to the worst. A row for each imputation and person, sorted by these.

    Raises
    ------
    QueryError
        If the survey belongs to another graph or has patterns in place of people; the posterior
        has too few draws; there are too many cells to hold; or somebody's answers have
        probability zero, naming the row.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, Posterior, Survey, impute
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> posterior = Posterior.from_cpts(g, {"x": [[0.5, 0.5]] * 2, "y": [[[1, 0], [0, 1]]] * 2})
    >>> survey = Survey.from_frame(pd.DataFrame({"x": ["yes", ""], "y": ["", "no"]}), g)
    >>> impute(posterior, survey, 2, seed=1)
       imputation  id    x    y
    0           1   1  yes  yes
    1           1   2   no   no
    2           2   1  yes  yes
    3           2   2   no   no
    """
    graph = posterior.graph
    if survey.graph != graph:
        told = {"found": survey.graph.name, "expected": graph.name}
        raise QueryError(say("exchange.other_graph", **told))
    if survey.people is not None:
        raise QueryError(say("exchange.patterns"))
    if n < 1:
        raise QueryError(say("exchange.no_imputation", n=n))
    if n > posterior.draws:
        count, draws = posterior.draws, f"{posterior.draws:,}"
        raise QueryError(say("exchange.few_draws", count=count, draws=draws, n=f"{n:,}"))
    asked = graph.names if nodes is None else tuple(graph.node(name).name for name in nodes)
    for name in _FIRST:
        if name in asked:
            raise QueryError(say("exchange.column_taken", node=name))
    if n * survey.n * len(graph.names) > MOST:
        most = MOST // (survey.n * len(graph.names))
        key = "many_imputations" if most else "many_people"
        words = {"n": f"{n:,}", "people": f"{survey.n:,}", "most": f"{most:,}"}
        raise QueryError(say(f"exchange.{key}", **words))
    called = list(range(1, survey.n + 1)) if ids is None else list(ids)
    if len(called) != survey.n:
        raise QueryError(say("exchange.other_ids", found=len(called), expected=survey.n))
    codes = _completed(posterior, survey, n, np.random.default_rng(seed))
    columns: dict[str, object] = {
        "imputation": np.repeat(np.arange(1, n + 1), survey.n),
        "id": called * n,
    }
    for name in asked:
        flat = codes[:, :, graph.names.index(name)].T.ravel()
        states = pd.Index(graph.node(name).states)
        columns[name] = pd.Categorical.from_codes(flat, states, ordered=True)
    return pd.DataFrame(columns)


def _completed(
    posterior: Posterior, survey: Survey, n: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return the states of everybody in every imputation, ``(person, imputation, node)``."""
    graph = posterior.graph
    found = np.empty((survey.n, n, len(graph.names)), dtype=np.int16)
    for local, members in _by_site(posterior, survey, n):
        certain = not all(local.positive(name) for name in graph.names)
        part = replace(survey, codes=survey.codes[members], site=None, sites=(), weights=None)
        patterns = tabulate(part)
        for place, answers in enumerate(patterns.codes):
            people = members[patterns.index == place]
            evidence = {
                name: int(code)
                for name, code in zip(graph.names, answers, strict=True)
                if code >= 0
            }
            if certain and (World(local, evidence, {}).joint(()) <= 0).any():
                raise QueryError(say("exchange.impossible", row=int(people[0]) + 1))
            states = completed(local, evidence, len(people), rng)
            for column, name in enumerate(graph.names):
                found[people, :, column] = states[name]
    return found


def _by_site(
    posterior: Posterior, survey: Survey, n: int
) -> Iterator[tuple[Posterior, NDArray[np.intp]]]:
    """Yield as many draws as there are imputations, and the people whom they are of."""
    if survey.site is None or posterior.sites is None:
        yield posterior.subset(n), np.arange(survey.n)
        return
    for place, site in enumerate(survey.sites):
        known = site if site in posterior.sites.names else None
        yield posterior.at_site(known).subset(n), np.flatnonzero(survey.site == place)
