"""Where a person's risk comes in: a game over what is each cause's own.

A cause's *departure* is what its own causes do not explain. Take the person as she is, with her
own noise at every node, and ask what the risk would be if some causes lost their departure: a root
would be at its reference, any other cause would answer to its causes as people do on average.
Shares are Shapley's. Since ancestors and descendants play together, each hands on what came from
above and is credited with what it adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal, get_args

import numpy as np

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import Kept, SecondWorld, Tables, reached, walks
from backrisk.queries.answer import Target
from backrisk.queries.attribution.shapley import Shares, diagonal, sampled
from backrisk.words import choices, say, suggest

Baseline = Literal["healthy", "average"]
BASELINES = get_args(Baseline)
SAMPLED_DRAWS = 400  # draws of a posterior that a sampled game is played for
_CELLS = 2**25  # of the largest table, for all draws, up to which shares are exact
_SAMPLES = 16  # of a person's noise, for each order and its reverse


def check_baseline(baseline: str) -> None:
    """Refuse a baseline that does not exist.

    Raises
    ------
    QueryError
    """
    if baseline not in BASELINES:
        hint, known = suggest(baseline, BASELINES), choices(BASELINES)
        raise QueryError(say("queries.no_baseline", name=baseline, hint=hint, choices=known))


@dataclass(frozen=True, eq=False)
class Departures:
    """The game of own departures in one person's risk.

    Parameters
    ----------
    tables : Tables
        A posterior.
    evidence : mapping of node to state code
        All that is reported, the target too where it is. Not impossible.
    players : sequence of str
        Causes of the target. What does not play keeps the person's noise.
    target : Target
    baseline : {"healthy", "average"}
        Whether a cause without causes of its own, or in the graph's role ``healthy``, is at its
        reference where it does not count, or as people are on average.
    search : int, optional
        As for `SecondWorld`.
    kept : Kept, optional
        Keeps tables for other games about the same posterior, players, target and baseline.

    Notes
    -----
    World 0 is the person: every node has noise of its own, one uniform number (the ``monotone``
    coupling), whose posterior is that given all evidence. In world 1 the players in S and whoever
    does not play keep theirs; a player outside S is set to its reference or draws fresh noise, and
    then answers to its causes in world 1. ``v(S) = P(target in world 1 | evidence)``, and shares
    are Shapley's.

    A player of which nothing is known, neither of itself nor of anything below, has the noise that
    anyone has: it adds nothing, unless it is set to its reference.

    The credit to a cause's own noise follows Janzing et al. (2024, arXiv:2007.00714) and
    Budhathoki et al. (2022, arXiv:2206.13413), here for one person and with everything that is
    known of her. Assumes that the graph holds, without hidden common causes, and the coupling.
    """

    tables: Tables
    evidence: Mapping[str, int]
    players: Sequence[str]
    target: Target
    baseline: Baseline = "healthy"
    search: int | None = None
    kept: Kept | None = None

    @cached_property
    def _world(self) -> SecondWorld:
        reference = at_reference(self.tables.graph, self.baseline)
        playing = playing_of(self.tables.graph, self.evidence, self.players, reference)
        target = self.target
        return SecondWorld(
            self.tables,
            self.evidence,
            playing,
            reference,
            target.node,
            target.codes,
            search=self.search,
            kept=self.kept,
        )

    def another(self, evidence: Mapping[str, int]) -> Departures:
        """Return the game about another person, planned as this one.

        Parameters
        ----------
        evidence : mapping of node to state code
            What is reported of the same nodes, of which the same are at state 0.
        """
        other = replace(self, evidence=evidence)
        other.__dict__["_world"] = self._world.another(evidence)
        return other

    @property
    def exact(self) -> bool:
        """Whether shares are exact; else both worlds are sampled, with an error that is stated."""
        return is_exact(self._world)

    def shares(self, *, seed: int = 0, quick: bool = False) -> Shares:
        """Return the share of each player.

        Parameters
        ----------
        seed : int
            For what is sampled.
        quick : bool
            Let exact shares miss their value by a hundredth of a percentage point or so; the total
            is then their sum.

        Returns
        -------
        Shares
            ``draws`` of shape ``(draw, player)``, which sum to ``total`` in each draw.

        Raises
        ------
        QueryError
            If a table would not fit the budget.
        """
        return play(self._world, self.players, seed=seed, quick=quick)


def had_been_healthy(
    tables: Tables, evidence: Mapping[str, int], group: Sequence[str], target: Target
) -> SecondWorld:
    """Return the second world in which a set of causes is at its reference where its switch is off.

    The switch bears the name of the set's first cause. What it adds, for a person who reports the
    target, is the necessity of the set under the monotone coupling.
    """
    together = dict.fromkeys(group, group[0])
    reference = frozenset(group)
    return SecondWorld(
        tables, evidence, group, reference, target.node, target.codes, together=together
    )


def play(
    world: SecondWorld,
    players: Sequence[str],
    *,
    seed: int = 0,
    quick: bool = False,
    exact: bool | None = None,
) -> Shares:
    """Return the share of each switch of a second world; of a player without a switch, none.

    Parameters
    ----------
    world : SecondWorld
    players : sequence of str
        All switches are among them.
    seed, quick
        As for `Departures.shares`.
    exact : bool, optional
        Whether shares are exact; by default where they can be.
    """
    draws = np.zeros((world.tables.draws, len(players)))
    if not world.switches:
        return Shares(draws, total=np.zeros(world.tables.draws))
    columns = [players.index(name) for name in world.switches]
    if is_exact(world) if exact is None else exact:
        total = None if quick else world.everybody - world.nobody
        draws[:, columns] = diagonal(world.slopes, len(columns), total).T
        return Shares(draws, total=draws.sum(axis=1) if total is None else total)
    found, some, orders = sampled(partial(walks, world, samples=_SAMPLES), len(columns), seed)
    draws[:, columns] = found.T
    error = np.zeros(len(players))
    error[columns] = some
    evaluations = orders * len(columns) * _SAMPLES  # each player joins once in each
    return Shares(draws, total=draws.sum(axis=1), error=error, evaluations=evaluations)


def is_exact(world: SecondWorld) -> bool:
    """Return whether a table over both worlds is small enough for all draws."""
    return not world.switches or world.cells * world.tables.draws <= _CELLS


def at_reference(graph: CausalGraph, baseline: Baseline) -> frozenset[str]:
    """Return the nodes that are at their reference where their departure is lost."""
    roots = {name for name in graph.names if not graph.parents(name)}
    return frozenset({*graph.playing("healthy"), *roots} if baseline == "healthy" else ())


def playing_of(
    graph: CausalGraph,
    evidence: Mapping[str, int],
    players: Sequence[str],
    reference: frozenset[str],
) -> tuple[str, ...]:
    """Return the players whose departure may add something, causes first.

    A player that draws fresh noise adds nothing where nothing is known of its noise; one that is
    set to its reference adds nothing where it is there and no player above could have changed it.
    """
    told = frozenset(evidence).union(*(graph.ancestors(name) for name in evidence))
    found: list[str] = []
    changed: frozenset[str] = frozenset()
    for name in graph.topological:
        if name not in players:
            continue
        same = evidence.get(name) == 0 and name not in changed
        if not same if name in reference else name in told:
            found.append(name)
            changed = reached(graph, frozenset(found))
    return tuple(found)
