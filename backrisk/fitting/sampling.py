"""From a survey to a posterior: sample or draw exactly, then judge."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from scipy.special import expit

from backrisk._arguments import checked
from backrisk._files import demand_space
from backrisk._types import Array
from backrisk.errors import FitError
from backrisk.fitting.chains import Kept, Settings, available_cores, fingerprint, run_chains
from backrisk.fitting.conflicts import find_conflicts
from backrisk.fitting.densities import log_likelihood_of, log_prior
from backrisk.fitting.identify import check_identified
from backrisk.fitting.judging import flat, judge
from backrisk.fitting.labels import labelled_start, labels_said
from backrisk.fitting.observed import Prepared, pooled_sites, prepare
from backrisk.fitting.panels import about, told_over_time, with_trait
from backrisk.fitting.progress import mode_progress, pymc_progress
from backrisk.graph import CausalGraph, Layout
from backrisk.likelihood import Circuit, Conditioned, conditioned
from backrisk.posterior import (
    EFFECTS,
    FRACTIONS,
    SAMPLE_STATS,
    SITE_SCALES,
    SITE_SHIFTS,
    Diagnostics,
    LeastCells,
    Posterior,
    SiteEffects,
    swapped,
)
from backrisk.survey import Codebook, Design, Panel, Survey, as_survey
from backrisk.words import choices, percent, say, suggest

# Tuning steps, and target acceptance without sites, where nothing is asked for. nutpie adapts from
# gradients and from the first step on, PyMC from draws; see the benchmark `fit_sampling`.
TUNE = {"nutpie": 300, "pymc": 1000}
_ACCEPT = {"nutpie": 0.7, "pymc": 0.8}
_ACCEPT_SITES = 0.9  # where scales of sites are narrow, longer steps diverge
_version = cache(version)  # which looks through every folder of packages, as long as a small fit
_PRIOR_DRAWS = 1000
_RECORD = 200_000  # bytes of a model beside its draws: graph, codebook, labels
_MOST_DRAWS, _MOST_CHAINS = 10**8, 10**5  # far beyond any use, and within what samplers count
_ROUGH = 0.05  # effective share of its draws below which a conditioned prior is called rough


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A model compiled once for surveys of one graph; see `compile_model`."""

    graph: CausalGraph
    sites: tuple[str, ...]
    known: Conditioned | None
    compiled: Any
    design: Design | None = None


@checked()
def compile_model(graph: CausalGraph, survey: Survey, *, evidence: bool = True) -> CompiledModel:
    """Compile a model once, for many surveys of the same graph, sites and kind of design.

    The density itself is compiled for all graphs at once and kept on disk. What is worked out here
    once is the prior, where figures condition it. Where the posterior is exact nothing is compiled.

    Parameters
    ----------
    graph : CausalGraph
    survey : Survey
        Any of them.
    evidence : bool
        As for `fit`.

    Returns
    -------
    CompiledModel
        For ``fit(..., compiled=)``: a simulation study compiles once.

    Raises
    ------
    FitError
        As for `fit`.
    """
    prepared = prepare(graph, survey)
    known = conditioned(prepared.layout) if evidence else None
    if prepared.conjugate:
        return CompiledModel(survey.graph, pooled_sites(survey), known, None)
    return _compiled(replace(prepared, known=known))


def _compiled(prepared: Prepared) -> CompiledModel:
    from backrisk.fitting.direct import direct_model

    survey, sampled = prepared.survey, prepared.sampled
    design = None if sampled is None else sampled.design
    model = direct_model(prepared)
    return CompiledModel(survey.graph, pooled_sites(survey), prepared.known, model, design)


@checked()
def fit(
    graph: CausalGraph,
    survey: Any,
    codebook: Codebook | str | Path | None = None,
    *,
    seed: int,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    sampler: Literal["nutpie", "pymc"] = "nutpie",
    target_accept: float | None = None,
    cores: int | None = None,
    keep: str | Path | None = None,
    compiled: CompiledModel | None = None,
    evidence: bool = True,
    progress: bool = True,
    weight: str | None = None,
    site: str | None = None,
    trait: bool | None = None,
    dropout: Sequence[str] = (),
) -> Posterior:
    """Fit the CPTs of a graph to a survey, unobserved nodes summed out exactly.

    Where every family is saturated and no unobserved node stands between observed ones, the
    posterior is a product of Dirichlets and is drawn exactly. Else NUTS samples it; nutpie, without
    sites, on the axes of the curvature at the mode, which changes how fast the posterior is
    explored and not the posterior.

    Parameters
    ----------
    graph : CausalGraph
        The graph that the survey was read for; the codebook's items are added by the survey.
    survey : Survey, Panel, str, Path or frame
        A table is read by `read_survey`, which `codebook`, `weight` and `site` are for. Of a
        panel, which `read_panel` reads, the graph of all its periods is fitted (see `unroll`),
        exactly over whatever is missing or unmeasured in each.
        Sampling weights are scaled to sum to their effective sample size (Kish 1965), which gives
        a pseudo-posterior (Savitsky and Toth 2016, doi:10.1214/16-EJS1153). With at least two
        sites, the intercepts of ordinal nodes vary by site and are partially pooled; see
        `Posterior.at_site`. The margins of nodes without causes are those of all sites together.
    codebook : Codebook, str or Path, optional
        Of a table: how its columns are read.
    seed : int
    draws : int
        For each chain, after `tune` steps of adaptation.
    chains : int
    tune : int, optional
        By default 300 with nutpie and 1,000 with PyMC, whose adaptation is slower.
    sampler : {"nutpie", "pymc"}
    target_accept : float, optional
        The acceptance rate that the step size is tuned to; by default 0.7 with nutpie, 0.8 with
        PyMC, 0.9 with sites. Raise it where transitions diverge.
    cores : int, optional
        Chains that run at once; by default as many as there are processors. Draws do not depend
        on it.
    keep : str or Path, optional
        A folder for finished chains, with nutpie. A fit that was interrupted goes on from them:
        a chain that had not finished starts again. They are used only by the very same fit. Once
        the model is saved, remove them with `clear_kept`.
    compiled : CompiledModel, optional
        What `compile_model` gave for a survey of the same graph and sites, and with the same
        `evidence`.
    evidence : bool
        Condition the prior on the published figures that the graph holds, each study once; see
        `backrisk.likelihood.conditioned`. Nothing changes for a graph without figures, nor where
        the posterior is exact. Leave them out where the survey is one of the studies behind them.
    progress : bool
        Show a progress bar.
    weight, site : str, optional
        Of a table: the columns of sampling weights and of sites, by default as the codebook says.
    trait : bool, optional
        Of a panel: whether people differ in a susceptibility that nobody measures; see `unroll`.
        By default they do where the outcome is known of somebody in three periods or more.
    dropout : sequence of str
        Of a panel: on whose state one period before it may depend whether a person comes again.

    Returns
    -------
    Posterior
        Judged: where R-hat, effective sample size, divergences or E-BFMI fail, the posterior is
        marked and every later output repeats the warning.

    Raises
    ------
    SurveyError
        If a table cannot be read.
    FitError
        If the survey belongs to another graph, a number is out of range, the graph is beyond
        exact elimination, an unobserved node cannot be told from the error of its items, or the
        folder `keep` cannot be written or has no room. Of a panel, if a susceptibility is asked
        for and the outcome is known in fewer than three periods of everybody: two tell who was in
        pain twice, and not whether that is the person or the pain before.

    Examples
    --------
    >>> import pandas as pd
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> frame = pd.DataFrame({"x": ["no", "yes"] * 20, "y": ["no", "no", "yes", "yes"] * 10})
    >>> posterior = fit(g, frame, seed=1, draws=500)
    >>> posterior.diagnostics.method, posterior.cpt("y").shape
    ('exact', (2000, 2, 2))
    """
    if sampler not in TUNE:
        near, known = suggest(sampler, tuple(TUNE)), choices(tuple(TUNE))
        raise FitError(say("fitting.no_sampler", sampler=sampler, near=near, known=known))
    tune = TUNE[sampler] if tune is None else tune
    for label, number, most in (
        ("draws", draws, _MOST_DRAWS),
        ("chains", chains, _MOST_CHAINS),
        ("tune", tune, _MOST_DRAWS),
        ("cores", 1 if cores is None else cores, _MOST_CHAINS),
    ):
        if number < 1:
            raise FitError(say("fitting.too_small", argument=label, number=number, least=1))
        if number > most:
            raise FitError(
                say("fitting.too_large", argument=label, number=number, most=f"{most:,}")
            )
    if target_accept is not None and not 0 < target_accept < 1:
        raise FitError(say("fitting.target_accept", number=target_accept))
    dropout, over_time, panel = tuple(dropout), {}, None
    if isinstance(survey, Panel):
        panel, trait = survey, with_trait(survey, trait)
        over_time = about(survey, trait, dropout)
        survey = survey.to_survey(trait, dropout)
    elif trait or dropout:
        raise FitError(say("fitting.panel.needed"))
    survey = as_survey(survey, graph, codebook, weight=weight, site=site)
    with told_over_time(panel, bool(trait)):
        prepared = prepare(graph, survey)
    cautions = (*check_identified(survey), *survey.cautions)
    layout = prepared.layout
    rng = np.random.default_rng(seed)
    if compiled is not None and evidence == (compiled.known is None):
        raise FitError(say("fitting.other_model"))
    used = None
    if evidence and not prepared.conjugate:
        used = conditioned(layout) if compiled is None else compiled.known
        prepared = replace(prepared, known=used)
    labels = () if prepared.conjugate else labels_said(prepared)
    prior_fractions, prior_beta = prepared.prior.draw(_PRIOR_DRAWS, rng)
    sites = steps = None
    if prepared.conjugate:
        fractions = _conjugate(layout, prepared.circuit, draws * chains, rng)
        beta = np.zeros((draws * chains, 0))
        diagnostics = Diagnostics("exact", cautions=cautions)
    else:
        if target_accept is None:
            target_accept = _ACCEPT_SITES if pooled_sites(survey) else _ACCEPT[sampler]
        settings = Settings(draws, tune, target_accept, min(cores or available_cores(), chains))
        if keep is not None:  # room for the chains, and beside them for the model made of them
            demand_space(keep, _size(prepared, draws * chains), FitError)
        if sampler == "nutpie":
            tree = _by_nutpie(prepared, settings, seed, chains, keep, compiled, progress)
        else:
            tree = _by_pymc(prepared, settings, seed, chains, progress)
        fractions = flat(tree, FRACTIONS)
        beta = (
            flat(tree, EFFECTS) if EFFECTS in tree["posterior"] else np.zeros((draws * chains, 0))
        )
        if SITE_SHIFTS in tree["posterior"]:
            shift, scale = flat(tree, SITE_SHIFTS), flat(tree, SITE_SCALES)
            sites = SiteEffects(survey.sites, shift, scale)
        # How near the conditioned prior is takes seconds to tell: after the sampler has begun.
        diagnostics = judge(tree, sampler, (*cautions, *_left_out(used), *labels))
        steps = {name: _steps(tree, name) for name in SAMPLE_STATS}
    conflicts = find_conflicts(layout, prepared.prior, fractions, beta)
    posterior = Posterior(
        graph=survey.graph,
        fractions=fractions,
        beta=beta,
        chains=chains,
        diagnostics=replace(diagnostics, conflicts=conflicts),
        codebook=survey.codebook,
        prior_fractions=prior_fractions,
        prior_beta=prior_beta,
        sites=sites,
        meta={**_meta(prepared, seed, draws, tune), **over_time},
        log_prior=log_prior(prepared.prior, fractions, beta, sites),
        log_likelihood=log_likelihood_of(
            prepared.circuit, layout, fractions, beta, sites, prepared.sampled
        ),
        sample_stats=steps,
    )
    if diagnostics.good:
        return posterior
    told = tuple(each.sentence for each in swapped(posterior))
    judged = replace(posterior.diagnostics, warnings=(*told, *diagnostics.warnings))
    return replace(posterior, diagnostics=judged)


def _steps(tree: xr.DataTree, name: str) -> Array:
    """Return what is told of each step, one chain after the other, ``(draw,)``."""
    values = tree["sample_stats"][name].transpose("chain", "draw").to_numpy()
    return np.asarray(values, dtype=np.float64).ravel()


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


def _by_nutpie(
    prepared: Prepared,
    settings: Settings,
    seed: int,
    chains: int,
    keep: str | Path | None,
    compiled: CompiledModel | None,
    progress: bool,
) -> xr.DataTree:
    kept = None if keep is None else Kept(Path(keep), _fingerprint(prepared, settings, seed))
    seeds = np.random.SeedSequence(seed).generate_state(chains, np.uint64) >> np.uint64(1)
    with nullcontext() if kept is None else kept.opened(chains):
        model = model_of(prepared, compiled)
        if not pooled_sites(prepared.survey):
            from backrisk.fitting.mode import whitened  # which needs an optimiser

            with mode_progress(show=progress):
                model = whitened(model, settings.cores)
        return run_chains(model, seeds.tolist(), settings, kept=kept, progress=progress)


def model_of(prepared: Prepared, compiled: CompiledModel | None) -> Any:
    """Return the model that nutpie samples: compiled anew, or as given with other data."""
    survey = prepared.survey
    design = None if prepared.sampled is None else prepared.sampled.design
    if compiled is None or compiled.compiled is None:
        model = _compiled(prepared).compiled
    elif (compiled.graph, compiled.sites, _built_in(compiled.design)) != (
        survey.graph,
        pooled_sites(survey),
        _built_in(design),
    ):
        raise FitError(say("fitting.other_model"))
    else:
        from backrisk.fitting.direct import block_of

        model = replace(compiled.compiled, user_data=block_of(prepared))
    if (start := labelled_start(prepared)) is not None:
        model = replace(model, initial_point_func=start.beside(model.initial_point_func))
    return model


def _built_in(design: Design | None) -> tuple[str | None, ...]:
    """Return what of a design is part of a compiled model; a stated prevalence is data."""
    return () if design is None else (design.kind, design.outcome, design.cases)


def _size(prepared: Prepared, draws: int) -> int:
    """Return about how many bytes the kept chains and the model take."""
    layout = prepared.layout
    each = len(layout.fraction_labels) + len(layout.effect_labels)
    sites = len(pooled_sites(prepared.survey))
    chains = draws * (2 * each + sites * len(prepared.survey.graph.names))
    model = draws * (each + sites * len(prepared.survey.graph.names)) + _PRIOR_DRAWS * each
    return 8 * (chains + model) + _RECORD


def _by_pymc(
    prepared: Prepared, settings: Settings, seed: int, chains: int, progress: bool
) -> xr.DataTree:
    import pymc as pm  # as many seconds as all else together, which only this sampler needs

    from backrisk.fitting.model import build_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is judged below
        survey = prepared.survey
        model = build_model(survey.graph, survey, circuit=prepared.circuit, prior=prepared.prior)
        started: dict[str, Any] = {}
        if (start := labelled_start(prepared)) is not None:
            fractions = np.where(start.fractions, expit(start.log_odds), prepared.prior.start)
            values = {FRACTIONS: fractions, "z": np.where(start.effects, start.z, 0.0)}
            known = {var.name for var in model.free_RVs}
            initial = {name: value for name, value in values.items() if name in known}
            started = {"initvals": initial, "init": "adapt_diag"}  # as they are, without jitter
        total = settings.tune + settings.draws
        with model, pymc_progress(total, chains, show=progress) as shown:
            tree: xr.DataTree = pm.sample(
                **started,
                **shown,
                draws=settings.draws,
                tune=settings.tune,
                chains=chains,
                cores=1,
                random_seed=seed,
                target_accept=settings.target_accept,
                compute_convergence_checks=False,
            )
    if tree["posterior"].sizes["draw"] < settings.draws:  # PyMC keeps an interruption to itself
        raise KeyboardInterrupt
    return tree


def _fingerprint(prepared: Prepared, settings: Settings, seed: int) -> str:
    """Return a hash of everything that a chain's draws depend on."""
    integers, reals = prepared.circuit.packed()
    return fingerprint(
        {
            "graph": prepared.survey.graph.to_dict(),
            "evidence": prepared.known is not None,
            "design": design_of(prepared.survey),
            "answers": hashlib.sha256(integers.tobytes() + reals.tobytes()).hexdigest(),
            "settings": [settings.draws, settings.tune, settings.target_accept, seed],
            "versions": _versions(),
            "axes": "mode",
        }
    )


def _left_out(known: Conditioned | None) -> tuple[str, ...]:
    """Say which published figures should have conditioned the prior and could not, and why."""
    if known is None:
        return ()
    said = [
        say("fitting.figure_left_out", citation=each.figure.citation, why=each.why)
        for each in known.figures
        if each.figure.condition and not each.used
    ]
    if known.effective < _ROUGH:
        said.append(say("fitting.figures_rough", share=percent(known.effective)))
    return tuple(said)


def _meta(prepared: Prepared, seed: int, draws: int, tune: int) -> Mapping[str, Any]:
    survey, patterns, known = prepared.survey, prepared.patterns, prepared.known
    return {
        "people": survey.n,
        "effective_people": float(patterns.weights.sum() ** 2 / patterns.squares.sum()),
        "patterns": len(patterns.weights),
        "answered": {name: float(share) for name, share in survey.answered.items()},
        "synthetic": survey.codebook.synthetic,
        "survey": survey.codebook.title or survey.codebook.name,
        "population": survey.codebook.population,
        "design": design_of(survey),
        "figures": [
            {"cause": each.cause, "effect": each.effect, "citation": each.citation}
            for each in (reading.figure for reading in (known.used if known else ()))
        ],
        "seed": seed,
        "draws": draws,
        "tune": tune,
        "versions": _versions(),
        "least_cells": LeastCells.of_survey(survey).to_dict(),
    }


def design_of(survey: Survey | Panel) -> dict[str, Any] | None:
    """Return how people were chosen, as plain values; None of a plain sample."""
    design = survey.codebook.design
    return None if design is None else design.model_dump(exclude_none=True)


def _versions() -> dict[str, str]:
    return {name: _version(name) for name in ("backrisk", "pymc", "nutpie", "numpy", "arviz")}
