"""Against NumPyro's enumeration of discrete latents.

Evaluations: the same log-likelihood and gradient, both on one thread, warm. End to end: the very
same density, priors taken from the PyMC model through JAX, NUTS at acceptance 0.8, two chains on
two cores each, few draws so that NumPyro ends within minutes; time is sampling with adaptation,
for each effective draw of the worst parameter (bulk), compilation apart. Fits run one after the
other, so a busy machine can slow one of them: with 300 people two runs gave ratios of 3.8 and 12.9.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tests.benchmarks import _peers, _work
from tests.benchmarks.common import in_child, median_seconds, result, seconds

CHAINS = 2


def run() -> list[dict[str, Any]]:
    """Compare evaluations, then fits."""
    records = []
    packages = ("numba", "nutpie", "jax", "numpyro", "funsor")
    log_cells = _work.cells(_work.graph())
    for kind, people in ((_work.KINDS[1], 2000), (_work.KINDS[2], 500), (_work.KINDS[2], 2000)):
        survey = _work.survey(people, kind)
        ours, theirs = _peers.ours(survey), _peers.numpyro_evaluation(survey)
        compiling, first = seconds(lambda f=theirs: f(log_cells))
        _peers.check_equal(survey.graph, log_cells, ours(log_cells), first)
        rows = _peers.row_starts(survey.graph)

        def evaluate(f: Any = ours, g: Any = survey.graph, r: Any = rows) -> Any:
            return _peers.within_rows(g, log_cells, f(log_cells)[1], r)

        times = median_seconds(evaluate, lambda f=theirs: f(log_cells))
        records.append(
            result(
                f"evaluation, {kind}, {people:,} people",
                ours_s=times[0],
                theirs_s=times[1],
                peer="NumPyro",
                bar=25,
                packages=packages,
                peer_compiles_s=compiling,
            )
        )
    devices = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={CHAINS}"
    for kind, people, tune, draws in (
        (_work.KINDS[1], 300, 200, 200),
        (_work.KINDS[1], 2000, 100, 100),
        (_work.KINDS[2], 100, 100, 100),
    ):
        given = (people, kind, tune, draws)
        ours_run = in_child("fit_numpyro:fit_ours", *given)
        theirs_run = in_child("fit_numpyro:fit_theirs", *given, XLA_FLAGS=devices)
        mine, other = ours_run["answer"], theirs_run["answer"]
        records.append(
            result(
                f"fit for each effective draw, {kind}, {people} people",
                ours_s=mine["sampling_s"] / mine["ess"],
                theirs_s=other["sampling_s"] / other["ess"],
                peer="NumPyro",
                bar=10,
                packages=packages,
                steps=f"{CHAINS} x ({tune} + {draws})",
                sampling_s=f"{mine['sampling_s']:.1f} : {other['sampling_s']:.1f}",
                least_ess=f"{mine['ess']:.0f} : {other['ess']:.0f}",
                compile_s=f"{mine['compile_s']:.1f} : {other['compile_s']:.1f}",
                peak_mib=f"{ours_run['peak_mib']:.0f} : {theirs_run['peak_mib']:.0f}",
                profile=f"Of a gradient's {mine['gradient_s'] * 1e6:.0f} µs the people take "
                f"{mine['people_s'] * 1e6:.0f}; the rest, priors and CPTs in PyTensor, is the same "
                "for any number of people and outweighs so few.",
            )
        )
    return records


def _least_ess(draws: Any) -> float:
    """Return the least bulk effective size of ``(chain, draw, parameter)``.

    Bulk sizes are of ranks: the same for a parameter and for its unconstrained value.
    """
    import arviz as az
    import xarray as xr

    data = xr.Dataset({"free": (("chain", "draw", "parameter"), np.asarray(draws))})
    return float(az.ess(data, method="bulk")["free"].min())


def fit_ours(people: int, kind: str, tune: int, draws: int) -> dict[str, float]:
    """Fit with nutpie."""
    import nutpie

    from backrisk.fitting import build_model

    survey = _work.survey(people, kind)
    model = build_model(survey.graph, survey)
    names = [variable.name for variable in model.free_RVs]
    compiling, compiled = seconds(lambda: nutpie.compile_pymc_model(model, var_names=names))
    sampling, tree = seconds(
        lambda: nutpie.sample(
            compiled,
            draws=draws,
            tune=tune,
            chains=CHAINS,
            cores=CHAINS,
            seed=1,
            target_accept=0.8,
            progress_bar=False,
        )
    )
    posterior = tree["posterior"]
    parts = [posterior[name].transpose("chain", "draw", ...).to_numpy() for name in names]
    flat = np.concatenate([part.reshape(*part.shape[:2], -1) for part in parts], axis=2)
    kernel, log_cells = _peers.ours(survey), _work.cells(survey.graph)
    whole, alone = median_seconds(_peers.gradient_of(model), lambda: kernel(log_cells))
    return {
        "compile_s": compiling,
        "sampling_s": sampling,
        "ess": _least_ess(flat),
        "gradient_s": whole,
        "people_s": alone,
    }


def fit_theirs(people: int, kind: str, tune: int, draws: int) -> dict[str, float]:
    """Fit with NumPyro: priors and CPTs of our model turned into JAX, people enumerated by it."""
    import jax
    import numpyro
    import pytensor
    import pytensor.tensor as pt
    from numpyro import handlers
    from numpyro.contrib.funsor import enum, log_density
    from numpyro.infer import MCMC, NUTS
    from pymc.pytensorf import join_nonshared_inputs
    from pymc.sampling.jax import get_jaxified_graph
    from pytensor.graph.traversal import ancestors

    from backrisk.fitting import build_model
    from backrisk.fitting.op import MarginalLogLikelihood

    survey = _work.survey(people, kind)
    model = build_model(survey.graph, survey)
    cells = next(
        variable.owner.inputs[0]
        for variable in ancestors(model.potentials)
        if variable.owner is not None and isinstance(variable.owner.op, MarginalLogLikelihood)
    )
    (cells,) = model.replace_rvs_by_values([cells])
    start = model.initial_point()
    outputs, joined = join_nonshared_inputs(
        start, [model.logp(vars=model.free_RVs), cells], model.value_vars
    )
    # PyTensor's own derivative: JAX's of the same switches is not a number far from zero.
    cotangents = [pt.dscalar(), pt.dvector()]
    known = dict(zip(outputs, cotangents, strict=True))
    slope = pytensor.grad(None, joined, known_grads=known)
    run = jax.custom_vjp(get_jaxified_graph(inputs=[joined], outputs=outputs))
    pull = get_jaxified_graph(inputs=[joined, *cotangents], outputs=[slope])
    forward = get_jaxified_graph(inputs=[joined], outputs=outputs)
    run.defvjp(lambda q: (forward(q), q), lambda q, given: tuple(pull(q, *given)))
    initial = np.concatenate([np.ravel(start[value.name]) for value in model.value_vars])

    def rows() -> None:
        free = numpyro.distributions.ImproperUniform(
            numpyro.distributions.constraints.real_vector, (), (len(initial),)
        )
        prior, log_cells = run(numpyro.sample("q", free))
        numpyro.factor("prior", prior)
        _peers.numpyro_rows(survey.graph, survey.codes, log_cells)

    rng = np.random.default_rng(1)
    enumerated = enum(handlers.seed(rows, 0), first_available_dim=-2)
    density = jax.value_and_grad(lambda q: log_density(enumerated, (), {}, {"q": q})[0])
    value, gradient = density(initial)
    np.testing.assert_allclose(float(value), float(model.compile_logp()(start)), rtol=1e-8)
    ours = model.compile_dlogp(model.free_RVs)(start)
    np.testing.assert_allclose(gradient, ours, rtol=1e-6, atol=1e-6)
    starts = {"q": initial + rng.uniform(-1, 1, size=(CHAINS, len(initial)))}

    mcmc = MCMC(
        NUTS(rows, target_accept_prob=0.8),
        num_warmup=tune,
        num_samples=draws,
        num_chains=CHAINS,
        chain_method="parallel",
        progress_bar=False,
    )
    stages: dict[str, list[float]] = {}
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, taken, **_: stages.setdefault(name.rsplit("/", 1)[-1], []).append(taken)
    )

    def sample() -> Any:
        mcmc.run(jax.random.PRNGKey(1), init_params=starts)
        return np.asarray(mcmc.get_samples(group_by_chain=True)["q"])  # waits for the chains

    whole, found = seconds(sample)
    # Traces nest: the longest holds the others.
    compiling = max(stages["jaxpr_trace_duration"]) + sum(
        sum(stages[name]) for name in ("jaxpr_to_mlir_module_duration", "backend_compile_duration")
    )
    return {"compile_s": compiling, "sampling_s": whole - compiling, "ess": _least_ess(found)}
