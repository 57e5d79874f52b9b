"""From a survey to a posterior: sample or draw exactly, then judge."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Literal

import arviz as az
import numpy as np
import nutpie
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from backrisk.errors import FitError
from backrisk.fitting.model import build_model
from backrisk.graph import CausalGraph
from backrisk.inference.kernel import row_log_likelihood
from backrisk.inference.rows import Cells, Circuit, build_circuit
from backrisk.mechanisms import Layout, Saturated
from backrisk.posterior import Diagnostics, Posterior
from backrisk.survey import Survey, tabulate

Array = NDArray[np.float64]

R_HAT = 1.01
ESS_PER_CHAIN = 100
E_BFMI = 0.3
_PRIOR_DRAWS = 1000


def fit(
    graph: CausalGraph,
    survey: Survey,
    *,
    seed: int,
    draws: int = 1000,
    chains: int = 4,
    tune: int = 1000,
    sampler: Literal["nutpie", "pymc"] = "nutpie",
    target_accept: float = 0.8,
    progress: bool = True,
) -> Posterior:
    """Fit the CPTs of a graph to a survey, unobserved nodes summed out exactly.

    Where every family is saturated and no unobserved node stands between observed ones, the
    posterior is a product of Dirichlets and is drawn exactly. Else NUTS samples it.

    Parameters
    ----------
    graph : CausalGraph
        The graph that the survey was read for; the codebook's items are added by the survey.
    survey : Survey
        Weights act as counts. Sites are kept by the survey and not yet modelled.
    seed : int
    draws : int
        For each chain, after `tune` steps of adaptation.
    chains : int
    tune : int
    sampler : {"nutpie", "pymc"}
    target_accept : float
    progress : bool
        Show a progress bar.

    Returns
    -------
    Posterior
        Judged: where R-hat, effective sample size, divergences or E-BFMI fail, the posterior is
        marked and every later output repeats the warning.

    Raises
    ------
    FitError
        If the survey belongs to another graph, a number is out of range, or the graph is beyond
        exact elimination.

    Examples
    --------
    >>> import pandas as pd
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> frame = pd.DataFrame({"x": ["no", "yes"] * 20, "y": ["no", "no", "yes", "yes"] * 10})
    >>> posterior = fit(g, Survey.from_frame(frame, g), seed=1, draws=500)
    >>> posterior.diagnostics.method, posterior.cpt("y").shape
    ('exact', (2000, 2, 2))
    """
    if not set(graph.names) <= set(survey.graph.names) or graph.name != survey.graph.name:
        raise FitError(
            f"The survey was read for graph '{survey.graph.name}', not for '{graph.name}'."
        )
    for label, number in (("draws", draws), ("chains", chains), ("tune", tune)):
        if number < 1:
            raise FitError(f"{label} is {number}, expected at least 1.")
    graph = survey.graph
    patterns = tabulate(survey)
    circuit = build_circuit(graph, patterns.codes, patterns.weights)
    layout = Layout(graph)
    rng = np.random.default_rng(seed)
    prior_continuation, prior_beta = layout.draw_prior(_PRIOR_DRAWS, rng)
    if not len(circuit.roots) and all(
        isinstance(each, Saturated) for each in layout.mechanisms.values()
    ):
        continuation = _conjugate(layout, circuit, draws * chains, rng)
        beta = np.zeros((draws * chains, 0))
        diagnostics = Diagnostics("exact")
    else:
        tree = _sample(
            graph, survey, circuit, seed, draws, chains, tune, sampler, target_accept, progress
        )
        continuation = _flat(tree, "continuation")
        beta = _flat(tree, "beta") if "beta" in tree["posterior"] else np.zeros((draws * chains, 0))
        diagnostics = judge(tree, sampler)
    return Posterior(
        graph=graph,
        continuation=continuation,
        beta=beta,
        chains=chains,
        diagnostics=diagnostics,
        codebook=survey.codebook,
        prior_continuation=prior_continuation,
        prior_beta=prior_beta,
        meta=_meta(survey, len(patterns.weights), seed, draws, tune),
    )


def _conjugate(layout: Layout, circuit: Circuit, draws: int, rng: np.random.Generator) -> Array:
    """Draw fractions from their exact posterior: Dirichlet(prior + counts)."""
    pairs = []
    for name, each in layout.mechanisms.items():
        counts = circuit.counts[circuit.cells.part(name)].reshape(-1, each.shape[-1])
        for simplex, row in zip(each.simplexes, counts, strict=True):
            alpha = np.asarray(simplex.alpha) + row
            rest = np.cumsum(alpha[::-1])[::-1]
            pairs += list(zip(alpha[:-1], rest[1:], strict=True))
    first, second = np.array(pairs).T
    return rng.beta(first, second, size=(draws, len(pairs)))


def _sample(
    graph: CausalGraph,
    survey: Survey,
    circuit: Circuit,
    seed: int,
    draws: int,
    chains: int,
    tune: int,
    sampler: str,
    target_accept: float,
    progress: bool,
) -> xr.DataTree:
    model = build_model(graph, survey, circuit=circuit)
    with warnings.catch_warnings():
        # What the libraries tell about their own insides; convergence is judged below.
        warnings.simplefilter("ignore")
        if sampler == "nutpie":
            tree: xr.DataTree = nutpie.sample(
                nutpie.compile_pymc_model(model, var_names=_recorded(model)),
                draws=draws,
                tune=tune,
                chains=chains,
                seed=seed,
                target_accept=target_accept,
                progress_bar=progress,
            )
            return tree
        with model:
            tree = pm.sample(
                draws=draws,
                tune=tune,
                chains=chains,
                cores=1,
                random_seed=seed,
                target_accept=target_accept,
                progressbar=progress,
                compute_convergence_checks=False,
            )
    return tree


def _recorded(model: pm.Model) -> list[str]:
    return [name for name in ("continuation", "beta") if name in model.named_vars]


def _flat(tree: xr.DataTree, name: str) -> Array:
    values: Array = tree["posterior"][name].transpose("chain", "draw", ...).to_numpy()
    return values.reshape(-1, values.shape[-1])


def judge(tree: xr.DataTree, method: str) -> Diagnostics:
    """Judge a sampled tree.

    Parameters
    ----------
    tree : xarray.DataTree
        With groups ``posterior`` and ``sample_stats``.
    method : str

    Returns
    -------
    Diagnostics
    """
    chosen = tree["posterior"].to_dataset()[
        [name for name in ("continuation", "beta") if name in tree["posterior"]]
    ]
    chains = chosen.sizes["chain"]
    worst: dict[str, float] = {}
    places: dict[str, str] = {}
    for key, values, largest in (
        ("r_hat", az.rhat(chosen), True),
        ("ess_bulk", az.ess(chosen, method="bulk"), False),
        ("ess_tail", az.ess(chosen, method="tail"), False),
    ):
        worst[key], places[key] = _extreme(values, largest)
    stats = tree["sample_stats"].to_dataset()
    worst["divergences"] = float(stats["diverging"].sum())
    energy = stats["energy"].transpose("chain", "draw").to_numpy()
    fraction = np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1)
    worst["e_bfmi"] = float(fraction.min())
    said = []
    if not worst["r_hat"] <= R_HAT:
        said.append(
            f"R-hat is {worst['r_hat']:.3f} for {places['r_hat']} (at most {R_HAT}): the chains "
            "disagree; sample longer, or anchor what they disagree on by an item."
        )
    least = min(("ess_bulk", "ess_tail"), key=lambda key: worst[key])
    if not worst[least] >= ESS_PER_CHAIN * chains:
        said.append(
            f"The effective sample size is {worst[least]:.0f} for {places[least]} (at least "
            f"{ESS_PER_CHAIN * chains}): intervals are rough; take more draws."
        )
    if worst["divergences"]:
        said.append(
            f"{worst['divergences']:.0f} transitions diverged: the posterior may be biased; raise "
            "the target acceptance."
        )
    if not worst["e_bfmi"] >= E_BFMI:
        said.append(
            f"E-BFMI is {worst['e_bfmi']:.2f} (at least {E_BFMI}): the sampler explores the "
            "energy poorly."
        )
    return Diagnostics(method, worst, tuple(said))


def _extreme(values: Any, largest: bool) -> tuple[float, str]:
    """Return the worst value over all parameters, and the parameter that has it."""
    found: list[tuple[float, str]] = []
    for name, array in values.data_vars.items():
        numbers = array.to_numpy()
        if numbers.size:
            at = int(np.nanargmax(numbers) if largest else np.nanargmin(numbers))
            label = str(array[array.dims[0]].to_numpy()[at])
            found.append((float(numbers[at]), f"{name} [{label}]"))
    return (max if largest else min)(found)


def _meta(survey: Survey, patterns: int, seed: int, draws: int, tune: int) -> Mapping[str, Any]:
    return {
        "people": survey.n,
        "patterns": patterns,
        "answered": {name: float(share) for name, share in survey.answered.items()},
        "synthetic": survey.codebook.synthetic,
        "survey": survey.codebook.title or survey.codebook.name,
        "seed": seed,
        "draws": draws,
        "tune": tune,
        "versions": {
            name: version(name) for name in ("backrisk", "pymc", "nutpie", "numpy", "arviz")
        },
    }


def log_likelihood(posterior: Posterior, survey: Survey) -> xr.DataTree:
    """Compute each person's log-likelihood after sampling, for leave-one-out comparison.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey

    Returns
    -------
    xarray.DataTree
        The posterior's tree with a group ``log_likelihood``: variable ``answers`` of dimensions
        ``(chain, draw, person)``; ``az.loo(tree, var_name="answers")`` reads it.

    Raises
    ------
    FitError
        If the survey belongs to another graph, or has patterns instead of people.
    """
    if survey.graph != posterior.graph:
        raise FitError("The survey was read for another graph than the posterior's.")
    if survey.people is not None:
        raise FitError(
            "The survey was reduced to answer patterns while it was read; for a log-likelihood of "
            "each person, read it with engine='pandas'."
        )
    patterns = tabulate(survey)
    circuit = build_circuit(posterior.graph, patterns.codes, patterns.weights)
    cells = Cells.of(posterior.graph)
    logs = np.empty((posterior.draws, cells.size))
    for name in posterior.graph.names:
        table = posterior.cpt(name).reshape(posterior.draws, -1)
        logs[:, cells.part(name)] = np.log(np.maximum(table, np.finfo(float).tiny))
    rows = row_log_likelihood(circuit, logs)[:, patterns.index]
    tree = posterior.to_datatree()
    shaped = rows.reshape(posterior.chains, -1, survey.n)
    tree["log_likelihood"] = xr.DataTree(
        xr.Dataset({"answers": (("chain", "draw", "person"), shaped)})
    )
    return tree
