"""Attributions of dowhy.gcm on an equivalent model, within Monte Carlo error.

The model: a root x, ``m = x + N_m``, ``y = m + x [m > 0] + N_y``, all whole numbers. Each noise is
added, so that a value tells it, as dowhy needs; and each node is one threshold of a uniform noise,
as the monotone coupling has it. So both have the same counterfactuals.

What equals what:

- `dowhy.gcm.attribute_anomalies` with ``attribute_mean_deviation=True`` (Budhathoki et al. 2022)
  splits ``y - E[Y]`` among the noises by Shapley, a coalition's value being the mean of Y with its
  noises kept and the others drawn anew. `backrisk.attribute` with ``method="shapley"`` and
  ``baseline="average"`` does so for ``P(t >= k)``; a leaf ``t`` that copies y makes y's own noise a
  player; and E[T] is the sum of ``P(t >= k)`` over k. So the sums of the shares are equal.
- `dowhy.gcm.distribution_change_of_graphs` (Budhathoki et al. 2021) with a difference of means
  splits ``E*[Y] - E[Y]`` among the mechanisms that differ by Shapley, a coalition's value being the
  mean under its mechanisms of the other population. `backrisk.check.transport` gives each of these
  means.
- `dowhy.gcm.intrinsic_causal_influence` splits the variance of a node over a population (Janzing
  et al. 2024). No question of this package has that estimand: its shares split one person's risk.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk import CausalGraph, Posterior, attribute
from backrisk.check import Population, transport
from tests.against.common import Row, agreeing

Array = NDArray[np.float64]
_RUNS, _SAMPLES = 20, 20_000
_WITHIN = 4.0  # standard errors over the runs of the peer
_EDGES = [("x", "m"), ("x", "y"), ("m", "y")]
HERE = {"x": 0.4, "m": (0.7, 0.3), "y": (0.6, 0.3, 0.1)}
ELSEWHERE = {"x": 0.7, "m": (0.4, 0.6), "y": (0.5, 0.1, 0.4)}
_SIZES = {"x": 2, "m": 3, "y": 6}
PERSON = {"x": 1, "m": 2, "y": 4}


def _mean_of(name: str, state: Mapping[str, int]) -> int:
    """Return what a node is without its noise."""
    if name == "m":
        return state["x"]
    return state["m"] + state["x"] * (state["m"] > 0)


def _cpts(noise: Mapping[str, Any]) -> dict[str, Array]:
    """Return the CPTs of the model."""
    m, y = np.zeros((2, 3)), np.zeros((2, 3, 6))
    for x in range(2):
        for extra, share in enumerate(noise["m"]):
            m[x, _mean_of("m", {"x": x}) + extra] += share
        for value, (extra, share) in itertools.product(range(3), enumerate(noise["y"])):
            y[x, value, _mean_of("y", {"x": x, "m": value}) + extra] += share
    return {"x": np.array([1 - noise["x"], noise["x"]]), "m": m, "y": y}


def _ours(noise: Mapping[str, Any], *, copy: bool) -> Posterior:
    """Return the model as this package has it; with a leaf that copies y, if asked."""
    sizes = {**_SIZES, **({"t": 6} if copy else {})}
    states = {name: [f"s{k}" for k in range(size)] for name, size in sizes.items()}
    edges = [*_EDGES, *([("y", "t")] if copy else [])]
    cpts = {**_cpts(noise), **({"t": np.eye(6)} if copy else {})}
    return Posterior.from_cpts(CausalGraph.from_edges(edges, states), cpts)


def _theirs(noise: Mapping[str, Any]) -> Any:
    """Return the model as dowhy has it."""
    import networkx as nx
    import pandas as pd
    from dowhy import gcm
    from dowhy.gcm.causal_mechanisms import InvertibleFunctionalCausalModel, StochasticModel

    # dowhy hands copies to its processes and seeds NumPy's global state in each: a generator of our
    # own would be copied, and give every run the same draws.
    draw = np.random
    gcm.config.disable_progress_bars()

    class Root(StochasticModel):
        """The root x."""

        def fit(self, X: Array) -> None:
            """Do nothing: the model is known."""

        def draw_samples(self, num_samples: int) -> Array:
            """Draw."""
            return (draw.random((num_samples, 1)) < noise["x"]).astype(float)

        def clone(self) -> Any:
            """Return itself."""
            return self

    class Added(InvertibleFunctionalCausalModel):
        """A node that is a function of its parents and an added noise."""

        def __init__(self, name: str, parents: tuple[str, ...]) -> None:
            self.name, self.parents = name, parents

        def fit(self, X: Array, Y: Array) -> None:
            """Do nothing: the model is known."""

        def clone(self) -> Any:
            """Return itself."""
            return self

        def _mean(self, parent_samples: Array) -> Array:
            state = {p: parent_samples[:, i] for i, p in enumerate(self.parents)}
            return np.asarray(_mean_of(self.name, state), dtype=float).reshape(-1, 1)

        def draw_noise_samples(self, num_samples: int) -> Array:
            """Draw."""
            shares = noise[self.name]
            return draw.choice(len(shares), p=shares, size=(num_samples, 1)).astype(float)

        def evaluate(self, parent_samples: Array, noise_samples: Array) -> Array:
            """Add."""
            return self._mean(parent_samples) + noise_samples.reshape(-1, 1)

        def estimate_noise(self, target_samples: Array, parent_samples: Array) -> Array:
            """Subtract."""
            return target_samples.reshape(-1, 1) - self._mean(parent_samples)

    model = gcm.InvertibleStructuralCausalModel(nx.DiGraph(_EDGES))
    model.set_causal_mechanism("x", Root())
    # dowhy hands over the parents in the order of their names.
    model.set_causal_mechanism("m", Added("m", ("x",)))
    model.set_causal_mechanism("y", Added("y", ("m", "x")))
    gcm.fit(model, pd.DataFrame({"x": [0.0, 1.0], "m": [0.0, 1.0], "y": [0.0, 3.0]}))
    return model


def _repeated(ask: Callable[[], Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return mean and standard error over runs of the peer, whose random state is global."""
    from dowhy import gcm

    found: dict[str, list[float]] = {name: [] for name in _SIZES}
    for run in range(_RUNS):
        gcm.util.general.set_random_seed(run)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, value in ask().items():
                found[name].append(float(np.ravel(value)[0]))
    return {
        name: (float(np.mean(each)), float(np.std(each, ddof=1)) / math.sqrt(_RUNS))
        for name, each in found.items()
    }


def anomalies() -> Iterator[Row]:
    """Compare the shares of one person's departure from the mean."""
    import pandas as pd
    from dowhy import gcm
    from dowhy.gcm.anomaly_scorer import AnomalyScorer

    class Itself(AnomalyScorer):
        """The value itself, of which the departure from the mean is asked for."""

        def fit(self, X: Array) -> None:
            """Do nothing."""

        def score(self, X: Array) -> Array:
            """Return the value."""
            return np.asarray(X, dtype=float).reshape(-1)

    posterior = _ours(HERE, copy=True)
    person = {name: f"s{code}" for name, code in PERSON.items()}
    shares = np.zeros(3)
    for k in range(1, 6):
        answer = attribute(
            posterior,
            person,
            ["x", "m", "y"],
            method="shapley",
            baseline="average",
            target=f"t>=s{k}",
        )
        order = [answer.causes.index(name) for name in ("x", "m", "y")]
        shares += answer.draws[0][order]
    model = _theirs(HERE)
    sample = pd.DataFrame({name: [float(code)] for name, code in PERSON.items()})
    found = _repeated(
        lambda: gcm.attribute_anomalies(
            model,
            "y",
            sample,
            anomaly_scorer=Itself(),
            attribute_mean_deviation=True,
            num_distribution_samples=_SAMPLES,
        )
    )
    for place, name in enumerate(("x", "m", "y")):
        mean, error = found[name]
        yield agreeing(
            f"share of {name} in one person's departure from the mean",
            float(shares[place]),
            mean,
            error,
            "Monte Carlo errors",
            _WITHIN,
            f"dowhy {version('dowhy')}, attribute_anomalies",
        )


def changes() -> Iterator[Row]:
    """Compare the shares of mechanisms in a change between populations."""
    from dowhy import gcm

    here, there = _ours(HERE, copy=False), _cpts(ELSEWHERE)
    joint = there["x"][:, None, None] * there["m"][:, :, None] * there["y"]
    # States that nobody is in are impossible in both; a population states shares above zero.
    joint = np.maximum(joint, 1e-12)
    stated = [{"nodes": ["x", "m", "y"], "shares": (joint / joint.sum()).tolist()}]

    def mean(differs: tuple[str, ...]) -> float:
        about = {"name": "elsewhere", "differs": list(differs), "joint": stated}
        carried = transport(here, Population.from_dict(about, here.graph))
        return float(np.arange(6) @ carried.marginal("y")[:, 0])

    names = ("x", "m", "y")
    shares = dict.fromkeys(names, 0.0)
    for order in itertools.permutations(names):
        for place, name in enumerate(order):
            shares[name] += (mean(order[: place + 1]) - mean(order[:place])) / 6
    old, new = _theirs(HERE), _theirs(ELSEWHERE)
    found = _repeated(
        lambda: gcm.distribution_change_of_graphs(
            old,
            new,
            "y",
            num_samples=_SAMPLES,
            difference_estimation_func=lambda a, b: float(np.mean(b) - np.mean(a)),
        )
    )
    for name in names:
        value, error = found[name]
        yield agreeing(
            f"share of {name}'s mechanism in the change of the mean between populations",
            shares[name],
            value,
            error,
            "Monte Carlo errors",
            _WITHIN,
            f"dowhy {version('dowhy')}, distribution_change_of_graphs",
        )
