"""A model is asked the same in other processes, however these begin, and in threads."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import joblib
import numpy as np
import pytest

from backrisk import example_person, example_posterior, risk

PEOPLE = ({}, {"sex": "female"}, example_person("weak_core"))


@pytest.fixture(scope="module")
def model():
    posterior = example_posterior().subset(20)
    risk(posterior, {})  # what was computed and is kept goes to no process
    return posterior


def same(model, found):
    for person, answer in zip(PEOPLE, found, strict=True):
        # To rounding: here the compiled loops may have been imported, and there not.
        np.testing.assert_allclose(answer.draws, risk(model, person).draws, rtol=1e-12, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_process_answers_however_it_was_begun(model, method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        same(model, pool.map(risk, [model] * len(PEOPLE), PEOPLE))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork among threads
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib_answers_in_each_of_its_ways(model, backend):
    ask = joblib.delayed(risk)
    same(model, joblib.Parallel(2, backend=backend)(ask(model, person) for person in PEOPLE))
