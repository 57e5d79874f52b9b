"""The cascade as a figure: what was reported, how likely the rest is, what carries the risk."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from test_figures import inside

from backrisk import attribute, diagnose
from backrisk.plotting import plot_cascade
from backrisk.words import percent

PERSON = {"core_strength": "weak", "fatigue": "low"}


@pytest.fixture(scope="module")
def diagnosis(core_prior):
    return diagnose(core_prior, PERSON)


@pytest.fixture(scope="module")
def routes(core_prior):
    return attribute(core_prior, PERSON, method="pathways")


def test_every_node_says_its_state_or_how_likely_it_is_adverse(core_prior, diagnosis):
    figure = plot_cascade(core_prior, diagnosis)
    assert inside(figure)
    axes = figure.axes[0]
    said = [text.get_text() for text in axes.texts]
    for name in core_prior.graph.names:
        assert diagnosis.names.node(name) in said
    assert "weak" in said
    share = 1 - diagnosis.table.loc["compensation=no", "mean"]
    assert f"adverse {percent(share)}" in said
    assert "Red" not in said[-1]
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    shown = dict(zip(core_prior.graph.topological, boxes, strict=True))
    assert [name for name, box in shown.items() if box.get_linewidth() == 2.0] == list(PERSON)
    assert to_hex(shown["fatigue"].get_facecolor()) == "#ffffff"  # reported at the reference
    assert to_hex(shown["core_strength"].get_facecolor()) == "#ffad61"


def test_routes_are_as_wide_as_their_share(core_prior, diagnosis, routes):
    axes = plot_cascade(core_prior, diagnosis, routes).axes[0]
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    edges = [(edge.cause, edge.effect) for edge in core_prior.graph.edges]
    width = dict(zip(edges, (arrow.get_linewidth() for arrow in arrows), strict=True))
    means = np.maximum(routes.draws.mean(axis=0), 0)
    for cause, share in zip(routes.causes, means / means.sum(), strict=True):
        expected = 1.0 + 5.0 * share if share > 0.02 else 0.6
        assert width[cause, "lumbar_load"] == pytest.approx(expected)
    assert width["lumbar_load", "pain"] == pytest.approx(6.0)
    assert width["fatigue", "compensation"] == pytest.approx(0.6)
    assert "Red" in axes.texts[-1].get_text()
