"""The odds ratios of a hidden common cause at which what is said of a person tips over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.inference import World
from backrisk.posterior import Confounded, Posterior, confounded
from backrisk.queries import (
    Departures,
    Target,
    after_each,
    before_target,
    options_of,
    players_of,
    probability,
)
from backrisk.summary import Estimate
from backrisk.words import names_of, say

GRID = (1.0, 1.5, 2.5, 4.0, 6.5, 10.0)  # odds ratios of the contour
_SLIGHT = 0.01  # a part of the effect that is no difference to speak of
_GAME_DRAWS = 100  # draws for which the attribution and the advice are asked again
_FINE, _COARSE = math.log(1.02), math.log(1.05)  # how finely an odds ratio is found


@dataclass(frozen=True)
class Tipping:
    """The odds ratio at which something said of a person no longer holds.

    Parameters
    ----------
    what : str
        ``half`` (the effect is half of what it was), ``zero`` (it is none), ``interval`` (its
        interval reaches zero), ``leading`` (another cause leads the attribution), ``advice``
        (another action is best, or the best lowers the risk no more).
    odds_ratio : float or None
        The least that does it, the same on both sides; 1 where it holds without any hidden cause;
        None where none does within what was tried.
    before, after : str
        For ``leading`` and ``advice``: what came first, and what comes first from there on.
    """

    what: str
    odds_ratio: float | None
    before: str = ""
    after: str = ""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked again and again, each time with a hidden cause that is stronger.

    Parameters
    ----------
    posterior : Posterior
        Thinned.
    evidence : mapping of node to state code
    cause : str
    target : Target
    shared : pair of str
    prevalence : float
    """

    posterior: Posterior
    evidence: Mapping[str, int]
    cause: str
    target: Target
    shared: tuple[str, str]
    prevalence: float

    @cached_property
    def seen(self) -> dict[str, int]:
        """What the effect is conditional on: the cause's state, and what it cannot change."""
        graph = self.posterior.graph
        below = graph.descendants(self.cause)
        seen = {name: code for name, code in self.evidence.items() if name not in below}
        worst = len(graph.node(self.cause).states) - 1
        return {**seen, self.cause: self.evidence.get(self.cause, 0) or worst}

    def with_hidden(self, first: float, second: float, draws: int | None = None) -> Confounded:
        """Return the model in which the two nodes share a cause of these odds ratios."""
        posterior = self.posterior if draws is None else self.posterior.subset(draws)
        return confounded(
            posterior,
            *self.shared,
            odds_ratio=first,
            effect_odds_ratio=second**self.direction,
            prevalence=self.prevalence,
        )

    def risks(self, tables: Posterior) -> tuple[Array, Array]:
        """Return P(Y | x, c) and P(Y(x') | x, c), each ``(draw,)``."""
        if isinstance(tables, Confounded) and tables.cpts.pointwise:
            with_cause = probability(World(tables.source, self.seen, {}), self.target)
        else:
            with_cause = probability(World(tables, self.seen, {}), self.target)
        without = probability(World(tables, self.seen, {self.cause: 0}), self.target)
        return with_cause, without

    @cached_property
    def plain(self) -> tuple[Array, Array]:
        """The same without a hidden cause."""
        return self.risks(self.posterior)

    @cached_property
    def direction(self) -> int:
        """The direction of the hidden cause in which the effect is smaller.

        Where that makes no difference to speak of, the one that would feign the effect of the one
        node on the other.
        """
        before = float(np.subtract(*self.plain).mean())
        left = {}
        for sign in (1, -1):
            model = confounded(
                self.posterior.thinned,
                *self.shared,
                odds_ratio=2.0,
                effect_odds_ratio=2.0**sign,
                prevalence=self.prevalence,
            )
            left[sign] = abs(float(np.subtract(*self.risks(model)).mean()))
        likely = 1 if before >= 0 else -1
        return likely if left[likely] <= left[-likely] + _SLIGHT * abs(before) else -likely

    @cached_property
    def _found(self) -> dict[tuple[float, float], Array]:
        return {}

    def effect(self, first: float, second: float) -> Array:
        """Return the effect with a hidden cause of these odds ratios, ``(draw,)``."""
        if first == 1.0 or second == 1.0:  # it is no common cause
            return self.plain[0] - self.plain[1]
        if (first, second) not in self._found:
            self._found[first, second] = np.subtract(*self.risks(self.with_hidden(first, second)))
        return self._found[first, second]

    def contour(self, most: float) -> pd.DataFrame:
        """Return the effect for pairs of odds ratios up to a largest."""
        grid = sorted({*(each for each in GRID if each < most), most})
        rows = []
        for first in grid:
            for second in grid:
                found = Estimate.of(self.effect(first, second))
                told = second**self.direction
                rows.append({"into_first": first, "into_second": told, **vars(found)})
        return pd.DataFrame(rows)

    def tipping(self, most: float) -> tuple[Tipping, ...]:
        """Return where each thing that is said of the person no longer holds."""
        before = Estimate.of(self.effect(1.0, 1.0))
        sign = 1.0 if before.mean >= 0 else -1.0

        def mean(ratio: float) -> float:
            return sign * float(self.effect(ratio, ratio).mean())

        def nearer(ratio: float) -> float:
            found = Estimate.of(self.effect(ratio, ratio))
            return min(sign * found.low, sign * found.high)

        grid = sorted({*(each for each in GRID if each < most), most})
        found = [
            Tipping("half", search(lambda ratio: mean(ratio) <= sign * before.mean / 2, grid)),
            Tipping("zero", search(lambda ratio: mean(ratio) <= 0, grid)),
            Tipping("interval", search(lambda ratio: nearer(ratio) <= 0, grid)),
        ]
        for what, first in (("leading", self.leading), ("advice", self.advice)):
            found += self._changed(what, first, most)
        return tuple(found)

    def _changed(self, what: str, first: Callable[[float], str], most: float) -> list[Tipping]:
        """Return where what comes first is no longer the same; nothing where nothing does."""
        before = first(1.0)
        if not before:
            return []
        at = search(lambda ratio: first(ratio) != before, [1.0, most], _COARSE)
        after = "" if at is None else first(at) or say(f"check.confounding.{what}.nothing")
        return [Tipping(what, at, self._word(before), self._word(after))]

    def _word(self, first: str) -> str:
        """Word a cause, or an action, that is named ``node`` or ``node=state``."""
        names = names_of(self.posterior.graph)
        node, _, state = first.partition("=")
        if node not in self.posterior.graph.names:
            return first
        return names.phrase(node, state) if state else names.node(node)

    def _few(self, ratio: float) -> Posterior:
        """Return a few draws with a hidden cause of this odds ratio on both sides."""
        if ratio == 1.0:
            return self.posterior.subset(_GAME_DRAWS)
        return self.with_hidden(ratio, ratio, _GAME_DRAWS)

    @cached_property
    def _first(self) -> dict[tuple[str, float], str]:
        return {}

    def leading(self, ratio: float) -> str:
        """Return the cause with the largest share; empty where no share is above zero."""
        if ("cause", ratio) not in self._first:
            players = players_of(self.posterior.graph, self.target)
            game = Departures(self._few(ratio), self.evidence, players, self.target)
            means = game.shares(quick=True).draws.mean(axis=0)
            best = int(means.argmax())
            self._first["cause", ratio] = players[best] if means[best] > 0 else ""
        return self._first["cause", ratio]

    def advice(self, ratio: float) -> str:
        """Return the action that lowers the risk most; empty where none does."""
        if ("action", ratio) not in self._first:
            graph = self.posterior.graph
            known = before_target(graph, self.evidence, self.target)
            try:
                options, _ = options_of(graph, known, self.target, None)
            except QueryError:  # there is nothing to advise
                options = []
            self._first["action", ratio] = ""
            if options:
                few = self._few(ratio)
                now = probability(World(few, known, {}), self.target).mean()
                after = after_each(few, known, [dict([one]) for one in options], self.target)
                means = np.array([now - each.mean() for each in after])
                node, code = options[int(means.argmax())]
                label = f"{node}={graph.node(node).states[code]}"
                self._first["action", ratio] = label if means.max() > 0 else ""
        return self._first["action", ratio]


def search(holds: Callable[[float], bool], grid: list[float], step: float = _FINE) -> float | None:
    """Return the least odds ratio from which on something holds; None for none.

    Parameters
    ----------
    holds : callable
    grid : list of float
        Upwards from 1: between two neighbours it is taken to begin to hold once at most.
    step : float
        How finely, on the logarithm.

    Examples
    --------
    >>> round(search(lambda ratio: ratio >= 3.0, [1.0, 2.0, 5.0, 10.0]), 1)
    3.0
    >>> search(lambda ratio: ratio >= 30.0, [1.0, 2.0, 5.0, 10.0])
    """
    low = None
    for high in grid:
        if holds(high):
            break
        low = high
    else:
        return None
    if low is None:
        return high
    while math.log(high / low) > step:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
