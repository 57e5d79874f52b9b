"""Plans: what is set when. Fixed from one period to another, period by period, or by a rule.

A plan has a plain form, which JSON can hold::

    {"strength_training": "regular"}                      # in every period, from_ until until
    [{"strength_training": "regular"}, {}, {...}]         # one entry a period, the first at from_
    {"strength_training": {"if": {"pain": "none"},        # decided anew in every period
                           "then": "regular", "else": "occasional"}}

A rule looks at the period before the one in which it sets: what is known when it is followed.
Without ``else`` a node that the condition does not hold for is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._arguments import shown
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, UnrolledGraph
from backrisk.inference import Rule, Setting
from backrisk.queries.answer import Target
from backrisk.queries.asked import read_do, read_node, read_state
from backrisk.queries.over_time.course import history_of
from backrisk.survey import find_state
from backrisk.words import Names, listed, say

Do = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_RULE = {"if", "then", "else"}


@dataclass(frozen=True)
class Conditional:
    """A rule for one node.

    Parameters
    ----------
    conditions : tuple of (str, tuple of int)
        Nodes of the template, and the states of the period before in which the rule holds.
    then : int
        The state that is set where all conditions hold.
    otherwise : int, optional
        The state that is set elsewhere; by default none.
    """

    conditions: tuple[tuple[str, tuple[int, ...]], ...]
    then: int
    otherwise: int | None = None


Step = Mapping[str, int | Conditional]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is set in each period.

    Parameters
    ----------
    graph : UnrolledGraph
    steps : mapping of period to mapping of node to state code or Conditional
        By the names of the template; in the order of periods.
    """

    graph: UnrolledGraph
    steps: Mapping[int, Step]

    @property
    def first(self) -> int:
        """The first period in which anything is set."""
        return min(self.steps)

    @property
    def last(self) -> int:
        """The last period in which anything is set."""
        return max(self.steps)

    @property
    def fixed(self) -> bool:
        """Whether no rule is in it."""
        return all(isinstance(code, int) for step in self.steps.values() for code in step.values())

    @property
    def codes(self) -> dict[str, int]:
        """What a plan without rules sets, by the names of the unrolled graph."""
        return {
            self.graph.at(name, period): code
            for period, step in self.steps.items()
            for name, code in step.items()
            if isinstance(code, int)
        }

    @property
    def settings(self) -> dict[str, Setting]:
        """What is set, as people are replayed by it."""
        return {
            self.graph.at(name, period): code
            if isinstance(code, int)
            else _rule(self.graph, code, period)
            for period, step in self.steps.items()
            for name, code in step.items()
        }

    def runs(self) -> Iterator[tuple[str, int, int]]:
        """Yield each state that the plan keeps a node in, and for how many periods running."""
        nodes = dict.fromkeys(name for step in self.steps.values() for name in step)
        for name in nodes:
            state, length, before = -1, 0, -1
            for period in [*sorted(self.steps), -1]:
                code = self.steps.get(period, {}).get(name)
                fixed = code if isinstance(code, int) else -1
                if length and (fixed != state or period != before + 1):
                    yield name, state, length
                    length = 0
                state, before = fixed, period
                length += fixed >= 0

    def text(self, names: Names) -> str:
        """Say what is set and when: "regular strength training (periods 3 to 5)"."""
        told: dict[tuple[str, int | Conditional], list[int]] = {}
        for period in sorted(self.steps):
            for pair in self.steps[period].items():
                told.setdefault(pair, []).append(period)
        return listed(
            say(
                "queries.over_time.plan.when",
                done=self._worded(names, name, code),
                periods=worded_periods(periods),
            )
            for (name, code), periods in told.items()
        )

    def _worded(self, names: Names, name: str, code: int | Conditional) -> str:
        template = self.graph.template

        def phrase(node: str, state: int) -> str:
            return names.phrase(node, template.node(node).states[state])

        if isinstance(code, int):
            return phrase(name, code)
        conditions = listed(
            say("queries.over_time.plan.or").join(phrase(node, state) for state in states)
            for node, states in code.conditions
        )
        words = {"then": phrase(name, code.then), "conditions": conditions}
        if code.otherwise is None:
            return say("queries.over_time.plan.rule", **words)
        other = phrase(name, code.otherwise)
        return say("queries.over_time.plan.rule_else", otherwise=other, **words)


def worded_periods(periods: Sequence[int]) -> str:
    """Word some periods, those that follow one another by their ends."""
    breaks = [i for i, period in enumerate(periods) if not i or period != periods[i - 1] + 1]
    parts = [periods[a:b] for a, b in zip(breaks, [*breaks[1:], len(periods)], strict=True)]
    return listed(
        say("queries.over_time.plan.one", period=part[0])
        if len(part) == 1
        else say("queries.over_time.plan.many", first=part[0], last=part[-1])
        for part in parts
    )


def _rule(graph: UnrolledGraph, code: Conditional, period: int) -> Rule:
    """Return a rule of one period, as people are replayed by it."""
    conditions = [(graph.at(name, period - 1), states) for name, states in code.conditions]

    def choose(
        states: Mapping[str, np.ndarray[Any, np.dtype[np.intp]]],
        own: np.ndarray[Any, np.dtype[np.intp]],
    ) -> np.ndarray[Any, np.dtype[np.intp]]:
        holds = np.ones((1, 1), dtype=bool)
        for name, wanted in conditions:
            holds = holds & np.isin(states[name], wanted)
        return np.where(holds, code.then, own if code.otherwise is None else code.otherwise)

    return Rule(tuple(name for name, _ in conditions), choose)


def read_plan(
    graph: UnrolledGraph,
    do: Do,
    target: Target,
    *,
    from_: int,
    until: int,
) -> Plan:
    """Read a plan.

    Parameters
    ----------
    graph : UnrolledGraph
    do : mapping, or sequence of mapping
        See the module.
    target : Target
        By the names of the template.
    from_, until : int
        The first and the last period of a plan that is one mapping; the first of one that is a
        sequence, and the last that it may reach. They are periods of the graph.

    Returns
    -------
    Plan

    Raises
    ------
    QueryError
        If a node, a state or a rule is not understood; if nothing is set; if a sequence has more
        entries than there are periods; if what is set is constant, the target or an answer; if a
        rule would look at what is before the history.
    """
    if isinstance(do, Mapping):
        if until < from_:
            raise QueryError(say("queries.over_time.plan.ends_first", first=from_, last=until))
        read = _step(graph, do, target, from_)
        steps = dict.fromkeys(range(from_, until + 1), read)
    else:
        each = history_of(do)
        if each is None or not all(isinstance(step, Mapping) for step in each):
            raise QueryError(say("queries.over_time.plan.form", plan=shown(do)))
        steps = {at: _step(graph, step, target, at) for at, step in enumerate(each, from_) if step}
        if steps and len(each) > (asked := until - from_ + 1):
            told = {"entries": len(each), "count": asked, "first": from_, "last": until}
            raise QueryError(say("queries.over_time.plan.too_many", **told))
    if not steps:
        raise QueryError(say("queries.do_empty"))
    return Plan(graph, steps)


def _step(graph: UnrolledGraph, do: Mapping[str, Any], target: Target, period: int) -> Step:
    template = graph.template
    meant = {find_state(name, template.names) or name: set_to for name, set_to in do.items()}
    if len(meant) < len(do):
        names = [find_state(name, template.names) for name in do]
        twice = next(name for name in names if names.count(name) > 1)
        raise QueryError(say("queries.do_twice", node=twice))
    do = meant
    rules = {name: rule for name, rule in do.items() if isinstance(rule, Mapping)}
    for name, rule in rules.items():
        asked = rule.get("if")
        if not {"if", "then"} <= set(rule) <= _RULE or not isinstance(asked, Mapping) or not asked:
            told = shown(dict(rule))
            raise QueryError(say("queries.over_time.plan.rule_form", node=name, rule=told))
    # Rules are held to the same as what is fixed, with what they set first.
    fixed = {name: rules[name].get("then") if name in rules else do[name] for name in do}
    for name in fixed:
        if isinstance(name, str) and name in template.names and _constant(graph, name):
            raise QueryError(say("queries.over_time.plan.constant", node=name))
    codes = read_do(template, fixed, target)
    return {
        name: _conditional(graph, name, rules[name], code, period) if name in rules else code
        for name, code in codes.items()
    }


def _conditional(
    graph: UnrolledGraph, name: str, rule: Mapping[str, Any], then: int, period: int
) -> Conditional:
    template = graph.template
    conditions = []
    for asked, states in rule["if"].items():
        node = read_node(template, asked, "queries.over_time.plan.condition")
        if period == 0 and not _constant(graph, node):
            raise QueryError(say("queries.over_time.plan.nothing_before", node=name))
        each = states if isinstance(states, Sequence) and not isinstance(states, str) else [states]
        codes = (read_state(template, node, s, "queries.over_time.plan.state") for s in each)
        conditions.append((node, tuple(codes)))
    otherwise = None
    if "else" in rule:
        otherwise = read_state(template, name, rule["else"], "queries.do_state")
    return Conditional(tuple(conditions), then, otherwise)


def _constant(graph: CausalGraph, name: str) -> bool:
    """Return whether a node of the template is the same in every period."""
    assert isinstance(graph, UnrolledGraph)
    return graph.at(name, 0) == graph.at(name, 1)
