"""Figures: what is drawn where, and that no word is cut off."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from backrisk.report import charts
from backrisk.report.blocks import Range
from backrisk.summary import Estimate

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(svg, tag):
    return [
        {k: float(v) if re.fullmatch(r"-?[\d.]+", v) else v for k, v in each.attrib.items()}
        for each in ElementTree.fromstring(svg).iter(f"{SPACE}{tag}")
    ]


def demand_whole(svg):
    """Every word lies within the figure, at half its size for each letter."""
    page = ElementTree.fromstring(svg)
    width = float(page.attrib["width"])
    for each in page.iter(f"{SPACE}text"):
        at, size = float(each.attrib["x"]), float(each.attrib["font-size"])
        long = 0.5 * size * len(each.text)
        left = {"start": at, "middle": at - long / 2, "end": at - long}[each.attrib["text-anchor"]]
        if page.find(f"{SPACE}g") is None or each not in list(page.find(f"{SPACE}g")):
            assert left >= -1, each.text
            assert left + long <= width + 1, each.text


@pytest.mark.parametrize(
    ("high", "round_"),
    [(0.37, 0.4), (0.0012, 0.0015), (1.0, 1.0), (1.01, 1.5), (0.2, 0.2), (7, 8), (9, 10), (-1, 1)],
)
def test_a_scale_ends_at_a_round_number(high, round_):
    assert charts.nice(high) == round_


def test_zero_is_always_on_the_scale():
    assert charts.scale([Estimate(0.3, 0.2, 0.37)]) == (0.0, 0.4)
    assert charts.scale([Estimate(-0.3, -0.37, -0.2)]) == (-0.4, 1.0)
    assert charts.scale([Estimate(0.1, 0.0, 0.12)], [Range(-0.02, 0.9)]) == (-0.02, 1.0)


def test_a_strip_draws_mean_interval_and_limits_on_its_scale():
    svg = charts.strip(Estimate(0.5, 0.25, 0.75), (0.0, 1.0), Range(0.0, 1.0))
    (dot,) = drawn(svg, "circle")
    assert dot["cx"] == 75  # of 150, with 4 on either side
    zero, line = drawn(svg, "line")
    assert (zero["x1"], zero["x2"]) == (4, 4)
    assert (line["x1"], line["x2"]) == (4 + 142 / 4, 4 + 142 * 3 / 4)
    (limits,) = drawn(svg, "rect")
    assert (limits["x"], limits["width"]) == (4, 142)
    assert not drawn(charts.strip(Estimate(0.5, 0.25, 0.75), (0.0, 1.0)), "rect")


def test_a_ruler_leaves_out_an_end_at_zero():
    both = ElementTree.fromstring(charts.ruler((-0.5, 0.5), ("-50", "50")))
    assert [each.text for each in both.iter(f"{SPACE}text")] == ["-50", "0", "50"]
    one = ElementTree.fromstring(charts.ruler((0.0, 0.5), ("0.0", "50")))
    assert [each.text for each in one.iter(f"{SPACE}text")] == ["0", "50"]


def test_bars_are_as_long_as_their_shares():
    rows = [("These answers", Estimate(0.2, 0.1, 0.3)), ("Everyone", Estimate(0.1, 0.05, 0.15))]
    first, second = drawn(charts.bars(rows, 0.4, "risk"), "rect")
    assert first["x"] == second["x"] == 150
    assert first["width"] == pytest.approx(340 / 2)
    assert second["width"] == pytest.approx(340 / 4)
    dots = drawn(charts.bars(rows, 0.4, "risk"), "circle")
    assert [dot["cx"] for dot in dots] == [150 + 170, 150 + 85]


def test_words_that_are_much_longer_are_whole():
    long = "Antworten, wie sie in diesem Fragebogen gegeben wurden"
    rows = [(long, Estimate(0.2, 0.1, 0.3)), ("Alle", Estimate(0.1, 0.05, 0.15))]
    demand_whole(charts.bars(rows, 0.4, 3 * long))
    demand_whole(charts.histogram(np.array([0.1, 0.2]), np.ones(2), 0.15, 3 * long, "a"))
    demand_whole(charts.reliability([0.1], [Estimate(0.1, 0.05, 0.2)], 2 * long, long))


def test_a_histogram_counts_weights():
    svg = charts.histogram(np.array([0.05, 0.1, 0.1]), np.array([1.0, 2.0, 1.0]), 0.1, "x", "mean")
    low, high = drawn(svg, "rect")
    assert high["height"] == 120
    assert low["height"] == 40
    *_, marked = [line for line in drawn(svg, "line") if line.get("stroke-dasharray")]
    assert marked["x1"] == 14 + 520


def test_reliability_draws_observed_against_predicted():
    seen = [Estimate(0.1, 0.05, 0.2), Estimate(0.4, 0.3, 0.5)]
    dots = drawn(charts.reliability([0.2, 0.3], seen, "x", "y"), "circle")
    assert [(dot["cx"], dot["cy"]) for dot in dots] == [
        (52 + 260 * p / 0.5, 8 + 260 - 260 * e.mean / 0.5)
        for p, e in zip([0.2, 0.3], seen, strict=True)
    ]


def test_words_are_escaped():
    svg = charts.bars([("<b>&", Estimate(0.2, 0.1, 0.3))], 0.4, "<script>")
    assert "<script>" not in svg
    assert "&lt;b&gt;&amp;" in svg
