"""Whole CPTs and their derivatives, beside the mechanisms' own and finite differences."""

import numpy as np
import pytest
from strategies import every_mechanism, nominal_causes

from backrisk.graph import Layout
from backrisk.likelihood import slopes, tables, whole_table

GRAPHS = {"every": every_mechanism, "nominal": nominal_causes}


@pytest.fixture(params=GRAPHS, scope="module")
def layout(request):
    return Layout(GRAPHS[request.param]())


def test_a_whole_table_is_the_mechanisms_own(layout):
    fractions, effects = layout.draw_prior(4, np.random.default_rng(1))
    for name in layout.graph.names:
        found = whole_table(layout, fractions.T, effects.T, name)
        expected = layout.cpt(name, fractions, effects)
        np.testing.assert_allclose(np.moveaxis(found, -1, 0), expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("at_once", [tables._AT_ONCE, 1])
def test_slopes_are_derivatives(layout, monkeypatch, at_once):
    """Central differences: the error is of the order of the square of the step."""
    monkeypatch.setattr(tables, "_AT_ONCE", at_once)
    rng = np.random.default_rng(2)
    fractions, effects = (part[0] for part in layout.draw_prior(1, rng))
    fractions = np.clip(fractions, 0.05, 0.95)
    step = 1e-5
    for name in layout.graph.names:
        cotangent = rng.normal(size=(*layout.graph.shape(name), 2))
        found = slopes(layout, fractions, effects, name, cotangent)
        parts = layout.fraction_slices[name], layout.effect_slices[name]
        for vector, (part, by) in enumerate(zip(parts, found, strict=True)):
            assert by.shape == (part.stop - part.start, 2)
            for at, slope in zip(range(part.start, part.stop), by, strict=True):
                ends = []
                for sign in (1, -1):
                    moved = [fractions[:, None].copy(), effects[:, None].copy()]
                    moved[vector][at] += sign * step
                    ends.append(whole_table(layout, *moved, name))
                change = (ends[0] - ends[1]) / (2 * step)
                expected = (change * cotangent).sum(axis=tuple(range(cotangent.ndim - 1)))
                np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-7)
