"""Figures: every answer draws itself, shows its table's numbers, and nothing lies on another."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from backrisk import (
    BackriskError,
    ask_next,
    attribute,
    consult,
    counterfactual,
    diagnose,
    follow_up,
    mediate,
    queries,
    recommend,
    risk,
)
from backrisk.plotting import canvas, plot
from backrisk.queries import Answer

PERSON = {"core_strength": "weak", "fatigue": "high"}
HURT = {**PERSON, "pain": "limiting"}
METHODS = ("necessity", "shapley", "pathways")


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
def answers(core_prior):
    p = core_prior
    return {
        "consult": consult(p, PERSON),
        "risk": risk(p, PERSON),
        "diagnose": diagnose(p, PERSON),
        "counterfactual": counterfactual(p, HURT, {"core_strength": "strong"}),
        "necessity": attribute(p, HURT, method="necessity"),
        "shapley": attribute(p, PERSON, method="shapley"),
        "pathways": attribute(p, PERSON, method="pathways"),
        "mediate": mediate(p, PERSON, "core_strength", ["pelvic_tilt"]),
        "recommend": recommend(p, HURT),
        "ask_next": ask_next(p, PERSON),
        "follow_up": follow_up(p, HURT, PERSON),
    }


def test_every_answer_draws_itself_within_its_frame(answers):
    for name, answer in answers.items():
        figure = answer.plot()
        assert inside(figure), name
        assert "_" not in words(figure), name
        assert "low back pain" in words(figure) or name in ("diagnose", *METHODS), name
        assert "90 % equal-tailed interval" in words(figure), name


def test_a_notebook_shows_a_figure_without_pyplot(core_prior):
    shown = risk(core_prior, PERSON).plot()._repr_png_()
    assert shown.startswith(b"\x89PNG")


def test_what_is_drawn_is_the_table(answers):
    shown = dots(answers["recommend"].plot())
    np.testing.assert_allclose(shown, 100 * answers["recommend"].table["mean"])
    shown = dots(answers["necessity"].plot())
    np.testing.assert_allclose(shown, answers["necessity"].table["mean"])


def test_nothing_to_draw_is_one_sentence(core_prior):
    graph = core_prior.graph
    healthy = {n.name: n.reference for n in graph.nodes if n.name != graph.outcome}
    whole = {**healthy, graph.outcome: "none"}
    for answer in (
        recommend(core_prior, healthy),
        diagnose(core_prior, whole),
        ask_next(core_prior, healthy),
    ):
        with pytest.raises(BackriskError, match="nothing to draw"):
            answer.plot()


def test_without_matplotlib_figures_say_what_to_install(answers, monkeypatch):
    canvas._canvas.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BackriskError, match=r"install backrisk\[plot\]"):
        answers["risk"].plot()
    canvas._canvas.cache_clear()


def dots(figure):
    """Where the dots of the intervals lie, the first row first."""
    axes = figure.axes[0]
    lines = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    scattered = (part for part in axes.collections if isinstance(part, PathCollection))
    (found,) = [*lines, *(part.get_offsets()[:, 0] for part in scattered)]
    return found


def test_each_figure_shows_what_its_table_holds(answers):
    for name, column, factor in (
        ("shapley", "mean", 100),  # shares of a risk are read in points
        ("necessity", "mean", 1),
        ("ask_next", "bits", 1),
    ):
        shown = dots(answers[name].plot())
        np.testing.assert_allclose(shown, factor * answers[name].table[column][: len(shown)])
    contrast, mediated = answers["counterfactual"], answers["mediate"]
    np.testing.assert_allclose(dots(contrast.plot()), 100 * contrast.table["mean"][:2])
    np.testing.assert_allclose(dots(mediated.plot()), 100 * mediated.table["mean"][:3])
    found = answers["diagnose"]
    away = {
        node: 100 * (1 - found.table.loc[f"{node}={found.graph.node(node).reference}", "mean"])
        for node, _ in found.rows
    }
    np.testing.assert_allclose(dots(found.plot()), sorted(away.values(), reverse=True))
    risky = answers["risk"]
    assert dots(risky.plot()) == pytest.approx([100 * risky.draws.mean()])


def test_intervals_are_those_of_the_table(answers):
    bars = answers["recommend"].plot().axes[0].collections[0].get_segments()
    ends = np.array([[start[0], end[0]] for start, end in bars])
    np.testing.assert_allclose(ends, 100 * answers["recommend"].table[["low", "high"]])


def test_bounds_are_drawn_behind_the_shares(answers):
    answer = answers["necessity"]
    table = answer.table
    bars = answer.plot().axes[0].patches
    left, width = [bar.get_x() for bar in bars], [bar.get_width() for bar in bars]
    np.testing.assert_allclose(left, table["lower_bound_low"])
    np.testing.assert_allclose(np.add(left, width), table["upper_bound_high"])
    assert len(answer.plot().legends) == 1
    assert not answers["shapley"].plot().legends


def test_labels_say_the_state_and_the_evidence(answers):
    said = words(answers["necessity"].plot())
    assert "hip flexor tightness: not reported\nevidence contradicted, whole weak" in said
    assert "compensation: not reported\nevidence weak" in words(answers["pathways"].plot())
    assert "core strength: strong\nevidence" in words(answers["recommend"].plot())
    assert "with good core strength" in words(answers["counterfactual"].plot())
    assert "through pelvic tilt" in words(answers["mediate"].plot())
    title = answers["mediate"].plot().axes[0].get_title(loc="left")
    assert title == "core strength: strong to weak"


def test_who_has_no_part_is_not_drawn_and_a_colour_tells_the_sign(answers):
    answer = answers["shapley"]
    effects = answer.draws.copy()
    effects[:, 0], effects[:, 1] = 0.1, -0.1
    effects[:, 2] = 1e-17
    effects[:, 3] = np.where(np.arange(len(effects)) % 2, 0.1, -0.1)
    signed = replace(answer, draws=effects, effects=effects)
    axes = signed.plot().axes[0]
    (dot,) = (part for part in axes.collections if isinstance(part, PathCollection))
    rows = [cause for cause in signed.table.index if signed.playing[signed.causes.index(cause)]]
    assert signed.causes[2] not in rows
    assert len(dot.get_offsets()) == len(rows)
    colour = {name: to_hex(face) for name, face in zip(rows, dot.get_facecolors(), strict=True)}
    assert colour[signed.causes[0]] == canvas.MARK
    assert colour[signed.causes[1]] == canvas.PROTECTS
    unclear = [n for n in rows if not signed.signs[signed.causes.index(n)]]
    assert unclear
    assert {colour[name] for name in unclear} == {canvas.UNCLEAR}


def test_an_axis_says_the_baseline_and_the_monte_carlo_error(answers):
    answer = answers["shapley"]
    assert "healthy habits" in words(answer.plot())
    assert "population surveyed" in words(replace(answer, baseline="average").plot())
    assert "Monte Carlo" not in words(answer.plot())
    error = np.full(len(answer.causes), 0.0012)
    assert "Monte Carlo error at most 0.12 points" in words(replace(answer, error=error).plot())


def test_every_kind_of_answer_has_a_figure():
    exported = [getattr(queries, name) for name in queries.__all__]
    kinds = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Answer)]
    without = {kind for kind in kinds if plot.dispatch(kind) is plot.dispatch(Answer)}
    assert without == {Answer}


class Unknown(Answer):
    """A kind of answer that nobody draws."""

    table = None


def test_a_new_kind_of_answer_is_refused_until_a_function_is_registered(answers):
    risky = answers["risk"]
    new = Unknown(risky.draws, risky.target, {}, graph=risky.graph)
    with pytest.raises(BackriskError, match="no figure for a Unknown"):
        new.plot()

    class Known(Unknown):
        """One that somebody draws."""

    plot.register(Known, lambda answer: f"drawn from {len(answer.draws)}")
    known = Known(risky.draws, risky.target, {}, graph=risky.graph)
    assert known.plot() == f"drawn from {len(risky.draws)}"


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
