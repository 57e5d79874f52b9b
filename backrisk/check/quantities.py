"""What studies of refits ask of each fit and of its truth: risks, effects, necessities, shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import (
    Departures,
    Target,
    attribute,
    intervene,
    players_of,
    read_person,
    read_target,
    risk,
)
from backrisk.words import choices, names_of, say, suggest

Kind = Literal["risk", "effect", "necessity", "share"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROUNDED = 12  # digits: sums leave rounding where there is nothing, as for an attribution
_ANSWERS = 2  # adverse causes that the example person reports


@dataclass(frozen=True)
class Quantity:
    """One number that a posterior gives, draw by draw.

    Parameters
    ----------
    kind : {"risk", "effect", "necessity", "share"}
        ``risk``: P(target | the person's answers). ``effect``: P(target | do(cause at its last
        state)) - P(target | do(cause at its first)), in everybody. ``necessity``: P(target absent
        had the cause been at its first state | the person's answers, the target among them), under
        the monotone coupling. ``share``: the cause's Shapley share of the person's risk above that
        of a healthy baseline, all causes playing.
    cause : str
        Empty for a risk.
    person : str
        The label of the example person; empty for an effect.
    """

    kind: Kind
    cause: str = ""
    person: str = ""

    def label(self, graph: CausalGraph) -> str:
        """Return what a person reads."""
        about = {"cause": names_of(graph).node(self.cause) if self.cause else ""}
        return say(f"check.quantities.{self.kind}", person=self.person, **about)


@dataclass(frozen=True, eq=False)
class Quantities:
    """Which numbers are asked of a posterior.

    Parameters
    ----------
    target : str, optional
    causes : tuple of str
        Of effects, necessities and shares.
    persons : mapping of str to mapping of str to str
        Example persons by their labels: state by node.
    kinds : tuple of {"risk", "effect", "necessity", "share"}
        Risks and shares are asked of every person (a risk not of those who report the target),
        necessities of those who have it.
    """

    target: str | None
    causes: tuple[str, ...]
    persons: Mapping[str, Mapping[str, str]]
    kinds: tuple[Kind, ...] = KINDS

    def of(self, posterior: Posterior) -> dict[Quantity, Array]:
        """Return the draws of each quantity, ``(draw,)``, rounded where they are sums.

        Raises
        ------
        QueryError
            As the queries do.
        """
        graph = posterior.graph
        event = read_target(graph, self.target)
        found: dict[Quantity, Array] = {}
        for kind in self.kinds:
            if kind == "effect":
                for cause in self.causes:
                    found[Quantity(kind, cause)] = effect(posterior, cause, self.target)
                continue
            for label, person in self.persons.items():
                reported = event.node in person
                if kind == "risk" and not reported:
                    found[Quantity(kind, "", label)] = risk(
                        posterior, person, target=self.target
                    ).draws
                elif kind == "share":
                    shares = shares_of(posterior, person, event)
                    found |= {Quantity(kind, c, label): shares[c] for c in self.causes}
                elif kind == "necessity" and reported:
                    draws = attribute(
                        posterior, person, list(self.causes), method=kind, target=self.target
                    ).draws
                    each = zip(self.causes, draws.T, strict=True)
                    found |= {Quantity(kind, cause, label): column for cause, column in each}
        return {quantity: draws.round(ROUNDED) for quantity, draws in found.items()}


def effect(posterior: Posterior, cause: str, target: str | None) -> Array:
    """Return the effect of a cause in everybody, last state against first, ``(draw,)``."""
    states = posterior.graph.node(cause).states
    last, first = (
        intervene(posterior, {}, {cause: state}, target=target).draws
        for state in (states[-1], states[0])
    )
    return last - first


def shares_of(posterior: Posterior, person: Mapping[str, str], event: Target) -> dict[str, Array]:
    """Return each cause's share of a person's risk, ``(draw,)``; see `backrisk.attribute`."""
    players = players_of(posterior.graph, event)
    evidence = read_person(posterior, person)
    draws = Departures(posterior, evidence, players, event).shares().draws
    return dict(zip(players, draws.T, strict=True))


def read_causes(
    graph: CausalGraph, causes: str | Iterable[str] | None, target: str | None
) -> tuple[str, ...]:
    """Return the causes that are asked about, by default every one that nobody is born with.

    Raises
    ------
    QueryError
        If one is no cause of the target that plays in an attribution.
    """
    event = read_target(graph, target)
    players = players_of(graph, event)
    if causes is None:
        return tuple(name for name in graph.topological if name in players)
    named = (causes,) if isinstance(causes, str) else tuple(causes)
    for name in named:
        if name not in players:
            about = {"target": event.node, "near": suggest(name, players)}
            raise QueryError(
                say("check.quantities.no_cause", name=name, known=choices(players), **about)
            )
    return tuple(dict.fromkeys(named))


def read_kinds(kinds: str | Sequence[str]) -> tuple[Kind, ...]:
    """Return the kinds of quantity that are asked for.

    Raises
    ------
    QueryError
        If there is no such kind, or none is named.
    """
    named = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for name in named or ("",):
        if name not in KINDS:
            about = {"near": suggest(name, KINDS), "known": choices(KINDS)}
            raise QueryError(say("check.quantities.no_kind", name=name, **about))
    return tuple(kind for kind in KINDS if kind in named)


def example_persons(
    graph: CausalGraph, measured: Iterable[str], target: str | None
) -> dict[str, dict[str, str]]:
    """Return two people with the worst of two causes, one of whom has the target.

    Parameters
    ----------
    graph : CausalGraph
    measured : iterable of str
        Nodes that a survey measures: an example person reports of these.
    target : str, optional
    """
    event, known = read_target(graph, target), set(measured)
    players = players_of(graph, event)
    order = [name for name in graph.topological if name in players and name in known]
    roots = [name for name in order if not graph.parents(name)]
    first = [*roots, *(name for name in order if name not in roots)][:_ANSWERS]
    person = {name: graph.node(name).states[-1] for name in first}
    ill = {**person, event.node: graph.node(event.node).states[max(event.codes)]}
    names = names_of(graph)

    def worded(answers: Mapping[str, str]) -> str:
        return say("phrases.comma").join(names.pair(node, state) for node, state in answers.items())

    people = (person, ill) if person else (ill,)
    return {worded(each): each for each in people}
