"""Rows of a CPT are computed when they are asked for, once, and equal the whole table's."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk.graph import CausalGraph, Layout, Node, independent_causes
from backrisk.posterior.parametric import ParametricCPTs

STATES = ("low", "middle", "high")


@pytest.fixture(params=["saturated", "ordinal_logit", "noisy_max"])
def cpts(request):
    graph = CausalGraph.from_edges([("a", "y"), ("b", "y")], dict.fromkeys("aby", STATES))
    nodes = (*graph.nodes[:2], Node("y", STATES, mechanism=request.param))
    layout = Layout(CausalGraph("g", nodes, graph.edges))
    return ParametricCPTs(layout, *layout.draw_prior(6, np.random.default_rng(0)))


def whole(cpts, name):
    return np.moveaxis(cpts.layout.cpt(name, cpts.fractions, cpts.beta), 0, -1)


def test_the_whole_table_is_the_mechanism_s(cpts):
    assert cpts.draws == 6
    table = cpts.table("y")
    assert table.shape == (3, 3, 3, 6)
    assert table.flags.c_contiguous
    np.testing.assert_allclose(table, whole(cpts, "y"), rtol=1e-13)


def test_only_rows_that_are_asked_for_are_computed_and_each_once(cpts, monkeypatch):
    computed = []
    rows = Layout.rows

    def counted(self, name, fractions, beta, which):
        computed.append((name, which.tolist()))
        return rows(self, name, fractions, beta, which)

    monkeypatch.setattr(Layout, "rows", counted)
    expected = whole(cpts, "y")
    np.testing.assert_allclose(cpts.table("y", (1,))[1], expected[1], rtol=1e-13)
    np.testing.assert_allclose(cpts.table("y", (1, 2))[1, 2], expected[1, 2], rtol=1e-13)
    np.testing.assert_allclose(cpts.table("y", (slice(1, 3), 2))[1:, 2], expected[1:, 2])
    np.testing.assert_allclose(cpts.table("y"), expected, rtol=1e-13)
    cpts.table("y")
    assert computed == [
        ("y", [[1, 0], [1, 1], [1, 2]]),
        ("y", [[2, 2]]),
        ("y", [[0, 0], [0, 1], [0, 2], [2, 0], [2, 1]]),
    ]


@pytest.fixture
def uncut(cpts, monkeypatch):
    """The same CPTs, none of them small enough to be kept whole."""
    monkeypatch.setattr("backrisk.graph.mechanisms.KEPT_TABLE", 0)
    return replace(cpts)


@pytest.mark.parametrize("piece", [2, 2**14])
@pytest.mark.parametrize(
    "at",
    [
        (slice(None), slice(None)),
        (np.array([2]), slice(None)),
        (np.array([2, 1]), slice(None)),
        (slice(None), np.array([1, 0, 2])),
        (np.array([0, 2, 0]), np.array([1])),
        (np.array([0, 2, 0]), np.array([1, 0, 1])),
    ],
)
def test_a_part_is_that_of_the_table_kept_or_not(cpts, at, piece, monkeypatch):
    monkeypatch.setattr("backrisk.posterior.parametric._PIECE", piece)
    table = whole(cpts, "y")
    rows = max((len(codes) for codes in at if not isinstance(codes, slice)), default=1)
    for some in (slice(None), slice(2, 5)):
        expected = [
            table[
                tuple(
                    codes if isinstance(codes, slice) else codes[row if len(codes) > 1 else 0]
                    for codes in at
                )
            ][..., some]
            for row in range(rows)
        ]
        np.testing.assert_allclose(cpts.cut("y", at)(some), expected, rtol=1e-13)
        with monkeypatch.context() as none_is_kept:
            none_is_kept.setattr("backrisk.graph.mechanisms.KEPT_TABLE", 0)
            fresh = replace(cpts)
            np.testing.assert_allclose(fresh.cut("y", at)(some), expected, rtol=1e-13)
            assert not fresh._computed


def test_the_causes_of_a_noisy_max_are_those_of_its_table(cpts, uncut, monkeypatch):
    found = uncut.causes("y")
    expected = independent_causes(whole(cpts, "y"))
    assert (found is None) == (expected is None)
    if found is not None:
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
        for one, other in zip(found[1], expected[1], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


def test_rows_are_those_of_the_table(cpts):
    rows = np.array([[2, 0], [1, 1], [2, 0]])
    expected = whole(cpts, "y")[tuple(rows.T)]
    np.testing.assert_allclose(cpts.rows("y", rows), expected, rtol=1e-13)
    np.testing.assert_allclose(cpts.rows("y", rows, slice(1, 3)), expected[..., 1:3], rtol=1e-13)


def test_a_root_s_table_is_its_one_row(cpts):
    np.testing.assert_allclose(cpts.table("a"), whole(cpts, "a"), rtol=1e-13)


def test_a_copy_with_other_draws_computes_its_own_tables(cpts):
    cpts.table("y")
    fewer = replace(cpts, fractions=cpts.fractions[:2], beta=cpts.beta[:2])
    np.testing.assert_allclose(fewer.table("y"), whole(cpts, "y")[..., :2], rtol=1e-13)
