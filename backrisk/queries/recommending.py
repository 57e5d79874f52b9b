"""Ranking what a person could change. Rung: counterfactual; for a history, doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries.answer import Target
from backrisk.queries.asked import (
    check_coupling,
    coupling_name,
    named,
    read_person,
    read_target,
)
from backrisk.queries.over_time.advice import recommend_over_time
from backrisk.queries.over_time.course import history_of
from backrisk.queries.over_time.working import SAMPLES
from backrisk.queries.paths import total_evidence_of, weakest_link, worst_grade
from backrisk.queries.recommendation import (
    Recommendation,
    action_label,
    aside,
    before_target,
    combined,
    costs_of,
    options_of,
)
from backrisk.queries.seeing import after_each
from backrisk.queries.support import support
from backrisk.queries.wording import beyond, unmeasured_note
from backrisk.words import TOGETHER, listed, names_of, say


@checked("person", "costs")
def recommend(
    posterior: Posterior,
    person: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    actions: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    costs: Mapping[str, float] | None = None,
    most: int = 1,
    target: str | None = None,
    coupling: str = "monotone",
    periods: int = 1,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Recommendation:
    """Rank what a person could change by how far it would lower the risk. Rung: counterfactual.

    The risk is the probability of having the target at the time that the survey asked about, not
    of getting it later. For a history it is that of having the target some periods after it.

    Parameters
    ----------
    posterior : Posterior
    person : mapping, or sequence of mapping
        State labels by node, or raw answers of the codebook; incomplete allowed. A sequence is a
        history, one mapping a period; see *Over time*.
    actions : str, sequence of str, or mapping of node to one or several states, optional
        ``"node"``, set to its reference, or ``"node=state"``. Default: the modifiable nodes in
        the graph's role ``advised``, each set to its reference; in a graph without that role all
        modifiable nodes; where none is marked modifiable, all causes of the target.
    costs : mapping of action or node to positive float, optional
        In any unit; actions are then ranked by risk reduction for each unit of cost. The cost of
        actions done together is the sum.
    most : int
        Up to how many actions are done together.
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        Matters only where the person reports something that an action would change.
    periods : int
        For a history: how many periods after its last the risk is asked about.
    samples, seed : int
        For a history: of the person, for each draw, where the answer is simulated.

    Returns
    -------
    Recommendation
        ``draws`` of ``P(Y | e) - P(Y had the action been taken | e)``, the absolute risk
        reduction, shape ``(draw, action)``.

    Raises
    ------
    QueryError
        If the person, an action, a cost or the target is not understood, or an action is no
        cause of the target, or not modifiable in a graph that marks what is; if the target has
        no cause that an action could set.

    Notes
    -----
    The evidence e is all that the person reports except the target and what follows from it: the
    question is how likely people who answer like this have the target, and would have it with
    the action, not whether what is there would be gone, which is the question of
    ``attribute(method="necessity")``. Where nothing
    reported lies downstream of the action this is exactly `backrisk.intervene`. Where something
    does, such as the result of a test beside the training that improves it, it is neither
    conditioned on as if the action could not change it nor dropped: it tells what is particular
    about the person, which the twin network carries over to the world with the action, under the
    coupling. All actions are thereby compared with one and the same risk.

    An action that the person already takes is left out, and said so.

    *Over time.* Write h for the history, n for its last period, T for ``n + periods``. An action is
    kept to in every period from n + 1 to T, and ``draws`` are of ``P(Y_T | h) - P(Y_T(action) |
    h)``, under the assumptions of `backrisk.intervene`, *Over time*; no coupling is needed. The
    table has the number needed to treat, ``1 / mean``: how many people like this would have to
    keep to it up to T for one fewer to have the target in T; only where the reduction's interval
    excludes zero, with ends that are those of the interval. Actions that nobody ever kept to are
    left out, and said so.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answer = recommend(p, {"x": "yes"})
    >>> answer.draws.round(3).tolist()
    [[0.5]]
    >>> print(answer.sentences()[2])
    Of 100 people who answer like this, about 50 fewer would have y, if the graph holds.
    """
    check_coupling(coupling)
    if (history := history_of(person)) is not None:
        return recommend_over_time(
            posterior,
            history,
            actions=actions,
            costs=costs,
            most=most,
            target=target,
            periods=periods,
            samples=samples,
            seed=seed,
        )
    if periods != 1:
        raise QueryError(say("queries.over_time.no_history"))
    graph = posterior.graph
    event = read_target(graph, target)
    reported = read_person(posterior, person)
    evidence = before_target(graph, reported, event)
    options, taken = options_of(graph, evidence, event, actions)
    combos = combined(options, most)
    labels = tuple(TOGETHER.join(action_label(graph, *one) for one in combo) for combo in combos)
    spent = None if costs is None else costs_of(graph, costs, options, combos)
    tables = posterior.beside_prior
    changes = [{}, *(dict(combo) for combo in combos)]
    before, *after = after_each(tables, evidence, changes, event, coupling)
    reduction = before[:, None] - np.column_stack(after) if after else np.zeros((len(before), 0))
    reached = [
        name
        for name in graph.names
        if name in evidence
        and any(name in graph.descendants(node) for combo in combos for node, _ in combo)
    ]
    facts = support(reduction, posterior, [dict(combo) for combo in combos], event.node)
    told = _notes(graph, reported, evidence, event, reached, taken, coupling)
    return Recommendation(
        reduction[: posterior.draws],
        event,
        named(graph, evidence),
        labels,
        tuple(named(graph, dict(combo)) for combo in combos),
        before[: posterior.draws],
        tuple(
            worst_grade(*(weakest_link(graph, node, event.node) for node, _ in combo))
            for combo in combos
        ),
        tuple(total_evidence_of(graph, dict(combo), event.node) for combo in combos),
        facts,
        coupling if reached else None,
        spent,
        reported.get(event.node) in event.codes,
        graph=graph,
        notes=(*told, *unmeasured_note(graph, facts)),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def _notes(
    graph: CausalGraph,
    reported: Mapping[str, int],
    evidence: Mapping[str, int],
    target: Target,
    reached: Sequence[str],
    taken: Sequence[tuple[str, int]],
    coupling: str,
) -> tuple[str, ...]:
    names = names_of(graph)
    notes: list[str] = [*beyond(graph, reported, target), say("queries.rests_on_graph")]
    if not reported:
        notes.insert(0, say("queries.nobody"))
    if reached:
        nodes = listed(map(names.node, reached))
        coupled = coupling_name(coupling)
        notes.append(say("queries.recommend.kept", nodes=nodes, coupling=coupled))
    notes += aside(graph, reported, evidence, target)
    if taken:
        done = listed(names.phrase(node, graph.node(node).states[code]) for node, code in taken)
        notes.append(say("queries.recommend.taken", actions=done))
    return tuple(notes)
