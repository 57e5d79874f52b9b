"""A forecast as a curve with a band."""

import numpy as np
from histories import chain

import backrisk as br
from backrisk.summary import interval


def test_a_forecast_is_a_curve_with_its_interval():
    answer = br.forecast(chain(), [{"y": "no"}], 3, target="y")
    figure = answer.plot()
    (axes,) = figure.axes
    risk, onset = axes.lines
    np.testing.assert_array_equal(risk.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(risk.get_ydata(), 100 * answer.draws.mean(axis=0))
    np.testing.assert_allclose(onset.get_ydata(), 100 * answer.onset.mean(axis=0))
    ends = axes.collections[0].get_paths()[0].get_extents()
    low, high = interval(100 * answer.draws)
    np.testing.assert_allclose([ends.y0, ends.y1], [low.min(), high.max()])
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["risk of y", "onset: y in the period, and in none before it"]
    assert len(br.forecast(chain(), [{"y": "yes"}], 1, target="y").plot().axes[0].lines) == 2
