"""The parameters that are sampled: a linear map of the model's, standard at the mode."""

import ctypes

import numpy as np
import pytest

from backrisk.fitting.direct import direct_model
from backrisk.fitting.mode import curvature, density_of, whitened
from backrisk.fitting.observed import prepare
from tests.fitting.test_direct import SURVEYS


def models(name):
    survey = SURVEYS[name]()
    plain = direct_model(prepare(survey.graph, survey))
    return plain, whitened(plain)


def recorded(model, point):
    written = np.empty(model.n_expanded)
    pointer = ctypes.POINTER(ctypes.c_double)
    parts = [np.ascontiguousarray(part) for part in (point, written)]
    wrong = model.compiled_expand_func.ctypes(
        model.n_dim,
        model.n_expanded,
        *(part.ctypes.data_as(pointer) for part in parts),
        ctypes.c_void_p(model.user_data.ctypes.data),
    )
    assert wrong == 0
    return parts[1]


@pytest.mark.parametrize("name", ["small", "every mechanism", "panel", "matched sets"])
def test_the_density_is_that_of_the_model_at_the_point_that_is_recorded(name):
    """Starts are the same points; so is whatever lies beside them, by the map between two."""
    plain, mapped = models(name)
    starts = [mapped.initial_point_func(seed) for seed in range(3)]
    for seed, start in enumerate(starts):
        theirs = plain.initial_point_func(seed)
        np.testing.assert_allclose(recorded(mapped, start), recorded(plain, theirs), rtol=1e-9)
        value, slopes = density_of(mapped)(start)
        expected, onto = density_of(plain)(theirs)
        assert value == pytest.approx(expected, rel=1e-10)
        # The slope along the way to another start is the same in either parameters.
        for other in (1, 2):
            way = starts[other] - start
            beside = plain.initial_point_func(other) - theirs
            assert slopes @ way == pytest.approx(onto @ beside, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("name", ["small", "every mechanism"])
def test_at_the_mode_nothing_is_steep_and_every_way_is_curved_alike(name):
    _, mapped = models(name)
    mode = np.zeros(mapped.n_dim)
    found = density_of(mapped)
    assert np.abs(found(mode)[1]).max() < 1e-3
    # Differences of slopes are exact to about the square of their step.
    curved = curvature(found, mode)
    np.testing.assert_allclose(curved, np.eye(mapped.n_dim), atol=1e-4)
    assert np.array_equal(curvature(found, mode, cores=3), curved)


def test_a_density_that_is_nowhere_finite_is_left_as_it_is():
    plain, _ = models("small")
    broken = plain.__class__(
        **{**vars(plain), "initial_point_func": lambda seed: np.full(plain.n_dim, np.nan)}
    )
    assert whitened(broken) is broken
