"""Which graphs near a graph the data leave standing, and fits of these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk.check.comparison import (
    SMALL,
    Comparison,
    compared,
    demand_alike,
    leave_one_out,
    survey_for,
)
from backrisk.check.equivalence import markov_equivalent
from backrisk.check.moment import demand_graph, demand_moment, is_own
from backrisk.check.neighbours import ADDED, KINDS, Kind, Neighbour, neighbours_of
from backrisk.check.reweighting import DRAWS, Cloud, Model, OutOfReach, used_evidence
from backrisk.check.sharing import refit_changed, shares
from backrisk.errors import GraphError, QueryError
from backrisk.fitting import Pointwise, fit
from backrisk.graph import Prior
from backrisk.posterior import Posterior
from backrisk.survey import Survey
from backrisk.words import decimal, listed, say

STATED = "stated"  # what the graph itself is called among its neighbours


@dataclass(frozen=True, eq=False)
class Tried:
    """A graph that was fitted, and how.

    Parameters
    ----------
    neighbour : Neighbour or None
        None for the graph as it is stated.
    posterior : Posterior
    how : str
        ``stated``; ``shared`` (the changed families fitted anew, all others as they were, exactly);
        ``reweighted`` (the draws of the fit moved and weighted) or ``refitted``.
    equivalent : str
        Whether it is Markov equivalent to the graph as stated: ``equivalent``, ``different`` or
        ``not_known``.
    k_hat : float
        Of the weights, where they were reweighted; NaN elsewhere.
    log_evidence : float
        Where reweighted, the log Bayes factor against the graph as stated; NaN elsewhere.
    """

    neighbour: Neighbour | None
    posterior: Posterior
    how: str
    equivalent: str
    k_hat: float = np.nan
    log_evidence: float = np.nan

    @property
    def sentence(self) -> str:
        """What the graph claims that the one stated does not."""
        return say("check.standing.stated") if self.neighbour is None else self.neighbour.sentence


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A neighbour that was not fitted.

    Parameters
    ----------
    neighbour : Neighbour
    why : str
    equivalent : str
        As for `Tried`. Equivalence is a matter of the graphs, and needs no fit.
    gain : float
        Of an added edge that was looked at: what it promises in log density, by the slope of the
        log density where the effect is 0, and its curvature. NaN elsewhere.
    """

    neighbour: Neighbour
    why: str
    equivalent: str
    gain: float = np.nan


@dataclass(frozen=True, eq=False)
class Standing:
    """The graphs near a graph that were tried, and those that the data leave standing.

    Parameters
    ----------
    tried : mapping of str to Tried
        ``stated``, and each neighbour by its name.
    comparison : Comparison
        Of all of these.
    left_out : tuple of LeftOut
        What was not fitted, each with the reason.
    """

    tried: Mapping[str, Tried]
    comparison: Comparison
    left_out: tuple[LeftOut, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The graphs left standing, the best predicting first."""
        return tuple(
            name
            for name, stays in zip(self.comparison.names, self.comparison.stands, strict=True)
            if stays
        )

    @property
    def posteriors(self) -> dict[str, Posterior]:
        """The fits of the graphs left standing: what `attribute_over` takes."""
        return {name: self.tried[name].posterior for name in self.names}

    @property
    def table(self) -> pd.DataFrame:
        """That of the comparison, with how each was fitted: ``how``, ``equivalent``, and so on."""
        table = self.comparison.table
        tried = [self.tried[name] for name in table.index]
        return table.assign(
            how=[each.how for each in tried],
            equivalent=[each.equivalent for each in tried],
            weights_k_hat=[each.k_hat for each in tried],
            log_evidence=[each.log_evidence for each in tried],
            sentence=[str(each.sentence) for each in tried],
        )

    @property
    def text(self) -> str:
        """Which graphs stand, which do not, which no data can tell apart, what was not tried."""
        table = self.table
        stays = table["stands"]
        told: list[str] = [
            say("check.standing.counts", tried=len(table), standing=int(stays.sum()))
        ]
        if not stays[STATED]:
            own = table.loc[STATED].to_dict()
            best = self.tried[self.comparison.names[0]].sentence
            told.append(say("check.standing.stated_falls", best=best, **_numbers(own)))
        if fallen := [
            say("check.standing.fallen", graph=row["sentence"], **_numbers(row))
            for row in table[~stays].reset_index().to_dict("records")
            if row["model"] != STATED
        ]:
            # Beside a better graph all others fall, whatever their own change is worth.
            key = "contradicted" if stays[STATED] else "worse_too"
            told.append(say(f"check.standing.{key}", graphs=listed(fallen)))
        alike = [
            *table[table["equivalent"] == "equivalent"].drop(index=STATED)["sentence"],
            *(e.neighbour.sentence for e in self.left_out if e.equivalent == "equivalent"),
        ]
        if alike:
            told.append(say("check.standing.equivalent", graphs=listed(alike)))
        if called := [e for e in self.left_out if e.gain > SMALL]:
            graphs = [
                say("check.standing.promise", graph=e.neighbour.sentence, gain=decimal(e.gain, 1))
                for e in sorted(called, key=lambda e: -e.gain)
            ]
            told.append(say("check.standing.called_for", graphs=listed(graphs)))
        for why, count in pd.Series([e.why for e in self.left_out]).value_counts().items():
            told.append(say("check.standing.left_out", count=int(count), n=int(count), why=why))
        return " ".join(told)


def _numbers(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "difference": decimal(-row["difference"], 1),
        "error": decimal(row["error"], 1),
    }


@checked()
def standing_graphs(
    posterior: Posterior,
    survey: Survey,
    *,
    target: str | None = None,
    causes: Collection[str] | None = None,
    kinds: Sequence[Kind] = KINDS,
    added: Prior = ADDED,
    impossible: Collection[tuple[str, str]] = (),
    most: int = 20,
    fits: int = 0,
    draws: int = DRAWS,
    seed: int = 0,
    cores: int | None = None,
) -> Standing:
    """Try the graphs one edge away from a fitted one, and say which the data leave standing.

    Parameters
    ----------
    posterior : Posterior
        From `fit`.
    survey : Survey
        That it was fitted to.
    target, causes, kinds, added, impossible
        Which graphs come first; see `neighbours_of`.
    most : int
        How many neighbours are tried, in that order.
    fits : int
        How many of them may have a fit of their own, which takes as long as the first did. They are
        spent where no cheaper way holds.
    draws : int
        Of the posterior that are moved to a neighbour.
    seed : int
    cores : int, optional
        Of a fit; see `fit`.

    Returns
    -------
    Standing

    Raises
    ------
    QueryError
        If the posterior is not from a fit, belongs to another graph than the survey, or has sites;
        and as for `compare_graphs` and `neighbours_of`.
    FitError
        As for `compare_graphs`.

    Notes
    -----
    A graph is left standing where its expected log predictive density is within two standard errors
    of the best, or within 4 (`compare_graphs`). Of each neighbour the cheapest way that is honest
    is taken:

    *Shared.* Where everybody answered about all members of the changed families and no published
    figure ties them to others, likelihood and prior are products over families. Only the changed
    ones are fitted, and the others keep their draws: this is exact.

    *Reweighted.* Else the draws of the fit are moved to the other graph and weighted (see
    `backrisk.check.reweighting`), which is as good as the Pareto k-hat of the weights says. Where
    it says no, they are not used.

    *Refitted*, by `fit` with the same numbers of chains, draws and tuning steps, while `fits` last:
    first an added edge that the data call for (by the slope of the log density where its effect is
    0), then a graph that no data can tell from the one stated, then the others in their order.

    What is left out is told. The walk goes one edge far; graphs further away, hidden common causes
    and other mechanisms are not in it.

    Examples
    --------
    >>> from backrisk import CausalGraph, Survey, fit
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> x = rng.integers(2, size=400)
    >>> y = np.where(rng.random(400) < 0.8, x, 1 - x)
    >>> words = np.array(["no", "yes"])
    >>> frame = pd.DataFrame({"x": words[x], "y": words[y]})
    >>> graph = CausalGraph.from_text("x -> y")
    >>> survey = Survey.from_frame(frame, graph)
    >>> found = standing_graphs(fit(graph, survey, seed=1, draws=200), survey)
    >>> sorted(found.names), found.table.loc["reverse x -> y", "equivalent"]
    (['reverse x -> y', 'stated'], 'equivalent')
    """
    _demand_fit(posterior, survey)
    for name, number, least in (("most", most, 1), ("fits", fits, 0), ("draws", draws, 100)):
        if number < least:
            told = {"argument": name, "number": number, "least": least}
            raise QueryError(say("check.standing.too_small", **told))
    graph = posterior.graph
    around = neighbours_of(
        graph, target=target, causes=causes, kinds=kinds, added=added, impossible=impossible
    ).neighbours
    walk = _Walk(posterior, survey, draws, seed, cores)
    tried = {STATED: Tried(None, posterior, STATED, "equivalent")}
    waiting: list[LeftOut] = []
    none: list[LeftOut] = []
    for each in around[:most]:
        try:
            found = walk.without_fit(each)
        except GraphError as error:  # there is no such graph
            none.append(LeftOut(each, str(error), "different"))
            continue
        if isinstance(found, Tried):
            tried[each.name] = found
        else:
            waiting.append(found)
    chosen = sorted(waiting, key=_promise, reverse=True)[:fits]
    for left in chosen:
        tried[left.neighbour.name] = walk.fitted(left)
    out = [*none, *(left for left in waiting if left not in chosen)]
    beyond = str(say("check.standing.beyond_most", most=most))
    out += [LeftOut(each, beyond, walk.alike(each)) for each in around[most:]]
    if len(tried) < 2:
        why = out[0].why if out else say("check.standing.no_neighbour")
        raise QueryError(say("check.standing.nothing", graph=graph.name, why=why))
    judged = {name: walk.judged(each.posterior, name) for name, each in tried.items()}
    return Standing(tried, compared(judged), tuple(out))


def _promise(left: LeftOut) -> float:
    """Return how much a fit of a graph is worth: what the data call for, then what they leave."""
    if left.gain > SMALL:
        return left.gain
    return SMALL if left.equivalent == "equivalent" else 0.0


@dataclass(frozen=True, eq=False)
class _Walk:
    """A fit, its survey, and how others are made from it."""

    posterior: Posterior
    survey: Survey
    draws: int
    seed: int
    cores: int | None

    @property
    def observed(self) -> tuple[str, ...]:
        """The nodes that anybody is observed in."""
        seen = (self.survey.codes >= 0).any(axis=0)
        return tuple(np.array(self.survey.graph.names)[seen].tolist())

    def judged(self, posterior: Posterior, name: str) -> Any:
        """Return how well a model predicts each person."""
        read = survey_for(self.survey, posterior.graph, name)
        return leave_one_out(posterior, Pointwise.of(read), name)

    def alike(self, each: Neighbour) -> str:
        """Return whether a neighbour implies the independences of the graph as stated."""
        if each.kind != "reverse":  # another skeleton
            hidden = len(self.observed) < len(each.base.names)
            return "not_known" if hidden else "different"
        return markov_equivalent(each.base, each.graph, observed=self.observed).verdict

    def without_fit(self, each: Neighbour) -> Tried | LeftOut:
        """Return a neighbour's posterior where no whole fit is needed for it."""
        gain = np.nan
        try:
            same = self.alike(each)
            if shares(self.posterior, each, self.survey):
                found = refit_changed(
                    self.posterior,
                    each,
                    self.survey,
                    seed=self.seed_of(each),
                    tune=self.tune,
                    cores=self.cores,
                )
                return Tried(each, found, "shared", same)
            rng = np.random.default_rng(self.seed_of(each))
            moved = self.cloud.to(each, self.survey, rng).settled(rng)
            if moved.good:
                told = (moved.k_hat, moved.log_evidence)
                return Tried(each, moved.posterior, "reweighted", same, *told)
            why, gain = str(say("check.standing.weights")), moved.gain
        except OutOfReach as error:
            why, gain = str(error), error.gain
        return LeftOut(each, why, same, gain if each.kind == "add" else np.nan)

    def fitted(self, left: LeftOut) -> Tried:
        """Fit a neighbour as the graph itself was fitted."""
        each, meta = left.neighbour, self.posterior.meta
        found = fit(
            each.graph,
            survey_for(self.survey, each.graph, each.name),
            seed=self.seed_of(each),
            draws=int(meta.get("draws", 1000)),
            chains=self.posterior.chains,
            tune=self.tune,
            cores=self.cores,
            evidence=used_evidence(self.posterior),
            progress=False,
        )
        return Tried(each, found, "refitted", left.equivalent)

    @property
    def tune(self) -> int:
        """How many steps of tuning the fit had."""
        return int(self.posterior.meta.get("tune", 1000))

    def seed_of(self, each: Neighbour) -> int:
        """Return a seed of a neighbour's own, whatever else is tried."""
        state = np.random.SeedSequence([self.seed, *each.name.encode()]).generate_state(1)
        return int(state[0] >> 1)

    @cached_property
    def cloud(self) -> Cloud:
        """The draws of the fit itself."""
        model = Model.of(self.posterior, self.posterior.graph, self.survey)
        return Cloud.of(model, self.draws)


def _demand_fit(posterior: Posterior, survey: Survey) -> None:
    if posterior.fractions is None or posterior.beta is None:
        raise QueryError(say("check.standing.not_fitted"))
    if posterior.sites is not None:
        raise QueryError(say("check.standing.sites"))
    demand_moment(posterior.graph)
    demand_graph(posterior, survey)
    if "people" in posterior.meta and not is_own(posterior, survey):
        raise QueryError(say("check.moment.others", n=survey.n, people=posterior.meta["people"]))
    demand_alike(survey)
