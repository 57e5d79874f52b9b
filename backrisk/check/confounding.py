"""Confounding, said in numbers: how strong a hidden common cause must be to change an answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.hidden_law import discrepancy, observed_strengths
from backrisk.check.tipping import Asked, Tipping
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior, worded_ratio
from backrisk.queries import Target, demand_cause, named, read_node, read_person, read_target
from backrisk.summary import INTERVAL, Estimate
from backrisk.words import (
    decimal,
    disclaimer,
    interval_name,
    listed,
    names_of,
    percent,
    points,
    say,
    whole,
)

_LINE = 88


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How strong a hidden common cause would have to be to change what is said of a person.

    Parameters
    ----------
    graph : CausalGraph
    target : Target
    cause, state : str
        The cause whose effect is asked about, and the state that is compared with its reference.
    evidence : mapping of node to state
        What the effect is conditional on.
    shared : tuple of str
        The two nodes that the hidden cause acts on.
    direction : int
        1 where it raises, or lowers, both; -1 where it raises the first and lowers the second:
        the direction in which it feigns the effect.
    prevalence, most : float
        How common the hidden cause is, and the largest odds ratio that was tried.
    effect, ratio : ndarray, shape (draw,)
        Risk difference and risk ratio, without a hidden cause.
    tipping : tuple of Tipping
    contour : pandas.DataFrame
        A row for each pair of odds ratios: ``into_first``, ``into_second``, and the effect's
        ``mean``, ``low``, ``high``.
    observed : pandas.DataFrame
        How strong causes are that were measured; see `backrisk.check.observed_strengths`.
    all_draws : int
        Of the posterior, of which `effect` has a part.
    pointwise : bool
        Whether the law of what is observed is kept exactly; otherwise `people` says more.
    people : float, optional
        About how many fully observed people would tell the hidden cause, at the odds ratio
        `people_at`, from its absence.
    passing : tuple of str
        Where cause and target share the hidden cause, and the graph has no edge from the one to the
        other: what the cause acts through. Empty otherwise.
    """

    graph: CausalGraph = field(repr=False)
    target: Target
    cause: str
    state: str
    evidence: Mapping[str, str]
    shared: tuple[str, str]
    direction: int
    prevalence: float
    most: float
    effect: Array
    ratio: Array
    tipping: tuple[Tipping, ...]
    contour: pd.DataFrame
    observed: pd.DataFrame
    all_draws: int
    pointwise: bool
    people: float | None = None
    people_at: float | None = None
    passing: tuple[str, ...] = ()

    @property
    def log_ratio(self) -> Estimate:
        """Mean and interval of the logarithm of the risk ratio; NaN where a risk is zero."""
        if not (np.isfinite(self.ratio).all() and (self.ratio > 0).all()):
            return Estimate(math.nan, math.nan, math.nan)
        return Estimate.of(np.log(self.ratio))

    @property
    def e_values(self) -> tuple[float, float]:
        """The E-value of the risk ratio, and of the end of its interval nearer to 1; NaN for none.

        The least risk ratio that a hidden cause would need, both with the cause and with the
        target, given what the effect is conditional on, to explain the risk ratio away (VanderWeele
        and Ding 2017, doi:10.7326/M16-2607). 1 where the interval holds 1 already.
        """
        found = self.log_ratio
        nearer = found.low if found.mean > 0 else found.high
        crosses = nearer * found.mean <= 0
        return e_value(math.exp(found.mean)), 1.0 if crosses else e_value(math.exp(nearer))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row for each thing that may change: ``odds_ratio``, ``before``, ``after``.

        An odds ratio of infinity stands for "not within what was tried".
        """
        rows = {
            each.what: {
                "odds_ratio": math.inf if each.odds_ratio is None else each.odds_ratio,
                "before": each.before,
                "after": each.after,
            }
            for each in self.tipping
        }
        columns = ["odds_ratio", "before", "after"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def sentences(self) -> list[str]:
        """Return what was found, without the closing."""
        names = names_of(self.graph)
        first, second = map(names.node, self.shared)
        reference = self.graph.node(self.cause).reference
        said: list[str] = [
            say(
                "check.confounding.effect",
                target=self.target.label,
                effect=points(self.effect),
                state=names.phrase(self.cause, self.state),
                reference=names.phrase(self.cause, reference),
            ),
            say(
                f"check.confounding.supposed.{'same' if self.direction > 0 else 'opposite'}",
                first=first,
                second=second,
                share=percent(self.prevalence),
            ),
        ]
        if self.passing:
            passing = listed(map(names.node, self.passing))
            said.append(
                say("check.confounding.passing", first=first, second=second, passing=passing)
            )
        said += [self._tipped(each) for each in self.tipping]
        said += [*self._compared(first, second), *self._ratios(), self._kept(first, second)]
        some, every = whole(len(self.effect)), whole(self.all_draws)
        said.append(say("check.confounding.draws", some=some, all=every))
        return said

    def _tipped(self, each: Tipping) -> str:
        places = {"before": each.before, "most": decimal(self.most, 0)}
        if each.odds_ratio is None:
            return say(f"check.confounding.{each.what}.never", **places)
        if each.odds_ratio == 1.0:
            return say(f"check.confounding.{each.what}.already", **places)
        places |= {"odds_ratio": decimal(each.odds_ratio, 1), "after": each.after}
        return say(f"check.confounding.{each.what}.at", **places)

    def _compared(self, first: str, second: str) -> list[str]:
        names = names_of(self.graph)
        common = self.observed[self.observed["common"]]
        if common.empty:
            return [say("check.confounding.observed.none", first=first, second=second)]
        told = listed(
            say(
                "check.confounding.observed.one",
                cause=names.phrase(row["cause"], row["state"]),
                into_first=worded_ratio(math.log(row["into_first"])),
                into_second=worded_ratio(math.log(row["into_second"])),
            )
            for row in common.head(3).to_dict("records")
        )
        return [say("check.confounding.observed.some", causes=told, first=first, second=second)]

    def _ratios(self) -> list[str]:
        found = self.log_ratio
        if math.isnan(found.mean):
            return []
        point, end = self.e_values
        numbers = {
            "ratio": math.exp(found.mean),
            "low": math.exp(found.low),
            "high": math.exp(found.high),
            "point": point,
            "end": end,
        }
        told = {name: decimal(number, 2) for name, number in numbers.items()}
        return [say("check.confounding.e_value", **told)]

    def _kept(self, first: str, second: str) -> str:
        if self.pointwise:
            return say("check.confounding.kept.exactly")
        if self.people is None or self.people_at is None:
            return say("check.confounding.kept.average", first=first, second=second)
        return say(
            "check.confounding.kept.people",
            first=first,
            second=second,
            at=decimal(self.people_at, 1),
            people=whole(float(f"{self.people:.2g}")),
        )

    @property
    def text(self) -> str:
        """What was found, in words."""
        closing = say("queries.closing", interval=interval_name(), disclaimer=disclaimer())
        return " ".join([*self.sentences(), closing])

    def __str__(self) -> str:
        """Return the text, in lines that a terminal and a notebook hold."""
        return fill(self.text, _LINE)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values: the JSON that the command line prints."""
        point, end = self.e_values
        return {
            "kind": "sensitivity",
            "target": self.target.label,
            "cause": self.cause,
            "state": self.state,
            "evidence": dict(self.evidence),
            "shared": list(self.shared),
            "direction": self.direction,
            "prevalence": self.prevalence,
            "most": self.most,
            "interval": {"kind": "equal-tailed", "probability": INTERVAL},
            "draws": len(self.effect),
            "effect": vars(Estimate.of(self.effect)),
            "risk_ratio": {
                key: _known(math.exp(value)) for key, value in vars(self.log_ratio).items()
            },
            "e_value": {"point": _known(point), "interval": _known(end)},
            "tipping": [vars(each) for each in self.tipping],
            "contour": self.contour.to_dict("records"),
            "observed": [
                {key: _known(value) for key, value in row.items()}
                for row in self.observed.to_dict("records")
            ],
            "kept_exactly": self.pointwise,
            "people": self.people,
            "people_at": self.people_at,
            "text": self.text,
        }


def _known(value: Any) -> Any:
    """Return what JSON can hold: nothing in place of NaN."""
    return None if value != value else value


def e_value(ratio: float) -> float:
    """Return the E-value of a risk ratio: ``R + sqrt(R (R - 1))``, R being it or its inverse.

    Raises
    ------
    QueryError
        If the ratio is not above 0.

    Examples
    --------
    Victora et al. 1987, as VanderWeele and Ding (2017, doi:10.7326/M16-2607) have it:

    >>> round(e_value(3.9), 2), round(e_value(1 / 3.9), 2), e_value(1.0)
    (7.26, 7.26, 1.0)
    """
    if not ratio > 0.0:
        raise QueryError(say("check.confounding.ratio", ratio=ratio))
    over = max(ratio, 1.0 / ratio)
    return over + math.sqrt(over * (over - 1.0))


@checked("person")
def sensitivity(
    posterior: Posterior,
    person: Mapping[str, Any],
    cause: str,
    *,
    target: str | None = None,
    shared: tuple[str, str] | None = None,
    prevalence: float = 0.5,
    most: float = 10.0,
    draws: int = 200,
) -> Sensitivity:
    """Say how strong a hidden common cause must be to change what is said of a person.

    The hidden cause acts on two nodes with one odds ratio, into the first and, in the direction
    that makes the effect smaller, into the second; the model with it tells of what was observed
    what the model without it told, as far as `backrisk.confounded` says.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        As for `backrisk.attribute`.
    cause : str
        A cause of the target.
    target : str, optional
    shared : pair of str, optional
        The nodes that share the hidden cause; by default the cause and the target's node. Where
        the graph lets a cause act only through others, it is these that may be confounded with
        the target.
    prevalence : float
        How common the hidden cause is.
    most : float
        The largest odds ratio that is tried.
    draws : int
        At most so many of the posterior's, evenly spaced; of the attribution and of the advice at
        most 100.

    Returns
    -------
    Sensitivity
        The effect is ``P(Y | x, c) - P(Y(x') | x, c)``: x is the person's state of the cause where
        that is reported and not its reference x', else its worst; c is all that the person reports
        and that the cause cannot change. What leads is the cause with the largest mean share in
        the default attribution, and the first advice the action with the largest mean reduction in
        `backrisk.recommend`.

    Raises
    ------
    QueryError
        If the person, the cause or the target is not understood, the cause is none of the target,
        or the odds ratio is not above 1 and at most 100.
    PosteriorError
        As `backrisk.confounded`.

    Notes
    -----
    The odds ratios at which the effect tips are the first, upwards on the grid of the contour, and
    found to 2 %. Whether another cause leads, or another action is best, is asked at the largest
    odds ratio first, and then found to 5 %, as a change that happens once.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.4, 0.6]]]})
    >>> found = sensitivity(p, {"x": "yes"}, "x")
    >>> found.table["odds_ratio"].round(1).to_dict()["half"]
    5.6
    """
    event = read_target(posterior.graph, target)
    evidence = read_person(posterior, person)
    cause = read_node(posterior.graph, cause, "queries.what.cause")
    if cause == event.node:
        raise QueryError(say("check.confounding.target_itself", node=cause))
    demand_cause(posterior.graph, cause, event.node)
    if not 1.0 < most <= 100.0:
        raise QueryError(say("check.confounding.most", most=most))
    if draws < 1:
        raise QueryError(say("check.confounding.fewest", draws=draws))
    pair = shared or (cause, event.node)
    asked = Asked(posterior.subset(draws), evidence, cause, event, pair, prevalence)
    tipping, contour = asked.tipping(most), asked.contour(most)
    reached = next((each.odds_ratio for each in tipping if each.what == "zero"), None)
    at = reached if reached and reached > 1.0 else most
    other = asked.with_hidden(at, at)
    graph = posterior.graph
    pointwise = other.cpts.pointwise
    first, second = other.hidden.first, other.hidden.second
    between = graph.descendants(first) & set(graph.parents(second))
    passing = tuple(name for name in graph.parents(second) if name in between)
    seen, (exposed, unexposed) = asked.seen, asked.plain
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = exposed / unexposed
    return Sensitivity(
        graph,
        event,
        cause,
        graph.node(cause).states[seen[cause]],
        named(graph, seen),
        pair,
        asked.direction,
        prevalence,
        most,
        exposed - unexposed,
        ratio,
        tipping,
        contour,
        observed_strengths(posterior, pair),
        posterior.draws,
        pointwise,
        None if pointwise else discrepancy(other).people,
        None if pointwise else at,
        () if first in graph.parents(second) or pair != (cause, event.node) else passing,
    )
