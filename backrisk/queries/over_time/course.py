"""One person's history, read; and the model of as many periods as a question needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from backrisk._arguments import shown
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, UnrolledGraph
from backrisk.posterior import Posterior
from backrisk.queries.answer import Target
from backrisk.queries.asked import demand_agreement, demand_risks, read_answers, read_target
from backrisk.words import say

History = Sequence[Mapping[str, Any]]

_SPAN = re.compile(r"(\d+)([DWMY])")  # as a panel states how long a slice is
MOST_PERIODS = 1_000  # of a history and what comes after it


def history_of(person: object) -> History | None:
    """Return a person who is told of period by period; None where it is one moment's answers."""
    return person if isinstance(person, Sequence) and not isinstance(person, str | bytes) else None


@dataclass(frozen=True, eq=False)
class Course:
    """A person's history, and the model over all periods that a question is about.

    Parameters
    ----------
    posterior : Posterior
        Of a graph unrolled over enough periods.
    evidence : mapping of node to state code
        By the names of the unrolled graph.
    periods : int
        Of the history. They are numbered from 0, so that the last one is ``periods - 1``.
    target : Target
        By the names of the template.
    """

    posterior: Posterior
    evidence: Mapping[str, int]
    periods: int
    target: Target

    @cached_property
    def graph(self) -> UnrolledGraph:
        """The unrolled graph."""
        graph = self.posterior.graph
        assert isinstance(graph, UnrolledGraph)
        return graph

    @property
    def template(self) -> CausalGraph:
        """The graph of one period."""
        return self.graph.template

    @property
    def last(self) -> int:
        """The number of the history's last period."""
        return self.periods - 1

    def at(self, period: int) -> str:
        """Return the name of the target in a period."""
        return self.graph.at(self.target.node, period)

    def event(self, period: int) -> Target:
        """Return the target as an event of the unrolled graph."""
        return replace(self.target, node=self.at(period))

    def thinned(self, draws: int) -> Course:
        """Return the same with at most so many draws."""
        return replace(self, posterior=self.posterior.subset(draws))

    @property
    def named(self) -> dict[str, str]:
        """What is known, by label."""
        return {n: self.graph.node(n).states[code] for n, code in self.evidence.items()}

    @property
    def length(self) -> tuple[str, ...]:
        """How long a period is, in a sentence, where the model was fitted on a panel."""
        every = str((self.posterior.meta.get("panel") or {}).get("every", ""))
        found = _SPAN.fullmatch(every)
        if found:
            return (say(f"queries.over_time.every.{found[2]}", count=int(found[1])),)
        return (say("queries.over_time.every.number", length=every),) if every else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has to be told with an answer."""
        return self.posterior.warnings_about((self.target.node, *self.evidence))


def read_course(
    posterior: Posterior, history: History, target: str | None, through: int | None = None
) -> Course:
    """Read a history, and return it with a model of as many periods as are needed.

    Parameters
    ----------
    posterior : Posterior
        Of an unrolled graph.
    history : sequence of mapping
        One for each period, the oldest first, of answers as labels; what is constant may stand in
        any of them.
    target : str, optional
        As the template has it.
    through : int, optional
        The last period that is asked about; by default the history's last.

    Returns
    -------
    Course

    Raises
    ------
    QueryError
        If the model has no periods; if an answer is not understood, naming its period; if a
        constant is told to differ; if the history is empty or too long, or the model gives it
        probability zero in some draw.
    """
    graph = posterior.graph
    if not isinstance(graph, UnrolledGraph):
        raise QueryError(say("queries.over_time.one_moment", graph=graph.name))
    if graph.periods < 2:
        raise QueryError(say("queries.over_time.one_period", graph=graph.name))
    demand_risks(posterior)
    history = read_history(history)
    event = read_target(graph.template, target)
    last = len(history) - 1 if through is None else max(through, len(history) - 1)
    if last >= MOST_PERIODS:
        raise QueryError(say("queries.over_time.too_long", periods=last + 1, most=MOST_PERIODS))
    longer = lasting(posterior, last + 1)
    assert isinstance(longer.graph, UnrolledGraph)
    evidence = _evidence(longer.graph, posterior, history)
    demand_agreement(longer, evidence)
    return Course(longer, evidence, len(history), event)


def read_history(history: object) -> History:
    """Return a history whose form is sound: at least one period, and a mapping in each.

    Raises
    ------
    QueryError
    """
    found = history_of(history)
    if found is None or not all(isinstance(each, Mapping) for each in found):
        raise QueryError(say("queries.over_time.history_form", history=shown(history)))
    if not found:
        raise QueryError(say("queries.over_time.history_empty"))
    return found


def _evidence(graph: UnrolledGraph, posterior: Posterior, history: History) -> dict[str, int]:
    found: dict[str, int] = {}
    since: dict[str, int] = {}
    for period, answers in enumerate(history):
        try:
            codes = read_answers(graph.template, posterior.codebook, answers)
        except QueryError as error:
            told = say("queries.over_time.in_period", period=period, problem=str(error))
            raise QueryError(told) from None
        for name, code in codes.items():
            node = graph.at(name, period)
            if found.setdefault(node, code) != code:
                states = graph.template.node(name).states
                raise QueryError(
                    say(
                        "queries.over_time.constant_differs",
                        node=name,
                        first=states[found[node]],
                        period=since[node],
                        second=states[code],
                        later=period,
                    )
                )
            since.setdefault(node, period)
    return found


def lasting(posterior: Posterior, periods: int) -> Posterior:
    """Return a posterior of an unrolled graph over at least so many periods.

    The parameters are the same: a period that was not fitted is like every one but the first.
    """
    graph = posterior.graph
    assert isinstance(graph, UnrolledGraph)
    if periods <= graph.periods:
        return posterior
    longer = graph.extended(periods)
    given = posterior.given
    if given is not None:
        second = {graph.base(name)[0]: table for name, table in given.items()}  # the last one's
        given = {n: given[n] if n in given else second[longer.base(n)[0]] for n in longer.names}
    return replace(posterior, graph=longer, given=given)


def read_period(period: int, last: int) -> int:
    """Return the period that is asked about.

    Raises
    ------
    QueryError
        If it is none, or lies further ahead than can be asked.
    """
    if not 0 <= period < MOST_PERIODS:
        raise QueryError(
            say("queries.over_time.no_period", period=period, most=MOST_PERIODS - 1, last=last)
        )
    return period
