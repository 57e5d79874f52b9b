"""What a person's risk in a period is due to: sustained causes, and what goes round the loop.

A player is a cause in all periods at once. To ask about a cause in one period alone, with all its
other periods kept, is a different question, whose answer is small for whatever lasts; shares of
such pairs would part one habit into as many pieces as there were visits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import STAYS, TRAIT, CausalGraph, Edge
from backrisk.inference import People, SecondWorld, people_like
from backrisk.posterior import Posterior
from backrisk.queries.asked import read_names, read_node
from backrisk.queries.attribution.causes import at_level
from backrisk.queries.attribution.departures import (
    Baseline,
    at_reference,
    check_baseline,
    is_exact,
    play,
    playing_of,
)
from backrisk.queries.attribution.shapley import Shares, sampled, sampling_note
from backrisk.queries.attribution.shown import Attribution
from backrisk.queries.over_time.course import Course, History, read_course, read_period
from backrisk.queries.over_time.known import Known, beside_prior
from backrisk.queries.over_time.telling import last_told, periods_of, told_when
from backrisk.queries.over_time.working import Worked, few_open, read_samples, simulated
from backrisk.queries.paths import Studied, total_evidence_of, worst_grade
from backrisk.queries.wording import unmeasured_note
from backrisk.words import estimate, listed, percent, points, say

METHODS = ("shapley", "pathways")
DRAWS = 100  # of a posterior that a game is played for where it is sampled
_SAMPLES = 16  # of a person, for each order of a game and its reverse
_ARROW = " -> "


@dataclass(frozen=True, eq=False, repr=False)
class AttributionOverTime(Attribution):
    """What sustained causes, or routes from period to period, account for.

    Parameters
    ----------
    period : int
        When the target is asked about; periods are numbered from the history's first, which is 0.
    risk : ndarray, shape (draw,), optional
        For ``pathways``: ``P(Y_T | h)``.
    loop : ndarray, shape (draw,), optional
        For ``pathways``: how much of it goes round the loop; `risk` less `loop` is what it would
        be with the loop cut.
    around : tuple of str
        For ``pathways``: the routes that make the loop.
    loop_error : float, optional
        Monte Carlo standard error of the mean of `loop`.
    chosen : bool
        Whether the causes were named, so that others may be left out.
    states : mapping of str to tuple of str
        What the history says of each cause, period by period; empty where it says nothing.
    outcome_told : bool
        Whether the history says of the target, in some period, whether it was there.
    """

    period: int = 0
    risk: Array | None = None
    loop: Array | None = None
    around: tuple[str, ...] = ()
    loop_error: float | None = None
    chosen: bool = False
    states: Mapping[str, tuple[str, ...]] | None = None
    outcome_told: bool = False

    def _state(self, cause: str) -> str:
        return last_told((self.states or {}).get(cause, ()))

    def reported(self, cause: str) -> str:
        """Word what the history says of a cause, with its periods; empty where it says nothing."""
        return told_when(self.names, cause, (self.states or {}).get(cause, ()))

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        cause, arrow, effect = name.partition(_ARROW)
        if not arrow:
            return self.names.node(name)
        if cause == effect:
            return say("queries.over_time.attribute.past", node=self.names.node(cause))
        words = {"cause": self.names.node(cause), "effect": self.names.node(effect)}
        return say("queries.over_time.attribute.route", **words)

    def state_label(self, name: str) -> str:
        """Return a cause as a list shows it."""
        return self.row_label(name)

    def _compared(self, draws: Array) -> list[str]:
        words = {"target": self.target.label, "period": self.period, "total": points(draws)}
        if self.method == "shapley":
            kind = "named" if self.chosen else "asked"
            key = f"queries.over_time.attribute.total.{kind}.{self.baseline}"
            return [
                say(key, causes=listed(map(self.row_label, self.causes)), **words),
                say("queries.attribute.shapley.credited"),
            ]
        said: list[str] = [say("queries.over_time.attribute.routes", **words)]
        if self.loop is None or self.risk is None:
            return [*said, say("queries.over_time.attribute.no_loop", **words)]
        said.append(
            say(
                "queries.over_time.attribute.loop",
                risk=percent(float(self.risk.mean())),
                cut=estimate(self.risk - self.loop),
                loop=points(self.loop),
                routes=listed(map(self.row_label, self.around)),
                **words,
            )
        )
        return said

    def _inferred(self) -> list[str]:
        """Say which causes were inferred, in all periods or in those without an answer."""
        if not self.outcome_told:
            return []
        told = {
            self.causes[row]: (self.states or {}).get(self.causes[row], ()) for row in self._told
        }
        never = [self.row_label(cause) for cause, states in told.items() if not any(states)]
        partly = [
            periods_of(self.names, cause, states)
            for cause, states in told.items()
            if any(states) and not all(states[: self.period + 1])  # later ones are still to come
        ]
        return [
            say(f"queries.{key}", nodes=listed(causes))
            for key, causes in (
                ("attribute.inferred", never),
                ("over_time.attribute.inferred", partly),
            )
            if causes
        ]

    def _worded_cause(self, node: str) -> str:
        return self.row_label(node)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values: also the period and, for ``pathways``, the loop."""
        found = {**super().to_dict(), "period": self.period}
        if self.loop is not None and self.risk is not None:
            found["loop"] = {
                "risk": float(self.risk.mean()),
                "round_the_loop": float(self.loop.mean()),
                "with_the_loop_cut": float((self.risk - self.loop).mean()),
                "routes": list(self.around),
                "monte_carlo_error": self.loop_error,
            }
        return found


def attribute_over_time(
    posterior: Posterior,
    history: History,
    causes: str | Sequence[str | Sequence[str]] | None,
    *,
    method: str,
    level: str | None,
    target: str | None,
    baseline: Baseline,
    period: int | None,
    samples: int,
    seed: int,
) -> AttributionOverTime:
    """Attribute a person's risk in a period; see `backrisk.attribute`, *Over time*.

    Raises
    ------
    QueryError
        As for `read_course`; if the method is not one that histories have, or a cause is none.
    """
    if method not in METHODS:
        methods = listed(METHODS)
        raise QueryError(say("queries.over_time.attribute.method", name=method, methods=methods))
    check_baseline(baseline)
    samples = read_samples(samples)
    last = max(len(history) - 1, 0)
    period = last if period is None else read_period(period, last)
    course = read_course(posterior, history, target, period)
    if method == "pathways":
        return _routes(course, causes, level, period, posterior.draws, samples, seed)
    return _shapley(course, causes, level, baseline, period, posterior.draws, seed)


def _players(course: Course, known: Known, causes: object, level: str | None) -> tuple[str, ...]:
    """Return who plays: all causes in whatever period, but the traits that nobody can change."""
    template = course.template
    if causes is None:
        aside = {*template.playing("traits"), *template.items, TRAIT, STAYS}
        found = tuple(n for n in template.topological if n in known.causes - aside)
        if not found:
            raise QueryError(
                say("queries.no_causes", target=course.target.node, graph=template.name)
            )
        return found
    given = read_names(causes, "causes")  # type: ignore[arg-type]
    names = tuple(read_node(template, name, "queries.what.cause") for name in given)
    for name in names:
        if name not in known.causes:
            words = {"target": course.target.node, "graph": template.name}
            raise QueryError(say("queries.no_cause", name=name, **words))
    if not names or len(set(names)) < len(names):
        raise QueryError(say("queries.causes_once"))
    return names


def _healthy(template: CausalGraph, baseline: Baseline) -> frozenset[str]:
    """Return the nodes of the template that are at their reference where they do not count.

    A node that only other nodes' past acts on is no root: it answers to that.
    """
    answering = {edge.effect for edge in template.lagged if edge.cause != edge.effect}
    return at_reference(template, baseline) - (answering - set(template.playing("healthy")))


def _shapley(
    course: Course,
    causes: object,
    level: str | None,
    baseline: Baseline,
    period: int,
    of: int,
    seed: int,
) -> AttributionOverTime:
    players = _players(course, Known(course, period), causes, level)
    shown = None
    if level is not None:
        shown = tuple(name for name in players if name in at_level(course.template, level))
    world = _world(course, players, baseline, period)
    exact = few_open(course.graph, {*course.evidence, course.at(period)}, course.evidence)
    exact = exact and is_exact(world)
    if not exact:
        course = course.thinned(DRAWS)
        world = _world(course, players, baseline, period)
    shares = play(world, players, seed=seed, exact=exact)
    notes = [
        say("queries.over_time.attribute.sustained"),
        say("queries.attribute.shapley.rests_on"),
    ]
    return _answer(
        course,
        period,
        players,
        shares,
        [(name,) for name in players],
        of,
        notes,
        method="shapley",
        grades=tuple(Known(course, period).grade(name) for name in players),
        studied=tuple(
            total_evidence_of(course.template, [name], course.target.node) for name in players
        ),
        baseline=baseline,
        shown=shown,
        chosen=causes is not None,
        states=_states(course, players),
        outcome_told=any(course.at(t) in course.evidence for t in range(course.periods)),
    )


def _world(course: Course, players: Sequence[str], baseline: Baseline, period: int) -> SecondWorld:
    """Return the person's second world, in which a player is on or off in all periods at once."""
    graph, event = course.graph, course.event(period)
    template_of = {graph.at(name, t): name for name in players for t in range(period + 1)}
    healthy = _healthy(course.template, baseline)
    reference = frozenset(node for node, name in template_of.items() if name in healthy)
    above = graph.ancestors(event.node)
    nodes = [node for node in template_of if node in above]
    playing = playing_of(graph, course.evidence, nodes, reference)
    tables = course.posterior if course.posterior.prior is None else beside_prior(course.posterior)
    return SecondWorld(
        tables,
        course.evidence,
        playing,
        reference,
        event.node,
        event.codes,
        together={node: template_of[node] for node in playing},
    )


def _states(course: Course, players: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what the history says of each player, period by period; of a constant once."""
    told = course.named
    found = {}
    for name in players:
        nodes = dict.fromkeys(course.graph.at(name, t) for t in range(course.periods))
        found[name] = tuple(told.get(node, "") for node in nodes)
    return found


@dataclass(frozen=True, eq=False)
class _Lags:
    """The routes from one period to the next that lead to the target.

    Parameters
    ----------
    course : Course
    period : int
        The target's.
    """

    course: Course
    period: int

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The lagged edges of the template that lead to the target, past states among them."""
        graph, template = self.course.graph, self.course.template
        lagged: dict[tuple[str, str], Edge] = {(e.cause, e.effect): e for e in template.lagged}
        for node in template.nodes:
            if node.persist and (node.name, node.name) not in lagged:
                # What an own past is known by stands in the unrolled graph.
                pair = (graph.at(node.name, 0), graph.at(node.name, 1))
                edge = next(e for e in graph.edges if (e.cause, e.effect) == pair)
                lagged[node.name, node.name] = edge
        target = self.course.at(self.period)
        above = graph.ancestors(target) | {target}
        return tuple(
            edge
            for (_, effect), edge in lagged.items()
            if any(graph.at(effect, t) in above for t in range(1, self.period + 1))
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each route is called."""
        return tuple(_ARROW.join(self.ends(edge)) for edge in self.edges)

    def ends(self, edge: Edge) -> tuple[str, str]:
        """Return a route's cause and effect, as the template names them."""
        base = self.course.graph.base
        return base(edge.cause)[0], base(edge.effect)[0]

    @cached_property
    def loop(self) -> tuple[str, ...]:
        """The routes on a directed cycle through the target."""
        import networkx as nx  # a fifth of a second, which a risk does without

        template, target = self.course.template, self.course.target.node
        summary = nx.DiGraph((e.cause, e.effect) for e in template.edges)
        summary.add_node(target)
        summary.add_edges_from(map(self.ends, self.edges))
        (strong,) = (part for part in nx.strongly_connected_components(summary) if target in part)
        return tuple(
            name
            for name, (cause, effect) in zip(self.names, map(self.ends, self.edges), strict=True)
            if {cause, effect} <= strong and (cause != effect or cause == target)
        )

    def pairs(self, names: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Return the edges of the unrolled graph that some routes are."""
        at = self.course.graph.at
        return frozenset(
            (at(cause, t - 1), at(effect, t))
            for name in names
            for cause, _, effect in [name.partition(_ARROW)]
            for t in range(1, self.period + 1)
        )


def _routes(
    course: Course,
    causes: object,
    level: str | None,
    period: int,
    of: int,
    samples: int,
    seed: int,
) -> AttributionOverTime:
    if causes is not None or level is not None:
        raise QueryError(say("queries.over_time.attribute.all_routes"))
    course = course.thinned(DRAWS)
    lags = _Lags(course, period)
    if not lags.edges:
        words = {"target": course.target.label, "period": period}
        raise QueryError(say("queries.over_time.attribute.no_routes", **words))
    event, evidence = course.event(period), course.evidence
    tables, own = beside_prior(course.posterior), course.posterior.draws

    def chance(people: People, off: Sequence[str]) -> Array:
        world = people.follow([event.node], deaf=lags.pairs(off))
        found: Array = np.broadcast_to(
            world.chance(event.node, event.codes), (people.samples, tables.draws)
        )
        return found

    def plays(orders: Sequence[Sequence[int]], rng: np.random.Generator) -> list[Array]:
        drawn = people_like(
            tables,
            evidence,
            samples=_SAMPLES * len(orders),
            seed=int(rng.integers(2**31)),
            at_once=_SAMPLES,
        )
        return [
            _played(chance, lags.names, people, order)
            for order, people in zip(orders, drawn, strict=True)
        ]

    found, error, played = sampled(plays, len(lags.names), seed)
    evaluations = played * len(lags.names) * _SAMPLES
    shares = Shares(found.T, total=found.sum(axis=0), error=error, evaluations=evaluations)
    round_it = None
    if lags.loop:

        def ask(people: People) -> list[Array]:
            risk = chance(people, ())
            return [risk, risk - chance(people, lags.loop)]

        round_it = simulated(tables, evidence, ask, samples=samples, seed=seed, own=own)
    notes = [say("queries.over_time.attribute.routes_rest_on")]
    known = Known(course, period)
    return _answer(
        course,
        period,
        lags.names,
        shares,
        [lags.ends(edge) for edge in lags.edges],
        of,
        notes,
        method="pathways",
        grades=tuple(worst_grade(e.grade, known.grade(lags.ends(e)[1])) for e in lags.edges),
        studied=(Studied(),) * len(lags.edges),
        around=lags.loop,
        **_loop(round_it, own),
    )


def _loop(worked: Worked | None, own: int) -> dict[str, Any]:
    if worked is None or worked.error is None:
        return {}
    risk, loop = worked.draws[:own].T
    return {"risk": risk, "loop": loop, "loop_error": float(worked.error[1])}


def _played(chance: Any, names: Sequence[str], people: People, order: Sequence[int]) -> Array:
    """Open routes in an order, and close them again in the same: opened in the reverse order."""
    gains = np.zeros((len(names), people.tables.draws))
    off = list(names)
    before = chance(people, off).mean(axis=0)
    for change, sign in ((off.remove, 1), (off.append, -1)):
        for place in order:
            change(names[place])
            after = chance(people, off).mean(axis=0)
            gains[place] += sign * (after - before) / 2
            before = after
    return gains


def _answer(
    course: Course,
    period: int,
    rows: tuple[str, ...],
    shares: Shares,
    groups: Sequence[Sequence[str]],
    of: int,
    notes: Sequence[str],
    **stated: Any,
) -> AttributionOverTime:
    own, template = course.posterior.draws, course.template
    facts = Known(course, period).support(shares.draws, groups)
    told: list[str] = [*course.length, *notes]
    if shares.error is not None:
        told.append(sampling_note(shares.error, shares.evaluations))
    if own < of:
        told.append(say("queries.over_time.attribute.thinned", draws=own, of=of))
    return AttributionOverTime(
        shares.draws[:own],
        course.target,
        course.named,
        rows,
        support=facts,
        effects=shares.draws[:own],
        total=None if shares.total is None else shares.total[:own],
        error=shares.error,
        evaluations=shares.evaluations,
        period=period,
        graph=template,
        notes=(*told, *unmeasured_note(template, facts)),
        warnings=course.warnings,
        **stated,
    )
