"""Shared fixtures: one fitted posterior for the whole session of tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.benchmarks
sys.path.insert(0, str(Path(__file__).parent))

from backrisk import fit, load_graph, simulate
from backrisk.survey import Survey

collect_ignore = ["benchmarks", "mutants"]  # programs, not tests; others try them small

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def core_graph():
    return load_graph("runner_core")


@pytest.fixture(scope="session")
def core_survey(core_graph):
    """400 synthetic runners whose lumbar load nobody measured."""
    frame = simulate(core_graph, 400, seed=3).drop(columns="lumbar_load")
    return Survey.from_frame(frame, core_graph)


@pytest.fixture(scope="session")
def core_posterior(core_graph, core_survey):
    return fit(core_graph, core_survey, seed=1, draws=300, tune=300, chains=4, progress=False)


@pytest.fixture(scope="session")
def core_model(core_posterior, tmp_path_factory):
    return core_posterior.save(tmp_path_factory.mktemp("model") / "core.nc")
