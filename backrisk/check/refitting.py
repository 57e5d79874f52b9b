"""Surveys simulated from a prior and fitted again: one loop for all studies of refits.

Calibration, coverage and study plans ask different questions of the same thing: a truth is drawn
from the prior of the fit, a survey from the truth, and the model is fitted to the survey.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backrisk._files import no_file, write
from backrisk.check.simulated import Simulated, Truth
from backrisk.errors import QueryError
from backrisk.fitting import CompiledModel, approximate, compile_model, fit
from backrisk.fitting import progress_bar as progress_bar
from backrisk.posterior import Posterior
from backrisk.survey import Survey
from backrisk.words import say

_APART = 1.05  # R-hat above which the short chains of a study do not agree
_DIVERGED = 0.01  # share of transitions


class Fitter:
    """Fits surveys of one kind; the model is compiled for the first.

    Parameters
    ----------
    simulated : Simulated
    draws, tune : int
        Of each chain.
    chains : int, optional
        By default as many as `backrisk.fit` takes.
    """

    def __init__(
        self, simulated: Simulated, *, draws: int, tune: int, chains: int | None = None
    ) -> None:
        self._simulated = simulated
        self._settings: dict[str, Any] = {"draws": draws, "tune": tune}
        if chains is not None:
            self._settings["chains"] = chains
        self._compiled: CompiledModel | None = None

    def __call__(self, survey: Survey, seed: int) -> Posterior:
        """Return the fit of a survey."""
        return fit(
            self._simulated.graph,
            survey,
            seed=seed,
            compiled=self._model(survey),
            evidence=self._simulated.evidence,
            progress=False,
            **self._settings,
        )

    def quick(self, survey: Survey, seed: int) -> Posterior:
        """Return an approximation of the fit; the fit itself where it is exact and as quick."""
        compiled = self._model(survey)
        if compiled.compiled is None:
            return self(survey, seed)
        return approximate(self._simulated.graph, survey, seed=seed, compiled=compiled)

    def _model(self, survey: Survey) -> CompiledModel:
        if self._compiled is None or self._compiled.compiled is None:  # nothing, where it is exact
            graph, evidence = self._simulated.graph, self._simulated.evidence
            self._compiled = compile_model(graph, survey, evidence=evidence)
        return self._compiled


def mixed(found: Posterior) -> bool:
    """Return whether a fit's chains agreed well enough for its intervals to be those of its draws.

    The short chains of a study fall short of the effective draws that a model is asked for which
    people rely on: what is told here are chains apart, and transitions that diverged.
    """
    worst = found.diagnostics.worst
    if not worst:
        return found.diagnostics.good
    return worst["r_hat"] <= _APART and worst["divergences"] <= _DIVERGED * found.draws


@dataclass(frozen=True, eq=False)
class Refit:
    """A truth, a survey drawn from it, and what a fit found in the survey.

    Parameters
    ----------
    number : int
        Which of the fits, from 0.
    truth : Truth
    survey : Survey
    found : Posterior
    """

    number: int
    truth: Truth
    survey: Survey
    found: Posterior


def generator(seed: int, number: int) -> np.random.Generator:
    """Return the randomness of one survey: its own, so that a study may stop and go on."""
    return np.random.default_rng([seed, number])


def refits(
    simulated: Simulated,
    *,
    people: int,
    fits: int,
    seed: int,
    draws: int,
    tune: int,
    done: int = 0,
    progress: bool = False,
) -> Iterator[Refit]:
    """Draw truths from the prior and surveys from them, and fit each.

    Parameters
    ----------
    simulated : Simulated
    people : int
        In each survey.
    fits : int
    seed : int
    draws, tune : int
        Of each chain.
    done : int
        Fits that are there already: the first ones are passed over.
    progress : bool
        Show a bar with a forecast.

    Yields
    ------
    Refit

    Raises
    ------
    QueryError
        If a number is out of range.
    """
    for name, number in (("people", people), ("fits", fits)):
        if number < 1:
            raise QueryError(say("check.refitting.too_few", name=name, number=number))
    fitter = Fitter(simulated, draws=draws, tune=tune)
    with progress_bar(fits, done=done, show=progress) as advance:
        for number in range(done, fits):
            rng = generator(seed, number)
            truth = simulated.truth(rng)
            survey = simulated.survey(simulated.frame(truth, people, rng), truth)
            yield Refit(number, truth, survey, fitter(survey, int(rng.integers(2**31))))
            advance()


@dataclass(frozen=True)
class Ledger:
    """What each fit of a study gave, kept in a file so that the study may stop and go on.

    Parameters
    ----------
    path : Path, optional
        A text file of one JSON value a line, the study's settings first. None keeps nothing.
    settings : mapping
        All that the results depend on: a file of other settings is refused.
    """

    path: Path | None
    settings: Mapping[str, Any]

    def read(self) -> list[Any]:
        """Return the results that are there.

        Raises
        ------
        QueryError
            If the file is of another study, or none of these.
        """
        if self.path is None or not self.path.exists():
            return []
        if not self.path.is_file():
            raise QueryError(no_file(self.path))
        try:
            first, *rest = map(json.loads, self.path.read_text(encoding="utf-8").splitlines())
        except ValueError as error:
            raise QueryError(say("check.refitting.no_ledger", path=self.path)) from error
        if first != json.loads(json.dumps(self.settings)):
            raise QueryError(say("check.refitting.other_ledger", path=self.path))
        return rest

    def keep(self, results: list[Any]) -> None:
        """Write all results so far, whole or not at all."""
        if self.path is not None:
            lines = map(json.dumps, (self.settings, *results))
            write(self.path, "".join(f"{line}\n" for line in lines), QueryError)
