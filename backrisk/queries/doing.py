"""What a change would do, and what it would have done. Rungs: doing, counterfactual.

Every answer is computed for each draw and summarised last. It has ``draws``, ``table`` and
``text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.inference import World
from backrisk.posterior import Confounding, Posterior, with_confounding
from backrisk.queries.answer import Answer, Target, row_name
from backrisk.queries.asked import (
    changing,
    check_coupling,
    coupling_name,
    demand_identified,
    named,
    read_do,
    read_person,
    read_target,
)
from backrisk.queries.seeing import probability
from backrisk.summary import described
from backrisk.words import estimate, listed, names_of, percent, say, shift


@dataclass(frozen=True, eq=False)
class Contrast(Answer):
    """The target's probability with a change made; ``draws`` is ``(draw,)``, beside ``before``.

    Parameters
    ----------
    before : ndarray, shape (draw,)
        The probability without the change.
    do : mapping of node to state
    coupling : str, optional
        That of a counterfactual; None for an intervention.
    """

    before: Array
    do: Mapping[str, str]
    coupling: str | None

    @property
    def change(self) -> Array:
        """After minus before, ``(draw,)``."""
        return self.draws - self.before

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``before``, ``after`` and ``change``."""
        draws = np.column_stack([self.before, self.draws, self.change])
        return described(draws, list(map(row_name, _CONTRAST)))

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities: the change is."""
        return name == row_name("change")

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        row = next(row for row in _CONTRAST if row_name(row) == name)
        return say(f"queries.rows.{row}")

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        return [
            say(
                "queries.intervene" if self.coupling is None else "queries.counterfactual",
                done=listed(self.names.phrase(node, state) for node, state in self.do.items()),
                target=self.target.label,
                after=estimate(self.draws),
                before=percent(float(self.before.mean())),
                shift=shift(self.change),
            )
        ]


_CONTRAST = ("before", "after", "change")  # rows of its table


@checked("person", "do")
def intervene(
    posterior: Posterior,
    person: Mapping[str, Any],
    do: Mapping[str, str],
    *,
    target: str | None = None,
    confounding: Confounding | Sequence[Confounding] | None = None,
    seed: int = 0,
) -> Contrast:
    """Return what setting nodes would do to a person's probability of the target. Rung: doing.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        Evidence on nodes that the intervention cannot change, and on those that are set.
    do : mapping of node to state
    target : str, optional
    confounding : Confounding, or sequence of them, optional
        Hidden common causes that are allowed for, of a strength that is drawn for each draw: the
        intervals then hold what is not known of them. See `backrisk.confounded`.
    seed : int
        For the strength of hidden causes.

    Returns
    -------
    Contrast
        ``draws`` of ``P(Y(do) | evidence)``, Y(do) being the target's presence had the nodes been
        set; ``before`` is ``P(Y | evidence)``. Without a person it is ``P(Y | do)``.

    Raises
    ------
    QueryError
        If there is evidence on a descendant of a set node: what would have been, given what was
        seen, is the question of `counterfactual`.

    Notes
    -----
    What a person reports of a set node stays evidence about what lies above it; below it the set
    value rules. So this is the effect given the person's own value (of treatment on the treated:
    Pearl 2009, section 8.2.5, doi:10.1017/CBO9780511803161), and setting a node to what was
    reported changes nothing. As long as nothing downstream of a set node is reported, no coupling
    of the two worlds is needed.

    Assumes that the graph holds: no unmeasured common cause of the set nodes and the target but
    those that are allowed for.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> intervene(p, {}, {"x": "no"}).draws.tolist()
    [0.3]
    """
    event = read_target(posterior.graph, target)
    evidence = read_person(posterior, person)
    setting = read_do(posterior.graph, do, event)
    posterior, allowed = with_confounding(posterior, confounding, event.node, seed=seed)
    graph = posterior.graph
    changed = changing(graph, evidence, setting)
    demand_identified(posterior, evidence, changed, event)
    return Contrast(
        probability(World(posterior, evidence, changed), event),
        event,
        named(graph, evidence),
        probability(World(posterior, evidence, {}), event),
        named(graph, setting),
        None,
        graph=graph,
        notes=(say("queries.rests_on_graph"), *allowed),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def coupling_notes(world: World, target: Target) -> tuple[str, ...]:
    """Say which coupling an answer assumes, and where the model does not allow it."""
    notes = [say("queries.coupling_assumed", coupling=coupling_name(world.coupling))]
    if world.coupling == "independent_causes":
        others = world.without_own_causes([world.variable(target.node)])
        if others:
            nodes = listed(map(names_of(world.graph).node, others))
            notes.append(say("queries.coupling_replaced", nodes=nodes))
    return tuple(notes)


@checked("person", "do")
def counterfactual(
    posterior: Posterior,
    person: Mapping[str, Any],
    do: Mapping[str, str],
    *,
    target: str | None = None,
    coupling: str = "monotone",
) -> Contrast:
    """Return what would have been for this very person. Rung: counterfactual.

    Abduction, action and prediction in the twin network (Balke and Pearl 1994; Pearl 2009,
    doi:10.1017/CBO9780511803161).

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        Evidence on any nodes.
    do : mapping of node to state
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        How a node's noise is shared between what was and what would have been; an assumption
        that no data can check.

    Returns
    -------
    Contrast
        ``draws`` of ``P(target had do been | evidence)``; ``before`` is ``P(target | evidence)``.
        Where all is set to what was reported they are the same, but under ``independent``, which
        draws noise anew below every set node.

    Raises
    ------
    QueryError
        As for `risk`; if the coupling is unknown; if the table would not fit the budget.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answer = counterfactual(p, {"x": "yes", "y": "yes"}, {"x": "no"})
    >>> answer.draws.round(3).tolist()
    [0.375]
    """
    graph = posterior.graph
    event = read_target(graph, target)
    evidence = read_person(posterior, person)
    setting = read_do(graph, do, event)
    check_coupling(coupling)
    # Independent noise is drawn anew even below a node that stays as it is.
    changed = setting if coupling == "independent" else changing(graph, evidence, setting)
    world = World(posterior, evidence, changed, coupling)
    return Contrast(
        probability(world, event),
        event,
        named(graph, evidence),
        probability(World(posterior, evidence, {}), event),
        named(graph, setting),
        coupling,
        graph=graph,
        notes=coupling_notes(world, event),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )
