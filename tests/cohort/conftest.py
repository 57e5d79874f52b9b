"""A posterior without a fit and a cohort, asked once for all tests of the room."""

import pytest
from prior_core import prior_core, survey_of, two_sites

from backrisk.cohort import cohort_answers


@pytest.fixture(scope="session")
def core():
    return prior_core(50)


@pytest.fixture(scope="session")
def wide(core):
    return two_sites(core)


@pytest.fixture(scope="session")
def people(core):
    return survey_of(core.graph)


@pytest.fixture(scope="session")
def cohort(core, people):
    return cohort_answers(core, people, draws=None)
