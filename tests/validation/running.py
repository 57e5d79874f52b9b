"""Fit every planted survey with the graph that lacks the fault, check it, keep what was said."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from backrisk import Posterior, compile_model, fit, load_posterior
from backrisk.check import CHECKS, doubts
from backrisk.fitting import CompiledModel
from backrisk.survey import Survey
from tests.validation.planting import FAULTS, fitted_graph, survey_of

DRAWS, TUNE = 800, 500  # of each of four chains
_ANY = ("clean", 0, 200)  # a survey to compile for: patterns are data


@dataclass(frozen=True)
class Task:
    """One survey: which fault, from which truth, of how many people."""

    fault: str
    seed: int
    people: int

    @property
    def key(self) -> tuple[str, int, int]:
        """What `survey_of` draws it from."""
        return self.fault, self.seed, self.people


@dataclass(frozen=True)
class Record:
    """What came of a survey.

    Parameters
    ----------
    task : Task
    draws, tune : int
    sound : bool
        Whether the sampling passed its checks.
    fit_s, check_s : float
        Seconds that the process had a core.
    made : list of str
        The checks that were asked for.
    found : dict of str to str
        The finding on each kind of claim, by its name.
    about : dict of str to list
        The nodes of what each check contradicts.
    """

    task: Task
    draws: int
    tune: int
    sound: bool
    fit_s: float
    check_s: float
    made: list[str]
    found: dict[str, str]
    about: dict[str, list[list[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, line: str) -> Record:
        """Read a line of the file that records are kept in."""
        held: dict[str, Any] = json.loads(line)
        return cls(**{**held, "task": Task(**held["task"])})

    @property
    def noticed(self) -> bool:
        """Whether the report as a whole says that the survey contradicts the model."""
        return "contradicted" in self.found.values()


def tasks(seeds: int, people: Sequence[int], faults: Sequence[str] = ()) -> list[Task]:
    """Return all surveys, those of one truth together: what is done first is a fair part."""
    return [
        Task(fault, seed, n)
        for seed in range(1, seeds + 1)
        for n in people
        for fault in faults or FAULTS
    ]


@cache
def _compiled() -> CompiledModel:
    return compile_model(fitted_graph(), survey_of(*_ANY), evidence=False)


def fitted(
    task: Task, survey: Survey, draws: int = DRAWS, tune: int = TUNE, models: Path | None = None
) -> tuple[Posterior, float]:
    """Return the fit to a survey, and the seconds that it took.

    A model that is kept in the folder `models` is not fitted again: another check takes a moment.
    """
    place = models and models / f"{task.fault}-{task.seed}-{task.people}-{draws}.nc"
    if place is not None and place.exists():
        return load_posterior(place), float(place.with_suffix(".txt").read_text())
    compiled = _compiled()
    start = time.process_time()
    posterior = fit(
        fitted_graph(),
        survey,
        seed=task.seed,
        draws=draws,
        tune=tune,
        cores=1,
        compiled=compiled,
        evidence=False,
        progress=False,
    )
    seconds = time.process_time() - start
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.with_suffix(".txt").write_text(str(seconds))
        posterior.save(place)
    return posterior, seconds


def look(task: Task, draws: int = DRAWS, tune: int = TUNE, models: Path | None = None) -> Record:
    """Draw one survey, fit it, check the fit."""
    survey = survey_of(*task.key)
    posterior, fit_s = fitted(task, survey, draws, tune, models)
    start = time.process_time()
    found = doubts(posterior, survey, seed=task.seed)
    check_s = time.process_time() - start
    return Record(
        task,
        draws,
        tune,
        posterior.diagnostics.good,
        round(fit_s, 2),
        round(check_s, 2),
        [*found.results, *found.refused],
        {each.check: each.finding for each in found.verdicts},
        {each.check: [list(names) for names in each.about] for each in found.contradicted},
    )


def kept(path: Path, draws: int = DRAWS, tune: int = TUNE) -> dict[Task, Record]:
    """Return what a file holds of surveys that were fitted and checked in this way."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    records = map(Record.of, filter(str.strip, lines))
    return {
        each.task: each
        for each in records
        if (each.draws, each.tune) == (draws, tune) and set(each.made) == set(CHECKS)
    }


def run(
    wanted: Sequence[Task],
    path: Path,
    *,
    jobs: int = 1,
    draws: int = DRAWS,
    tune: int = TUNE,
    models: Path | None = None,
) -> Iterator[Record]:
    """Look at what the file does not hold yet; each record is kept as soon as it is there."""
    done = kept(path, draws, tune)
    left = [(task, draws, tune, models) for task in wanted if task not in done]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for record in _looked(left, jobs):
            file.write(json.dumps(asdict(record)) + "\n")
            file.flush()
            os.fsync(file.fileno())
            yield record


def _looked(left: Sequence[tuple[Any, ...]], jobs: int) -> Iterator[Record]:
    if jobs == 1:
        for asked in left:
            yield look(*asked)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for each in as_completed([pool.submit(look, *asked) for asked in left]):
            yield each.result()
