"""CPTs from elsewhere: read, or refused with the place and the reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr

from backrisk import CausalGraph, Posterior, PosteriorError
from backrisk.posterior.given import GivenCPTs

TWO = {"x": ["no", "yes"], "y": ["no", "yes"]}


@pytest.fixture
def graph():
    return CausalGraph.from_edges([("x", "y")], TWO)


@pytest.fixture
def cpts():
    return {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"z": [[0.5, 0.5]]}, ["'z'", "not a node"]),
        ({7: [0.5, 0.5]}, ["'7'", "not a node"]),
        ({"x": None}, ["'x'", "missing"]),
        ({"y": [[0.7, 0.3]]}, ["'y'", "shape (1, 2)", "(draw, 2, 2)", "draw, x, y"]),
        ({"x": np.zeros((0, 2))}, ["'x'", "shape (0, 2)", "(draw, 2)"]),
        ({"x": [[0.5, 0.6]]}, ["'x'", "sum to 1", "draw 0", "[0.5, 0.6]"]),
        ({"x": [[-0.5, 1.5]]}, ["'x'", "draw 0", "[-0.5, 1.5]"]),
        ({"x": [[0.5, 0.5], [0.333, 0.333]]}, ["draw 1", "[0.333, 0.333]"]),
        ({"y": [[[0.7, 0.3], [0.2, np.nan]]]}, ["'y'", "x=yes", "draw 0", "[0.2, nan]"]),
        ({"y": [[0.7, 0.3], [0.2]]}, ["'y'", "array of numbers"]),
        ({"x": {0.3, 0.7}}, ["'x'", "array of numbers"]),
        ({"x": {"no": 0.3, "yes": 0.7}}, ["'x'", "array of numbers"]),
        ({"x": (share for share in (0.3, 0.7))}, ["'x'", "array of numbers"]),
        ({"x": ["half", "half"]}, ["'x'", "array of numbers", "half"]),
        ({"x": [[0.5, 0.5]] * 2, "y": [[[0.7, 0.3]] * 2] * 3}, ["numbers of draws: 2, 3"]),
    ],
)
def test_wrong_cpts_are_refused_with_their_place(graph, cpts, change, facts):
    changed = {k: v for k, v in {**cpts, **change}.items() if v is not None}
    with pytest.raises(PosteriorError) as raised:
        Posterior.from_cpts(graph, changed)
    for fact in facts:
        assert fact in str(raised.value)
    assert str(raised.value).endswith(".")
    assert not str(raised.value).endswith("..")  # whatever a library's own sentence ended with


def test_a_table_of_cpts_is_a_mapping(graph):
    with pytest.raises(PosteriorError, match="mapping of node to table, not as list"):
        Posterior.from_cpts(graph, [[0.5, 0.5]])


def test_rows_and_parts_are_those_of_the_table():
    rng = np.random.default_rng(0)
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["a", "b"], "y": ["a", "b", "c"]})
    cpts = {"x": rng.dirichlet([1, 1], size=4), "y": rng.dirichlet([1, 1, 1], size=(4, 2))}
    posterior = Posterior.from_cpts(graph, cpts)
    for some in (slice(None), slice(1, 3)):
        found = posterior.rows("y", np.array([[1], [0], [1]]), some)
        np.testing.assert_array_equal(
            found, np.moveaxis(posterior.cpt("y")[some][:, [1, 0, 1]], 0, -1)
        )
        (root,) = posterior.rows("x", np.zeros((1, 0), dtype=int), some)
        np.testing.assert_array_equal(root, posterior.cpt("x")[some].T)
        found = posterior.cut("y", (np.array([1, 0]),))(some)
        np.testing.assert_array_equal(
            found, np.moveaxis(posterior.cpt("y")[some][:, [1, 0]], 0, -1)
        )


def test_a_table_too_large_to_hold_is_refused():
    names = [f"n{i}" for i in range(26)]
    large = CausalGraph.from_edges(
        [(name, "n25") for name in names[:25]], {name: ["no", "yes"] for name in names}
    )
    with pytest.raises(PosteriorError, match=r"'n25'.*67,108,864 cells, 0\.5 GiB in 1 draws"):
        Posterior.from_cpts(large, {name: [0.5, 0.5] for name in names})


def test_one_draw_serves_beside_many(graph, cpts):
    rows = np.array([[[0.7, 0.3], [0.2, 0.8]], [[0.6, 0.4], [0.1, 0.9]]])
    posterior = Posterior.from_cpts(graph, cpts | {"y": rows})
    assert posterior.draws == 2
    assert posterior.cpt("x").tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert np.array_equal(posterior.cpt("y"), rows)
    assert Posterior.from_cpts(graph, cpts).draws == 1


def test_cpts_in_single_precision_become_distributions(graph):
    rows = np.array([[0.7, 0.3], [0.1, 0.9]], np.float32)
    posterior = Posterior.from_cpts(graph, {"x": np.float32([0.1, 0.9]), "y": rows})
    for name in graph.names:
        np.testing.assert_allclose(posterior.cpt(name).sum(-1), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(posterior.cpt("y")[0], rows, rtol=0, atol=1e-7)


@pytest.mark.parametrize(("off", "fine"), [(9e-7, True), (1.1e-6, False)])
def test_rows_may_miss_one_by_a_millionth(graph, cpts, off, fine):
    changed = cpts | {"x": [0.5, 0.5 + off]}
    if fine:
        assert Posterior.from_cpts(graph, changed).cpt("x").sum() == pytest.approx(1, abs=1e-15)
    else:
        with pytest.raises(PosteriorError, match="sum to 1"):
            Posterior.from_cpts(graph, changed)


def test_a_state_may_be_impossible(graph, cpts):
    posterior = Posterior.from_cpts(graph, cpts | {"x": [0.0, 1.0]})
    assert posterior.cpt("x").tolist() == [[0.0, 1.0]]


def test_other_tables_are_looked_through_for_zeros_anew():
    cpts = GivenCPTs({"x": np.array([[0.5, 0.5]])})
    assert cpts.positive("x")
    assert not replace(cpts, tables={"x": np.array([[0.0, 1.0]])}).positive("x")


def test_keys_are_spelled_as_the_graph_spells_its_nodes():
    one, two = "\u00e9", "e\u0301"  # the same letter, as one character and as two
    graph = CausalGraph.from_edges([(two, "y")], {two: ["no", "yes"], "y": ["no", "yes"]})
    y = [[0.7, 0.3], [0.2, 0.8]]
    for name in (one, two, f" {two} "):
        assert Posterior.from_cpts(graph, {name: [0.4, 0.6], "y": y}).cpt(one)[0, 1] == 0.6
    with pytest.raises(PosteriorError, match=f"Two CPTs are given for node '{one}'"):
        Posterior.from_cpts(graph, {one: [0.4, 0.6], two: [0.4, 0.6], "y": y})


# P(y | x) of the fixture, as other programs write it down.
LABELLED = [
    pd.DataFrame([[0.3, 0.7], [0.8, 0.2]], index=["no", "yes"], columns=["yes", "no"]),
    pd.DataFrame([[0.2, 0.8], [0.7, 0.3]], index=["yes", "no"], columns=["no", "yes"]),
    pd.DataFrame([[0.7, 0.3], [0.2, 0.8]]),
    pd.DataFrame([[0.7, 0.3], [0.2, 0.8]], columns=["no", "yes"]),
    pd.DataFrame(
        [[0.7, 0.2], [0.3, 0.8]],
        index=pd.Index(["no", "yes"], name="y"),
        columns=pd.Index(["no", "yes"], name="x"),
    ),
    pl.DataFrame({"yes": [0.3, 0.8], "no": [0.7, 0.2]}),
    pl.DataFrame(np.array([[0.7, 0.3], [0.2, 0.8]])),
    xr.DataArray([[0.7, 0.2], [0.3, 0.8]], dims=["y", "x"]),
    xr.DataArray([[0.2, 0.8], [0.7, 0.3]], dims=["x", "y"], coords={"x": ["yes", "no"]}),
    xr.DataArray([[0.7, 0.3], [0.2, 0.8]], dims=["a", "b"], coords={"a": [0, 1]}),
    xr.DataArray([[[0.3], [0.8]], [[0.7], [0.2]]], dims=["y", "x", "draw"],
                 coords={"y": ["yes", "no"]}),
]  # fmt: skip


@pytest.mark.parametrize("table", LABELLED)
def test_a_table_is_read_by_its_labels_and_by_the_names_of_its_axes(graph, cpts, table):
    found = Posterior.from_cpts(graph, cpts | {"y": table}).cpt("y")
    assert found.round(12).tolist() == cpts["y"]


def test_of_three_axes_each_is_read_by_its_name():
    states = {"a": ["0", "1"], "b": ["x", "y", "z"], "c": ["lo", "hi"]}
    graph = CausalGraph.from_edges([("a", "c"), ("b", "c")], states)
    table = np.random.default_rng(1).dirichlet([1, 1], (2, 3))
    array = xr.DataArray(table, dims=["a", "b", "c"], coords=states)
    others = {"a": pd.Series({1: 0.75, 0: 0.25}), "b": [0.5, 0.25, 0.25]}
    mixed = array.transpose("c", "a", "b")[::-1, ::-1, [2, 0, 1]]
    posterior = Posterior.from_cpts(graph, others | {"c": mixed})
    np.testing.assert_allclose(posterior.cpt("c")[0], table)
    assert posterior.cpt("a").tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (LABELLED[0].rename(columns={"yes": "maybe"}),
         "labels 'maybe' and 'no' along its axis of 'y', expected the states 'no' and 'yes'"),
        (LABELLED[0].rename(index={"yes": 1}), "labels 'no' and '1' along its axis of 'x'"),
        (xr.DataArray(np.eye(2), dims=["y", "state"]), "named 'y' and 'state', expected 'x' and"),
    ],
)  # fmt: skip
def test_labels_that_are_no_states_are_refused(graph, cpts, table, words):
    with pytest.raises(PosteriorError, match=words):
        Posterior.from_cpts(graph, cpts | {"y": table})
