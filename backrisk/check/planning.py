"""What a survey will be able to tell, before anybody is asked: study planning by simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.planned import Extra, PlannedSurvey
from backrisk.check.quantities import ROUNDED, effect, read_causes, shares_of
from backrisk.check.refitting import Fitter, generator, progress_bar
from backrisk.check.simulated import Simulated, Truth
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, OrdinalLogit, Saturated
from backrisk.posterior import Posterior
from backrisk.queries import Target, read_target
from backrisk.summary import INTERVAL, SURE, interval
from backrisk.survey import Codebook
from backrisk.words import choices, decimal, interval_name, listed, names_of, percent, say

_PRIOR_DRAWS = 1000
_DECILES = (0.1, 0.9)
_MOST_CAUSES = 6  # whose effects are asked about where none is named


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
        Fits whose sampling was judged unsound; they are counted like any other.
    no_null : tuple of str
        Causes that cannot be made to have no effect, because a node below them is a noisy-max.
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
                    null, null_error = _share(self.null_called[q, n, d])
                    found, found_error = _share(self.called[q, n, d][real])
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
        if self.no_null:
            nodes = listed(map(names_of(self.graph).node, self.no_null))
            told.append(say("check.planning.no_null", nodes=nodes))
        if self.unsound:
            told.append(say("check.coverage.unsound", count=self.unsound, n=self.unsound))
        return tuple(told)

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
            "rows": frame.where(frame.notna(), None).to_dict(orient="records"),
            "notes": list(self.notes),
        }


@checked()
def plan_study(
    graph: CausalGraph,
    *,
    people: Sequence[int],
    seed: int,
    fits: int = 20,
    effects: str | Sequence[str] | None = None,
    shares: str | Sequence[str] = (),
    person: Mapping[str, str] | None = None,
    target: str | None = None,
    codebook: Codebook | None = None,
    unmeasured: str | Sequence[str] = (),
    items: Mapping[str, float] | None = None,
    examined: Mapping[str, float] | None = None,
    again: bool = False,
    missing: float | None = None,
    null: bool = True,
    draws: int = 250,
    tune: int = 300,
    evidence: bool = True,
    progress: bool = False,
) -> StudyPlan:
    """Simulate surveys before anybody is asked, to see how much they will tell.

    Truths are drawn from the prior of the fit, surveys from the truths, and the model is fitted to
    each. Surveys of different sizes and designs are of the same truths and people, so that they
    can be compared. All of it is synthetic.

    Parameters
    ----------
    graph : CausalGraph
    people : sequence of int
        Numbers of people to compare.
    seed : int
    fits : int
        Surveys behind each row. As many are simulated again for each cause without an effect.
    effects : str or sequence of str, optional
        Causes whose effect on the target is to be known, in everybody: last state against first.
        By default, without `shares`, every cause that can be modified, where these are few.
    shares : str or sequence of str
        Causes whose Shapley share of a person's risk is to be known.
    person : mapping of str to str, optional
        The person of the shares; by default one of whom nothing is known but that the cause is at
        its last state.
    target : str, optional
    codebook : Codebook, optional
        How surveys are read, with items and a design; by default a plain table of every node.
    unmeasured : str or sequence of str
        Columns that the planned survey does not have; another node stands for all that measure it.
    items : mapping of str to float, optional
        What one more question would buy: a node, and the reliability of a noisy answer about it.
    examined : mapping of str to float, optional
        What an examination without error of a part of the people would buy: a node that is not
        measured directly, and the share of people, chosen at random.
    again : bool
        What a second answer to every item would buy, of people who have not changed in between,
        its errors independent of the first given the node (test and retest).
    missing : float, optional
        Share of answers left out at random; by default as `backrisk.simulate` leaves them out.
    null : bool
        Simulate surveys in which a cause has no effect.
    draws, tune : int
        Of each of two chains.
    evidence : bool
        Draw from the prior that is conditioned on the graph's published figures, and fit with it.
    progress : bool
        Show a bar with a forecast.

    Returns
    -------
    StudyPlan

    Raises
    ------
    QueryError
        If a name is unknown, a number out of range, or a design has nothing to work on.
    FitError
        As `backrisk.fit`.

    Notes
    -----
    The width is that of the equal-tailed 90 % interval, averaged over the prior: the preposterior
    analysis of Bayesian design (Chaloner and Verdinelli 1995, doi:10.1214/ss/1177009939), with the
    average length criterion for sample size (Joseph, Wolfson and du Berger 1995,
    doi:10.2307/2348525). A cause is told as one where the probability of an effect above zero is
    0.95 or more, as `Attribution.signs` has it. Where its effects on all nodes are zero, whatever
    their prior says, the share of surveys in which it is told is the rate of false alarms: with a
    prior that is sure of the effect, a small survey cannot contradict it.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> study = {"people": [50, 200], "seed": 1, "fits": 5, "missing": 0.0}
    >>> plan = plan_study(graph, target="y", effects="x", **study)
    >>> small, large = plan.table["width"]
    >>> bool(large < small)
    True
    """
    event = read_target(graph, target)
    asked = _asked(graph, effects, shares, target)
    sizes = tuple(sorted(dict.fromkeys(people)))
    for name, number in (("people", sizes[0] if sizes else 0), ("fits", fits)):
        if number < 1:
            raise QueryError(say("check.refitting.too_few", name=name, number=number))
    planned = PlannedSurvey.of(graph, codebook, unmeasured, items or {}, examined or {}, again)
    simulated = Simulated(graph, planned.codebook, (), missing, evidence=evidence)
    for node, state in (person or {}).items():
        simulated.extended.node(node).code(state)
    causes = tuple(dict.fromkeys(each.cause for each in asked))
    nulls = tuple(c for c in causes if null and _can_be_null(simulated, c, event))
    shape = (len(asked), len(sizes), len(planned.designs), fits)
    width, called, null_called = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan)
    truths, unsound = np.zeros((len(asked), fits)), 0
    fitter = Fitter(simulated, draws=draws, tune=tune, chains=2)
    total = fits * len(sizes) * len(planned.designs) * (1 + len(nulls))
    with progress_bar(total, show=progress) as advance:
        for number in range(fits):
            rng = generator(seed, number)
            real = simulated.truth(rng)
            for q, each in enumerate(asked):
                truths[q, number] = each.draws(real.posterior, event, target, person or {})[0]
            # The survey of every cause without effect is of the same people as the real one.
            survey_seed, fit_seed = (int(rng.integers(2**31)) for _ in range(2))
            for cause in (None, *nulls):
                truth = real if cause is None else _without(simulated, real, cause)
                own = np.random.default_rng(survey_seed)
                frame = simulated.frame(truth, sizes[-1], own)
                chosen = planned.examined(len(frame), own)
                for n, size in enumerate(sizes):
                    for d, design in enumerate(planned.designs):
                        answers = planned.answers(frame.head(size), design, chosen)
                        found = fitter(simulated.survey(answers, truth), fit_seed)
                        unsound += not found.diagnostics.good
                        for q, each in enumerate(asked):
                            if cause not in (None, each.cause):
                                continue
                            drawn = each.draws(found, event, target, person or {})
                            told = float((drawn > 0).mean() >= SURE)
                            at = q, n, d, number
                            if cause is None:
                                low, high = interval(drawn)
                                width[at], called[at] = high - low, told
                            else:
                                null_called[at] = told
                        advance()
    prior = Posterior(
        simulated.extended, *simulated.prior.draw(_PRIOR_DRAWS, np.random.default_rng(seed))
    )
    before = [each.draws(prior, event, target, person or {}) for each in asked]
    low, high = interval(np.column_stack(before))
    return StudyPlan(
        simulated.extended,
        event,
        asked,
        sizes,
        planned.designs,
        truths,
        width,
        called,
        null_called,
        high - low,
        unsound,
        tuple(cause for cause in causes if null and cause not in nulls),
    )


def _asked(
    graph: CausalGraph,
    effects: str | Sequence[str] | None,
    shares: str | Sequence[str],
    target: str | None,
) -> tuple[Asked, ...]:
    """Return what is asked of each survey."""
    of_shares = read_causes(graph, shares, target) if shares else ()
    if effects is None:
        every = read_causes(graph, None, target)
        some = tuple(name for name in every if graph.node(name).modifiable) or every
        if not of_shares and len(some) > _MOST_CAUSES:
            raise QueryError(say("check.planning.many", count=len(some), known=choices(some)))
        effects = () if of_shares else some
    of_effects = read_causes(graph, effects, target) if effects else ()
    asked = [*(Asked("effect", c) for c in of_effects), *(Asked("share", c) for c in of_shares)]
    if not asked:
        raise QueryError(say("check.planning.nothing"))
    return tuple(asked)


def _can_be_null(simulated: Simulated, cause: str, target: Target) -> bool:
    """Return whether every way from a cause to the target starts where it can have no effect."""
    graph, mechanisms = simulated.extended, simulated.layout.mechanisms
    above = graph.ancestors(target.node) | {target.node}
    below = [name for name in graph.children(cause) if name in above]
    return all(isinstance(mechanisms[name], OrdinalLogit | Saturated) for name in below)


def _without(simulated: Simulated, truth: Truth, cause: str) -> Truth:
    """Return a truth in which a cause has no effect on any node but the answers about it."""
    fractions, beta = truth.posterior.fractions, truth.posterior.beta
    assert fractions is not None
    assert beta is not None
    graph, beta = simulated.extended, beta.copy()
    for at, (node, causes) in enumerate(simulated.layout.effect_terms):
        tells = node in graph.items or graph.node(node).mechanism == "response"
        if not tells and any(name == cause for name, _ in causes):
            beta[:, at] = 0.0
    fractions = fractions.copy()
    for node in graph.children(cause):
        each = simulated.layout.mechanisms[node]
        if isinstance(each, Saturated):  # the rows of its first state stand for those of all
            part = fractions[0, simulated.layout.fraction_slices[node]]
            rows = np.moveaxis(
                part.reshape(*each.shape[:-1], -1), graph.parents(node).index(cause), 0
            )
            rows[:] = rows[:1].copy()
    return simulated.about(fractions, beta, np.random.default_rng(0))


def _share(told: Array) -> tuple[float, float]:
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
    return "-" if np.isnan(share) else decimal(100 * share, 1)
