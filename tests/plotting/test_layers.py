"""The layout of a graph: layers, no box on another, no edge under a box."""

from itertools import combinations

import numpy as np
import pytest
from strategies import random_graph

from backrisk import CausalGraph, load_codebook, load_graph
from backrisk.plotting import BOX, draw
from backrisk.plotting.layers import GAP, MARGIN, Line

TWO = ("no", "yes")


def graphs():
    runner = load_graph("runner")
    yield runner
    yield load_graph("runner_core")
    yield load_codebook("runner", runner).extend(runner)
    rng = np.random.default_rng(1)
    for nodes in (3, 6, 9, 12):
        yield random_graph(rng, nodes, density=0.4)


@pytest.mark.parametrize("graph", [*graphs()], ids=lambda graph: f"{graph.name}-{len(graph.nodes)}")
def test_nothing_lies_on_anything(graph):
    drawing = draw(graph)
    wide, tall = BOX
    boxes = {box.name: box for box in drawing.boxes}
    assert set(boxes) == set(graph.names) - set(graph.items)
    for one, other in combinations(drawing.boxes, 2):
        assert one.x != other.x or abs(one.y - other.y) >= tall
    for box in drawing.boxes:
        assert MARGIN <= box.x <= drawing.width - MARGIN - wide
        assert 0 <= box.y <= drawing.height - tall
    assert max(box.x for box in drawing.boxes) + wide + MARGIN == drawing.width
    drawn = {(line.cause, line.effect): line for line in drawing.lines}
    assert set(drawn) == {
        (e.cause, e.effect) for e in graph.edges if e.cause in boxes and e.effect in boxes
    }
    for (cause, effect), line in drawn.items():
        start, end = boxes[cause], boxes[effect]
        assert start.x < end.x
        assert line.points[0] == (start.x + wide, start.y + tall / 2)
        assert line.points[-1] == (end.x, end.y + tall / 2)
        # Level through each layer between, and beside the boxes there.
        for (left, y), (right, same) in zip(line.points[1:-1:2], line.points[2:-1:2], strict=True):
            assert (right - left, same) == (wide, y)
            for box in drawing.boxes:
                assert box.x != left or not box.y < y < box.y + tall


def test_layers_are_one_apart_and_a_lone_cause_stands_before_its_first_effect():
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("late", "d")]
    drawing = draw(CausalGraph.from_edges(edges, dict.fromkeys(["a", "b", "c", "d", "late"], TWO)))
    step = BOX[0] + GAP
    layer = {box.name: (box.x - MARGIN) / step for box in drawing.boxes}
    assert layer == {"a": 0, "b": 1, "c": 2, "late": 2, "d": 3}


def test_neighbours_are_ordered_so_that_edges_do_not_cross():
    edges = [("a", "y"), ("b", "x")]
    drawing = draw(CausalGraph.from_edges(edges, dict.fromkeys("abxy", TWO)))
    y = {box.name: box.y for box in drawing.boxes}
    assert (y["a"] < y["b"]) == (y["y"] < y["x"])


def test_a_line_is_svg():
    assert Line("a", "b", ((0.0, 1.0), (10.0, 1.0))).path == "M0.0 1.0L10.0 1.0"
    assert Line("a", "b", ((0.0, 1.0), (10.0, 5.0))).path == ("M0.0 1.0C5.0 1.0 5.0 5.0 10.0 5.0")
