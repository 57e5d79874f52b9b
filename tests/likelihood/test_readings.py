"""How published figures are read, each study once."""

from dataclasses import replace

import pytest

from backrisk.graph import CausalGraph, Figure, load_graph
from backrisk.likelihood import Contrast, readings

STATES = {
    "a": ["low", "mid", "high"],
    "b": ["no", "yes"],
    "y": ["none", "some", "much"],
}
FIGURE = Figure(
    "a", "y", "OR", 2.0, 1.2, 3.3, ("low", "mid"), ("high",), "y>=some", ("b",), condition=True,
    design="cohort", citation="One 2001", identifier="10.1/x",
)  # fmt: skip


def graph_with(*figures):
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y"), ("b", "a")], STATES)
    return replace(graph, figures=figures)


def why(*figures):
    return [each.why for each in readings(graph_with(*figures))]


def test_a_figure_is_a_contrast_of_states_in_an_event_within_strata():
    (found,) = readings(graph_with(FIGURE))
    assert found.figure == FIGURE
    assert found.contrast == Contrast("a", "y", (2,), (0, 1), (1, 2), ("b",), "odds", False)
    assert found.used
    assert found.why == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"event": "y>=much"}, {"event": (2,)}),
        ({"measure": "RR"}, {"scale": "risk"}),
        ({"design": "trial"}, {"by_lot": True}),
        ({"adjusted_for": ()}, {"adjusted": ()}),
        ({"adjusted_for": ("b", "a")}, {"adjusted": ("b",)}),
        (
            {"exposed": ("mid", "high"), "reference": ("low",)},
            {"exposed": (1, 2), "reference": (0,)},
        ),
    ],
)
def test_what_is_published_decides_what_is_compared(change, expected):
    (found,) = readings(graph_with(replace(FIGURE, **change)))
    usual = Contrast("a", "y", (2,), (0, 1), (1, 2), ("b",))
    assert found.contrast == replace(usual, **expected)
    assert found.used


def test_a_figure_that_is_no_ratio_of_two_groups_is_compared_with_nothing():
    others = [
        replace(FIGURE, measure="other", condition=False),
        replace(FIGURE, estimate=None, low=None, high=None, condition=False),
        replace(FIGURE, exposed=(), condition=False),
        replace(FIGURE, reference=(), condition=False),
        replace(FIGURE, event="", condition=False),
    ]
    for found in readings(graph_with(*others)):
        assert found.contrast is None
        assert "compares no states" in found.why
        assert not found.used


def test_a_ratio_of_hazards_needs_time():
    (found,) = readings(graph_with(replace(FIGURE, measure="HR")))
    assert found.contrast is None
    assert "length of time" in found.why


def test_what_has_no_interval_or_is_left_aside_is_compared_but_not_used():
    bare = replace(FIGURE, low=None, high=None, condition=False)
    point = replace(FIGURE, low=2.0, high=2.0)
    aside = replace(FIGURE, condition=False)
    found = readings(graph_with(bare, point, aside))
    assert [each.contrast is None for each in found] == [False] * 3
    assert [each.used for each in found] == [False] * 3
    assert ["interval" in each.why for each in found] == [True, True, False]
    assert "leaves it aside" in found[2].why


def test_a_study_counts_once_for_the_same_cause_and_effect():
    again = replace(FIGURE, event="y>=much", estimate=2.5)
    by_citation = replace(FIGURE, identifier="")
    twice = replace(by_citation, estimate=1.5)
    elsewhere = replace(FIGURE, identifier="10.1/y")
    other_pair = replace(FIGURE, cause="b", exposed=("yes",), reference=("no",), adjusted_for=())
    unnamed = replace(FIGURE, identifier="", citation="")
    figures = (FIGURE, again, by_citation, twice, elsewhere, other_pair, unnamed, unnamed)
    used = [not each for each in why(*figures)]
    assert used == [True, False, True, False, True, True, True, True]
    assert "counted already" in why(*figures)[1]
    # What is left aside does not use the study up.
    assert why(replace(FIGURE, condition=False), again)[1] == ""


def test_the_packaged_figures_have_a_contrast_where_they_are_used():
    for each in readings(load_graph("runner")):
        assert each.contrast is not None or not each.used
        assert each.used <= each.figure.condition


def test_a_graph_without_figures_has_no_readings():
    assert readings(graph_with()) == ()
