"""How much of a cause's effect goes through chosen mediators, and how much beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import QueryError, suggest
from backrisk.graph import CausalGraph
from backrisk.inference import Rewired, World, pin
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import named, read_do, read_person, read_target
from backrisk.queries.attribution.causes import weakest_link
from backrisk.queries.single import probability
from backrisk.summary import interval, summarise
from backrisk.words import listed, percent, points, thing

Array = NDArray[np.float64]

EFFECTS = ("natural_direct_effect", "natural_indirect_effect", "total_effect")
PROPORTIONS = ("direct_over_total", "explained_by_mediation", "indirect_over_total")


@dataclass(frozen=True, eq=False)
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

    @property
    def decided(self) -> bool:
        """Whether the interval of the total effect excludes zero."""
        low, high = interval(self.draws[:, 2])
        return bool(low > 0 or high < 0)

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
        table = self.table
        through = listed(thing(mediator) for mediator in self.mediators)
        said = [
            f"Going from {_state(self.cause, self.start)} to {_state(self.cause, self.end)} "
            f"changes the risk of {self.target.label} by {points(self.draws[:, 2])} in all; "
            f"through {through} alone it would change by {points(self.draws[:, 1])}, and with "
            f"{through} held as before by {points(self.draws[:, 0])}."
        ]
        if self.decided:
            row = table.T["explained_by_mediation"]
            mean, low, high = (percent(float(row[end])) for end in ("mean", "low", "high"))
            said.append(
                f"So mediation by {through} explains {mean} ({low} to {high}) of the effect."
            )
        else:
            said.append("The total effect may be of either sign, so no share of it is given.")
        return [*said, f"The evidence is {self.grade}."]


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
        Evidence; what the cause can change, and the cause's own value, are set aside.
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
    aim = read_target(graph, target)
    evidence = read_person(posterior, person)
    chosen = (mediators,) if isinstance(mediators, str) else tuple(mediators)
    if cause not in graph.names:
        raise QueryError(f"The cause '{cause}' is no node{suggest(cause, graph.names)}.")
    end = evidence.get(cause, 0) or len(graph.node(cause).states) - 1
    if to is not None:
        end = read_do(graph, {cause: to}, aim)[cause]
        if end == 0:
            raise QueryError(f"to= is the reference of '{cause}' itself; give a state beyond it.")
    through = _through(graph, cause, chosen, aim)
    downstream = graph.descendants(cause)
    context = {n: c for n, c in evidence.items() if n != cause and n not in downstream}

    def risk(beside: int, within: int) -> Array:
        tables = {
            child: pin(
                posterior.table(child),
                {graph.parents(child).index(cause): within if child in through else beside},
            )
            for child in graph.children(cause)
        }
        world = World(Rewired(posterior, tables, graph), context, {})
        return probability(world, aim)

    none, direct, indirect, both = risk(0, 0), risk(end, 0), risk(0, end), risk(end, end)
    states = graph.node(cause).states
    return Mediation(
        np.column_stack([direct - none, indirect - none, both - none]),
        aim,
        named(graph, context),
        cause,
        chosen,
        states[0],
        states[end],
        weakest_link(graph, cause, aim.node),
        notes=_notes(graph, evidence, cause, context),
        warnings=posterior.diagnostics.warnings,
    )


def _through(
    graph: CausalGraph, cause: str, mediators: Sequence[str], aim: Target
) -> frozenset[str]:
    """Return the mediators and all their causes, refusing what makes no question."""
    if not mediators or len(set(mediators)) < len(mediators):
        raise QueryError("mediators= should name at least one node, each once.")
    if cause not in graph.ancestors(aim.node):
        raise QueryError(f"'{cause}' is no cause of '{aim.node}' in graph '{graph.name}'.")
    for mediator in mediators:
        if mediator not in graph.names:
            raise QueryError(
                f"The mediator '{mediator}' is no node{suggest(mediator, graph.names)}."
            )
        if not (mediator in graph.descendants(cause) and mediator in graph.ancestors(aim.node)):
            raise QueryError(
                f"The mediator '{mediator}' does not lie between '{cause}' and '{aim.node}' in "
                f"graph '{graph.name}'."
            )
    through = frozenset(mediators).union(*(graph.ancestors(m) for m in mediators))
    # What the cause reaches beside the mediators takes two values where both worlds need it.
    reached = _reach(graph.children, [cause], set(mediators)) - {cause}
    needed = _reach(graph.parents, [aim.node], set(mediators))
    for name in graph.topological:
        if name in reached and name in through and name in needed:
            raise QueryError(
                f"'{name}' is a recanting witness: '{cause}' changes it beside the mediators, and "
                f"it changes both {_first(graph, name, mediators)} and '{aim.node}', so that the "
                "natural effects would depend on an untestable coupling of two worlds; add "
                f"'{name}' to mediators=."
            )
    return through


def _first(graph: CausalGraph, name: str, mediators: Sequence[str]) -> str:
    return next(f"'{m}'" for m in mediators if m in graph.descendants(name))


def _reach(neighbours: Any, start: Iterable[str], closed: set[str]) -> set[str]:
    """Return what can be reached without entering closed nodes."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in closed:
            found.add(name)
            waiting += neighbours(name)
    return found


def _notes(
    graph: CausalGraph, evidence: Mapping[str, int], cause: str, context: Mapping[str, int]
) -> tuple[str, ...]:
    notes = [
        "This rests on the graph and on independent noise of its nodes across worlds, not on a "
        "coupling."
    ]
    aside = [name for name in graph.names if name in evidence and name not in context]
    aside = [name for name in aside if name != cause]
    if aside:
        notes.append(
            f"Answers that {thing(cause)} can change are set aside: "
            f"{listed(thing(name) for name in aside)}."
        )
    return tuple(notes)


def _state(node: str, state: str) -> str:
    return f"{thing(node)} {thing(state)}"
