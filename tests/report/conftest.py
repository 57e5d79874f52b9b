"""Answers asked once, of posteriors without a fit, for all tests of the room."""

import pytest
from prior_core import prior_core, survey_of, two_sites
from prior_model import prior_model
from read_back import DAY, HURTING

from backrisk.report import (
    cohort_answers,
    cohort_document,
    person_answers,
    person_document,
)


@pytest.fixture(scope="session")
def runner():
    return prior_model(40)


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
def hurting(runner):
    return person_answers(runner, HURTING)


@pytest.fixture(scope="session")
def cohort(core, people):
    return cohort_answers(core, people, draws=None)


@pytest.fixture(scope="session")
def documents(hurting, cohort):
    return {"person": person_document(hurting, DAY), "cohort": cohort_document(cohort, DAY)}
