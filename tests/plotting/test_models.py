"""Figures of a model."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from backrisk import BackriskError, CausalGraph, Posterior, intervene
from backrisk.graph import Layout
from backrisk.plotting import plot_calibration, plot_contrasts, plot_effects
from tests.strategies import nominal_causes


def dots(axes):
    scattered = [part for part in axes.collections if isinstance(part, PathCollection)]
    lines = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    return [*lines, *(part.get_offsets()[:, 0] for part in scattered)]


def test_interventions_are_side_by_side_the_largest_fall_on_top(core_prior):
    answers = {
        name: intervene(core_prior, {}, {name: core_prior.graph.node(name).reference})
        for name in ("core_strength", "fatigue", "hip_flexor_tightness")
    }
    axes = plot_contrasts(answers).axes[0]
    change = {name: 100 * answer.change.mean() for name, answer in answers.items()}
    (shown,) = dots(axes)
    np.testing.assert_allclose(shown, sorted(change.values()))
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels == [name.replace("_", " ") for name in sorted(change, key=change.get)]


def test_effects_are_drawn_before_and_after_the_data(core_prior):
    axes = plot_effects(core_prior).axes[0]
    before, after = dots(axes)
    np.testing.assert_allclose(before, core_prior.prior_beta.mean(axis=0))
    np.testing.assert_allclose(after, core_prior.beta.mean(axis=0))
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert len(labels) == len(core_prior.layout.effect_labels)
    assert all(" <- " in label and "_" not in label for label in labels)
    assert axes.get_xlabel().endswith("(90 % equal-tailed interval)")


def test_the_effect_of_a_state_and_that_of_two_causes_are_worded():
    layout, rng = Layout(nominal_causes()), np.random.default_rng(0)
    drawn, before = layout.draw_prior(5, rng), layout.draw_prior(5, rng)
    told = {"prior_fractions": before[0], "prior_beta": before[1]}
    axes = plot_effects(Posterior(layout.graph, *drawn, **told)).axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels[0] == "o <- kind: s1"
    assert labels[2:4] == ["o <- a", "o <- kind: s1 x a"]


def test_given_tables_hold_no_effects():
    graph = CausalGraph.from_edges([("x", "y")], dict.fromkeys("xy", ("no", "yes")))
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    with pytest.raises(BackriskError, match="no effects"):
        plot_effects(posterior)


def test_calibration_is_one_curve_a_quantity_within_limits():
    curves = np.linspace(-0.1, 0.1, 12).reshape(4, 3)
    figure = plot_calibration(curves, np.array([[-0.2] * 4, [0.2] * 4]), "a note")
    axes = figure.axes[0]
    drawn = [line.get_ydata() for line in axes.lines[:3]]
    np.testing.assert_allclose(np.column_stack(drawn), curves)
    assert axes.get_title(loc="left") == "a note"
