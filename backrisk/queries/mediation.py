"""How much of a cause's effect goes through chosen mediators, and how much beside them."""

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
from backrisk.inference import Pinned, World
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import (
    demand_cause,
    named,
    read_do,
    read_names,
    read_node,
    read_person,
    read_target,
)
from backrisk.queries.paths import weakest_link
from backrisk.queries.seeing import probability
from backrisk.summary import interval, side, summarise
from backrisk.words import listed, names_of, percent, points, say

EFFECTS = ("natural_direct_effect", "natural_indirect_effect", "total_effect")
PROPORTIONS = ("direct_over_total", "explained_by_mediation", "indirect_over_total")


@dataclass(frozen=True, eq=False, repr=False)
class Mediation(Answer):
    """Natural effects on the risk; ``draws`` is ``(draw, 3)`` in the order of ``effects``.

    Parameters
    ----------
    cause : str
    mediators : tuple of str
    start, end : str
        The states of the cause that are compared.
    grade : str
        Of the weakest edge on the cause's strongest path to the target.
    """

    cause: str
    mediators: tuple[str, ...]
    start: str
    end: str
    grade: str

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the columns of ``draws``."""
        return EFFECTS

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities: the effects are."""
        return name in EFFECTS

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        return say(f"queries.rows.{name}")

    @property
    def decided(self) -> bool:
        """Whether the interval of the total effect excludes zero."""
        return bool(side(*interval(self.draws[:, 2])))

    @property
    def table(self) -> pd.DataFrame:
        """The effects, then their proportions of the total.

        A proportion's ``mean`` is the ratio of the means and its interval that of the ratios of
        the draws. Where the interval of the total effect includes zero a proportion has no
        meaning, and is NaN.
        """
        direct, indirect, total = self.draws.T
        parts = np.column_stack([direct, total - direct, indirect])
        rows = pd.DataFrame(np.nan, index=pd.Index(PROPORTIONS), columns=["mean", "low", "high"])
        if self.decided:
            with np.errstate(divide="ignore", invalid="ignore"):
                low, high = interval(parts / total[:, None])
            rows = rows.assign(mean=parts.mean(axis=0) / total.mean(), low=low, high=high)
        return pd.concat([summarise(self.draws, EFFECTS), rows])

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        through = listed(map(self.names.node, self.mediators))
        direct, indirect, total = (points(column) for column in self.draws.T)
        said = [
            say(
                "queries.mediate.effects",
                start=self.names.phrase(self.cause, self.start),
                end=self.names.phrase(self.cause, self.end),
                target=self.target.label,
                total=total,
                mediators=through,
                indirect=indirect,
                direct=direct,
            )
        ]
        if self.decided:
            row = self.table.T["explained_by_mediation"]
            mean, low, high = (percent(float(row[end])) for end in ("mean", "low", "high"))
            share = say("phrases.estimate", mean=mean, low=low, high=high)
            said.append(say("queries.mediate.explained", mediators=through, share=share))
        else:
            said.append(say("queries.mediate.undecided"))
        return [*said, say("queries.mediate.evidence", grade=self.names.grade(self.grade))]


@checked("person")
def mediate(
    posterior: Posterior,
    person: Mapping[str, Any],
    cause: str,
    mediators: str | Sequence[str],
    *,
    target: str | None = None,
    to: str | None = None,
) -> Mediation:
    """Split a cause's effect on the risk into direct and mediated. Rung: counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        Evidence; what the cause can change is set aside. The cause's own value stays evidence
        about what lies above it, as for `backrisk.intervene`.
    cause : str
        Set from its reference to `to`.
    mediators : str or sequence of str
        One or several, taken together; each on a path from the cause to the target.
    target : str, optional
    to : str, optional
        The state of the cause that is compared with its reference: by default the person's own
        where that is adverse, otherwise the worst.

    Returns
    -------
    Mediation
        ``draws`` of shape ``(draw, 3)``: with x* the reference, x the state `to`, M the
        mediators and e the evidence,
        ``natural_direct_effect = P(Y(x, M(x*)) | e) - P(Y(x*) | e)``,
        ``natural_indirect_effect = P(Y(x*, M(x)) | e) - P(Y(x*) | e)`` and
        ``total_effect = P(Y(x) | e) - P(Y(x*) | e)``. The first two sum to the third only where
        cause and mediators do not interact. ``table`` adds ``direct_over_total``,
        ``explained_by_mediation`` (1 less the former) and ``indirect_over_total``.

    Raises
    ------
    QueryError
        If a name or state is not understood; if a mediator does not lie between cause and
        target; if a recanting witness makes the effects depend on a coupling of two worlds
        (Avin, Shpitser and Pearl 2005): a node that the cause changes beside the mediators, and
        that changes both a mediator and the target.

    Notes
    -----
    The mediation formula (Pearl 2001, doi:10.1145/3501714.3501736) for any number of mediators in
    a discrete network, exact in each draw. Assumes that the graph holds and that the noise of
    each node is independent of the others', also across worlds; needs no coupling, since without
    a recanting witness each node lives in one world only.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> binary = ["no", "yes"]
    >>> g = CausalGraph.from_edges(
    ...     [("t", "m"), ("t", "y"), ("m", "y")], {"t": binary, "m": binary, "y": binary}
    ... )
    >>> y = [[[0.8, 0.2], [0.7, 0.3]], [[0.6, 0.4], [0.2, 0.8]]]
    >>> p = Posterior.from_cpts(g, {"t": [0.5, 0.5], "m": [[0.6, 0.4], [0.25, 0.75]], "y": y})
    >>> mediate(p, {}, "t", ["m"]).table["mean"].round(4).to_dict()
    {'natural_direct_effect': 0.32, 'natural_indirect_effect': 0.035, 'total_effect': 0.46,
     'direct_over_total': 0.6957, 'explained_by_mediation': 0.3043, 'indirect_over_total': 0.0761}
    """
    graph = posterior.graph
    event = read_target(graph, target)
    evidence = read_person(posterior, person)
    cause = read_node(graph, cause, "queries.what.cause")
    chosen = tuple(
        read_node(graph, name, "queries.what.mediator")
        for name in read_names(mediators, "mediators")
    )
    end = evidence.get(cause, 0) or len(graph.node(cause).states) - 1
    if to is not None:
        end = read_do(graph, {cause: to}, event)[cause]
        if end == 0:
            raise QueryError(say("queries.to_reference", node=cause, state=to))
    through = _through(graph, cause, chosen, event)
    changed = graph.descendants(cause)
    context = {name: code for name, code in evidence.items() if name not in changed}

    def risk(beside: int, within: int) -> Array:
        seen = {
            child: {cause: within if child in through else beside}
            for child in graph.children(cause)
        }
        return probability(World(Pinned(posterior, seen), context, {}), event)

    none, direct, indirect, both = risk(0, 0), risk(end, 0), risk(0, end), risk(end, end)
    states = graph.node(cause).states
    return Mediation(
        np.column_stack([direct - none, indirect - none, both - none]),
        event,
        named(graph, context),
        cause,
        chosen,
        states[0],
        states[end],
        weakest_link(graph, cause, event.node),
        graph=graph,
        notes=_notes(graph, evidence, cause, context),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def _through(
    graph: CausalGraph, cause: str, mediators: Sequence[str], target: Target
) -> frozenset[str]:
    """Return the mediators and all their causes, refusing what makes no question."""
    import networkx as nx  # a fifth of a second, which a risk does without

    if not mediators or len(set(mediators)) < len(mediators):
        raise QueryError(say("queries.mediators_form"))
    demand_cause(graph, cause, target.node)
    for mediator in mediators:
        if not (mediator in graph.descendants(cause) and mediator in graph.ancestors(target.node)):
            raise QueryError(
                say(
                    "queries.not_between",
                    mediator=mediator,
                    cause=cause,
                    target=target.node,
                    graph=graph.name,
                )
            )
    through = frozenset(mediators).union(*(graph.ancestors(m) for m in mediators))
    # What the cause reaches beside the mediators takes two values where both worlds need it.
    digraph = graph.to_networkx()
    digraph.remove_nodes_from(mediators)
    reached = nx.descendants(digraph, cause)
    needed = nx.ancestors(digraph, target.node)
    for name in graph.topological:
        if name in reached and name in through and name in needed:
            mediator = next(m for m in mediators if m in graph.descendants(name))
            raise QueryError(
                say(
                    "queries.recanting_witness",
                    node=name,
                    cause=cause,
                    mediator=mediator,
                    target=target.node,
                )
            )
    return through


def _notes(
    graph: CausalGraph, evidence: Mapping[str, int], cause: str, context: Mapping[str, int]
) -> tuple[str, ...]:
    notes = [say("queries.mediate.rests_on")]
    names = names_of(graph)
    aside = [n for n in graph.names if n in evidence and n not in context]
    if aside:
        nodes = listed(map(names.node, aside))
        notes.append(say("queries.mediate.aside", cause=names.node(cause), nodes=nodes))
    return tuple(notes)
