"""What carrying a model changed: risks and effects in the population surveyed and in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries import Target, probabilities, probability, read_names, read_target, risks
from backrisk.summary import interval
from backrisk.survey import Survey, tabulate
from backrisk.words import estimate, names_of, points, say, shift

_DRAWS = 200  # that a cohort is asked about in


@dataclass(frozen=True, eq=False)
class CarriedRisks:
    """Risks and effects before and after a model was carried.

    Parameters
    ----------
    rows : tuple of (str, str)
        What each is of: ``("population", "")``, ``("person", name)``, ``("cohort", "")`` or
        ``("effect", cause)``.
    before, after : tuple of ndarray, each (draw,)
        In the population surveyed, and in the other. Draws go together, one by one.
    target : Target
    population : str
    graph : CausalGraph
    """

    rows: tuple[tuple[str, str], ...]
    before: tuple[Array, ...] = field(repr=False)
    after: tuple[Array, ...] = field(repr=False)
    target: Target
    population: str
    graph: CausalGraph = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """One row each: ``what, of``, and mean, low and high of before, after and change."""
        found = []
        for row, before, after in zip(self.rows, self.before, self.after, strict=True):
            entry: dict[str, Any] = {"what": row[0], "of": row[1]}
            for key, draws in (("before", before), ("after", after), ("change", after - before)):
                low, high = interval(draws)
                entry[key] = float(draws.mean())
                entry |= {f"{key}_low": float(low), f"{key}_high": float(high)}
            found.append(entry)
        return pd.DataFrame(found)

    @property
    def text(self) -> str:
        """The same in words."""
        names = names_of(self.graph)
        told = []
        for (what, of), before, after in zip(self.rows, self.before, self.after, strict=True):
            about: dict[str, Any] = {"target": self.target.label, "population": self.population}
            if what == "effect":
                states = self.graph.node(of).states
                about |= {
                    "start": names.phrase(of, states[0]),
                    "end": names.phrase(of, states[-1]),
                    "before": points(before),
                    "after": points(after),
                }
            else:
                about |= {"before": estimate(before), "after": estimate(after), "of": of}
                about["shift"] = shift(after - before)
            told.append(say(f"check.elsewhere.{what}", **about))
        return " ".join(told)


@checked("people")
def carried_risks(
    before: Posterior,
    after: Posterior,
    people: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    cohort: Survey | None = None,
    causes: str | tuple[str, ...] | list[str] = (),
    target: str | None = None,
) -> CarriedRisks:
    """Show what carrying a model changed.

    Parameters
    ----------
    before, after : Posterior
        The model of the survey, and what `transport` made of it.
    people : mapping of name to person, optional
        As for `backrisk.risk`.
    cohort : Survey, optional
        People whose mean risk is shown, given their answers about anything but the target. Asked
        in at most 200 draws.
    causes : str or list of str
        Nodes whose effect is shown.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.

    Returns
    -------
    CarriedRisks

    Raises
    ------
    QueryError
        If the second model is not the first one carried; else as `backrisk.risk`.

    Notes
    -----
    Estimands, draw by draw: ``P(target)`` and ``P*(target)``; of a person,
    ``P(target | answers)`` and ``P*(target | answers)``; of a cohort their mean over its people; of
    a cause, ``P(target | do(cause = worst)) - P(target | do(cause = reference))`` averaged over
    each population. That effect differs between populations even where every mechanism below the
    cause is the same, as far as something that modifies it is distributed differently.

    Examples
    --------
    >>> from backrisk import CausalGraph
    >>> from backrisk.check import Population, carried_risks, transport
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> here = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.7, 0.3]]})
    >>> there = {"name": "the clinic", "differs": ["x"], "shares": {"x": 0.8}}
    >>> found = carried_risks(here, transport(here, Population.from_dict(there, graph)))
    >>> found.table[["before", "after"]].round(2).values.tolist()
    [[0.2, 0.26]]
    """
    carried = after.meta.get("carried")
    same = before.draws == after.draws and before.graph.names == after.graph.names
    if not carried or before.meta.get("carried") or not same:
        raise QueryError(say("check.elsewhere.not_carried"))
    event = read_target(after.graph, target)
    rows: list[tuple[str, str]] = [("population", "")]
    pairs = [[_share(each, event) for each in (before, after)]]
    for name, person in (people or {}).items():
        rows.append(("person", str(name)))
        pairs.append([risks(each, [person], target=target)[:, 0] for each in (before, after)])
    if cohort is not None:
        rows.append(("cohort", ""))
        pairs.append([_mean_risk(each, cohort, event) for each in (before, after)])
    for cause in read_names(causes, "causes"):
        if cause not in after.graph.ancestors(event.node):
            raise QueryError(
                say("queries.no_cause", name=cause, target=event.node, graph=after.graph.name)
            )
        rows.append(("effect", cause))
        pairs.append([_effect(each, cause, event) for each in (before, after)])
    return CarriedRisks(
        tuple(rows),
        tuple(first for first, _ in pairs),
        tuple(second for _, second in pairs),
        event,
        carried["population"],
        after.graph,
    )


def _share(posterior: Posterior, event: Target) -> Array:
    found: Array = posterior.marginal(event.node)[list(event.codes)].sum(axis=0)
    return found


def _mean_risk(posterior: Posterior, cohort: Survey, event: Target) -> Array:
    if cohort.graph.names != posterior.graph.names:
        found, expected = cohort.graph.name, posterior.graph.name
        raise QueryError(say("check.other_graph", found=found, expected=expected))
    patterns = tabulate(cohort)
    codes = np.array(patterns.codes)
    codes[:, posterior.graph.names.index(event.node)] = -1
    asked, place = np.unique(codes, axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), patterns.weights)
    each = probabilities(posterior.subset(_DRAWS), asked, event)
    mean: Array = weights @ each / weights.sum()
    return mean


def _effect(posterior: Posterior, cause: str, event: Target) -> Array:
    worst = len(posterior.graph.node(cause).states) - 1
    high, low = (probability(World(posterior, {}, {cause: k}), event) for k in (worst, 0))
    return high - low
