"""What would lower a person's risk some periods from now, if it were kept to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference import People, Tables, World
from backrisk.posterior import Posterior
from backrisk.queries.asked import named
from backrisk.queries.over_time.course import Course, History, read_course, read_history
from backrisk.queries.over_time.known import Known, beside_prior
from backrisk.queries.over_time.plans import Plan
from backrisk.queries.over_time.positivity import Kept, followed
from backrisk.queries.over_time.working import (
    SIMULATED_DRAWS,
    Worked,
    in_reach,
    read_samples,
    simulated,
)
from backrisk.queries.paths import total_evidence_of, worst_grade
from backrisk.queries.recommendation import (
    Recommendation,
    action_label,
    combined,
    costs_of,
    options_of,
)
from backrisk.queries.seeing import probability
from backrisk.queries.wording import unmeasured_note
from backrisk.summary import interval, side
from backrisk.words import TOGETHER, estimate, listed, names_of, say, whole


@dataclass(frozen=True, eq=False, repr=False)
class RecommendationOverTime(Recommendation):
    """Absolute risk reductions in a period, for actions that are kept to until then.

    Parameters
    ----------
    period : int
        When the risk is asked about; periods are numbered from the history's first, which is 0.
    since : int
        The history's last period.
    followed : tuple of (tuple of Kept, or None)
        Of each action, how many people ever kept to it; None where the model does not hold it.
    error : ndarray, shape (action,), optional
        Monte Carlo standard errors of the mean reductions; None where the answer is exact.
    """

    period: int = 0
    since: int = 0
    followed: tuple[tuple[Kept, ...] | None, ...] = ()
    error: Array | None = None

    @property
    def needed(self) -> tuple[Array, Array, Array]:
        """The numbers needed to treat and the ends of their intervals, each ``(action,)``.

        NaN where the interval of the reduction includes zero; below 0 where the risk rises: so
        many people make one more.
        """
        low, high = interval(self.draws)
        clear = side(low, high) != 0
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = (1.0 / each for each in (self.draws.mean(axis=0), high, low))
            number, first, last = (np.where(clear, each, np.nan) for each in ends)
        return number, first, last

    @property
    def table(self) -> pd.DataFrame:
        """As for `Recommendation`, with numbers needed to treat and who ever kept to an action."""
        table = super().table
        rows = [self.actions.index(str(label)) for label in table.index]
        number, low, high = (each[rows] for each in self.needed)
        table["number_needed"], table["needed_low"], table["needed_high"] = number, low, high
        table["followed"] = [_least(self.followed[row]) for row in rows]
        if self.error is not None:
            table["monte_carlo_error"] = self.error[rows]
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, with its period."""
        return {**super().to_dict(), "period": self.period}

    def _opening(self) -> str:
        words = {"since": self.since, "period": self.period, "target": self.target.label}
        return say("queries.over_time.recommend.now", risk=estimate(self.before), **words)

    @property
    def tells_of_nobody(self) -> bool:
        """Whether there is a sentence for the people spared where their number cannot be told."""
        return True

    def _of_people(self, column: int) -> str:
        number, low, high = (float(each[column]) for each in self.needed)
        if np.isnan(number):
            return say("queries.over_time.recommend.none_needed", period=self.period)
        kind = "fewer" if number > 0 else "more"
        ends = sorted((abs(low), abs(high)))
        return say(
            f"queries.over_time.recommend.{kind}",
            number=whole(np.ceil(abs(number))),
            low=whole(np.ceil(ends[0])),
            high=whole(np.ceil(ends[1])),
            period=self.period,
            target=self.target.label,
        )


def _least(kept: tuple[Kept, ...] | None) -> str:
    """Return how many people ever kept to an action, of several nodes one after the other."""
    return ", ".join(str(each.people) for each in kept or ())


def recommend_over_time(
    posterior: Posterior,
    history: History,
    *,
    actions: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None,
    costs: Mapping[str, float] | None,
    most: int,
    target: str | None,
    periods: int,
    samples: int,
    seed: int,
) -> RecommendationOverTime:
    """Rank what a person could keep to; see `backrisk.recommend`, *Over time*.

    Raises
    ------
    QueryError
        As for `read_course`, and as `backrisk.recommend`; if nobody ever kept to any action.
    """
    samples = read_samples(samples)
    if periods < 1:
        raise QueryError(say("queries.over_time.no_periods", periods=periods))
    period = len(read_history(history)) - 1 + periods
    course = read_course(posterior, history, target, period)
    template, event = course.template, course.target
    known = Known(course, period)
    moving = known.causes.intersection(course.graph.moving)
    options, _ = options_of(template, {}, event, actions, moving)
    combos, kept, left = [], [], []
    for combo in combined(options, most):
        plan = _kept_to(course, combo, period)
        try:
            kept.append(followed(posterior, plan))
            combos.append(combo)
        except QueryError as error:
            left.append(combo)
            nobody = error
    if left and not combos:
        raise nobody
    spent = None if costs is None else costs_of(template, costs, options, combos)
    worked, course = _worked(course, combos, period, samples, seed)
    own = course.posterior.draws
    facts = Known(course, period).support(worked.draws[:, 1:], [dict(combo) for combo in combos])
    names = names_of(template)
    notes: list[str] = [
        *course.length,
        say("queries.rests_on_graph"),
        say("queries.over_time.exchangeable"),
    ]
    notes += worked.notes(posterior.draws, own)
    if all(each is None for each in kept):
        notes.append(say("queries.over_time.followed.unknown"))
    longest = max((part.periods for each in kept for part in each or ()), default=periods)
    if longest < periods:
        notes.append(say("queries.over_time.recommend.longer", count=longest, asked=periods))
    if left:
        labels = listed(
            names.phrase(node, template.node(node).states[code])
            for combo in left
            for node, code in combo
        )
        notes.append(say("queries.over_time.recommend.left_out", actions=labels))
    return RecommendationOverTime(
        worked.draws[:own, 1:],
        event,
        course.named,
        tuple(TOGETHER.join(action_label(template, *one) for one in combo) for combo in combos),
        tuple(named(template, dict(combo)) for combo in combos),
        worked.draws[:own, 0],
        tuple(worst_grade(*(known.grade(node) for node, _ in combo)) for combo in combos),
        tuple(total_evidence_of(template, dict(combo), event.node) for combo in combos),
        facts,
        costs=spent,
        period=period,
        since=course.last,
        followed=tuple(kept),
        error=None if worked.error is None else worked.error[1:],
        graph=template,
        notes=(*notes, *unmeasured_note(template, facts)),
        warnings=course.warnings,
    )


def _kept_to(course: Course, combo: Sequence[tuple[str, int]], period: int) -> Plan:
    """Return the plan of keeping to some actions from the next period on."""
    ahead = range(course.periods, period + 1)
    return Plan(course.graph, {at: dict(combo) for at in ahead})


def _worked(
    course: Course,
    combos: Sequence[Sequence[tuple[str, int]]],
    period: int,
    samples: int,
    seed: int,
) -> tuple[Worked, Course]:
    """Return the risk, and what each action takes off it, ``(draw and prior draw, 1 + action)``."""
    plans = [_kept_to(course, combo, period).codes for combo in combos]
    event, evidence = course.event(period), course.evidence

    def worlds(tables: Tables) -> list[World]:
        return [World(tables, evidence, do) for do in ({}, *plans)]

    asked = worlds(course.posterior)
    if all(in_reach(world, [world.variable(event.node)]) for world in asked):
        before, *after = (probability(w, event) for w in worlds(course.posterior.beside_prior))
        return Worked(np.column_stack([before, *(before - each for each in after)])), course
    course = course.thinned(SIMULATED_DRAWS)

    def ask(people: People) -> list[Array]:
        before, *after = (
            people.follow([event.node], do).chance(event.node, event.codes) for do in ({}, *plans)
        )
        return [before, *(before - each for each in after)]

    own = course.posterior.draws
    tables = beside_prior(course.posterior)
    return simulated(tables, evidence, ask, samples=samples, seed=seed, own=own), course
