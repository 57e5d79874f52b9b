"""Which changes would lower one person's risk most, and by how much."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import (
    check_coupling,
    coupling_name,
    demand_cause,
    demand_node,
    named,
    read_do,
    read_names,
    read_person,
    read_target,
)
from backrisk.queries.paths import (
    Studied,
    downstream,
    total_evidence_of,
    weakest_link,
    worst_grade,
)
from backrisk.queries.seeing import after_each, probability
from backrisk.queries.support import Support, support
from backrisk.queries.wording import evidence_words, support_words, unmeasured_note
from backrisk.summary import interval, largest, summarise
from backrisk.words import TOGETHER, estimate, listed, names_of, percent, say, shift, suggest

_MOST_ACTIONS = 200
_SEEN = 0.0005  # a mean below it rounds to no tenth of a point
_CHANCE = 0.005  # of being the best, below which it is not worth telling


@dataclass(frozen=True, eq=False)
class Recommendation(Answer):
    """Absolute risk reductions; ``draws`` is ``(draw, action)`` in the order of ``actions``.

    Parameters
    ----------
    actions : tuple of str
        Such as ``"node=state"``, joined by ``" + "`` where several are done together.
    settings : tuple of mapping of node to state
        The same, as ``do=`` of `backrisk.intervene` takes it.
    before : ndarray, shape (draw,)
        The risk without any action.
    grades : tuple of str
        Of the weakest edge on an action's strongest path; the worst of actions done together.
    studied : tuple of Studied
    support : Support
        As for `backrisk.Attribution`.
    coupling : str, optional
        Where an answer lies downstream of an action, so that the effect depends on it.
    costs : tuple of float, optional
        Of each action.
    """

    actions: tuple[str, ...]
    settings: tuple[Mapping[str, str], ...]
    before: Array
    grades: tuple[str, ...]
    studied: tuple[Studied, ...]
    support: Support
    coupling: str | None = None
    costs: tuple[float, ...] | None = None

    @property
    def measure(self) -> str:
        """What the means of `table` are, in words of the command line."""
        return "fall_in_risk"

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities: each is."""
        return True

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        setting = self.settings[self.actions.index(name)]
        return TOGETHER.join(self.names.pair(node, state) for node, state in setting.items())

    @property
    def merit(self) -> Array:
        """What ranks the actions, ``(draw, action)``: reduction, or reduction for each cost."""
        return self.draws if self.costs is None else self.draws / np.asarray(self.costs)

    @property
    def best(self) -> Array:
        """The probability of each action being the best of them, ``(action,)``."""
        return largest(self.merit)

    @property
    def table(self) -> pd.DataFrame:
        """One row an action, the best mean first.

        ``mean``, ``low``, ``high`` are of the absolute difference in the probability of having
        the target: without the action less with it.
        """
        table = summarise(self.draws, self.actions)
        table["risk_after"] = (self.before[:, None] - self.draws).mean(axis=0)
        table["p_helps"] = (self.draws > 0).mean(axis=0)
        table["p_best"] = self.best
        table["grade"] = self.grades
        table["total_grade"] = [each.grade for each in self.studied]
        table["total_outcome"] = [each.outcome for each in self.studied]
        for name, facts in self.support.columns().items():
            table[name] = facts
        if self.costs is not None:
            table["cost"] = self.costs
            table["per_cost"] = self.merit.mean(axis=0)
        order = np.argsort(-self.merit.mean(axis=0), kind="stable")
        return table.iloc[order]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, ``evidence`` and ``support`` of each row in words."""
        found = super().to_dict()
        for row in found["rows"]:
            place = self.actions.index(row["name"])
            row["evidence"] = evidence_words(self.names, self.grades[place], self.studied[place])
            row["support"] = support_words(self.names, self.support, place)
        return found

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        if not self.actions:
            return [say("queries.recommend.nothing")]
        target, now = self.target.label, estimate(self.before)
        said: list[str] = [say("queries.recommend.now", target=target, risk=now)]
        ranked = [self.actions.index(label) for label in self.table.index]
        ends = interval(self.draws)
        sized = np.abs(self.draws.mean(axis=0)) >= _SEEN
        signed = (ends[0] > 0) | (ends[1] < 0)
        clear = [column for column in ranked if signed[column] and sized[column]]
        told = list(dict.fromkeys([ranked[0], *clear[:3]]))[:3]
        for rank, column in enumerate(told):
            done = listed(self.names.phrase(*pair) for pair in self.settings[column].items())
            if self.costs is not None:
                cost = f"{self.costs[column]:g}"
                done = say("queries.recommend.at_cost", action=done, cost=cost)
            key = "first"
            if rank:
                key = "then" if self.best[column] >= _CHANCE else "then_not_best"
            said.append(
                say(
                    f"queries.recommend.{key}",
                    count=len(self.actions),
                    action=done,
                    shift=shift(-self.draws[:, column]),
                    best=percent(float(self.best[column])),
                    evidence=evidence_words(self.names, self.grades[column], self.studied[column]),
                )
            )
            if not rank:
                said.append(_of_a_hundred(float(self.draws[:, column].mean()), target))
        unclear = len(self.actions) - len({*told, *clear})
        if unclear:
            said.append(say("queries.recommend.unclear", count=unclear))
        return said


def _of_a_hundred(reduction: float, target: str) -> str:
    """Word an absolute difference as people in a hundred."""
    number = round(100 * abs(reduction))
    kind = "same" if number == 0 else "fewer" if reduction > 0 else "more"
    return say(f"queries.recommend.of_a_hundred.{kind}", target=target, number=str(number))


@checked("person", "costs")
def recommend(
    posterior: Posterior,
    person: Mapping[str, Any],
    *,
    actions: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    costs: Mapping[str, float] | None = None,
    most: int = 1,
    target: str | None = None,
    coupling: str = "monotone",
) -> Recommendation:
    """Rank what a person could change by how far it would lower the risk. Rung: counterfactual.

    The risk is the probability of having the target at the time that the survey asked about, not
    of getting it later.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
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
    graph = posterior.graph
    event = read_target(graph, target)
    reported = read_person(posterior, person)
    check_coupling(coupling)
    evidence = before_target(graph, reported, event)
    options, taken = options_of(graph, evidence, event, actions)
    combos = _combine(options, most)
    labels = tuple(TOGETHER.join(_label(graph, *one) for one in combo) for combo in combos)
    spent = None if costs is None else _costs(graph, costs, options, combos)
    tables = posterior.beside_prior
    before = probability(World(tables, evidence, {}), event)
    after = after_each(tables, evidence, [dict(combo) for combo in combos], event, coupling)
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
        graph=graph,
        notes=(*told, *unmeasured_note(graph, facts)),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def before_target(
    graph: CausalGraph, evidence: Mapping[str, int], target: Target
) -> dict[str, int]:
    """Leave out the target and what follows from it."""
    after = downstream(graph, target.node)
    return {name: code for name, code in evidence.items() if name not in after}


def _label(graph: CausalGraph, node: str, code: int) -> str:
    return f"{node}={graph.node(node).states[code]}"


def _default_nodes(graph: CausalGraph, target: Target) -> list[str]:
    causes = [n for n in graph.nodes if n.name in graph.ancestors(target.node)]
    if not causes:
        raise QueryError(say("queries.no_causes", target=target.node, graph=graph.name))
    modifiable = [n for n in causes if n.modifiable]
    if not modifiable and any(node.modifiable for node in graph.nodes):
        raise QueryError(say("queries.no_modifiable", target=target.node, graph=graph.name))
    advised = set(graph.playing("advised"))
    first = [n for n in modifiable if n.name in advised]
    return [n.name for n in first or modifiable or causes]


def options_of(
    graph: CausalGraph,
    evidence: Mapping[str, int],
    target: Target,
    actions: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None,
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the single actions, and those that the person already takes."""
    if actions is None:
        asked = [(name, "") for name in _default_nodes(graph, target)]
    elif isinstance(actions, Mapping):
        asked = [
            (name, str(state))
            for name, states in actions.items()
            for state in (
                states if isinstance(states, Iterable) and not isinstance(states, str) else [states]
            )
        ]
    else:
        parts = [action.partition("=") for action in read_names(actions, "actions")]
        asked = [(name.strip(), state.strip()) for name, _, state in parts]
    if not asked:
        raise QueryError(say("queries.actions_empty"))
    options = []
    for name, state in asked:
        demand_node(graph, name, "queries.what.action")
        demand_cause(graph, name, target.node)
        if any(node.modifiable for node in graph.nodes) and not graph.node(name).modifiable:
            raise QueryError(say("queries.not_modifiable", node=name, graph=graph.name))
        setting = read_do(graph, {name: state or graph.node(name).reference}, target)
        options.append((name, setting[name]))
    options = list(dict.fromkeys(options))
    taken = [(name, code) for name, code in options if evidence.get(name) == code]
    return [option for option in options if option not in taken], taken


def _combine(options: Sequence[tuple[str, int]], most: int) -> list[tuple[tuple[str, int], ...]]:
    if most < 1:
        raise QueryError(say("queries.most_form", most=most))
    ways = Counter(node for node, _ in options)
    most = min(most, len(ways))
    # How many combinations there are is known before any is made.
    sizes = [1] + [0] * most
    for states in ways.values():
        for size in range(most, 0, -1):
            sizes[size] += states * sizes[size - 1]
    if (count := sum(sizes[1:])) > _MOST_ACTIONS:
        raise QueryError(
            say(
                "queries.too_many_actions",
                most=most,
                actions=len(options),
                found=f"{count:,}",
                limit=_MOST_ACTIONS,
            )
        )
    return [
        combo
        for size in range(1, most + 1)
        for combo in itertools.combinations(options, size)
        if len({node for node, _ in combo}) == size
    ]


def _costs(
    graph: CausalGraph,
    costs: Mapping[str, float],
    options: Sequence[tuple[str, int]],
    combos: Sequence[Sequence[tuple[str, int]]],
) -> tuple[float, ...]:
    known = {*(_label(graph, *one) for one in options), *graph.names}
    if not isinstance(costs, Mapping):
        raise QueryError(say("queries.costs_form", costs=repr(costs)))
    read_names(tuple(costs), "costs")
    for name, cost in costs.items():
        if name.partition("=")[0] not in graph.names:
            raise QueryError(say("queries.cost_unknown", name=name, hint=suggest(name, known)))
        if not isinstance(cost, (int, float)) or not 0 < cost < float("inf"):
            raise QueryError(say("queries.cost_form", name=name, cost=cost))

    def one(node: str, code: int) -> float:
        label = _label(graph, node, code)
        if label not in costs and node not in costs:
            raise QueryError(say("queries.cost_missing", action=label))
        return float(costs[label] if label in costs else costs[node])

    return tuple(sum(one(*action) for action in combo) for combo in combos)


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
    notes: list[str] = [say("queries.rests_on_graph")]
    if reached:
        nodes = listed(map(names.node, reached))
        coupled = coupling_name(coupling)
        notes.append(say("queries.recommend.kept", nodes=nodes, coupling=coupled))
    notes += aside(graph, reported, evidence, target)
    if taken:
        done = listed(names.phrase(node, graph.node(node).states[code]) for node, code in taken)
        notes.append(say("queries.recommend.taken", actions=done))
    return tuple(notes)


def aside(
    graph: CausalGraph,
    reported: Mapping[str, int],
    evidence: Mapping[str, int],
    target: Target,
) -> list[str]:
    """Say which answers were set aside because they speak of the target itself."""
    left = [name for name in reported if name not in evidence]
    if not left:
        return []
    nodes = listed(map(names_of(graph).node, left))
    return [say("queries.set_aside", nodes=nodes, target=target.label)]
