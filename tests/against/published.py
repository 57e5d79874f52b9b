"""Published tables, fitted by the package as its users fit: prints, statsmodels, StepMix."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from backrisk import CausalGraph, Edge, Node, Posterior, Prior, Survey, fit, log_likelihood
from backrisk.graph import Layout
from tests.against.common import Row, agreeing, equal

Array = NDArray[np.float64]
DATA = Path(__file__).with_name("data")
_WU = "Wu 2021, Table 2 (10.1155/2021/6660304)"
_ANDERSON = "an ordinal logit on the table of Anderson 1984 (10.1111/j.2517-6161.1984.tb01270.x)"
_GOODMAN = "Goodman 1974 (10.1093/biomet/61.2.215), Table 1; poLCA's `values`"
# Crude odds ratios by factor.
CRUDE = {
    "warm_up": 3.99,
    "strength": 2.81,
    "fatigue": 3.72,
    "running_gait_posture": 3.10,
    "previous_injuries": 1.33,
}
# Length of the attack, each step of the change of pain, lordosis.
ORDINAL = (-1.5147, -0.4865, -0.8658)
LATENT = -504.4677  # log likelihood with two classes
PROGRESS = ("relief", "marked", "moderate", "slight", "same", "worse")
# A posterior under a flat prior and the likelihood's maximum differ by the skewness of the
# likelihood, some tenths of a standard error in samples of this size; the prior of a 2 x 2 table
# is worth one person a cell, of which three are the fewest.
_CLOSE = 0.35


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def marathon() -> Iterator[Row]:
    """Fit each factor alone. Rows are Dirichlet(1, 1), draws exact."""
    table = _read("marathon")
    for factor, published in CRUDE.items():
        rows = [row for row in table if row["factor"] == factor]
        people: list[dict[str, str]] = []
        for row in rows:
            for level in ("no_lbp", "lbp"):
                people += [{"factor": row["level"], "lbp": level}] * int(row[level])
        states = {"factor": [row["level"] for row in rows], "lbp": ["no_lbp", "lbp"]}
        graph = CausalGraph.from_edges([("factor", "lbp")], states)
        survey = Survey.from_frame(pd.DataFrame(people), graph)
        posterior = fit(graph, survey, seed=1, draws=2000, chains=4, progress=False)
        cpt = posterior.cpt("lbp")
        log_odds = np.log(cpt[..., 1] / cpt[..., 0])
        counts = [int(row[level]) for row in rows for level in ("no_lbp", "lbp")]
        error = math.sqrt(sum(1 / count for count in counts))
        yield agreeing(
            f"log odds ratio of LBP by {factor} (posterior median; Dirichlet(1, 1) rows)",
            float(np.median(log_odds[:, 1] - log_odds[:, 0])),
            math.log(published),
            error,
            "standard errors",
            _CLOSE,
            _WU,
        )


def _back_pain() -> tuple[CausalGraph, pd.DataFrame]:
    """Return the graph of an ordinal logit with weak priors, and the patients."""
    people: list[dict[str, str]] = []
    for row in _read("back_pain"):
        for state in PROGRESS:
            causes = {name: f"s{row[name]}" for name in ("x1", "x2", "x3")}
            people += [{**causes, "progress": state}] * int(row[state])
    nodes = (
        Node("x1", ("s1", "s2")),
        Node("x2", ("s1", "s2", "s3")),
        Node("x3", ("s1", "s2")),
        Node("progress", PROGRESS, mechanism="ordinal_logit", concentration=6.0),
    )
    edges = tuple(
        Edge(name, "progress", "studied", "literature", "none", Prior(0.0, 3.0))
        for name in ("x1", "x2", "x3")
    )
    return CausalGraph("back_pain", nodes, edges, outcome="progress"), pd.DataFrame(people)


def _likelihood(graph: CausalGraph, frame: pd.DataFrame) -> Callable[[Array, Array], float]:
    """Return the log likelihood of the outcome as our mechanism has it.

    Of the log odds ratios of x1, a step of x2, and x3; and of the cutpoints.
    """
    family = Layout(graph).mechanisms["progress"]
    codes = np.array(
        [
            [graph.node(name).code(label) for label in frame[name]]
            for name in (*family.parents, "progress")
        ]
    )

    def value(ratios: Array, cuts: Array) -> float:
        effects = ratios * np.array([1.0, 2.0, 1.0])  # ours is from the first state to the last
        centre = sum(
            size * effect.centre for size, effect in zip(effects, family.effects, strict=True)
        )
        below = 1.0 / (1.0 + np.exp(-(cuts - centre)))
        average = np.diff(below, prepend=0.0, append=1.0)
        left = np.cumsum(average[::-1])[::-1]
        fractions = np.concatenate([average[:-1] / left[:-1], [0.5]])  # equal steps of x2
        table = family.cpt(fractions[None], effects[None])[0]
        return float(np.log(table[tuple(codes)]).sum())

    return value


def back_pain() -> Iterator[Row]:
    """Fit the 101 patients: effects N(0, 3), shares Dirichlet(1, ..., 1), steps Dirichlet(2, 2).

    The states run from complete relief to worse, so that effects have the other sign than in
    print.
    """
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    graph, frame = _back_pain()
    numbers = frame.apply(lambda column: [graph.node(column.name).code(v) for v in column])
    model = OrderedModel(numbers["progress"], numbers[["x1", "x2", "x3"]], distr="logit")
    found = model.fit(method="bfgs", maxiter=1000, disp=False)
    theirs, errors = found.params.to_numpy()[:3], found.bse.to_numpy()[:3]
    cuts = model.transform_threshold_params(found.params.to_numpy())[1:-1]
    peer = f"statsmodels {version('statsmodels')}, OrderedModel"
    likelihood = _likelihood(graph, frame)
    ours = likelihood(theirs, cuts)
    yield equal(
        "log likelihood of 101 patients at the estimates",
        f"{ours:.6f}",
        f"{found.llf:.6f}",
        abs(ours - float(found.llf)),
        1e-8,
        peer,
    )
    start = np.concatenate([theirs * 0.5, [cuts[0]], np.log(np.diff(cuts))])
    best = minimize(
        lambda at: -likelihood(at[:3], np.cumsum(np.concatenate([at[3:4], np.exp(at[4:])]))),
        start,
        method="BFGS",
    )
    yield equal(
        "log odds ratios where our likelihood is largest, to four digits",
        ", ".join(f"{-value:.4f}" for value in best.x[:3]),
        ", ".join(f"{value:.4f}" for value in ORDINAL),
        float(np.abs(best.x[:3] + ORDINAL).max()),
        1e-4,
        _ANDERSON,
    )
    survey = Survey.from_frame(frame, graph)
    posterior = fit(graph, survey, seed=1, draws=1000, chains=4, evidence=False, progress=False)
    assert posterior.diagnostics.good, posterior.warnings
    assert posterior.beta is not None
    drawn = -posterior.beta / np.array([1.0, 2.0, 1.0])
    labels = ("length of attack", "a step of pain change", "lordosis")
    for place, label in enumerate(labels):
        yield agreeing(
            f"log odds ratio, {label} (posterior mean; N(0, 3) prior)",
            float(drawn[:, place].mean()),
            ORDINAL[place],
            float(errors[place]),
            "standard errors",
            _CLOSE,
            _ANDERSON,
        )
        yield agreeing(
            f"its standard error, {label} (posterior sd)",
            float(drawn[:, place].std()),
            float(errors[place]),
            float(errors[place]),
            "of it",
            0.15,
            peer,
        )


def role_conflict() -> Iterator[Row]:
    """Fit two latent classes: shares and answers Dirichlet(1, 1).

    Something has to say which class is which: the answers to A are Dirichlet(1.5, 0.5) in the first
    and Dirichlet(0.5, 1.5) in the second.
    """
    from stepmix import StepMix

    table = _read("role_conflict")
    items = ("A", "B", "C", "D")
    people = [
        {name: row[name] for name in items} for row in table for _ in range(int(row["people"]))
    ]
    frame = pd.DataFrame(people)
    states = ("plus", "minus")
    nodes = (
        Node("kind", states, concentration=2.0),
        Node("A", states, mechanism="item", reliability=0.5, concentration=2.0),
        *(Node(name, states, mechanism="item") for name in items[1:]),
    )
    edges = tuple(Edge("kind", name, "studied", "measurement", "none") for name in items)
    graph = CausalGraph("role_conflict", nodes, edges, outcome="kind")
    survey = Survey.from_frame(frame, graph)

    coded = (frame[list(items)] == "minus").astype(int).to_numpy()
    model = StepMix(
        n_components=2,
        measurement="binary",
        n_init=20,
        max_iter=20_000,
        abs_tol=1e-13,
        rel_tol=1e-13,
        random_state=1,
        progress_bar=0,
        verbose=0,
    )
    model.fit(coded)
    peer = f"StepMix {version('stepmix')}"
    likelihood = float(model.score(coded)) * len(coded)
    minus, shares = np.asarray(model.get_parameters()["measurement"]["pis"]), model.weights_
    first = int(np.argmin(minus.mean(axis=1)))  # the class whose answers are plus
    order = [first, 1 - first]
    minus, shares = minus[order], np.asarray(shares)[order]
    cpts: dict[str, Any] = {"kind": shares}
    for place, name in enumerate(items):
        cpts[name] = np.stack([1.0 - minus[:, place], minus[:, place]], axis=1)
    tree = log_likelihood(Posterior.from_cpts(graph, cpts), survey)
    ours = float(tree["log_likelihood"]["answers"].sum())
    yield equal(
        "log likelihood of 216 people at StepMix's estimates",
        f"{ours:.6f}",
        f"{likelihood:.6f}",
        abs(ours - likelihood),
        1e-8,
        peer,
    )
    yield equal(
        "the same, as printed to four digits",
        f"{ours:.4f}",
        f"{LATENT:.4f}",
        abs(ours - LATENT),
        1e-4,
        _GOODMAN,
    )
    posterior = fit(graph, survey, seed=1, draws=1000, chains=4, evidence=False, progress=False)
    assert posterior.diagnostics.good, posterior.warnings
    quantities = [("share of the first class", posterior.cpt("kind")[:, 0], shares[0])]
    for place, name in enumerate(items):
        cpt = posterior.cpt(name)
        for kind in range(2):
            label = f"P({name} = plus | class {kind + 1})"
            quantities.append((label, cpt[:, kind, 0], 1.0 - minus[kind, place]))
    for label, draws, theirs in quantities:
        yield agreeing(
            f"{label} (posterior median; priors worth two people)",
            float(np.median(draws)),
            float(theirs),
            float(draws.std()),
            "posterior sd",
            1.0,
            peer,
        )
