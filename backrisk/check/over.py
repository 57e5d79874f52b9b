"""One question over many models: how far the answers are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import Attribution, Contrast, attribute, intervene
from backrisk.summary import interval
from backrisk.words import capital, decimal, listed, names_of, percent, say

_TOLD = 6  # causes that sentences tell of; the table holds all
_NONE = 5e-4  # a share that rounds to no tenth of a point, in every model
_EFFECT = "effect"


@dataclass(frozen=True, eq=False)
class Over:
    """The answers of several models to one question.

    Parameters
    ----------
    rows : tuple of str
        What the numbers are of: causes, or ``effect``.
    models : tuple of str
    means : ndarray, shape (model, row)
        Posterior means. 0 where a graph has no path from the cause to the target: it says so.
    low, high : ndarray, shape (model, row)
        Ends of each model's own interval.
    leading : ndarray of bool, shape (model, row), optional
        Whether the row has the largest mean of its model, above 0. Only where rows share a total.
    points : bool
        Whether numbers are differences of probabilities.
    label : str
        What the numbers are, as a sentence begins.
    graph : CausalGraph
        Of the first model, which words the rows.
    graphs : int
        How many of the models' graphs differ in their edges.
    """

    rows: tuple[str, ...]
    models: tuple[str, ...]
    means: Array
    low: Array
    high: Array
    leading: Array | None
    points: bool
    label: str
    graph: CausalGraph
    graphs: int

    @property
    def table(self) -> pd.DataFrame:
        """One row a cause, the largest first.

        Columns ``lowest`` and ``highest`` (of the models' means), ``lowest_in`` and ``highest_in``
        (the models), ``low`` and ``high`` (the farthest ends of the models' own intervals), and
        where they share a total ``leading``, in how many models the cause has the largest share.
        """
        columns: dict[str, Any] = {
            "lowest": self.means.min(axis=0),
            "highest": self.means.max(axis=0),
            "lowest_in": [self.models[i] for i in self.means.argmin(axis=0)],
            "highest_in": [self.models[i] for i in self.means.argmax(axis=0)],
            "low": self.low.min(axis=0),
            "high": self.high.max(axis=0),
        }
        if self.leading is not None:
            columns["leading"] = self.leading.sum(axis=0).astype(int)
        table = pd.DataFrame(columns, index=pd.Index(self.rows, name="cause"))
        order = np.argsort(-np.abs(self.means).max(axis=0), kind="stable")
        return table.iloc[order]

    @property
    def text(self) -> str:
        """The range of each number over the models, the largest first."""
        names, table = names_of(self.graph), self.table
        many = {"count": len(self.models), "n": len(self.models), "graphs": self.graphs}
        told: list[str] = [say("check.over.of", label=self.label, **many)]
        shown = table[np.maximum(table["highest"].abs(), table["lowest"].abs()) >= _NONE]
        if shown.empty:
            told.append(say("check.over.nothing"))
        for row in shown.head(_TOLD).reset_index().to_dict("records"):
            low, high = (self._worded(row[key]) for key in ("lowest", "highest"))
            ends = low if low == high else say("check.over.range", low=low, high=high)
            key = "points" if self.points else "percent"
            if self.leading is None:
                told.append(say(f"check.over.{key}", range=ends))
                continue
            node = capital(names.node(row["cause"]))
            told.append(say(f"check.over.cause_{key}", cause=node, range=ends))
        if self.leading is not None and self.leading.any():
            first = table[table["leading"] > 0].sort_values("leading", ascending=False)
            leads = [
                say("check.over.lead", cause=names.node(row["cause"]), times=row["leading"])
                for row in first.reset_index().to_dict("records")
            ]
            told.append(say("check.over.leading", causes=listed(leads)))
        return " ".join(told)

    def _worded(self, number: float) -> str:
        return decimal(100 * number, 1) if self.points else percent(number, unit=False)


@checked("person")
def attribute_over(
    posteriors: Mapping[str, Posterior],
    person: Mapping[str, Any],
    causes: str | Sequence[str] | None = None,
    *,
    method: str = "shapley",
    target: str | None = None,
    baseline: str = "healthy",
    coupling: str = "monotone",
    seed: int = 0,
) -> Over:
    """Attribute one person's outcome to causes in each of several models.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        Such as `Standing.posteriors`, or fits under several priors.
    person : mapping
    causes, method, target, baseline, coupling, seed
        As for `backrisk.attribute`. By default each graph has its own causes, those on its paths to
        the target; one that has no path in a graph gets 0 there, which is what that graph says.

    Returns
    -------
    Over
        The estimand of each number is that of `backrisk.attribute`, under that model's graph and
        prior. The range over models is no interval with a probability: it is as wide as the models
        that were tried are different.

    Raises
    ------
    QueryError
        If there is no model, and as for `backrisk.attribute`.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    >>> other = cpts | {"y": [[[0.6, 0.4], [0.3, 0.7]]]}
    >>> models = {"one": Posterior.from_cpts(g, cpts), "other": Posterior.from_cpts(g, other)}
    >>> attribute_over(models, {"x": "yes"}).table[["lowest", "highest", "leading"]].round(2)
           lowest  highest  leading
    cause
    x         0.3      0.5        2
    """
    _demand_some(posteriors)
    asked: dict[str, Any] = {
        "method": method,
        "target": target,
        "baseline": baseline,
        "coupling": coupling,
        "seed": seed,
    }
    found: dict[str, Attribution] = {}
    for name, posterior in posteriors.items():
        found[name] = attribute(posterior, person, causes, **asked)
    answers = list(found.values())
    rows = tuple(dict.fromkeys(cause for each in answers for cause in each.causes))
    means, low, high = (np.zeros((len(answers), len(rows))) for _ in range(3))
    for place, each in enumerate(answers):
        at = [rows.index(cause) for cause in each.causes]
        means[place, at] = each.draws.mean(axis=0)
        low[place, at], high[place, at] = interval(each.draws)
    leading = None
    if method == "shapley" and len(rows):
        leading = (means == means.max(axis=1, keepdims=True)) & (means > 0)
    label = say("check.over.attribution", target=answers[0].target.label)
    graph, points = answers[0].graph, answers[0].in_points(rows[0] if rows else "")
    distinct = _distinct(posteriors)
    return Over(rows, tuple(found), means, low, high, leading, points, label, graph, distinct)


@checked("person", "do")
def intervene_over(
    posteriors: Mapping[str, Posterior],
    person: Mapping[str, Any],
    do: Mapping[str, str],
    *,
    target: str | None = None,
) -> Over:
    """Ask what setting nodes would do to one person's risk in each of several models.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
    person, do, target
        As for `backrisk.intervene`.

    Returns
    -------
    Over
        Of one row, ``effect``: the change in the probability of the target.

    Raises
    ------
    QueryError
        If there is no model, and as for `backrisk.intervene`: in some graphs a node that was
        reported may follow from one that is set.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    >>> models = {"one": Posterior.from_cpts(g, cpts)}
    >>> intervene_over(models, {"x": "yes"}, {"x": "no"}).means.round(3).tolist()
    [[-0.5]]
    """
    _demand_some(posteriors)
    found: dict[str, Contrast] = {
        name: intervene(posterior, person, do, target=target)
        for name, posterior in posteriors.items()
    }
    first = next(iter(found.values()))
    changes = [each.change for each in found.values()]
    ends = [interval(change) for change in changes]
    done = listed(first.names.phrase(node, state) for node, state in first.do.items())
    return Over(
        (_EFFECT,),
        tuple(found),
        np.array([[change.mean()] for change in changes]),
        np.array([[float(low)] for low, _ in ends]),
        np.array([[float(high)] for _, high in ends]),
        None,
        True,
        say("check.over.change", target=first.target.label, done=done),
        first.graph,
        _distinct(posteriors),
    )


def _demand_some(posteriors: Mapping[str, Posterior]) -> None:
    if not posteriors:
        raise QueryError(say("check.over.no_model"))


def _distinct(posteriors: Mapping[str, Posterior]) -> int:
    """Return how many of the graphs differ in their edges."""
    return len(
        {frozenset((e.cause, e.effect) for e in each.graph.edges) for each in posteriors.values()}
    )
