"""Which changes would lower one person's risk most, and by how much."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, constants
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import (
    demand_cause,
    read_do,
    read_names,
    read_node,
)
from backrisk.queries.paths import (
    Studied,
    downstream,
)
from backrisk.queries.support import Support
from backrisk.queries.wording import evidence_words, support_words
from backrisk.summary import ROUNDING, interval, largest, side, summarise
from backrisk.survey import find_state
from backrisk.words import TOGETHER, estimate, listed, names_of, percent, say, shift, suggest

_MOST_ACTIONS = 200
_SEEN = 0.0005  # a mean below it rounds to no tenth of a point
_CHANCE = 0.005  # of being the best, below which it is not worth telling


@dataclass(frozen=True, eq=False, repr=False)
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
    target_reported : bool
        Whether the person has the target, which is then set aside.
    """

    actions: tuple[str, ...]
    settings: tuple[Mapping[str, str], ...]
    before: Array
    grades: tuple[str, ...]
    studied: tuple[Studied, ...]
    support: Support
    coupling: str | None = None
    costs: tuple[float, ...] | None = None
    target_reported: bool = False

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
        table["p_helps"] = (self.draws > ROUNDING).mean(axis=0)
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
        said = [self._opening()]
        ranked = [self.actions.index(label) for label in self.table.index]
        sized = np.abs(self.draws.mean(axis=0)) >= _SEEN
        signed = side(*interval(self.draws)) != 0
        clear = [column for column in ranked if signed[column] and sized[column]]
        told = list(dict.fromkeys([ranked[0], *clear[:3]]))[:3]
        for rank, column in enumerate(told):
            done = listed(self.names.phrase(*pair) for pair in self.settings[column].items())
            if self.costs is not None:
                cost = f"{self.costs[column]:g}"
                done = say("queries.recommend.at_cost", action=done, cost=cost)
            key = "first" if column in clear else "first_unclear"
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
            if not rank and (column in clear or self.tells_of_nobody):
                said.append(self._of_people(column))
        unclear = len(self.actions) - len({*told, *clear})
        if unclear:
            said.append(say("queries.recommend.unclear", count=unclear))
        return said

    @property
    def tells_of_nobody(self) -> bool:
        """Whether there is a sentence for the people spared where their number cannot be told."""
        return False

    def _opening(self) -> str:
        """Say the risk as things are."""
        key = "now_others" if self.target_reported else "now"
        return say(f"queries.recommend.{key}", target=self.target.label, risk=estimate(self.before))

    def _of_people(self, column: int) -> str:
        """Word the reduction of an action as people in a hundred."""
        reduction = float(self.draws[:, column].mean())
        number = round(100 * abs(reduction))
        kind = "same" if number == 0 else "fewer" if reduction > 0 else "more"
        key = f"queries.recommend.of_a_hundred.{kind}"
        return say(key, target=self.target.label, number=str(number))


def before_target(
    graph: CausalGraph, evidence: Mapping[str, int], target: Target
) -> dict[str, int]:
    """Leave out the target and what follows from it."""
    after = downstream(graph, target.node)
    return {name: code for name, code in evidence.items() if name not in after}


def action_label(graph: CausalGraph, node: str, code: int) -> str:
    """Return how a program names an action."""
    return f"{node}={graph.node(node).states[code]}"


def _default_nodes(graph: CausalGraph, target: Target, above: Collection[str]) -> list[str]:
    causes = [n for n in graph.nodes if n.name in above]
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
    causes: Collection[str] | None = None,
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the single actions, and those that the person already takes.

    `causes` are those of the target, by default its ancestors in the graph. Over time they are
    given: what is the same in every period is then none that anybody could keep to.
    """
    above = graph.ancestors(target.node) if causes is None else causes
    if actions is None:
        asked = [(name, "") for name in _default_nodes(graph, target, above)]
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
    for given, state in asked:
        name = read_node(graph, given, "queries.what.action")
        if causes is not None and name in constants(graph):
            raise QueryError(say("queries.over_time.recommend.constant", node=name))
        if name not in above:
            demand_cause(graph, name, target.node)
        if any(node.modifiable for node in graph.nodes) and not graph.node(name).modifiable:
            raise QueryError(say("queries.not_modifiable", node=name, graph=graph.name))
        setting = read_do(graph, {name: state or graph.node(name).reference}, target)
        options.append((name, setting[name]))
    options = list(dict.fromkeys(options))
    taken = [(name, code) for name, code in options if evidence.get(name) == code]
    return [option for option in options if option not in taken], taken


def combined(options: Sequence[tuple[str, int]], most: int) -> list[tuple[tuple[str, int], ...]]:
    """Return the actions that are judged: single ones, and up to so many done together.

    Raises
    ------
    QueryError
    """
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


def costs_of(
    graph: CausalGraph,
    costs: Mapping[str, float],
    options: Sequence[tuple[str, int]],
    combos: Sequence[Sequence[tuple[str, int]]],
) -> tuple[float, ...]:
    """Return the cost of each action, of those done together the sum.

    Raises
    ------
    QueryError
    """
    known = {*(action_label(graph, *one) for one in options), *graph.names}
    if not isinstance(costs, Mapping):
        raise QueryError(say("queries.costs_form", costs=repr(costs)))
    read_names(tuple(costs), "costs")
    meant: dict[str, float] = {}
    for name, cost in costs.items():
        action, equals, state = name.partition("=")
        node = find_state(action, graph.names)
        if node is None:
            raise QueryError(say("queries.cost_unknown", name=name, hint=suggest(name, known)))
        if not isinstance(cost, (int, float)) or not 0 < cost < float("inf"):
            raise QueryError(say("queries.cost_form", name=name, cost=cost))
        state = find_state(state, graph.node(node).states) or state
        meant[f"{node}={state}" if equals else node] = float(cost)

    each = dict.fromkeys(action for combo in combos for action in combo)
    priced = {
        (node, code): meant.get(action_label(graph, node, code), meant.get(node))
        for node, code in each
    }
    missing = [action_label(graph, *action) for action, cost in priced.items() if cost is None]
    if missing:
        actions = listed(f"'{label}'" for label in missing)
        raise QueryError(say("queries.cost_missing", actions=actions))
    return tuple(sum(priced[action] or 0.0 for action in combo) for combo in combos)


def aside(
    graph: CausalGraph,
    reported: Mapping[str, int],
    evidence: Mapping[str, int],
    target: Target,
) -> list[str]:
    """Say that the answer about the target was set aside, and which others that tell of it."""
    names = names_of(graph)
    said: list[str] = []
    if target.node in reported:
        there = "present" if reported[target.node] in target.codes else "absent"
        node = names.node(target.node)
        said.append(say(f"queries.set_aside.{there}", node=node, target=target.label))
    left = [name for name in reported if name not in evidence and name != target.node]
    if left:
        nodes = listed(map(names.node, left))
        said.append(say("queries.set_aside.others", nodes=nodes, target=target.label))
    return said
