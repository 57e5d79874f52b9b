"""Panels of a known truth, fitted: what is asked, the truth, and one run of each study."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk import (
    CausalGraph,
    Codebook,
    Edge,
    Node,
    Posterior,
    Prior,
    Survey,
    attribute,
    compile_model,
    fit,
    unroll,
)
from backrisk.fitting import CompiledModel
from backrisk.graph import Lagged, Layout, UnrolledGraph
from backrisk.posterior import truth
from backrisk.posterior.simulation import draw_states

RUNS, LEVEL, PERIODS = 50, 0.9, 5
TWO = ("no", "yes")
NO_BELIEF = Prior(0.0, 1.0)
HABIT = Edge("x", "y", "claim", "stated", "weak", Prior(0.5, 0.5))
STATE = CausalGraph(
    "state",
    (Node("x", TWO, persist=True), Node("y", TWO, margin=(0.7, 0.3))),
    (HABIT,),
    (Lagged("y", "y", "claim", prior=NO_BELIEF), Lagged("y", "x", "claim", prior=NO_BELIEF)),
    "y",
)
LOOP = CausalGraph(
    "loop",
    (Node("x", TWO, persist=True, margin=(0.6, 0.4)), Node("y", TWO, margin=(0.7, 0.3))),
    (HABIT,),
    (Lagged("y", "x", "claim", prior=NO_BELIEF), Lagged("x", "x", "claim", prior=NO_BELIEF)),
    "y",
)


@dataclass(frozen=True)
class Study:
    """One truth and what is asked of the fits.

    Parameters
    ----------
    said : str
        What the people are, and what the interval is of: the estimand.
    template : CausalGraph
    people : int
    effects : dict of str to float
        The true log odds ratios that are not the prior's means.
    asked : callable
        The draws of the estimand, of a posterior and a seed.
    number : int
        Begins the seeds of the study.
    """

    said: str
    template: CausalGraph
    people: int
    effects: dict[str, float]
    asked: Callable[[Posterior, int], NDArray[np.float64]]
    number: int


def _after(posterior: Posterior, _seed: int) -> NDArray[np.float64]:
    at = Layout(posterior.graph).effect_labels.index("y__1, y")
    return posterior.beta[:, at]


def _loop(posterior: Posterior, seed: int) -> NDArray[np.float64]:
    # `samples` are enough that the answer's own Monte Carlo error is a thirtieth of an interval.
    asked: dict[str, Any] = {"method": "pathways", "period": PERIODS - 1, "samples": 4000}
    return attribute(posterior, [{"x": "yes", "y": "yes"}], seed=seed, **asked).loop


def _state(effect: float) -> Study:
    return Study(
        "People differ for good (odds ratio 7.4 between two classes), and "
        f"{'so does what was before' if effect else 'what was before does nothing'}: log odds "
        "ratio of the outcome after the outcome",
        STATE,
        400,
        {"y__1, y": effect, "y, susceptibility": 2.0, "y__1, susceptibility": 2.0},
        _after,
        7,
    )


STUDIES = {
    "trait": _state(0.0),
    "trait and state": _state(1.0),
    "loop": Study(
        "The outcome feeds a habit that feeds the outcome, beside a lasting difference: how much "
        "of the risk goes round this loop, four periods after somebody had both",
        LOOP,
        500,
        {"y, x": 1.2, "x__1, y": 1.2, "x__1, x": 1.0, "y, susceptibility": 1.5},
        _loop,
        11,
    ),
}


@dataclass(frozen=True)
class Run:
    """What came of one panel: the interval of 90 %, its middle, and what it cost."""

    study: str
    seed: int
    truth: float
    low: float
    high: float
    mean: float
    sound: bool
    cpu_s: float

    @classmethod
    def of(cls, line: str) -> Run:
        """Read a line of the file that runs are kept in."""
        return cls(**json.loads(line))

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.truth <= self.high


@cache
def _unrolled(name: str) -> UnrolledGraph:
    return unroll(STUDIES[name].template, PERIODS, trait=True)


@cache
def made(name: str) -> Posterior:
    """Return the truth as a posterior of one draw."""
    graph = _unrolled(name)
    labels, whole = Layout(graph).effect_labels, truth(graph)
    beta = whole.beta.copy()
    for label, effect in STUDIES[name].effects.items():
        beta[0, labels.index(label)] = effect
    return replace(whole, beta=beta)


@cache
def true_value(name: str) -> float:
    """Return what the interval should hold, asked often enough where asking is sampling."""
    asked = STUDIES[name].asked
    return float(np.mean([asked(made(name), seed) for seed in range(20)]))


@cache
def _compiled(template: CausalGraph) -> CompiledModel:
    name = next(name for name, study in STUDIES.items() if study.template == template)
    return compile_model(_unrolled(name), survey_of(name, 0))


def survey_of(name: str, seed: int) -> Survey:
    """Draw one panel, in which nobody sees who is susceptible."""
    study, graph = STUDIES[name], _unrolled(name)
    rng = np.random.default_rng([study.number, seed])
    codes = draw_states(made(name), study.people, rng).astype(np.int8)
    codes[:, graph.names.index("susceptibility")] = -1
    return Survey(graph, codes, Codebook.plain(graph))


def look(name: str, seed: int) -> Run:
    """Fit one panel and ask."""
    true, survey, start = true_value(name), survey_of(name, seed), time.process_time()
    compiled = _compiled(STUDIES[name].template)
    options: dict[str, Any] = {"draws": 500, "tune": 500, "progress": False, "compiled": compiled}
    found = fit(survey.graph, survey, seed=seed, **options)
    drawn = STUDIES[name].asked(found, seed)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    spent = round(time.process_time() - start, 1)
    mean, sound = float(drawn.mean()), found.diagnostics.good
    return Run(name, seed, true, float(low), float(high), mean, sound, spent)
