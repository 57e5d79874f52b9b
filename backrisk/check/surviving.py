"""Which conclusions of a model hold in every graph that the data leave standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.standing import STATED
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Finding, Posterior, Verdict
from backrisk.queries import intervene
from backrisk.words import names_of, percent, say

SURE = 0.95  # probability of an effect above zero from which it is a conclusion
_SHOWN = 3  # conclusions that fall, in a verdict


@dataclass(frozen=True, eq=False)
class Conclusions:
    """What a model concludes of causes, and in which graphs that stands.

    Parameters
    ----------
    causes : tuple of str
    models : tuple of str
        The graph as stated first.
    above : ndarray, shape (model, cause)
        In each model: the probability that the cause at its worst, set for everybody, makes the
        target more likely than at its reference. 0 where the graph has no path to the target.
    sure : float
        From which probability that is a conclusion.
    graph : CausalGraph
        As stated.
    """

    causes: tuple[str, ...]
    models: tuple[str, ...]
    above: Array
    sure: float
    graph: CausalGraph

    @property
    def drawn(self) -> tuple[str, ...]:
        """The causes of which the graph as stated concludes that they raise the risk."""
        return tuple(c for c, p in zip(self.causes, self.above[0], strict=True) if p >= self.sure)

    @property
    def surviving(self) -> tuple[str, ...]:
        """Those of which every graph does."""
        least = dict(zip(self.causes, self.above.min(axis=0), strict=True))
        return tuple(cause for cause in self.drawn if least[cause] >= self.sure)

    @property
    def table(self) -> pd.DataFrame:
        """One row a cause: ``stated``, ``lowest``, ``lowest_in``, ``survives``.

        ``survives`` is missing where the graph as stated concludes nothing.
        """
        lowest = self.above.argmin(axis=0)
        drawn, kept = set(self.drawn), set(self.surviving)
        return pd.DataFrame(
            {
                "stated": self.above[0],
                "lowest": self.above.min(axis=0),
                "lowest_in": [self.models[i] for i in lowest],
                "survives": pd.array(
                    [cause in kept if cause in drawn else None for cause in self.causes], "boolean"
                ),
            },
            index=pd.Index(self.causes, name="cause"),
        )

    @property
    def verdict(self) -> Verdict | None:
        """The same as one line that is kept with the model; None where it concludes nothing."""
        if not self.drawn:
            return None
        fallen = [cause for cause in self.drawn if cause not in self.surviving]
        finding: Finding = "too_little" if fallen else "agrees"
        numbers = {
            "graphs": len(self.models),
            "kept": len(self.surviving),
            "drawn": len(self.drawn),
        }
        return Verdict.of("standing", finding, [(name,) for name in fallen[:_SHOWN]], **numbers)

    @property
    def text(self) -> str:
        """The line of the verdict, and in which graph each conclusion that falls does."""
        names = names_of(self.graph)
        if self.verdict is None:
            return say("check.surviving.nothing", sure=percent(self.sure))
        told = [self.verdict.sentence(names)]
        for row in self.table.reset_index().to_dict("records"):
            if row["survives"] is not pd.NA and not row["survives"]:
                about = {"cause": names.node(row["cause"]), "graph": row["lowest_in"]}
                shares = {key: percent(row[key]) for key in ("stated", "lowest")}
                told.append(say("check.surviving.falls", **about, **shares))
        return " ".join(told)


@checked()
def conclusions(
    posteriors: Mapping[str, Posterior],
    *,
    target: str | None = None,
    causes: Sequence[str] | None = None,
    sure: float = SURE,
) -> Conclusions:
    """Ask which causes raise the risk in every one of several graphs.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        `Standing.posteriors`: the one called ``stated`` is the model whose conclusions are asked
        about, or the first where none is.
    target : str, optional
        As for `backrisk.intervene`.
    causes : sequence of str, optional
        By default what the model advises on, else everything modifiable, else every cause, as far
        as it leads to the target.
    sure : float
        A cause is concluded to raise the risk where the probability of that is at least so much.

    Returns
    -------
    Conclusions
        The estimand is the sign of the average effect in the population surveyed: the probability
        of the target with everybody's cause at its worst less that with it at its reference. It
        rests on each graph in turn. That a conclusion survives says nothing of graphs that were
        not tried, such as one with a hidden common cause.

    Raises
    ------
    QueryError
        If there is no model or no cause, or the probability is not between 0.5 and 1; and as for
        `backrisk.intervene`.
    GraphError
        If a cause is no node of the graph.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_text("x -> y")
    >>> up = Posterior.from_cpts(g, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    >>> none = Posterior.from_cpts(g, {"x": [0.5, 0.5], "y": [[0.5, 0.5], [0.5, 0.5]]})
    >>> found = conclusions({"stated": up, "other": none}, causes=["x"])
    >>> found.drawn, found.surviving
    (('x',), ())
    """
    if not posteriors:
        raise QueryError(say("check.over.no_model"))
    if not 0.5 < sure < 1.0:
        raise QueryError(say("check.surviving.sure", sure=sure))
    first = STATED if STATED in posteriors else next(iter(posteriors))
    models = (first, *(name for name in posteriors if name != first))
    graph = posteriors[first].graph
    end = target.partition(">=")[0].strip() if target else graph.outcome
    chosen = tuple(causes) if causes is not None else _advised(graph, end)
    if not chosen:
        raise QueryError(say("check.surviving.no_cause", graph=graph.name))
    for name in chosen:
        graph.node(name)
    above = np.array(
        [[_above(posteriors[model], cause, target) for cause in chosen] for model in models]
    )
    return Conclusions(chosen, models, above, sure, graph)


def _advised(graph: CausalGraph, target: str | None) -> tuple[str, ...]:
    leads = graph.ancestors(target) if target in graph.names else frozenset(graph.names)
    modifiable = tuple(node.name for node in graph.nodes if node.modifiable)
    for each in (graph.playing("advised"), modifiable, graph.names):
        if found := tuple(name for name in each if name in leads):
            return found
    return ()


def _above(posterior: Posterior, cause: str, target: str | None) -> float:
    node = posterior.graph.node(cause)
    worst, least = (
        intervene(posterior, {}, {cause: state}, target=target).draws
        for state in (node.states[-1], node.reference)
    )
    return float((worst > least).mean())
