"""A plan's figure shows its table: widths beside the prior's, and how often a cause is told."""

import numpy as np
import pandas as pd
import pytest

from backrisk.errors import BackriskError
from backrisk.plotting import plot_plan


def table(designs=("as planned", "one more item"), null=True):
    rows = [
        {
            "kind": kind,
            "cause": "fatigue",
            "design": design,
            "people": people,
            "prior_width": 0.4,
            "width": 0.3 / (1 + place) / people**0.1,
            "width_error": 0.01,
            "null": 0.05 if null else np.nan,
            "null_error": 0.02 if null else np.nan,
            "found": 0.6,
            "found_error": 0.1,
        }
        for kind in ("effect", "share")
        for place, design in enumerate(designs)
        for people in (200, 500, 2000)
    ]
    return pd.DataFrame(rows)


TITLES = {("effect", "fatigue"): "Effect of fatigue", ("share", "fatigue"): "Share of fatigue"}


def test_each_quantity_has_its_row_of_panels_and_each_design_its_line():
    made = table()
    figure = plot_plan(made, TITLES)
    assert len(figure.axes) == 4
    for place, (kind, cause) in enumerate(TITLES):
        left, right = figure.axes[2 * place : 2 * place + 2]
        assert left.get_title(loc="left") == TITLES[kind, cause]
        own = made[made["kind"] == kind]
        lines = {line.get_label(): line for line in left.get_lines()}
        assert lines["before any survey"].get_ydata()[0] == pytest.approx(40.0)
        curves = [np.asarray(bars.lines[0].get_ydata(), float) for bars in left.containers]
        each = own.groupby("design", sort=False)["width"]
        expected = [100 * widths.to_numpy() for _, widths in each]
        np.testing.assert_allclose(curves, expected)
        assert len(right.containers) == 4  # with and without an effect, of two designs
        assert [tick.get_text() for tick in left.get_xticklabels()] == ["200", "500", "2,000"]
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said[:3] == ["before any survey", "as planned", "one more item"]
    assert len(said) == len(set(said)) == 5


def test_without_surveys_of_no_effect_there_is_no_line_of_them():
    _, right = plot_plan(table(("as planned",), null=False), dict([*TITLES.items()][:1])).axes
    assert len(right.containers) == 1


def test_nothing_to_draw_is_refused():
    with pytest.raises(BackriskError, match="nothing to draw"):
        plot_plan(table(), {})
