"""What a plan would do to a person's risk in some period, and what it would have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import when
from backrisk.inference import People, World
from backrisk.posterior import Posterior
from backrisk.queries.asked import changing
from backrisk.queries.contrast import Contrast, coupling_notes
from backrisk.queries.over_time.course import Course, History, read_course, read_period
from backrisk.queries.over_time.plans import Do, Plan, read_plan
from backrisk.queries.over_time.positivity import Kept, followed, followed_notes, plain
from backrisk.queries.over_time.working import (
    SIMULATED_DRAWS,
    Worked,
    in_reach,
    read_samples,
    simulated,
)
from backrisk.queries.seeing import probability
from backrisk.words import estimate, names_of, percent, say, shift


@dataclass(frozen=True)
class Span:
    """When a plan sets what it sets, and when the target is asked about.

    Parameters
    ----------
    first, last : int, optional
        The plan's.
    period : int, optional
        The target's.
    """

    first: int | None = None
    last: int | None = None
    period: int | None = None

    def demand_none(self) -> None:
        """Refuse periods where a person is told of at one moment.

        Raises
        ------
        QueryError
        """
        if (self.first, self.last, self.period) != (None, None, None):
            raise QueryError(say("queries.over_time.no_history"))

    def read(self, do: Do, *, last: int, first: int, period: int) -> Span:
        """Return the same with what is left out filled in.

        Parameters
        ----------
        do : mapping or sequence
            The plan in its plain form.
        last : int
            The history's last period.
        first, period : int
            Where they are left out.
        """
        begin = first if self.first is None else read_period(self.first, last)
        end = self.last if self.last is None else read_period(self.last, last)
        if not isinstance(do, Mapping):
            if end is not None:
                raise QueryError(say("queries.over_time.plan.until_list"))
            end = begin + max(len(do), 1) - 1
            period = max(period, end)
        if self.period is not None:
            period = read_period(self.period, last)
        if end is not None and self.period is None:
            period = max(period, end)
        return Span(begin, period if end is None else end, period)


@dataclass(frozen=True, eq=False, repr=False)
class ContrastOverTime(Contrast):
    """The target's probability in a period with a plan followed, beside that without it.

    Parameters
    ----------
    period : int
        When; periods are numbered from the history's first, which is 0.
    since : int
        The history's last period.
    plan : str
        What is set, in words.
    followed : tuple of Kept, or None
        How many people ever did what the plan sets; None where the model does not hold it.
    error : ndarray, shape (3,), optional
        Monte Carlo standard errors of the means of the rows; None where the answer is exact.
    """

    period: int
    since: int
    plan: str
    followed: tuple[Kept, ...] | None = None
    error: Array | None = None

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows ``before``, ``after`` and ``change``."""
        found = super().columns()
        if self.error is not None:
            found["monte_carlo_error"] = self.error.tolist()
        return found

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        kind = "intervene" if self.coupling is None else "counterfactual"
        return [
            say(
                f"queries.over_time.{kind}",
                plan=self.plan,
                target=self.target.label,
                period=self.period,
                since=self.since,
                after=estimate(self.draws),
                before=percent(float(self.before.mean())),
                shift=shift(self.change),
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, with its period, its plan and who followed it."""
        return {
            **super().to_dict(),
            "period": self.period,
            "plan": self.plan,
            "followed": plain(self.followed),
        }


def intervene_over_time(
    posterior: Posterior,
    history: History,
    do: Do,
    span: Span,
    *,
    target: str | None,
    samples: int,
    seed: int,
) -> ContrastOverTime:
    """Return what a plan would do; see `backrisk.intervene`, *Over time*.

    Raises
    ------
    QueryError
        As for `read_course` and `read_plan`; if something is reported that the plan would have
        changed; if nobody ever did what it sets.
    """
    ahead = len(history)
    span = span.read(do, last=ahead - 1, first=ahead, period=ahead)
    return _asked(posterior, history, do, span, target, None, samples, seed)


def counterfactual_over_time(
    posterior: Posterior,
    history: History,
    do: Do,
    span: Span,
    *,
    target: str | None,
    coupling: str,
    samples: int,
    seed: int,
) -> ContrastOverTime:
    """Return what a plan would have done; see `backrisk.counterfactual`.

    Raises
    ------
    QueryError
        As for `read_course` and `read_plan`; if nobody ever did what it sets; if the answer has to
        be simulated under another coupling than the monotone one.
    """
    last = max(len(history) - 1, 0)
    span = span.read(do, last=last, first=0, period=last)
    return _asked(posterior, history, do, span, target, coupling, samples, seed)


def _asked(
    posterior: Posterior,
    history: History,
    do: Do,
    span: Span,
    target: str | None,
    coupling: str | None,
    samples: int,
    seed: int,
) -> ContrastOverTime:
    samples = read_samples(samples)
    assert span.first is not None
    assert span.last is not None
    assert span.period is not None
    course = read_course(posterior, history, target, max(span.last, span.period))
    plan = read_plan(course.graph, do, course.target, from_=span.first, until=span.last)
    if coupling is None:
        _demand_ahead(course, plan)
    kept = followed(posterior, plan)
    worked, assumed = _worked(course, plan, span.period, coupling, samples, seed)
    names = names_of(course.template)
    exchangeable = () if coupling else (say("queries.over_time.exchangeable"),)
    return ContrastOverTime(
        worked.draws[:, 1],
        course.target,
        course.named,
        worked.draws[:, 0],
        _do_of(plan),
        coupling,
        span.period,
        course.last,
        plan.text(names),
        kept,
        worked.error,
        graph=course.template,
        notes=(
            *course.length,
            *assumed,
            *exchangeable,
            *worked.notes(posterior.draws),
            *followed_notes(kept, plan, names),
        ),
        warnings=course.warnings,
    )


def _do_of(plan: Plan) -> dict[str, str]:
    """Return the nodes of a plan with the state that each is first set to by itself."""
    found: dict[str, str] = {}
    for period in sorted(plan.steps):
        for name, code in plan.steps[period].items():
            state = code if isinstance(code, int) else code.then
            found.setdefault(name, plan.graph.template.node(name).states[state])
    return found


def _demand_ahead(course: Course, plan: Plan) -> None:
    """Refuse what is reported and would have been changed: that is the counterfactual's.

    Raises
    ------
    QueryError
    """
    graph = course.graph
    changed = changing(graph, course.evidence, plan.codes) if plan.fixed else plan.settings
    for name in changed:
        for seen in course.evidence:
            if seen in graph.descendants(name):
                told = {"node": when(graph, seen), "set": when(graph, name)}
                raise QueryError(say("queries.over_time.reported_downstream", **told))


def _worked(
    course: Course, plan: Plan, period: int, coupling: str | None, samples: int, seed: int
) -> tuple[Worked, tuple[str, ...]]:
    """Return the probability without the plan, with it, and the change, ``(draw, 3)``."""
    posterior, evidence = course.posterior, course.evidence
    event = course.event(period)
    if plan.fixed:
        codes = plan.codes
        # Independent noise is drawn anew even below a node that stays as it is.
        setting = codes if coupling == "independent" else changing(course.graph, evidence, codes)
        world = World(posterior, evidence, setting, coupling or "monotone")
        if in_reach(world, [world.variable(event.node)]):
            before = probability(World(posterior, evidence, {}), event)
            after = probability(world, event)
            notes = coupling_notes(world, replace(event, label="")) if coupling else ()
            return Worked(np.column_stack([before, after, after - before])), notes
    if coupling not in (None, "monotone"):
        raise QueryError(say("queries.over_time.only_monotone", coupling=coupling))
    course = course.thinned(SIMULATED_DRAWS)

    def ask(people: People) -> list[Array]:
        before, after = (
            people.follow([event.node], settings).chance(event.node, event.codes)
            for settings in ({}, plan.settings)
        )
        return [before, after, after - before]

    worked = simulated(course.posterior, evidence, ask, samples=samples, seed=seed)
    world = World(posterior, {}, {}, "monotone")
    return worked, coupling_notes(world, event) if coupling else ()
