"""Whether intervals hold the truth as often as they say: risks, effects, necessities, shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.calibration import Calibration
from backrisk.check.quantities import (
    KINDS,
    Quantities,
    Quantity,
    example_persons,
    read_causes,
    read_kinds,
)
from backrisk.check.refitting import Ledger, Refit, generator, mixed, refits
from backrisk.check.simulated import Simulated
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.summary import interval
from backrisk.survey import Codebook
from backrisk.words import decimal, percent, say

_LEVELS = (0.5, 0.8, 0.9, 0.95)
_ERROR = 0.05  # chance that any verdict of a study contradicts intervals that are right
_TOLD = 0.10  # a miss that a study has to be able to tell, else it says that it cannot
_RANKS = 100  # values that a rank may take
_TIES = 7  # apart from the randomness of the survey

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Coverage:
    """How often intervals held the truth, over fits of surveys simulated from the prior.

    Parameters
    ----------
    graph : CausalGraph
        With the items of the codebook.
    quantities : tuple of Quantity
    truth : ndarray, shape (fit, quantity)
    rank : ndarray, shape (fit, quantity)
        Of the truth among the draws, as a share from 0 to 1, ties broken at random: uniform if
        the fits are right, whatever mass a quantity has at zero.
    ends : ndarray, shape (fit, quantity, level, 2)
        The equal-tailed intervals.
    levels : tuple of float
    people : int
        In each survey.
    unsound : int
        Fits whose chains did not agree (R-hat above 1.05) or of whose transitions more than one in
        a hundred diverged; they are counted like any other.
    seed : int
    """

    graph: CausalGraph
    quantities: tuple[Quantity, ...]
    truth: Array
    rank: Array
    ends: Array
    levels: tuple[float, ...]
    people: int
    unsound: int
    seed: int

    @property
    def fits(self) -> int:
        """How many surveys were fitted."""
        return len(self.truth)

    @property
    def covered(self) -> Bools:
        """Which intervals held the truth, ``(fit, quantity, level)``."""
        low, high = np.moveaxis(self.ends, -1, 0)
        held: Bools = (low <= self.truth[..., None]) & (self.truth[..., None] <= high)
        return held

    @property
    def central(self) -> Bools:
        """Which truths had a central rank, ``(fit, quantity, level)``: a level's share of them.

        This is coverage with ties broken at random: of a quantity without any mass at a point it
        is coverage itself, but for the error of a quantile of few draws.
        """
        away = 2.0 * np.abs(self.rank - 0.5)
        inside: Bools = away[..., None] <= np.array(self.levels)
        return inside

    @property
    def ranks(self) -> Calibration:
        """The ranks, for `Calibration.ecdf` and the bands that go with it."""
        ranks = np.minimum((self.rank * _RANKS).astype(np.int64), _RANKS - 1)
        names = tuple(each.label(self.graph) for each in self.quantities)
        return Calibration(ranks, names, _RANKS - 1)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Coverage of each kind of quantity, and of each quantity, at each level.

        Columns ``kind, cause, person`` (empty in the rows of a whole kind), ``level``;
        ``coverage``, the share of intervals that hold the truth, with its Monte Carlo ``error``;
        ``central`` and ``central_error``, the same with ties broken at random, which has the level
        as its value if the fits are right; ``at_zero``, the share of truths that are exactly 0,
        with the coverage of these (``coverage_at_zero``) and of the others (``coverage_off_zero``,
        ``off_zero_error``), neither of which has to be the level; ``intervals``, their number, and
        ``verdict``, for kinds alone.

        Errors take fits as clusters, since the numbers of one fit go together; they are never
        below that of as many independent intervals.
        """
        kinds = tuple(dict.fromkeys(each.kind for each in self.quantities))
        rows = []
        for kind in kinds:
            own = np.array([each.kind == kind for each in self.quantities])
            rows += self._rows(own, {"kind": kind, "cause": "", "person": ""}, len(kinds))
        for place, each in enumerate(self.quantities):
            own = np.arange(len(self.quantities)) == place
            about = {"kind": each.kind, "cause": each.cause, "person": each.person}
            rows += self._rows(own, about, None)
        return pd.DataFrame(rows)

    def _rows(self, own: Bools, about: dict[str, str], kinds: int | None) -> list[dict[str, Any]]:
        truth, covered, central = self.truth[:, own], self.covered[:, own], self.central[:, own]
        zero, every = truth == 0, np.ones(truth.shape, dtype=bool)
        rows = []
        for place, level in enumerate(self.levels):
            held, inside = covered[..., place], central[..., place]
            coverage, error = clustered(held, every, level)
            middle, middle_error = clustered(inside, every, level)
            off, off_error = clustered(held, ~zero, level)
            row = {
                **about,
                "level": level,
                "coverage": coverage,
                "error": error,
                "central": middle,
                "central_error": middle_error,
                "at_zero": float(zero.mean()),
                "coverage_at_zero": clustered(held, zero, level)[0],
                "coverage_off_zero": off,
                "off_zero_error": off_error,
                "intervals": int(truth.size),
                "verdict": "",
            }
            if kinds is not None:
                row["verdict"] = self._verdict(middle, middle_error, level, kinds)
            rows.append(row)
        return rows

    def _verdict(self, share: float, error: float, level: float, kinds: int) -> str:
        """Return the verdict on one level, all of a study's together wrong once in twenty."""
        if self.fits < 2:
            return say("check.verdict.too_little")
        limit = student.isf(_ERROR / (2 * kinds * len(self.levels)), self.fits - 1) * error
        if abs(share - level) > limit:
            return say("check.verdict.contradicted")
        return say("check.verdict.too_little" if limit > _TOLD else "check.verdict.agrees")

    @property
    def text(self) -> str:
        """What a person reads: what was simulated, and how often intervals held the truth."""
        about = {"fits": self.fits, "people": f"{self.people:,}", "graph": self.graph.name}
        lines: list[str] = [say("check.coverage.made", count=self.fits, **about)]
        table = self.table
        for (kind,), own in table[table["verdict"] != ""].groupby(["kind"], sort=False):
            rows = own.to_dict("records")
            told: str = say("check.coverage.kind", kind=say(f"check.coverage.kinds.{kind}"))
            lines.append(told + say("check.coverage.between").join(map(_level, rows)) + ".")
            if rows[-1]["at_zero"] > 0:
                keys = ("at_zero", "coverage_at_zero", "central", "level")
                shares = {key: percent(rows[-1][key]) for key in keys}
                lines.append(say("check.coverage.zero", **shares))
        lines.append(say("check.coverage.errors"))
        if self.unsound:
            lines.append(say("check.coverage.unsound", count=self.unsound, n=self.unsound))
        return "\n".join(lines)


def clustered(held: Bools, use: Bools, level: float) -> tuple[float, float]:
    """Return a share and its Monte Carlo error, rows being clusters.

    The share is a ratio of sums over clusters, its error that of the linearised ratio (Cochran
    1977, section 6.4); never below that of as many independent ones at the level.

    Parameters
    ----------
    held, use : ndarray of bool, shape (cluster, member)
    level : float

    Returns
    -------
    share, error : float
        NaN where nothing is used; an error also where a single cluster is.

    Examples
    --------
    >>> held = np.array([[True, True], [False, False], [True, True], [True, False]])
    >>> share, error = clustered(held, np.ones((4, 2), dtype=bool), 0.5)
    >>> share, round(error, 3)
    (0.625, 0.239)
    """
    size = use.sum(axis=1)
    total = int(size.sum())
    if not total:
        return np.nan, np.nan
    share = float((held & use).sum() / total)
    clusters = int((size > 0).sum())
    if clusters < 2:
        return share, np.nan
    away = (held & use).sum(axis=1) - share * size
    error = np.sqrt(clusters / (clusters - 1) * (away**2).sum()) / total
    return share, float(max(error, np.sqrt(level * (1.0 - level) / total)))


@checked()
def measure_coverage(
    graph: CausalGraph,
    *,
    codebook: Codebook | None = None,
    people: int,
    fits: int,
    seed: int,
    quantities: str | Sequence[str] = KINDS,
    causes: str | Sequence[str] | None = None,
    persons: Mapping[str, Mapping[str, str]] | None = None,
    target: str | None = None,
    levels: Sequence[float] = _LEVELS,
    unmeasured: str | Sequence[str] = (),
    missing: float | None = None,
    sites: int = 0,
    rates: Mapping[str, Mapping[str, float]] | None = None,
    matched_on: str | Sequence[str] = (),
    draws: int = 250,
    tune: int = 400,
    thinned: int = 500,
    evidence: bool = True,
    keep: str | Path | None = None,
    progress: bool = False,
) -> Coverage:
    """Fit surveys simulated from the prior, and count how often intervals hold the truth.

    Parameters
    ----------
    graph : CausalGraph
    codebook : Codebook, optional
        How surveys are read: items, questions that are not asked of everyone, and how people are
        chosen. With a design ``case_control`` half of the people are cases; with ``matched`` each
        case has one control. A stated prevalence is replaced, survey by survey, with one counted
        among as many people of the very truth. ``repeated`` is not simulated. By default a plain
        table of every node.
    people : int
        In each survey.
    fits : int
    seed : int
        Each fit has randomness of its own: the first of many are those of a shorter study.
    quantities : {"risk", "effect", "necessity", "share"} or several
        See `backrisk.check.quantities.Quantity`, which states the estimand of each.
    causes : str or sequence of str, optional
        Of effects, necessities and shares; by default every cause of the target that plays in an
        attribution.
    persons : mapping of str to mapping of str to str, optional
        Example persons by a label: state by node. By default one with the worst of two causes, and
        the same with the target.
    target : str, optional
    levels : sequence of float
        Of equal-tailed intervals.
    unmeasured : str or sequence of str
        Columns that no survey has; another node stands for all that measure it.
    missing : float, optional
        Share of answers left out at random; by default as `backrisk.simulate` leaves them out.
    sites : int
        Sites that people come from, in equal parts; each draws its intercepts from the prior of
        sites. What is asked is asked of the average site.
    rates : mapping of str to mapping of str to float, optional
        By node and state, how often people are taken, against others: with weights that undo it.
    matched_on : str or sequence of str
        Nodes that a control of a matched design shares with its case; by default none.
    draws, tune : int
        Of each of four chains.
    thinned : int
        Draws, evenly spaced, that intervals and ranks are made of. An interval of S independent
        draws holds the truth in a share smaller by about 2/S of itself.
    evidence : bool
        Simulate from the prior that is conditioned on the graph's published figures, and fit with
        it.
    keep : str or Path, optional
        A file of what each fit gave: a study that was stopped goes on from it.
    progress : bool
        Show a bar with a forecast.

    Returns
    -------
    Coverage

    Raises
    ------
    QueryError
        If a name is unknown, a number out of range, or the design cannot be simulated or does not
        let risks be told.
    FitError
        As `backrisk.fit`.

    Notes
    -----
    For a truth drawn from the prior of the fit, an interval of posterior probability L holds it
    with probability L, on average over truths and surveys (Cook, Gelman and Rubin 2006,
    doi:10.1198/106186006X136976; Talts et al. 2018, arXiv:1804.06788). It is no statement about
    one truth, nor about a truth that the prior does not expect. Where a quantity has mass at a
    point, such as a necessity of exactly 0, closed intervals hold it more often than stated; the
    rank of the truth with ties broken at random is uniform all the same, and verdicts rest on it.

    Sampling weights give a pseudo-posterior, and matching on a cause distorts its margin: there the
    theorem promises nothing, and the coverage is what it is found to be.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> study = {"people": 50, "fits": 20, "seed": 1, "missing": 0.0}
    >>> found = measure_coverage(graph, target="y", quantities="effect", **study)
    >>> found.truth.shape, found.ends.shape
    ((20, 1), (20, 1, 4, 2))
    """
    simulated = Simulated(
        graph,
        codebook,
        _names(unmeasured),
        missing,
        sites,
        rates or {},
        _names(matched_on),
        evidence,
    )
    levels = tuple(map(float, levels))
    for level in levels:
        if not 0 < level < 1:
            raise QueryError(say("check.coverage.no_level", level=level))
    book, dropped = simulated.book, set(simulated.dropped)
    measured = {spec.node for name, spec in book.measures.items() if name not in dropped}
    if persons is None:
        persons = example_persons(graph, {n for n in measured if n is not None}, target)
    asked = Quantities(target, read_causes(graph, causes, target), persons, read_kinds(quantities))
    for person in persons.values():  # whoever cannot be asked about is told before the fits
        for node, state in person.items():
            simulated.extended.node(node).code(state)
    ledger = Ledger(
        None if keep is None else Path(keep),
        {
            "study": "coverage",
            "graph": graph.to_dict(),
            "codebook": book.to_dict(),
            "asked": [target, list(asked.causes), _plain(persons), list(asked.kinds)],
            "simulated": [list(simulated.dropped), missing, sites, _plain(rates or {})],
            "design": list(simulated.matched_on),
            "settings": [people, seed, draws, tune, thinned, list(levels), evidence],
        },
    )
    results = ledger.read()[:fits]
    study = {"people": people, "fits": fits, "seed": seed, "draws": draws, "tune": tune}
    for each in refits(simulated, **study, done=len(results), progress=progress):
        results.append(_result(each, asked, levels, thinned, generator(seed, each.number)))
        ledger.keep(results)
    quantities_asked = tuple(Quantity(*each) for each in results[0]["quantities"])
    found = Coverage(
        simulated.extended,
        quantities_asked,
        np.array([each["truth"] for each in results]),
        np.array([each["rank"] for each in results]),
        np.array([each["ends"] for each in results]),
        levels,
        people,
        sum(not each["good"] for each in results),
        seed,
    )
    return _moving(found)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _plain(given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: dict(part) for name, part in given.items()}


def _result(
    refit: Refit,
    asked: Quantities,
    levels: Sequence[float],
    thinned: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return what is kept of a fit."""
    found, truth = asked.of(refit.found.subset(thinned)), asked.of(refit.truth.posterior)
    draws = np.column_stack(list(found.values()))
    true = np.concatenate([truth[quantity] for quantity in found])
    below, equal = (draws < true).sum(axis=0), (draws == true).sum(axis=0)
    ties = rng.spawn(_TIES)[-1].random(len(true))
    ends = np.stack([np.stack(interval(draws, level), axis=-1) for level in levels], axis=1)
    return {
        "quantities": [[each.kind, each.cause, each.person] for each in found],
        "truth": true.tolist(),
        "rank": ((below + ties * (equal + 1)) / (len(draws) + 1)).tolist(),
        "ends": ends.tolist(),
        "good": mixed(refit.found),
    }


def _moving(found: Coverage) -> Coverage:
    """Leave out what is nothing by construction: in every fit 0 in truth and in every interval."""
    keep = (found.truth != 0).any(axis=0) | (found.ends != 0).any(axis=(0, 2, 3))
    return replace(
        found,
        quantities=tuple(q for q, some in zip(found.quantities, keep, strict=True) if some),
        truth=found.truth[:, keep],
        rank=found.rank[:, keep],
        ends=found.ends[:, keep],
    )


def _level(row: Mapping[Any, Any]) -> str:
    """Say how often the intervals of one level held the truth."""
    shares = {key: percent(row[key]) for key in ("level", "coverage")}
    error = _points(row["error"])
    return say("check.coverage.level", error=error, verdict=row["verdict"], **shares)


def _points(share: float) -> str:
    return "-" if np.isnan(share) else decimal(100 * share, 1)
