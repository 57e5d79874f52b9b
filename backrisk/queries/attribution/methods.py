"""What a cause accounts for in one person, with the assumption named and bounds beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import SecondWorld, Tables, World
from backrisk.posterior import Confounding, Posterior, with_confounding
from backrisk.queries.answer import Target
from backrisk.queries.asked import (
    check_coupling,
    coupling_name,
    named,
    read_person,
    read_target,
)
from backrisk.queries.attribution.causes import (
    COUPLED,
    GAMES,
    LEVELS,
    at_level,
    players_of,
    read_causes,
)
from backrisk.queries.attribution.departures import (
    SAMPLED_DRAWS,
    Baseline,
    Departures,
    check_baseline,
    had_been_healthy,
    is_exact,
    play,
)
from backrisk.queries.attribution.necessity import (
    Exposed,
    acting,
    demand_possible,
    earliest,
    exposed_in_turn,
    necessity,
    necessity_and_sufficiency,
    sufficiency,
    unchanged,
)
from backrisk.queries.attribution.pathways import (
    pathways,
    read_routes,
    route_grade,
)
from backrisk.queries.attribution.shapley import Shares, sampling_note
from backrisk.queries.attribution.shown import Attribution
from backrisk.queries.over_time.attribution import attribute_over_time
from backrisk.queries.over_time.course import history_of
from backrisk.queries.over_time.working import SAMPLES
from backrisk.queries.paths import Studied, total_evidence_of, weakest_link, worst_grade
from backrisk.queries.seeing import after_each, distribution
from backrisk.queries.support import support
from backrisk.queries.wording import beyond, unmeasured_note
from backrisk.words import TOGETHER, choices, listed, names_of, say, suggest

METHODS = (
    "necessity",
    "sufficiency",
    "necessity_and_sufficiency",
    "shapley",
    "pathways",
    "diagnostic",
)


@checked("person")
def attribute(
    posterior: Posterior,
    person: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    causes: str | Sequence[str | Sequence[str]] | None = None,
    *,
    method: Literal[
        "necessity",
        "sufficiency",
        "necessity_and_sufficiency",
        "shapley",
        "pathways",
        "diagnostic",
    ] = "shapley",
    level: Literal["proximal", "distal"] | None = None,
    target: str | None = None,
    baseline: Baseline = "healthy",
    coupling: str = "monotone",
    confounding: Confounding | Sequence[Confounding] | None = None,
    period: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Attribution:
    """Attribute one person's outcome, or risk of it, to causes. Rung: counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping, or sequence of mapping
        State labels by node, or raw answers of the codebook; incomplete allowed. A sequence is a
        history; see *Over time*.
    causes : str, or sequence of str or of tuples of str, optional
        Default: every cause on a path to the target but the graph's ``traits``, which nobody can
        change. For ``shapley`` these are the players, and what is no player stays the person's.
        A tuple, or ``"a+b"``, is a set of causes, set together (not for the games).
    method : str
        Write Y for the target being there, Y(s) for its being there had the cause been s, x' for
        the reference, x for the person's state of the cause where that is reported and adverse,
        otherwise its worst; e for all that is reported, c for what the cause cannot change, its
        own value left out.

        ``shapley``, the default: where the risk comes in. Each cause is credited with its own
        departure, that is, with what its own causes do not explain, and hands on what came from
        above; see `departures`. Shares of ``P(Y | e)`` less the risk of the baseline, below zero
        where a departure protects.

        ``necessity``: ``P(not Y(x') | Y, e)``, the probability of necessity.
        ``sufficiency``: ``P(Y(x) | X = x', not Y, c)``, the probability that the cause would
        bring the target about in someone like this who has neither.
        ``necessity_and_sufficiency``: ``P(Y(x), not Y(x') | c)``.
        The three are those of Pearl (2009, chapter 9, doi:10.1017/CBO9780511803161), exact in the
        twin network under the coupling, beside bounds that need no coupling (Tian and Pearl 2000,
        doi:10.1023/A:1018912507879). They overlap along a chain of causes.

        ``pathways``: shares of the same total by route. A route is a set of edges, and
        ``v(S) = P(Y in world S | e)``: with their own noise, the nodes that routes enter hear over
        the routes in S what their causes are in the person, over the others what they would be
        had every cause lost its departure. At the proximal level the causes are those of
        ``shapley``, and a route enters the target or a node next to it in the graph's role
        ``passing``; routes are told apart by where they start, and a passing node of which
        something is known has its own departure for one. At the distal level, and with `causes`,
        a route leaves a cause, and routes are told apart by the node that they enter first;
        ``"straight to target"`` passes none.

        ``diagnostic``: ``P(X not at reference | e)``.
    level : {"proximal", "distal"}, optional
        Show only the causes that play this role in the graph; nothing that is shown depends on
        it. For ``pathways`` it says which routes are told apart, by default the proximal.
    target : str, optional
    baseline : {"healthy", "average"}
        For ``shapley``, what the risk is compared with: that of someone with healthy habits and
        history whose every other node answers typically, or that of the population surveyed. Who
        that is has this person's traits, and whatever else is no player. Where the outcome, or
        something below it, is reported, that tells of the outcome's own noise as well, which is no
        player: then the comparison is with this same person, noise kept, and lies far above the
        risk of healthy people where the outcome is there.
    coupling : {"monotone", "independent_causes", "independent"}
        For the probabilities of causation; ``shapley`` uses the monotone one.
    confounding : Confounding, or sequence of them, optional
        Hidden common causes that are allowed for, of a strength that is drawn for each draw: the
        intervals then hold what is not known of them. See `backrisk.confounded`.
    period, samples : int, optional
        For a history: when the target is asked about, the history's first period being 0, by
        default in its last; of the person, for each draw, where the loop's share is simulated.
    seed : int
        For ``shapley``, where shares are sampled, and for the strength of hidden causes.

    Returns
    -------
    Attribution
        ``draws``, ``(draw, cause)``; of at most 400 draws, evenly spaced, where shares are sampled.

    Raises
    ------
    QueryError
        If the person, a cause, the target or the method is not understood; for ``necessity`` if
        the target is not reported as present; where one cause changes another, for
        ``pathways``, and within a set for ``sufficiency`` and ``necessity_and_sufficiency``.

    Notes
    -----
    A cause that the person did not report is averaged over its posterior given the evidence.

    *Bounds.* Within each level of exposure the two marginals of the pair ``Y(x), Y(x')`` limit
    their joint (Fréchet); summed over the exposures that the evidence leaves open this gives the
    bounds of Tian and Pearl for a binary cause, and for any number of states. They condition on
    the evidence that the cause cannot change, and for ``necessity`` on the person's exposure and
    on Y. Evidence on mediators is left out of them: there the estimate of necessity, which uses
    it, may lie outside. A member of a set that acts on the target through other members alone
    changes nothing once these are set, and is no part of x, x' and c for ``necessity``.

    *Routes.* As for ``shapley``, a node's noise is the one uniform number of the monotone coupling,
    with its posterior given e; independent of other nodes' without evidence. Each node hears one
    world over each edge, so that no recanting witness arises (Shpitser and Tchetgen Tchetgen 2016,
    doi:10.1214/15-AOS1411).

    *Effect.* Beside each number stands the probability that the effect behind it is above zero:
    for a game that of the share; for ``necessity`` that of ``P(Y | c, x) - P(Y(x') | c, x)``, x
    being the person's own value where it is reported, and averaged over otherwise; for
    ``sufficiency`` of ``P(Y(x) | X = x', c) - P(Y | X = x', c)``; for
    ``necessity_and_sufficiency`` of ``P(Y(x) | c) - P(Y(x') | c)``. Sentences tell of a cause only
    where the sign of its effect has a probability of 0.95 or more.

    *Sampling.* Where what is reported makes a game too large to be exact, it is played in random
    orders, each with its reverse. Shares then still sum to ``total`` in each draw, and ``error``
    is the Monte Carlo standard error of each mean.

    *Over time.* Write h for the history, one mapping a period, and T for `period`. Players of
    ``shapley`` are sustained causes: a player in S keeps its noise in every period, one outside S
    loses its departure in every period. At the healthy baseline a cause that plays the graph's role
    ``healthy``, or has no cause but its own past, is then at its reference throughout; every other
    one draws fresh noise in each period. ``v(S) = P(Y_T in world S | h)``; shares sum to ``P(Y_T |
    h) - v(nobody)`` in each draw. The target's own earlier states are no players: they keep their
    noise, and answer to the players.

    Routes of ``pathways`` are the lagged edges, a node's own past among them, each in all periods
    at once. With a route cut its effect hears the reference of its cause one period before,
    whatever that was; everything keeps its noise. ``v(S)`` is the probability of Y_T with the
    routes outside S cut, and shares sum to ``P(Y_T | h)`` less what it is with all of them cut.
    *The loop* is made of the routes on a directed cycle through the target in the template's
    summary graph (edges of one period and lagged ones): both ends in the target's strongly
    connected component; of own pasts, the target's alone. ``loop`` is ``P(Y_T | h) - P(Y_T with
    the loop cut | h)``, and ``risk - loop`` what is left with the loop cut: both sum to the risk.
    All rests on the graph, the monotone coupling, and the trait taking up what a person is like.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answer = attribute(p, {"x": "yes", "y": "yes"}, method="necessity")
    >>> answer.draws.round(3).tolist(), [b.round(3).tolist() for b in answer.bounds]
    ([[0.625]], [[[0.625]], [[0.875]]])
    """
    _check_names(method, level)
    check_baseline(baseline)
    check_coupling(coupling)
    if (history := history_of(person)) is not None:
        if confounding is not None:
            raise QueryError(say("queries.over_time.no_confounding"))
        return attribute_over_time(
            posterior,
            history,
            causes,
            method=method,
            level=level,
            target=target,
            baseline=baseline,
            period=period,
            samples=samples,
            seed=seed,
        )
    if period is not None:
        raise QueryError(say("queries.over_time.no_history"))
    event = read_target(posterior.graph, target)
    evidence = read_person(posterior, person)
    posterior, allowed = with_confounding(posterior, confounding, event.node, seed=seed)
    graph = posterior.graph
    if method == "necessity":
        _demand_target(event, evidence)
    shown: tuple[str, ...] | None = None
    if method != "pathways":
        chosen, shown = _chosen(graph, event, causes, method, level)
        sets = chosen
        if method == "necessity":
            sets = tuple(acting(graph, group, event.node) for group in chosen)
        if method == "shapley" and not _game(posterior, evidence, chosen, event, baseline).exact:
            posterior = posterior.subset(SAMPLED_DRAWS)
        if method == "necessity" and any(
            _too_large(posterior, evidence, group, event, coupling) for group in sets
        ):
            posterior = posterior.subset(SAMPLED_DRAWS)
    tables = posterior.beside_prior
    in_turn: dict[tuple[str, ...], Exposed] = {}
    if method == "pathways":
        routes = read_routes(graph, event, causes, level or "proximal", evidence)
        chosen = tuple((name,) for name in routes.edges)
        about = [
            {end for edge in route for end in edge} or {name}
            for name, route in routes.edges.items()
        ]
        shares = pathways(tables, evidence, routes, event, baseline=baseline, seed=seed)
        grades = tuple(route_grade(graph, *route, event) for route in routes.edges.items())
        studied = (Studied(),) * len(chosen)
    else:
        about = [set(group) for group in chosen]
        if method == "necessity":
            single = dict.fromkeys(group[0] for group in sets if len(group) == 1)
            in_turn = exposed_in_turn(tables, evidence, tuple(single), event)
        shares = _compute(tables, evidence, sets, method, event, baseline, coupling, seed, in_turn)
        grades = tuple(
            worst_grade(*(weakest_link(graph, name, event.node) for name in group))
            for group in chosen
        )
        studied = tuple(total_evidence_of(graph, group, event.node) for group in chosen)
    own = posterior.draws
    effects = shares.draws[:own] if method in GAMES else None
    if method in COUPLED:
        effects = _effects(posterior, evidence, sets, method, event, in_turn)
    facts = support(shares.draws, posterior, about, event.node)
    sampled = shares.error, shares.evaluations
    told = notes_on(graph, evidence, chosen, method, event, coupling, *sampled)
    return Attribution(
        shares.draws[:own],
        event,
        named(graph, evidence),
        tuple(TOGETHER.join(group) for group in chosen),
        method,
        grades,
        studied,
        facts,
        coupling=coupling if method in COUPLED else None,
        baseline=baseline if method == "shapley" else None,
        bounds=shares.bounds and (shares.bounds[0][:own], shares.bounds[1][:own]),
        effects=effects,
        total=None if shares.total is None else shares.total[:own],
        before=None if shares.before is None else shares.before[:own],
        error=shares.error,
        evaluations=shares.evaluations,
        shown=shown,
        graph=graph,
        notes=(*told, *allowed, *unmeasured_note(graph, facts)),
        warnings=posterior.warnings_about((event.node, *evidence)),
    )


def _check_names(method: str, level: str | None) -> None:
    for key, name, known in (
        ("queries.no_method", method, METHODS),
        ("queries.no_level", level, LEVELS),
    ):
        if name is not None and name not in known:
            raise QueryError(say(key, name=name, hint=suggest(name, known), choices=choices(known)))


def _chosen(
    graph: CausalGraph,
    target: Target,
    causes: str | Sequence[str | Sequence[str]] | None,
    method: str,
    level: str | None,
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...] | None]:
    """Return the causes that are computed, and those of them that are shown; None for all."""
    if causes is not None:
        return read_causes(graph, target, causes, method, level or LEVELS[0]), None
    players = players_of(graph, target)
    names = tuple(name for name in graph.topological if name in players)
    if not names and method != "shapley":  # a game of no players has shares: none
        raise QueryError(say("queries.none_to_attribute_to", target=target.node, graph=graph.name))
    if level is None:
        return tuple((name,) for name in names), None
    shown = tuple(name for name in names if name in at_level(graph, level))
    if not shown:
        raise QueryError(
            say("queries.no_cause_at_level", level=level, target=target.node, graph=graph.name)
        )
    # Only a game has to be played whole for the part that is shown.
    return tuple((name,) for name in (names if method == "shapley" else shown)), shown


def _effects(
    posterior: Posterior,
    evidence: Mapping[str, int],
    groups: Sequence[tuple[str, ...]],
    method: str,
    target: Target,
    in_turn: Mapping[tuple[str, ...], Exposed],
) -> Array:
    """Return what each set does to the probability of the target, ``(draw, set)``.

    See `attribute`. Sets that are judged among the same answers are asked about together.
    """
    found = np.zeros((posterior.draws, len(groups)))
    asked: dict[frozenset[tuple[str, int]], list[tuple[int, dict[str, int], dict[str, int]]]] = {}
    for place, group in enumerate(groups):
        known = in_turn.get(group)
        if known is not None and known.effect is not None:
            found[:, place] = known.effect[: posterior.draws]
            continue
        contrast = _contrast(posterior.graph, evidence, group, method)
        if contrast is not None:
            context, first, second = contrast
            asked.setdefault(frozenset(context.items()), []).append((place, first, second))
    for answers, contrasts in asked.items():
        changes = [change for _, *both in contrasts for change in both]
        risks = after_each(posterior, dict(answers), changes, target)
        for (place, *_), with_cause, without in zip(
            contrasts, risks[::2], risks[1::2], strict=True
        ):
            found[:, place] = with_cause - without
    return found


def _contrast(
    graph: CausalGraph, evidence: Mapping[str, int], group: tuple[str, ...], method: str
) -> tuple[dict[str, int], dict[str, int], dict[str, int]] | None:
    """Return answers and the two changes that an effect is between; None where they are one."""
    unset = dict.fromkeys(group, 0)
    setting = {name: evidence.get(name, 0) or len(graph.node(name).states) - 1 for name in group}
    context = dict(unchanged(graph, evidence, group))
    if method == "necessity":
        own = {name: evidence[name] for name in earliest(graph, group) if name in evidence}
        if len(own) == len(group) and not any(own.values()):
            return None
        return {**context, **own}, {}, unset
    if method == "sufficiency":
        return {**context, **unset}, setting, {}
    return context, setting, unset


def _compute(
    tables: Tables,
    evidence: Mapping[str, int],
    causes: Sequence[tuple[str, ...]],
    method: str,
    target: Target,
    baseline: Baseline,
    coupling: str,
    seed: int,
    in_turn: Mapping[tuple[str, ...], Exposed],
) -> Shares:
    if method in COUPLED:
        ask: Callable[..., tuple[Array, Array, Array]]
        ask = sufficiency if method == "sufficiency" else necessity_and_sufficiency
        if method == "necessity":
            whole = World(tables, evidence, {}).joint([])
            demand_possible(whole)
            ask = partial(necessity, whole=whole)
        found, errors, evaluations = [], np.zeros(len(causes)), 0
        for place, group in enumerate(causes):
            known: dict[str, Any] = {"exposed": in_turn[group]} if group in in_turn else {}
            if method == "necessity" and (
                world := _too_large(tables, evidence, group, target, coupling)
            ):
                played = play(world, group[:1], seed=seed)
                assert played.error is not None
                known["share"], errors[place] = played.draws[:, 0], played.error[0]
                evaluations += played.evaluations
            found.append(ask(tables, evidence, group, target, coupling, **known))
        shares, lower, upper = (np.column_stack(part) for part in zip(*found, strict=True))
        error = errors if errors.any() else None
        return Shares(shares, bounds=(lower, upper), error=error, evaluations=evaluations)
    if method == "shapley":
        return _game(tables, evidence, causes, target, baseline).shares(seed=seed)
    single = [group[0] for group in causes]

    def adverse(cause: str, seen: Mapping[str, int]) -> Array:
        if cause in seen:
            return np.full(tables.draws, float(seen[cause] > 0))
        reference: Array = distribution(World(tables, seen, {}), cause)[0]
        return 1.0 - reference

    return Shares(
        np.column_stack([adverse(cause, evidence) for cause in single]),
        before=np.column_stack([adverse(cause, {}) for cause in single]),
    )


def _too_large(
    tables: Tables,
    evidence: Mapping[str, int],
    group: tuple[str, ...],
    target: Target,
    coupling: str,
) -> SecondWorld | None:
    """Return the second world of a set of causes whose necessity has to be sampled."""
    if coupling != "monotone" or all(evidence.get(name) == 0 for name in group):
        return None
    world = had_been_healthy(tables, evidence, group, target)
    return None if is_exact(world) else world


def _game(
    tables: Tables,
    evidence: Mapping[str, int],
    causes: Sequence[tuple[str, ...]],
    target: Target,
    baseline: Baseline,
) -> Departures:
    return Departures(tables, evidence, [name for (name,) in causes], target, baseline)


def _demand_target(target: Target, evidence: Mapping[str, int]) -> None:
    if target.node not in evidence:
        raise QueryError(say("queries.necessity_unreported", target=target.label))
    if evidence[target.node] not in target.codes:
        raise QueryError(say("queries.necessity_absent", target=target.label))


def notes_on(
    graph: CausalGraph,
    evidence: Mapping[str, int],
    causes: Sequence[tuple[str, ...]],
    method: str,
    target: Target,
    coupling: str,
    error: Array | None,
    evaluations: int,
) -> tuple[str, ...]:
    """Return what numbers of some sets of causes rest on, and what they leave out.

    Parameters
    ----------
    graph : CausalGraph
    evidence : mapping of node to state code
    causes : sequence of tuple of str
    method : str
    target : Target
    coupling : str
    error : ndarray, shape (cause,), optional
        Monte Carlo standard error of each mean, where any was sampled.
    evaluations : int
        How many second worlds were sampled for each draw.
    """
    names = names_of(graph)

    def worded(nodes: Iterable[str]) -> str:
        return listed(map(names.node, nodes))

    notes = list(beyond(graph, evidence, target))
    if method in COUPLED:
        if method == "necessity":
            causes = [acting(graph, group, target.node) for group in causes]
        starts = {name for group in causes for name in group}
        changed = frozenset().union(*(graph.descendants(name) for name in starts))
        reported = [name for name in graph.names if name in evidence and name in changed]
        mediators = [name for name in reported if name != target.node]
        notes.append(say("queries.coupling_assumed", coupling=coupling_name(coupling)))
        if method == "necessity" and mediators:
            notes.append(say("queries.attribute.outside", nodes=worded(mediators)))
        if method != "necessity" and reported:
            notes.append(say("queries.attribute.aside", nodes=worded(reported)))
    else:
        if not evidence:
            notes.append(say("queries.nobody"))
        elif method in GAMES and evidence.get(target.node, target.codes[0]) not in target.codes:
            notes.append(say("queries.attribute.kept_absent", target=target.label))
        notes.append(say(f"queries.attribute.{method}.rests_on"))
    if error is not None:
        notes.append(sampling_note(error, evaluations))
    return tuple(notes)
