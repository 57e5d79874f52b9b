"""What will be: the risk of the target, of its onset and of recovery, period by period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference import People, Setting, World
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, row_name
from backrisk.queries.over_time.course import Course, read_course, read_history
from backrisk.queries.over_time.plans import Plan, read_plan
from backrisk.queries.over_time.positivity import Kept, followed, followed_notes, plain
from backrisk.queries.over_time.working import (
    SAMPLES,
    SIMULATED_DRAWS,
    Worked,
    in_reach,
    read_samples,
    simulated,
)
from backrisk.summary import described
from backrisk.words import estimate, names_of, say

_KINDS = ("risk", "onset", "recovery")


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Answer):
    """The risk in each coming period; ``draws`` is ``(draw, period)``.

    Parameters
    ----------
    periods : tuple of int
        The periods that are forecast, numbered from the history's first, which is 0.
    onset : ndarray, shape (draw, period), or None
        The probability of the target in the period and in none before it since the history's end;
        for someone who reports in the history's last period that it is absent.
    recovery : ndarray, shape (draw, period), or None
        The probability of the target being absent in the period; for someone who reports in the
        history's last period that it is present.
    plan : str
        What is set, in words; empty where nothing is.
    followed : tuple of Kept, or None
        How many people ever did what the plan sets; None where it is not known, or nothing is set.
    error : mapping of str to ndarray, each (period,), optional
        Monte Carlo standard errors of the means, by ``risk``, ``onset``, ``recovery``; None where
        the answer is exact.
    """

    periods: tuple[int, ...]
    onset: Array | None
    recovery: Array | None
    plan: str = ""
    followed: tuple[Kept, ...] | None = None
    error: Mapping[str, Array] | None = None

    @property
    def curves(self) -> dict[str, Array]:
        """The draws of each kind of probability that is told, ``(draw, period)``."""
        found = {"risk": self.draws, "onset": self.onset, "recovery": self.recovery}
        return {kind: draws for kind, draws in found.items() if draws is not None}

    def columns(self) -> dict[str, list[Any]]:
        """Return one row a kind and period: mean, interval, Monte Carlo error where simulated."""
        parts = []
        for kind, draws in self.curves.items():
            names = [f"{row_name(kind)} {period}" for period in self.periods]
            part = described(draws, names)
            part["kind"] = [kind] * len(names)
            part["period"] = list(self.periods)
            if self.error is not None:
                part["monte_carlo_error"] = self.error[kind].tolist()
            parts.append(part)
        order = ("name", "kind", "period", *(k for k in parts[0] if k in _NUMBERS))
        return {key: [value for part in parts for value in part[key]] for key in order}

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        kind, _, period = name.rpartition(" ")
        key = next(each for each in _KINDS if row_name(each) == kind)
        return say("queries.over_time.forecast.row", kind=say(f"queries.rows.{key}"), period=period)

    def sentences(self) -> list[str]:
        """Return what the answer says: of the first and the last period."""
        first, last = self.periods[0], self.periods[-1]
        words: dict[str, Any] = {
            "target": self.target.label,
            "first": estimate(self.draws[:, 0]),
            "period": first,
            "until": last,
            "since": first - 1,
            "plan": self.plan,
        }
        key = "plan" if self.plan else "now"
        said: list[str] = [say(f"queries.over_time.forecast.{key}", **words)]
        if last > first:
            said.append(
                say("queries.over_time.forecast.later", **words, last=estimate(self.draws[:, -1]))
            )
        if self.onset is not None:
            ever = estimate(self.onset.sum(axis=1))
            said.append(say("queries.over_time.forecast.onset", **words, ever=ever))
        if self.recovery is not None:
            gone = estimate(self.recovery[:, -1])
            said.append(say("queries.over_time.forecast.recovery", **words, gone=gone))
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, with its periods, its plan and who followed it."""
        return {
            **super().to_dict(),
            "periods": list(self.periods),
            "plan": self.plan,
            "followed": plain(self.followed),
        }


_NUMBERS = ("mean", "low", "high", "monte_carlo_error")


@checked("history", "plan")
def forecast(
    posterior: Posterior,
    history: Sequence[Mapping[str, Any]],
    periods: int = 1,
    *,
    target: str | None = None,
    plan: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Forecast:
    """Return a person's risk in each coming period. Rung: seeing; with a plan, doing.

    Parameters
    ----------
    posterior : Posterior
        Of an unrolled graph, as `fit` makes it from a panel.
    history : sequence of mapping
        What is known of the person, one mapping a period, the oldest first: labels by node of the
        template, or raw answers of its codebook. An empty mapping is a period without answers.
    periods : int
        How many periods after the history's last are forecast.
    target : str, optional
    plan : mapping or sequence of mapping, optional
        What is set from the next period on: ``{"node": "state"}`` in every period that is
        forecast, a list with one such mapping a period, or ``{"node": {"if": {"other": "state"},
        "then": "state", "else": "state"}}``, a rule that looks at the period before.
    samples : int
        Of the person, for each draw, where the answer is simulated.
    seed : int
        For what is simulated.

    Returns
    -------
    Forecast
        Write Y_t for the target being there in period t, h for the history, n for its last period.
        ``draws``, shape ``(draw, period)``, of the *risk* ``P(Y_t | h)``.
        ``onset``: ``P(Y_t, not Y_s for any n < s < t | h)``, where h says that Y_n is absent; its
        sum over periods is the probability of any. ``recovery``: ``P(not Y_t | h)``, where h says
        that Y_n is present; who recovers may have had a relapse in between.
        With a plan all are of the world in which it is followed from period n + 1 on.

    Raises
    ------
    QueryError
        If the model has no periods; if history or plan are not understood; if the plan has more
        entries than periods are forecast; if nobody whom the model was fitted on ever did what it
        sets.

    Notes
    -----
    The probability is exact where the joint table of the target in all periods is in reach; else
    each draw is simulated: what is unknown in the history is drawn from its exact joint posterior
    given the history, and followed forward. The answer then states its Monte Carlo error.

    A plan is answered by the parametric g-formula (Robins 1986,
    doi:10.1016/0270-0255(86)90088-6). It assumes sequential exchangeability: that given the
    history and the trait no unmeasured cause of what is set, in any period, is also one of later
    states; and that the transitions of the panel go on in periods that were not observed.

    Examples
    --------
    >>> import backrisk as br
    >>> graph = br.CausalGraph.from_text("x -> y; x[-1] -> x; y[-1] -> y")
    >>> rows = [[0.9, 0.1], [0.3, 0.7]]
    >>> cpts = {"x": [0.5, 0.5], "y": rows, "x__1": rows, "y__1": [rows, [[0.4, 0.6], [0.1, 0.9]]]}
    >>> model = br.Posterior.from_cpts(br.unroll(graph, 2), cpts)
    >>> answer = br.forecast(model, [{"x": "yes", "y": "no"}], 2, target="y")
    >>> answer.draws.round(3).tolist()
    [[0.45, 0.541]]
    """
    samples = read_samples(samples)
    if periods < 1:
        raise QueryError(say("queries.over_time.no_periods", periods=periods))
    known = len(read_history(history))
    course = read_course(posterior, history, target, known - 1 + periods)
    ahead = tuple(range(course.periods, course.periods + periods))
    planned = None
    if plan is not None:
        planned = read_plan(course.graph, plan, course.target, from_=ahead[0], until=ahead[-1])
    names = names_of(course.template)
    kept = None if planned is None else followed(posterior, planned)
    worked = _paths(course, ahead, planned, samples=samples, seed=seed)
    parts = np.split(worked.draws, 2, axis=1)
    errors: dict[str, Array] | None = None
    if worked.error is not None:
        of_risk, of_onset = np.split(worked.error, 2)
        errors = {"risk": of_risk, "onset": of_onset, "recovery": of_risk}
    last = course.evidence.get(course.at(course.last))
    absent = last is not None and last not in course.target.codes
    present = last is not None and last in course.target.codes
    told: list[str] = [*course.length, *worked.notes(posterior.draws)]
    if last is None:
        told.append(say("queries.over_time.forecast.unknown", target=course.target.label))
    if planned is not None:
        told += [say("queries.over_time.exchangeable"), *followed_notes(kept, planned, names)]
    return Forecast(
        parts[0],
        course.target,
        course.named,
        ahead,
        parts[1] if absent else None,
        1.0 - parts[0] if present else None,
        "" if planned is None else planned.text(names),
        kept,
        errors,
        graph=course.template,
        notes=tuple(told),
        warnings=course.warnings,
    )


def _paths(
    course: Course, ahead: Sequence[int], plan: Plan | None, *, samples: int, seed: int
) -> Worked:
    """Return the risk in each period, and then that it is the first, ``(draw, 2 periods)``."""
    names = [course.at(period) for period in ahead]
    codes = course.target.codes
    if plan is None or plan.fixed:
        world = World(course.posterior, course.evidence, {} if plan is None else plan.codes)
        keep = [world.variable(name) for name in names]
        if in_reach(world, keep):
            states = len(course.graph.node(names[0]).states)
            there = np.isin(np.arange(states), codes)
            return Worked(_exact(world.conditional(keep), there))
    course = course.thinned(SIMULATED_DRAWS)
    settings: Mapping[str, Setting] = {} if plan is None else plan.settings

    def ask(people: People) -> list[Array]:
        world = people.follow(names, settings)
        risks, first = [], []
        never: Array = np.ones((1, 1))
        for name in names:
            risk = world.chance(name, codes)
            risks.append(risk)
            first.append(never * risk)
            never = never * ~np.isin(world.states[name], codes)
        return [*risks, *first]

    return simulated(course.posterior, course.evidence, ask, samples=samples, seed=seed)


def _exact(joint: Array, there: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
    """Return the same from the joint of the target in all periods, ``(*states, draw)``."""
    risks, first = [], []
    never = joint
    for _ in range(joint.ndim - 1):
        # What is left of the leading axis is the present period; later ones are summed out.
        later = tuple(range(1, joint.ndim - 1))
        risks.append(joint.sum(axis=later)[there].sum(axis=0))
        first.append(never.sum(axis=later)[there].sum(axis=0))
        joint, never = joint.sum(axis=0), never[~there].sum(axis=0)
    return np.column_stack([*risks, *first])
