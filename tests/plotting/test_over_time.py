"""A forecast as a curve with a band."""

import numpy as np
from histories import chain

import backrisk as br
from backrisk.summary import interval


def test_a_forecast_is_a_curve_with_its_interval():
    answer = br.forecast(chain(), [{"y": "no"}], 3, target="y")
    figure = answer.plot()
    (axes,) = figure.axes
    risk, onset = (line for line in axes.lines if len(line.get_xdata()) == 3)
    np.testing.assert_array_equal(risk.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(risk.get_ydata(), 100 * answer.draws.mean(axis=0))
    np.testing.assert_allclose(onset.get_ydata(), 100 * answer.onset.mean(axis=0))
    band = next(each for each in axes.collections if type(each).__name__.startswith("Fill"))
    ends = band.get_paths()[0].get_extents()
    low, high = interval(100 * answer.draws)
    np.testing.assert_allclose([ends.y0, ends.y1], [low.min(), high.max()])
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[1:] == ["risk of y", "onset: y in the period, and in none before it"]
    assert told[0].startswith("history: y reported")


def test_the_history_is_marked_where_it_is_known():
    history = [{"y": "yes"}, {}, {"y": "no"}, {"x": "yes"}]
    answer = br.forecast(chain(), history, 1, target="y", plan={"x": "no"})
    (axes,) = answer.plot().axes
    dots = next(each for each in axes.collections if len(each.get_offsets()) == 2)
    np.testing.assert_array_equal(dots.get_offsets(), [[0, 100], [2, 0]])
    assert answer.plan in axes.get_title(loc="left")
    (axes,) = br.forecast(chain(), [{}], 20, target="y").plot().axes
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
