"""Truths drawn from the prior of a fit, and surveys drawn from them, whatever their design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.graph import SITE_SCALE, CausalGraph, Layout, ParameterPrior, at_site
from backrisk.likelihood import conditioned
from backrisk.posterior import Posterior, simulate
from backrisk.survey import Codebook, Derived, Survey, cases_of
from backrisk.words import choices, say, suggest

_MOST = 200  # people of the population that are looked at for each that a design asks for
_SITE, _WEIGHT = "site", "weight"  # columns, where the codebook names none

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """What one synthetic survey is drawn from.

    Parameters
    ----------
    posterior : Posterior
        Of one draw; with sites, the average over them.
    sites : tuple of Posterior
        That of each site; empty where there are none.
    prevalence : float, optional
        What the codebook states of the outcome's, where people are chosen by it: a share counted
        among as many people of this very population as the design says.
    """

    posterior: Posterior
    sites: tuple[Posterior, ...] = ()
    prevalence: float | None = None


@dataclass(frozen=True, eq=False)
class Simulated:
    """How synthetic surveys come about, and how they are read.

    Parameters
    ----------
    graph : CausalGraph
    codebook : Codebook, optional
        With items, questions not asked of everyone, and a design: ``case_control`` draws as many
        cases as controls, ``matched`` a control for each case, ``stratified`` needs `rates`. By
        default a plain table of every node.
    unmeasured : tuple of str
        Columns that no survey has; another node stands for all that measure it.
    missing : float, optional
        Share of answers left out at random; by default as `backrisk.simulate` leaves them out.
    sites : int
        How many, of which each draws its own intercepts from the prior; 0 for none.
    rates : mapping of str to mapping of str to float
        By node and state, how often people are taken, against others; 1 where nothing is said.
        Each person's weight is the inverse.
    matched_on : tuple of str
        Nodes that a matched control shares with its case.
    evidence : bool
        Draw truths from the prior that is conditioned on the graph's published figures, and fit
        with it.

    Raises
    ------
    QueryError
        If a name is unknown, a number out of range, or the design is none that is simulated.
    """

    graph: CausalGraph
    codebook: Codebook | None = None
    unmeasured: tuple[str, ...] = ()
    missing: float | None = None
    sites: int = 0
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    matched_on: tuple[str, ...] = ()
    evidence: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated before anything is fitted."""
        design, book = self.book.design, self.book
        kind = "" if design is None else design.kind
        by_outcome = design is not None and design.by_outcome
        if kind == "repeated":
            raise QueryError(say("check.simulated.visits"))
        if by_outcome and (self.sites or self.rates):
            raise QueryError(say("check.simulated.by_outcome_alone", kind=kind))
        if self.matched_on and kind != "matched":
            raise QueryError(say("check.simulated.not_matched"))
        if kind == "stratified" and not self.rates:
            raise QueryError(say("check.simulated.no_rates"))
        if self.sites < 0 or self.sites == 1:
            raise QueryError(say("check.simulated.sites", number=self.sites))
        if self.missing is not None and not 0 <= self.missing < 1:
            raise QueryError(say("check.simulated.missing", number=self.missing))
        _ = self.dropped
        measured = {spec.node for spec in book.measures.values() if spec.node is not None}
        for name in (*self.rates, *self.matched_on):
            if name not in measured:
                near, known = suggest(name, sorted(measured)), choices(sorted(measured))
                raise QueryError(say("check.simulated.no_node", name=name, near=near, known=known))
        for name, by_state in self.rates.items():
            for state, rate in by_state.items():
                self.extended.node(name).code(state)
                if not 0 < rate < np.inf:
                    about = {"node": name, "state": state, "number": rate}
                    raise QueryError(say("check.simulated.rate", **about))

    @cached_property
    def book(self) -> Codebook:
        """The codebook by which surveys are read; a row is a person."""
        book = self.codebook or Codebook.plain(self.graph)
        return book.resolved(self.graph).model_copy(update={"one_row_per": None, "rows": {}})

    @cached_property
    def extended(self) -> CausalGraph:
        """The graph with the items of the codebook."""
        return self.book.extend(self.graph)

    @cached_property
    def layout(self) -> Layout:
        """That of the extended graph."""
        return Layout(self.extended)

    @cached_property
    def prior(self) -> ParameterPrior:
        """What truths are drawn from, and the prior of each fit."""
        return conditioned(self.layout).prior if self.evidence else self.layout.prior

    @cached_property
    def dropped(self) -> tuple[str, ...]:
        """The columns that no survey has."""
        return tuple(name for each in self.unmeasured for name in self.columns_of(each))

    def columns_of(self, name: str) -> tuple[str, ...]:
        """Return a column, or the columns that measure a node.

        Raises
        ------
        QueryError
            If there is neither.
        """
        if name in self.book.columns:
            return (name,)
        found = [
            column
            for measure, spec in self.book.measures.items()
            if name in (measure, spec.measured)
            for column in (spec.from_ if isinstance(spec, Derived) else (measure,))
        ]
        if not found:
            known = [*self.book.columns, *self.graph.names]
            raise QueryError(say("check.simulated.no_column", name=name, near=suggest(name, known)))
        return tuple(found)

    def truth(self, rng: np.random.Generator) -> Truth:
        """Draw a truth from the prior of the fit."""
        return self.about(*self.prior.draw(1, rng), rng)

    def about(
        self, fractions: NDArray[Any], effects: NDArray[Any], rng: np.random.Generator
    ) -> Truth:
        """Return a truth of given parameters, each ``(1, parameter)``: its sites, its prevalence.

        Sites draw the scale of their differences and their shifts from the prior of the fit.
        """
        average = Posterior(self.extended, fractions, effects)
        sites: tuple[Posterior, ...] = ()
        if self.sites:
            pooled = len(self.layout.pooled)
            scale = np.abs(rng.normal(0.0, SITE_SCALE, size=pooled))
            shifts = scale * rng.normal(size=(self.sites, pooled))
            sites = tuple(
                Posterior(self.extended, at_site(self.layout, fractions, shift[None]), effects)
                for shift in shifts
            )
        design, prevalence = self.book.design, None
        if design is not None and design.prevalence is not None:
            first = self.extended.node(str(design.outcome)).code(str(design.cases))
            share = float(average.marginal(str(design.outcome))[first:, 0].sum())
            people = max(round(design.people), 2)
            counted = rng.binomial(people, min(max(share, 0.0), 1.0))
            prevalence = float(np.clip(counted, 1, people - 1)) / people
        return Truth(average, sites, prevalence)

    def frame(self, truth: Truth, people: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw a survey as it would be handed in.

        Its first rows are a smaller survey of the same design: cases and controls alternate, and
        sites take turns.

        Parameters
        ----------
        truth : Truth
        people : int
        rng : numpy.random.Generator

        Returns
        -------
        pandas.DataFrame
            At most `people` rows: fewer where the design asks for people who are too rare.

        Raises
        ------
        QueryError
            If nobody was found whom the design asks for.
        """
        design = self.book.design
        if design is not None and design.by_outcome:
            frame = self._by_outcome(truth, people, rng)
        elif self.rates:
            frame = self._stratified(truth, people, rng)
        else:
            frame = self._people(truth, people, rng)[0]
        return frame.drop(columns=list(self.dropped))

    def survey(self, frame: pd.DataFrame, truth: Truth) -> Survey:
        """Read a survey that `frame` drew."""
        book, design = self.book, self.book.design
        if design is not None and truth.prevalence is not None:
            stated = design.model_copy(update={"prevalence": truth.prevalence})
            book = book.model_copy(update={"design": stated})
        by_set = design is not None and design.set is not None
        site = None if by_set or _role(frame, book.site, _SITE) is None else book.site or _SITE
        weight = None if _role(frame, book.weight, _WEIGHT) is None else book.weight or _WEIGHT
        return Survey.from_frame(frame, self.graph, book, weight=weight, site=site)

    @cached_property
    def _anybody(self) -> Codebook:
        return self.book.of_anybody().model_copy(update={"site": None, "weight": None})

    def _people(
        self, truth: Truth, people: int, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Draw people as they come: their answers, and the same with none left out."""
        seed = int(rng.integers(2**32))
        told, whole = (self._answers(truth, people, seed, gaps) for gaps in (True, False))
        if self.missing is not None:
            out = rng.random(whole.shape) < self.missing
            told = whole.mask(out, "")
        if self.sites or self.book.site is not None:
            turns = np.arange(people) % max(self.sites, 1) + 1
            names = [f"{_SITE}{number}" for number in turns]
            told, whole = (
                each.assign(**{self.book.site or _SITE: names}) for each in (told, whole)
            )
        if self.book.weight is not None and not self.rates:
            told = told.assign(**{self.book.weight: 1.0})
        return told, whole

    def _answers(self, truth: Truth, people: int, seed: int, gaps: bool) -> pd.DataFrame:
        """Draw answers; with and without gaps they are the same but for those left out."""
        parts = []
        sources = truth.sites or (truth.posterior,)
        for number, source in enumerate(sources[:people]):
            turns = range(number, people, len(sources))
            part = simulate(
                self.graph,
                len(turns),
                seed + number,
                codebook=self._anybody,
                posterior=source,
                gaps=gaps,
            )
            parts.append(part.set_axis(pd.Index(turns)))
        return pd.concat(parts).sort_index()

    def _codes(self, whole: pd.DataFrame) -> NDArray[np.int8]:
        """Return what people would have answered, as codes of the extended graph."""
        answers = whole[[name for name in whole if name in self.book.columns]]
        return Survey.from_frame(answers, self.graph, self._anybody).codes

    def _stratified(self, truth: Truth, people: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw people at the rates of their states, with weights that undo it."""
        taken: list[pd.DataFrame] = []
        size = 0
        for batch in _batches(people):
            told, whole = self._people(truth, batch, rng)
            codes, rate = self._codes(whole), np.ones(batch)
            highest = 1.0
            for name, by_state in self.rates.items():
                node = self.extended.node(name)
                each = np.array([by_state.get(state, 1.0) for state in node.states])
                own = codes[:, self.extended.names.index(name)]
                rate *= np.where(own < 0, 1.0, each[own])
                highest *= max(each.max(), 1.0)
            chosen = rng.random(batch) < rate / highest
            told = told.assign(**{self.book.weight or _WEIGHT: 1.0 / rate})
            taken.append(told[chosen])
            size += int(chosen.sum())
            if size >= people:
                break
        if not size:
            raise QueryError(say("check.simulated.too_rare", looked=f"{_MOST * people:,}"))
        return pd.concat(taken, ignore_index=True).head(people)

    def _by_outcome(self, truth: Truth, people: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw cases and controls in turn, matched where the design says so."""
        design = self.book.design
        assert design is not None
        known = [str(design.outcome)]  # of everyone, as the design asks
        if design.set is not None:
            known += self.extended.parents(known[0])
        columns = [
            name
            for node in known
            for name, spec in self.book.measures.items()
            if spec.node == node
            for name in (spec.from_ if isinstance(spec, Derived) else (name,))
        ]
        wanted = max(people // 2, 1)
        pool: list[pd.DataFrame] = []
        pairs: NDArray[np.intp] = np.zeros((0, 2), dtype=np.intp)
        keys: list[NDArray[np.int64]] = []
        ill: list[Bools] = []
        for batch in _batches(people):
            told, whole = self._people(truth, batch, rng)
            told[columns] = whole[columns]
            codes = self._codes(whole)
            cases, controls = cases_of(design, self.extended, codes)
            at = [self.extended.names.index(name) for name in self.matched_on]
            key = codes[:, at].astype(np.int64) @ (128 ** np.arange(len(at), dtype=np.int64))
            either = cases | controls
            pool.append(told[either])
            keys.append(key[either])
            ill.append(cases[either])
            pairs = _pairs(np.concatenate(keys), np.concatenate(ill))
            if len(pairs) >= wanted:
                break
        if not len(pairs):
            raise QueryError(say("check.simulated.too_rare", looked=f"{_MOST * people:,}"))
        frame = pd.concat(pool, ignore_index=True).iloc[pairs[:wanted].ravel()]
        frame = frame.reset_index(drop=True)
        if design.set is not None:
            frame[design.set] = [f"set{number // 2 + 1}" for number in range(len(frame))]
        return frame


def _role(frame: pd.DataFrame, stated: str | None, default: str) -> str | None:
    name = stated or default
    return name if name in frame.columns else None


def _batches(people: int) -> Iterator[int]:
    """Yield how many people are looked at, twice as many each time, until there were enough."""
    looked, batch = 0, people
    while looked < _MOST * people:
        yield batch
        looked, batch = looked + batch, min(2 * batch, _MOST * people - looked - batch)


def _pairs(keys: NDArray[np.int64], ill: Bools) -> NDArray[np.intp]:
    """Pair each case with a control of the same key, as they come, ``(pair, 2)``."""
    found = []
    for key in np.unique(keys):
        same = keys == key
        cases, controls = np.flatnonzero(same & ill), np.flatnonzero(same & ~ill)
        size = min(len(cases), len(controls))
        found.append(np.stack([cases[:size], controls[:size]], axis=1))
    pairs = np.concatenate(found)
    # As the cases came, so that a key that is common does not stand before one that is rare.
    return pairs[np.argsort(pairs[:, 0], kind="stable")]
