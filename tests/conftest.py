"""Shared fixtures: one fitted posterior, and one compiled model, for the whole run of tests."""

import fcntl
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from backrisk import Posterior, compile_model, fit, load_graph, load_posterior, simulate
from backrisk.graph import Layout
from backrisk.survey import Survey

collect_ignore = [
    "benchmarks",
    "faults",
    "mutants",
    "recovery",
    "validation",
]  # programs, not tests; others try them small

# No limit of time for an example, nor for making one: a slow machine is no failure.
settings.register_profile("backrisk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("backrisk")


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Fit once for all processes of a run: whoever asks first fits and saves, and all load."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the run's own, shared by its workers

    def path_of(name, make):
        path = folder / f"{name}.nc"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                make().save(path)
        return path

    return path_of


@pytest.fixture(scope="session")
def core_graph():
    return load_graph("runner_core")


@pytest.fixture(scope="session")
def core_survey(core_graph):
    """400 synthetic runners whose lumbar load nobody measured."""
    frame = simulate(core_graph, 400, seed=3).drop(columns="lumbar_load")
    return Survey.from_frame(frame, core_graph)


@pytest.fixture(scope="session")
def core_compiled(core_graph, core_survey):
    """The core model, for any of its surveys."""
    return compile_model(core_graph, core_survey)


@pytest.fixture(scope="session")
def core_model(kept, request, core_graph, core_survey):
    def make():
        compiled = request.getfixturevalue("core_compiled")
        sizes = {"draws": 300, "tune": 300, "chains": 4}
        return fit(core_graph, core_survey, seed=1, **sizes, compiled=compiled, progress=False)

    return kept("core", make)


@pytest.fixture(scope="session")
def core_posterior(core_model):
    return load_posterior(core_model)


@pytest.fixture(scope="session")
def core_prior(core_graph):
    """The core of the cascade without a fit: prior draws, and others as its prior."""
    layout, rng = Layout(core_graph), np.random.default_rng(1)
    (rows, beta), before = layout.draw_prior(60, rng), layout.draw_prior(40, rng)
    prior = {"prior_fractions": before[0], "prior_beta": before[1]}
    return Posterior(core_graph, rows, beta, **prior)
