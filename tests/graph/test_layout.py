"""Addresses of parameters: every node has its own part, in the graph's order."""

import numpy as np

from backrisk.graph import Layout, load_graph


def test_parts_follow_each_other_and_labels_name_them():
    layout = Layout(load_graph("runner_core"))
    for slices, labels in (
        (layout.fraction_slices, layout.fraction_labels),
        (layout.effect_slices, layout.effect_labels),
    ):
        assert tuple(slices) == layout.graph.names
        end = 0
        for name, part in slices.items():
            assert part.start == end
            assert all(label.startswith(name) for label in labels[part])
            end = part.stop
        assert end == len(labels)
    assert layout.effect_labels[layout.effect_slices["compensation"]] == ("compensation, fatigue",)
    assert layout.fraction_labels[layout.fraction_slices["compensation"]] == (
        "compensation on average: no",
        "compensation, steps of fatigue: moderate",
    )
    roots = {"core_strength", "hip_flexor_tightness", "fatigue"}
    assert layout.pooled == tuple(n for n in layout.graph.names if n not in roots)


def test_rows_are_those_of_the_table():
    layout = Layout(load_graph("runner_core"))
    fractions, effects = layout.draw_prior(4, np.random.default_rng(0))
    table = layout.cpt("lumbar_load", fractions, effects)
    rows = np.array([[1, 1], [0, 1]])
    found = layout.rows("lumbar_load", fractions.T, effects.T, rows)
    np.testing.assert_allclose(found, np.moveaxis(table[:, [1, 0], 1], 0, -1), atol=1e-12)
