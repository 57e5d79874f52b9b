"""Figures: every answer draws itself, shows its table's numbers, and nothing lies on another."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from backrisk import (
    BackriskError,
    ask_next,
    attribute,
    counterfactual,
    diagnose,
    load_graph,
    mediate,
    recommend,
    risk,
)
from backrisk.plotting.figures import _layers, plot_cascade

PERSON = {"core_strength": "weak", "fatigue": "high"}
HURT = {**PERSON, "pain": "limiting"}


def words(figure):
    figure.draw_without_rendering()
    axes = figure.axes[0]
    ticks = [t.get_text() for t in (*axes.get_yticklabels(), *axes.get_xticklabels())]
    return " | ".join([*ticks, axes.get_xlabel(), *(t.get_text() for t in axes.texts)])


def inside(figure):
    """Whether all text lies within the figure, to a pixel."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    whole = figure.bbox
    return (
        box.x0 >= whole.x0 - 1
        and box.y0 >= whole.y0 - 1
        and box.x1 <= whole.x1 + 1
        and box.y1 <= whole.y1 + 1
    )


@pytest.fixture(scope="module")
def answers(core_posterior):
    p = core_posterior
    return {
        "risk": risk(p, PERSON),
        "diagnose": diagnose(p, PERSON),
        "counterfactual": counterfactual(p, HURT, {"core_strength": "strong"}),
        "necessity": attribute(p, HURT),
        "shapley": attribute(p, PERSON, method="shapley"),
        "pathways": attribute(p, PERSON, method="pathways"),
        "mediate": mediate(p, PERSON, "core_strength", ["pelvic_tilt"]),
        "recommend": recommend(p, HURT),
        "ask_next": ask_next(p, PERSON),
    }


def test_every_answer_draws_itself_within_its_frame(answers):
    for name, answer in answers.items():
        figure = answer.plot()
        assert inside(figure), name
        assert "_" not in words(figure), name
        assert "90 % equal-tailed interval" in words(figure), name


def test_a_notebook_shows_a_figure_without_pyplot(core_posterior):
    shown = risk(core_posterior, PERSON).plot()._repr_png_()
    assert shown.startswith(b"\x89PNG")


def test_what_is_drawn_is_the_table(answers):
    (line,) = [
        line for line in answers["recommend"].plot().axes[0].lines if line.get_marker() == "o"
    ]
    table = answers["recommend"].table
    np.testing.assert_allclose(line.get_xdata(), 100 * table["mean"])
    assert table["nnt_words"].iloc[0] in words(answers["recommend"].plot())
    (line,) = [
        line for line in answers["necessity"].plot().axes[0].lines if line.get_marker() == "o"
    ]
    np.testing.assert_allclose(line.get_xdata(), answers["necessity"].table["mean"])


def test_the_cascade_shows_every_node_and_no_box_meets_another(answers, core_posterior):
    figure = plot_cascade(core_posterior, answers["diagnose"], answers["pathways"])
    assert inside(figure)
    said = words(figure)
    for name in core_posterior.graph.names:
        assert name.replace("_", " ") in said
    assert "weak" in said
    place, bends = _layers(load_graph("runner"))
    assert len(place) == len(load_graph("runner").nodes)
    for (x, y), (u, v) in itertools.combinations(place.values(), 2):
        assert x != u or abs(y - v) > 0.9  # the height of a box
    for x, y in itertools.chain.from_iterable(bends.values()):
        assert all(x != u or abs(y - v) > 0.45 for u, v in place.values())


def test_nothing_to_draw_is_one_sentence(core_posterior):
    graph = core_posterior.graph
    healthy = {n.name: n.reference for n in graph.nodes if n.name != graph.outcome}
    with pytest.raises(BackriskError, match="nothing to draw"):
        recommend(core_posterior, healthy).plot()


def test_asking_does_not_import_matplotlib():
    code = (
        "import sys, backrisk as br\n"
        "g = br.CausalGraph.from_edges([('x', 'y')], {'x': ['a', 'b'], 'y': ['a', 'b']})\n"
        "p = br.Posterior.from_cpts(g, {'x': [.5, .5], 'y': [[.7, .3], [.2, .8]]})\n"
        "br.recommend(p, {}); br.ask_next(p, {}); br.attribute(p, {'y': 'b'})\n"
        "print('matplotlib' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
