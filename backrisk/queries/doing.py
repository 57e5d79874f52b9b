"""What a change would do, and what it would have done. Rungs: doing, counterfactual.

Every answer is computed for each draw and summarised last. It has ``draws``, ``table`` and
``text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.inference import World
from backrisk.posterior import Confounding, Posterior, with_confounding
from backrisk.queries.asked import (
    changing,
    check_coupling,
    demand_identified,
    named,
    read_do,
    read_person,
    read_target,
)
from backrisk.queries.contrast import Contrast, coupling_notes
from backrisk.queries.over_time.course import history_of
from backrisk.queries.over_time.effects import (
    Span,
    counterfactual_over_time,
    intervene_over_time,
)
from backrisk.queries.over_time.working import SAMPLES
from backrisk.queries.seeing import probability
from backrisk.queries.wording import beyond
from backrisk.words import say


@checked("person", "do")
def intervene(
    posterior: Posterior,
    person: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    do: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    target: str | None = None,
    confounding: Confounding | Sequence[Confounding] | None = None,
    from_: int | None = None,
    until: int | None = None,
    period: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Contrast:
    """Return what setting nodes would do to a person's probability of the target. Rung: doing.

    Parameters
    ----------
    posterior : Posterior
    person : mapping, or sequence of mapping
        Evidence on nodes that the intervention cannot change, and on those that are set. A
        sequence is a history, one mapping a period; see *Over time*.
    do : mapping of node to state, or a plan
        A plan, for a history, has one of the forms that `backrisk.forecast` takes.
    target : str, optional
    confounding : Confounding, or sequence of them, optional
        Hidden common causes that are allowed for, of a strength that is drawn for each draw: the
        intervals then hold what is not known of them. See `backrisk.confounded`. Not over time.
    from_, until : int, optional
        For a history: the first and the last period in which the plan sets what it sets, by
        default the period after the history, and `period`; the same for both is a plan of one
        period. Periods are numbered from the history's first, which is 0.
    period : int, optional
        For a history: when the target is asked about; by default in the last period of a plan
        that says what is set period by period, else in the one after the history.
    samples : int
        For a history: of the person, for each draw, where the answer is simulated.
    seed : int
        For the strength of hidden causes, and for what is simulated.

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

    *Over time.* Write h for the history, t for `period`, g for the plan. ``draws`` are of
    ``P(Y_t(g) | h)``, ``before`` of ``P(Y_t | h)``, by the parametric g-formula (Robins 1986,
    doi:10.1016/0270-0255(86)90088-6). It assumes sequential exchangeability: given the history
    and the trait, no unmeasured cause of what the plan sets, in any period, is also a cause of
    later states of the target. How many people ever did what the plan sets stands beside the
    answer, and where nobody did there is none.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> intervene(p, {}, {"x": "no"}).draws.tolist()
    [0.3]
    """
    span = Span(from_, until, period)
    if (history := history_of(person)) is not None:
        if confounding is not None:
            raise QueryError(say("queries.over_time.no_confounding"))
        return intervene_over_time(
            posterior, history, do, span, target=target, samples=samples, seed=seed
        )
    span.demand_none()
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
        notes=(*beyond(graph, evidence, event), say("queries.rests_on_graph"), *allowed),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


@checked("person", "do")
def counterfactual(
    posterior: Posterior,
    person: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    do: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    target: str | None = None,
    coupling: str = "monotone",
    from_: int | None = None,
    until: int | None = None,
    period: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Contrast:
    """Return what would have been for this very person. Rung: counterfactual.

    Abduction, action and prediction in the twin network (Balke and Pearl 1994; Pearl 2009,
    doi:10.1017/CBO9780511803161).

    Parameters
    ----------
    posterior : Posterior
    person : mapping, or sequence of mapping
        Evidence on any nodes. A sequence is a history, one mapping a period, the oldest first.
    do : mapping of node to state, or a plan
        A plan, for a history, has one of the forms that `backrisk.forecast` takes.
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        How a node's noise is shared between what was and what would have been; an assumption
        that no data can check. What is simulated knows the monotone one alone.
    from_, until : int, optional
        For a history: the first and the last period in which the plan sets what it sets, by
        default the history's first, which is 0, and `period`. "Had she kept to it since period 3"
        is ``from_=3``.
    period : int, optional
        For a history: when the target is asked about; by default in the history's last period.
    samples, seed : int
        For a history: of the person, for each draw, where the answer is simulated.

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
    check_coupling(coupling)
    span = Span(from_, until, period)
    if (history := history_of(person)) is not None:
        return counterfactual_over_time(
            posterior,
            history,
            do,
            span,
            target=target,
            coupling=coupling,
            samples=samples,
            seed=seed,
        )
    span.demand_none()
    graph = posterior.graph
    event = read_target(graph, target)
    evidence = read_person(posterior, person)
    setting = read_do(graph, do, event)
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
        notes=(*beyond(graph, evidence, event), *coupling_notes(world, event)),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )
