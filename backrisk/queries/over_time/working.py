"""How an answer over time is worked out: exactly where that is in reach, else by simulation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, when
from backrisk.inference import People, Tables, Variable, World, people_like
from backrisk.words import decimal, listed, say, whole

SAMPLES = 400  # of a person, for each draw, unless asked otherwise
SIMULATED_DRAWS = 200  # draws of a posterior that are simulated
_CELLS = 2**25  # of the largest table, for all draws, up to which an answer is exact
_FEWEST, _MOST = 10, 100_000  # samples that may be asked for
_TIMES = 5  # as many samples, where they are weighted
_LEAST = 50.0  # independent samples that weighted ones have to count as
_OPEN = 60  # unknown nodes beyond which no exact sum is planned


@dataclass(frozen=True, eq=False)
class Worked:
    """Numbers of each draw, and how they were worked out.

    Parameters
    ----------
    draws : ndarray, shape (draw, number)
    error : ndarray, shape (number,), optional
        Monte Carlo standard error of each mean; None where the numbers are exact.
    samples : int
        Of each draw; 0 where the numbers are exact.
    count : int
        As how many independent ones the samples of the median draw count, where they are weighted;
        0 where they are not.
    """

    draws: Array
    error: Array | None = None
    samples: int = 0
    count: int = 0

    def notes(self, of: int, used: int | None = None) -> tuple[str, ...]:
        """Say how the numbers were worked out, of so many draws; by default all were used."""
        if self.error is None:
            return ()
        key = "weighted" if self.count else "simulated"
        return (
            say(
                f"queries.over_time.{key}",
                count=whole(self.count),
                error=decimal(100 * float(self.error.max(initial=0.0)), 2),
                samples=whole(self.samples),
                draws=whole(len(self.draws) if used is None else used),
                of=whole(of),
            ),
        )


def in_reach(world: World, keep: Sequence[Variable]) -> bool:
    """Return whether the joint of some variables is small enough to be exact, for all draws."""
    about = {*(name for name, _ in keep), *world.evidence}
    if not few_open(world.graph, about, world.evidence):
        return False
    return world.cells(keep) * world.posterior.draws <= _CELLS


def few_open(graph: CausalGraph, about: Collection[str], known: Collection[str]) -> bool:
    """Return whether so few unknown nodes bear on some that an exact sum is planned at all."""
    above = set(about).union(*(graph.ancestors(name) for name in about))
    return len(above.difference(known)) <= _OPEN


def simulated(
    tables: Tables,
    evidence: Mapping[str, int],
    ask: Callable[[People], Sequence[Array]],
    *,
    samples: int,
    seed: int,
    own: int | None = None,
) -> Worked:
    """Return the means of some numbers over samples of a person.

    Parameters
    ----------
    tables : Tables
    evidence : mapping of node to state code
    ask : callable
        Of some people: each number, ``(sample, draw)`` or as much as it differs.
    samples, seed : int
    own : int, optional
        The error is that of the mean over so many of the first draws; by default over all.
    """
    total: Array | None = None
    each: list[Array] = []
    more = _TIMES * samples
    for people in people_like(tables, evidence, samples=samples, seed=seed, weighted=more):
        if people.wide:
            return _weighted(tables, evidence, ask, samples=samples, seed=seed, own=own)
        shape = (people.samples, tables.draws)
        numbers = [np.broadcast_to(number, shape) for number in ask(people)]
        if total is None:
            total = np.zeros((len(numbers), tables.draws))
        # One sample after the other: how many are held at once depends on what else is asked,
        # and no answer may, in its last bit.
        for sample in range(people.samples):
            for row, number in zip(total, numbers, strict=True):
                row += number[sample]
        each.append(np.array([number[:, :own].mean(axis=1) for number in numbers]))
    luck = np.concatenate(each, axis=1)
    error = luck.std(axis=1, ddof=1) / np.sqrt(samples)
    assert total is not None
    return Worked((total / samples).T, error, samples)


def _weighted(
    tables: Tables,
    evidence: Mapping[str, int],
    ask: Callable[[People], Sequence[Array]],
    *,
    samples: int,
    seed: int,
    own: int | None,
) -> Worked:
    """Return the same where samples have weights: ratios of means, their error to first order.

    Raises
    ------
    QueryError
        If few of the samples agree with what is seen, saying what else would help.
    """
    logs: list[Array] = []
    found: list[Array] = []
    more = _TIMES * samples
    for people in people_like(tables, evidence, samples=samples, seed=seed, weighted=more):
        logs.append(people.log_weights)
        shape = (people.samples, tables.draws)
        found.append(np.array([np.broadcast_to(number, shape) for number in ask(people)]))
        wide = people.wide
    log, numbers = np.concatenate(logs), np.concatenate(found, axis=1)
    weights = np.exp(log - log.max(axis=0))
    weights /= weights.mean(axis=0)
    count = float(np.median(len(weights) / (weights**2).mean(axis=0)))
    if not count >= _LEAST:
        words = {"samples": whole(len(weights)), "count": whole(count), "least": whole(_LEAST)}
        nodes = listed(when(tables.graph, name) for name in wide)
        raise QueryError(say("queries.over_time.few_agree", nodes=nodes, **words))
    means = (weights * numbers).mean(axis=1)
    luck = (weights * (numbers - means[:, None]))[..., :own].mean(axis=2)
    error = luck.std(axis=1, ddof=1) / np.sqrt(len(weights))
    return Worked(means.T, error, len(weights), int(count))


def read_samples(samples: int) -> int:
    """Return the number of samples, which has to leave an error to be told.

    Raises
    ------
    QueryError
    """
    if not _FEWEST <= samples <= _MOST:
        raise QueryError(
            say("queries.over_time.samples_form", samples=samples, least=_FEWEST, most=_MOST)
        )
    return samples
