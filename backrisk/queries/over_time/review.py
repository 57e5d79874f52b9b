"""What one visit after another told of a person: the risk at each, given the history up to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backrisk._arguments import checked, shown
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference import People, World
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, row_name
from backrisk.queries.over_time.course import Course, read_course, read_history
from backrisk.queries.over_time.working import (
    SAMPLES,
    SIMULATED_DRAWS,
    Worked,
    in_reach,
    read_samples,
    simulated,
)
from backrisk.queries.seeing import probability
from backrisk.summary import described
from backrisk.words import estimate, say, shift

_KINDS = ("risk", "ahead")


@dataclass(frozen=True)
class Change:
    """A node that is told of otherwise at a later visit.

    Parameters
    ----------
    node : str
        By its name in the template.
    before, after : str or None
        Its state at either visit; None where it is not reported.
    """

    node: str
    before: str | None
    after: str | None


@dataclass(frozen=True, eq=False, repr=False)
class Review(Answer):
    """The risk at some visits, each given the history up to it; ``draws`` is ``(draw, visit)``.

    Parameters
    ----------
    visits : tuple of int
        The periods asked about, in order, numbered from the history's first, which is 0.
    ahead : ndarray, shape (draw, visit)
        The risk in the period after each.
    changed : tuple of Change
        What is told otherwise at the last of the visits than at the first.
    error : ndarray, shape (2, visit), optional
        Monte Carlo standard errors of the means of both, 0 where one is exact; None where all are.
    """

    visits: tuple[int, ...]
    ahead: Array
    changed: tuple[Change, ...] = ()
    error: Array | None = None

    def columns(self) -> dict[str, list[Any]]:
        """Return one row a kind and visit, and of each kind the change from first to last."""
        kinds = dict(zip(_KINDS, (self.draws, self.ahead), strict=True))
        names: list[str] = []
        kind: list[str] = []
        visit: list[int] = []
        for each in kinds:
            names += [f"{row_name(each)} {period}" for period in self.visits]
            kind += [each] * len(self.visits)
            visit += self.visits
        every = [*kinds.values()]
        if len(self.visits) > 1:
            for each, draws in kinds.items():
                names.append(row_name(f"{each}_change"))
                kind.append(f"{each}_change")
                visit.append(self.visits[-1])
                every.append(draws[:, -1:] - draws[:, :1])
        found = described(np.column_stack(every), names)
        return {"name": found.pop("name"), "kind": kind, "visit": visit, **found}

    def in_points(self, name: str) -> bool:
        """Return whether a row is a change."""
        return name in {row_name(f"{kind}_change") for kind in _KINDS}

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        for kind in _KINDS:
            if name == row_name(f"{kind}_change"):
                return say(f"queries.rows.{kind}_change")
            if name.startswith(f"{row_name(kind)} "):
                period = name.removeprefix(f"{row_name(kind)} ")
                return say(
                    "queries.over_time.forecast.row",
                    kind=say(f"queries.rows.{kind}"),
                    period=period,
                )
        return name

    def sentences(self) -> list[str]:
        """Return what the answer says: of the first and the last visit."""
        first, last = self.visits[0], self.visits[-1]
        said: list[str] = [
            say(
                "queries.over_time.review.now",
                target=self.target.label,
                visit=each,
                risk=estimate(self.draws[:, place]),
                ahead=estimate(self.ahead[:, place]),
            )
            for place, each in ((0, first), (-1, last))[: 1 + (last > first)]
        ]
        if last > first:
            change = shift(self.ahead[:, -1] - self.ahead[:, 0])
            said.append(
                say("queries.over_time.review.change", first=first, last=last, shift=change)
            )
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, with its visits and what changed between them."""
        changed = [
            {"node": each.node, "before": each.before, "after": each.after} for each in self.changed
        ]
        return {**super().to_dict(), "visits": list(self.visits), "changed": changed}


@checked("history")
def review(
    posterior: Posterior,
    history: Sequence[Mapping[str, Any]],
    visits: Sequence[int] | None = None,
    *,
    target: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Review:
    """Return what was known of a person's risk at some visits. Rung: seeing.

    Parameters
    ----------
    posterior : Posterior
        Of an unrolled graph, as `fit` makes it from a panel.
    history : sequence of mapping
        As for `forecast`.
    visits : sequence of int, optional
        The periods to look back on, numbered from the history's first, which is 0; by default all.
    target : str, optional
    samples : int
        Of the person, for each draw, where the answer is simulated.
    seed : int
        For what is simulated.

    Returns
    -------
    Review
        Write Y_t for the target being there in period t and h_t for the history up to and with t.
        ``draws``, shape ``(draw, visit)``, of ``P(Y_t | h_t without what it says of Y_t)``: the
        risk at the visit by all other answers; ``ahead`` of ``P(Y_(t+1) | h_t)``, as `forecast`
        gives it. What was answered later counts for neither, so that a change from one visit to
        the next is what the answers in between, and time, did to the estimate: a change in what is
        known, not the effect of anything.

    Raises
    ------
    QueryError
        As for `forecast`; if a visit lies outside the history, or is asked for twice.

    Examples
    --------
    >>> import backrisk as br
    >>> graph = br.CausalGraph.from_text("x -> y; x[-1] -> x; y[-1] -> y")
    >>> rows = [[0.9, 0.1], [0.3, 0.7]]
    >>> cpts = {"x": [0.5, 0.5], "y": rows, "x__1": rows, "y__1": [rows, [[0.4, 0.6], [0.1, 0.9]]]}
    >>> model = br.Posterior.from_cpts(br.unroll(graph, 2), cpts)
    >>> answer = br.review(model, [{"x": "yes"}, {"x": "no", "y": "no"}], target="y")
    >>> answer.draws.round(3).tolist(), answer.ahead.round(3).tolist()
    ([[0.7, 0.52]], [[0.723, 0.15]])
    >>> answer.changed[0]
    Change(node='x', before='yes', after='no')
    """
    samples = read_samples(samples)
    history = read_history(history)
    asked = _read_visits(visits, len(history))
    whole = read_course(posterior, history, target)
    questions = [each for visit in asked for each in _questions(posterior, history, target, visit)]
    if not all(_exact(*each) for each in questions):
        questions = [
            (course.thinned(SIMULATED_DRAWS), period, evidence)
            for course, period, evidence in questions
        ]
    parts = [_worked(*each, samples, seed) for each in questions]
    numbers = np.column_stack([part.draws[:, 0] for part in parts])
    errors = np.array([0.0 if part.error is None else float(part.error[0]) for part in parts])
    told = [part for part in parts if part.error is not None]
    worst = max(told, key=lambda part: float(errors[parts.index(part)])) if told else parts[0]
    return Review(
        numbers[:, ::2],
        whole.target,
        whole.named,
        asked,
        numbers[:, 1::2],
        _changed(whole, asked[0], asked[-1]),
        np.array([errors[::2], errors[1::2]]) if told else None,
        graph=whole.template,
        notes=(*whole.length, *worst.notes(posterior.draws)),
        warnings=whole.warnings,
    )


type _Question = tuple[Course, int, Mapping[str, int]]


def _questions(
    posterior: Posterior, history: Sequence[Mapping[str, Any]], target: str | None, visit: int
) -> tuple[_Question, _Question]:
    """Return what is asked at a visit: of its own period, and of the one after."""
    course = read_course(posterior, history[: visit + 1], target, visit + 1)
    return (course, visit, _without_own(course, visit)), (course, visit + 1, course.evidence)


def _without_own(course: Course, period: int) -> dict[str, int]:
    """Return what is known but for what is said of the target in a period, by items too."""
    graph, node = course.graph, course.at(period)
    own = {node, *(item for item in graph.items if node in graph.parents(item))}
    return {name: code for name, code in course.evidence.items() if name not in own}


def _exact(course: Course, period: int, evidence: Mapping[str, int]) -> bool:
    world = World(course.posterior, evidence, {})
    return in_reach(world, [world.variable(course.at(period))])


def _worked(
    course: Course, period: int, evidence: Mapping[str, int], samples: int, seed: int
) -> Worked:
    event = course.event(period)
    if _exact(course, period, evidence):
        return Worked(probability(World(course.posterior, evidence, {}), event)[:, None])

    def ask(people: People) -> list[Array]:
        return [people.follow([event.node], {}).chance(event.node, event.codes)]

    return simulated(course.posterior, evidence, ask, samples=samples, seed=seed)


def _read_visits(visits: Sequence[int] | None, known: int) -> tuple[int, ...]:
    asked = tuple(range(known)) if visits is None else tuple(visits)
    numbers = all(isinstance(each, int | np.integer) for each in asked)
    if not numbers or not asked or len({*asked} & {*range(known)}) < len(asked):
        raise QueryError(
            say("queries.over_time.review.visits", visits=shown(visits), last=known - 1)
        )
    return tuple(sorted(map(int, asked)))


def _changed(course: Course, first: int, last: int) -> tuple[Change, ...]:
    graph, found = course.graph, []
    for node in graph.moving:
        states = course.template.node(node).states
        codes = [course.evidence.get(graph.at(node, period)) for period in (first, last)]
        before, after = (None if code is None else states[code] for code in codes)
        if before != after:
            found.append(Change(node, before, after))
    return tuple(found)
