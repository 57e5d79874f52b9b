"""Truths that the fitted graph does not hold, one fault each, and surveys drawn from them.

The graph that is fitted, `cascade.yaml`, has one hidden construct: fatigue was examined in half of
the people, and everybody reports it in one question that errs. Every truth is drawn from the prior
of the fit, so that nothing but the planted fault is wrong; then the fault is put in, of a stated
size in percentage points, and everything else stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from backrisk import CausalGraph, Codebook, Posterior, load_graph, simulate
from backrisk.graph import Layout
from backrisk.survey import Survey

Tables = dict[str, np.ndarray]

EXAMINED = 0.5  # share of people whose fatigue was examined
SKIPPED = 0.05  # share of other answers that are missing
ITEM = "fatigue_report"
HIDDEN = "nature"  # a common cause that nobody measured
POINTS = 0.25  # of a direct effect, of a confounder's effects, of each side of an interaction
LESS = 0.20  # of an edge between nodes that are not the outcome, of a report's bias


@dataclass(frozen=True)
class Truth:
    """What people are drawn from.

    Parameters
    ----------
    edges : dict of str to tuple of str
        Parents by node, in the order of the table's axes.
    tables : dict of str to ndarray, shape (*parents, state)
    """

    edges: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, np.ndarray]

    def change(
        self, name: str, parents: tuple[str, ...], table: np.ndarray, **more: np.ndarray
    ) -> Truth:
        """Return the same with another family; nodes without causes may be added."""
        edges = {**dict.fromkeys(more, ()), **self.edges, name: parents}
        return Truth(edges, {**more, **self.tables, name: table})

    def posterior(self) -> Posterior:
        """Return the truth as a model of one draw."""
        states = {name: _states(name, table.shape[-1]) for name, table in self.tables.items()}
        pairs = [(parent, name) for name, parents in self.edges.items() for parent in parents]
        graph = CausalGraph.from_edges(pairs, states)
        tables = {}
        for name, parents in self.edges.items():
            axes = [parents.index(each) for each in graph.parents(name)]
            tables[name] = np.transpose(self.tables[name], (*axes, len(parents)))
        return Posterior.from_cpts(graph, tables)


@cache
def fitted_graph() -> CausalGraph:
    """Return the graph that every fit assumes."""
    return load_graph(Path(__file__).with_name("cascade.yaml"))


@cache
def codebook() -> Codebook:
    """Return how its surveys are read: each node by its name, and fatigue by a report too."""
    graph = fitted_graph()
    columns: dict[str, Any] = {name: {"node": name} for name in graph.names}
    columns[ITEM] = {"item": "fatigue", "reliability": 0.7, "people": 40}
    data = {"name": "cascade", "graph": graph.name, "synthetic": True, "columns": columns}
    return Codebook.from_dict(data, graph)


def _states(name: str, count: int) -> tuple[str, ...]:
    if name == HIDDEN:
        return ("no", "yes")
    return codebook().extend(fitted_graph()).node(name).states


def clean(seed: int) -> Truth:
    """Return a truth that the fitted graph holds, drawn from the prior of the fit."""
    graph = codebook().extend(fitted_graph())
    fractions, beta = Layout(graph).draw_prior(1, np.random.default_rng([seed, 0]))
    drawn = Posterior(graph, fractions, beta)
    edges = {name: graph.parents(name) for name in graph.names}
    return Truth(edges, {name: drawn.cpt(name)[0] for name in graph.names})


def shifted(table: np.ndarray, by: float | np.ndarray) -> np.ndarray:
    """Return distributions whose log odds of being above each state are larger by a number."""
    below = np.cumsum(table, axis=-1)[..., :-1]
    moved = expit(logit(np.clip(below, 1e-12, 1 - 1e-12)) - np.asarray(by)[..., None])
    found: np.ndarray = np.diff(moved, axis=-1, prepend=0.0, append=1.0)
    return found


def raising(table: np.ndarray, weight: np.ndarray, points: float) -> float:
    """Return the log odds ratio that raises P(above the reference) by so much on average.

    Parameters
    ----------
    table : ndarray, shape (..., state)
    weight : ndarray, shape (...)
        How common each configuration is.
    points : float
    """

    def less(by: float) -> float:
        gained = table[..., 0] - shifted(table, np.full(table.shape[:-1], by))[..., 0]
        return float((gained * weight).sum() / weight.sum()) - points

    return float(brentq(less, 0.0, 30.0))


def exposure(states: int) -> np.ndarray:
    """Return how much of an effect each state of a cause has: equal steps from none to all."""
    return np.linspace(0.0, 1.0, states)


def more_parent(truth: Truth, cause: str, effect: str, points: float) -> np.ndarray:
    """Return a family with one more parent, last, whose worst state adds so many points."""
    table, parents = truth.tables[effect], truth.edges[effect]
    by = raising(table, _weights(truth, parents), points)
    size = truth.tables[cause].shape[-1]
    every = np.broadcast_to(table[..., None, :], (*table.shape[:-1], size, table.shape[-1]))
    step = np.broadcast_to(by * exposure(size), every.shape[:-1])
    return shifted(every, step)


def _weights(truth: Truth, nodes: tuple[str, ...]) -> np.ndarray:
    """Return the joint distribution of some nodes, ``(*nodes,)``."""
    if not nodes:
        return np.ones(())
    posterior = truth.posterior()
    shape = [posterior.graph.shape(name)[-1] for name in nodes]
    from backrisk.inference import World

    every = World(posterior, {}, {}).conditional([(name, 0) for name in nodes])
    return np.asarray(every)[..., 0].reshape(shape)


def reversal(truth: Truth) -> Truth:
    """Fatigue <- compensation instead of ->: the same joint distribution of everything."""
    fatigue, given = truth.tables["fatigue"], truth.tables["compensation"]
    both = fatigue[:, None] * given  # (fatigue, compensation)
    first = both.sum(axis=0)
    turned = truth.change("compensation", (), first)
    return turned.change("fatigue", ("compensation",), (both / first).T)


def direct_effect(truth: Truth) -> Truth:
    """Core strength -> pain, 25 points; the fitted graph has only the path over the pelvis."""
    parents = truth.edges["pain"]
    table = more_parent(truth, "core_strength", "pain", POINTS)
    return truth.change("pain", (*parents, "core_strength"), table)


def missing_edge(truth: Truth) -> Truth:
    """Core strength -> compensation, 20 points, between nodes of which neither is the outcome."""
    parents = truth.edges["compensation"]
    table = more_parent(truth, "core_strength", "compensation", LESS)
    return truth.change("compensation", (*parents, "core_strength"), table)


def reverse_causation(truth: Truth) -> Truth:
    """Pain -> warm-up, 25 points, instead of warm-up -> pain."""
    habit, table = truth.tables["warm_up"], truth.tables["pain"]
    at = truth.edges["pain"].index("warm_up")
    alone = np.tensordot(np.moveaxis(table, at, 0), habit, (0, 0))
    left = tuple(each for each in truth.edges["pain"] if each != "warm_up")
    turned = Truth(
        {**truth.edges, "pain": left, "warm_up": ()},
        {**truth.tables, "pain": alone},
    )
    return turned.change("warm_up", ("pain",), more_parent(turned, "pain", "warm_up", POINTS))


def confounder(truth: Truth) -> Truth:
    """A hidden half of people warm up less and hurt more, 25 points each."""
    half = {HIDDEN: np.array([0.5, 0.5])}
    with_it = Truth({HIDDEN: (), **truth.edges}, {**half, **truth.tables})
    habit = more_parent(with_it, HIDDEN, "warm_up", POINTS)
    hurt = more_parent(with_it, HIDDEN, "pain", POINTS)
    found = with_it.change("warm_up", (HIDDEN,), habit)
    return found.change("pain", (*truth.edges["pain"], HIDDEN), hurt)


def biased_item(truth: Truth) -> Truth:
    """The report of fatigue is worse in pain, 20 points."""
    table = more_parent(truth, "pain", ITEM, LESS)
    return truth.change(ITEM, ("fatigue", "pain"), table)


def interaction(truth: Truth) -> Truth:
    """Compensation loads the spine by 25 points under a tilted pelvis, and unloads it otherwise."""
    parents, table = truth.edges["lumbar_load"], truth.tables["lumbar_load"]
    order = (parents.index("pelvic_tilt"), parents.index("compensation"), 2)
    base = np.transpose(table, order)  # (tilt, compensation, load)
    middle = np.transpose(base, (1, 0, 2)).mean(
        axis=0
    )  # as compensation does nothing, (tilt, load)
    up = raising(middle[1], np.ones(()), POINTS)
    # From half below to half above, so that the load is as common as it was.
    way = np.array([[0.5, -0.5], [-0.5, 0.5]])
    crossed = shifted(np.repeat(middle[:, None], 2, axis=1), up * way)
    return truth.change("lumbar_load", ("pelvic_tilt", "compensation"), crossed)


FAULTS: dict[str, Callable[[Truth], Truth]] = {
    "clean": lambda truth: truth,
    "reversal": reversal,
    "direct_effect": direct_effect,
    "missing_edge": missing_edge,
    "reverse_causation": reverse_causation,
    "confounder": confounder,
    "biased_item": biased_item,
    "interaction": interaction,
}


def survey_of(fault: str, seed: int, people: int) -> Survey:
    """Draw a survey from a truth with one fault, as the fitted graph reads it."""
    place = list(FAULTS).index(fault)
    truth = FAULTS[fault](clean(seed)).posterior()
    start = int(np.random.default_rng([seed, people, place]).integers(2**31))
    frame = simulate(truth.graph, people, start, posterior=truth, gaps=False)
    frame = with_gaps(frame.drop(columns=[HIDDEN], errors="ignore"), start)
    return Survey.from_frame(frame, fitted_graph(), codebook())


def with_gaps(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Leave answers out at random: half of the examinations, a twentieth of everything else."""
    rng = np.random.default_rng([seed, 1])
    kept = {
        name: 1 - SKIPPED if name != "fatigue" else EXAMINED for name in sorted(map(str, frame))
    }
    left = {
        name: frame[name].where(rng.random(len(frame)) < share, "") for name, share in kept.items()
    }
    return pd.DataFrame(left)
