"""What a study plan found: its table, its sentences, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.check.planned import Extra
from backrisk.check.quantities import ROUNDED, effect, shares_of
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import Target
from backrisk.summary import INTERVAL, SURE
from backrisk.words import decimal, interval_name, listed, names_of, percent, say

_DECILES = (0.1, 0.9)
_SMALL = 0.01  # below which a difference of probabilities has two digits in points
_OFF = 0.1  # how far an approximation's widths may be off, as a share, beyond their error


@dataclass(frozen=True)
class Asked:
    """What a study is to find out.

    Parameters
    ----------
    kind : {"effect", "share"}
        ``effect``: P(target | do(cause at its last state)) - P(target | do(cause at its first)),
        in everybody. ``share``: the cause's Shapley share of one person's risk.
    cause : str
    """

    kind: str
    cause: str

    def draws(
        self, posterior: Posterior, target: Target, asked: str | None, person: Mapping[str, str]
    ) -> Array:
        """Return the draws, ``(draw,)``, without the rounding of sums."""
        if self.kind == "effect":
            return effect(posterior, self.cause, asked).round(ROUNDED)
        about = person or {self.cause: posterior.graph.node(self.cause).states[-1]}
        return shares_of(posterior, about, target)[self.cause].round(ROUNDED)


@dataclass(frozen=True, eq=False)
class Sampled:
    """Fits that were sampled beside their approximation; the first surveys of each row.

    Parameters
    ----------
    width : ndarray, shape (asked, people, design, survey)
        Of the interval of the sampled fit.
    called : ndarray, same shape
        Whether a cause was told by it.
    """

    width: Array
    called: Array


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """What surveys of several sizes and designs would tell, by simulation from the prior.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the codebook, and those that the plan adds.
    target : Target
    asked : tuple of Asked
    people : tuple of int
    designs : tuple of Extra
        The planned survey first.
    truth : ndarray, shape (asked, survey)
    width : ndarray, shape (asked, people, design, survey)
        Of the equal-tailed 90 % interval; a difference of probabilities.
    called : ndarray of bool, same shape
        Whether a cause was told: its effect above zero with a probability of 0.95 or more.
    null_called : ndarray, same shape
        The same for surveys in which it has no effect; NaN where none were simulated.
    prior_width : ndarray, shape (asked,)
        Of the interval before any survey.
    unsound : int
        Fits whose chains did not agree or of whose transitions many diverged, or of which no mode
        was found; they are counted like any other.
    no_null : tuple of str
        Causes that cannot be made to have no effect, because a node below them is a noisy-max.
    sampled : Sampled, optional
        Where fits are approximated, how these compare with some that were sampled.
    """

    graph: CausalGraph
    target: Target
    asked: tuple[Asked, ...]
    people: tuple[int, ...]
    designs: tuple[Extra, ...]
    truth: Array
    width: Array
    called: Array
    null_called: Array
    prior_width: Array
    unsound: int
    no_null: tuple[str, ...]
    sampled: Sampled | None = None

    @property
    def surveys(self) -> int:
        """How many surveys stand behind each row, and again as many without an effect."""
        return len(self.truth[0])

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a quantity, design and number of people.

        ``kind, cause, design, people``; ``width``, the mean width of the 90 % interval, with its
        Monte Carlo ``width_error`` over surveys, the first and last decile of widths over truths
        and surveys (``width_low``, ``width_high``), and ``prior_width``; ``narrower``, the mean
        share by which the interval is narrower than that of the planned survey of the same people,
        paired, with ``narrower_error``; ``null``, the share of surveys without an effect in which
        a cause is told, and ``found``, that of surveys whose true effect is above zero, each with
        an error; ``true``, the mean of these true effects, ``true_surveys`` their number.
        """
        rows = []
        for q, asked in enumerate(self.asked):
            real = self.truth[q] > 0
            for d, design in enumerate(self.designs):
                for n, people in enumerate(self.people):
                    width = self.width[q, n, d]
                    ratio = 1.0 - width / self.width[q, n, 0]
                    null, null_error = share_told(self.null_called[q, n, d])
                    found, found_error = share_told(self.called[q, n, d][real])
                    low, high = np.quantile(width, _DECILES)
                    rows.append(
                        {
                            "kind": asked.kind,
                            "cause": asked.cause,
                            "design": design.label(self.graph),
                            "people": people,
                            "prior_width": float(self.prior_width[q]),
                            "width": float(width.mean()),
                            "width_error": _error(width),
                            "width_low": float(low),
                            "width_high": float(high),
                            "narrower": float(ratio.mean()) if d else np.nan,
                            "narrower_error": _error(ratio) if d else np.nan,
                            "null": null,
                            "null_error": null_error,
                            "found": found,
                            "found_error": found_error,
                            "true": float(self.truth[q][real].mean()) if real.any() else np.nan,
                            "true_surveys": int(real.sum()),
                        }
                    )
        return pd.DataFrame(rows)

    @property
    def text(self) -> str:
        """What a person reads: each quantity at each number of people, and what it rests on."""
        names, table = names_of(self.graph), self.table
        about = {"count": self.surveys, "n": self.surveys, "graph": self.graph.name}
        lines: list[str] = [say("check.planning.made", **about)]
        for place, asked in enumerate(self.asked):
            own = table[(table["kind"] == asked.kind) & (table["cause"] == asked.cause)]
            said = {"cause": names.node(asked.cause), "target": self.target.label}
            lines.append(
                say(
                    f"check.planning.{asked.kind}",
                    interval=interval_name(),
                    before=_points(self.prior_width[place]),
                    **said,
                )
            )
            lines += [self._line(dict(row)) for row in own.to_dict("records")]
        return "\n".join([*lines, *self.notes])

    def _line(self, row: Mapping[Any, Any]) -> str:
        """Say one row of the table."""
        said = {
            "design": row["design"],
            "people": f"{row['people']:,}",
            "width": _points(row["width"]),
            "error": _points(row["width_error"]),
        }
        parts: list[str] = [say("check.planning.width", **said)]
        if row["narrower"] == row["narrower"]:
            parts.append(_with_error("narrower", row["narrower"], row["narrower_error"]))
        if row["null"] == row["null"]:
            parts.append(_with_error("null", row["null"], row["null_error"]))
        if row["found"] == row["found"]:
            size = {"size": _points(row["true"])}
            parts.append(_with_error("found", row["found"], row["found_error"], **size))
        return say("check.planning.between").join(parts) + "."

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers rest on."""
        told: list[str] = [say("check.planning.rests_on")]
        told.append(say("check.planning.rule", sure=percent(SURE)))
        told += [each.note(self.graph) for each in self.designs if each.kind]
        told += self._approximated
        if self.no_null:
            nodes = listed(map(names_of(self.graph).node, self.no_null))
            told.append(say("check.planning.no_null", nodes=nodes))
        if self.unsound:
            told.append(say("check.coverage.unsound", count=self.unsound, n=self.unsound))
        return tuple(told)

    def compared(self, place: int) -> tuple[float, float, float]:
        """Return how an approximation compares with sampling, for one quantity.

        Parameters
        ----------
        place : int
            Of the quantity among those asked.

        Returns
        -------
        ratio, error, agree : float
            The geometric mean of the ratio of widths, its Monte Carlo error with surveys as
            clusters, and the share of fits that tell the same of the cause. NaN without any.
        """
        if self.sampled is None or not (some := self.sampled.width.shape[-1]):
            return np.nan, np.nan, np.nan
        ratios = np.log(self.width[place, ..., :some] / self.sampled.width[place])
        each = ratios.reshape(-1, some).mean(axis=0)
        ratio = float(np.exp(each.mean()))
        same = self.called[place, ..., :some] == self.sampled.called[place]
        return ratio, ratio * _error(each), float(same.mean())

    @property
    def _approximated(self) -> list[str]:
        """Say how far the approximation can be relied on."""
        if self.sampled is None:
            return []
        if not (some := self.sampled.width.shape[-1]):
            return [say("check.planning.quick_unchecked")]
        told: list[str] = []
        for place, asked in enumerate(self.asked):
            ratio, error, agree = self.compared(place)
            cause: dict[str, Any] = {"cause": names_of(self.graph).node(asked.cause)}
            about = {"n": some * len(self.people) * len(self.designs), "agree": percent(agree)}
            about |= {"ratio": decimal(ratio, 2), "error": _decimals(error)}
            told.append(say("check.planning.quick", **about, **cause))
            if abs(ratio - 1.0) > _OFF + 2.0 * (0.0 if np.isnan(error) else error):
                told.append(say("check.planning.quick_off", **cause))
        return told

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values: the JSON that the command line prints."""
        frame = self.table.astype(object)
        return {
            "kind": "plan",
            "synthetic": True,
            "graph": self.graph.name,
            "target": self.target.label,
            "interval": INTERVAL,
            "surveys": self.surveys,
            "unsound": self.unsound,
            "approximated": self.sampled is not None,
            "rows": frame.where(frame.notna(), None).to_dict(orient="records"),
            "notes": list(self.notes),
        }


def share_told(told: Array) -> tuple[float, float]:
    """Return a share and its error, which is none of nought where all are alike."""
    if not len(told) or np.isnan(told).any():
        return np.nan, np.nan
    pulled = (told.sum() + 1.0) / (len(told) + 2.0)
    return float(told.mean()), float(np.sqrt(pulled * (1.0 - pulled) / len(told)))


def _error(values: Array) -> float:
    """Return the Monte Carlo error of a mean; NaN of a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def _with_error(key: str, share: float, error: float, **said: str) -> str:
    return say(f"check.planning.{key}", share=percent(share), error=_points(error), **said)


def _points(share: float) -> str:
    if np.isnan(share):
        return "-"
    return decimal(100 * share, 1 if abs(share) >= _SMALL or share == 0 else 2)


def _decimals(number: float) -> str:
    return "-" if np.isnan(number) else decimal(number, 2)
