"""Every mechanism is its formula."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from backrisk import CausalGraph, Edge, GraphError, Node, Prior
from backrisk.graph import KnownItem, Layout, independent_causes, mechanism, too_large
from backrisk.graph.elements import MECHANISMS
from backrisk.graph.mechanisms import Mechanism, break_sticks
from tests.strategies import every_mechanism, nominal_causes, runner_with_items


def node(name, states, kind=None, **rest):
    return Node(name, tuple(f"s{k}" for k in range(states)), mechanism=kind, **rest)


@pytest.fixture(scope="module", name="every_mechanism")
def every():
    return every_mechanism()


def test_no_mechanism_is_left_out_of_these_tests(every_mechanism):
    kinds = {every_mechanism.mechanism(name) for name in every_mechanism.names}
    assert kinds == set(MECHANISMS)


def test_every_cpt_row_is_a_distribution(every_mechanism):
    layout = Layout(every_mechanism)
    fractions, beta = layout.draw_prior(50, np.random.default_rng(1))
    for name in every_mechanism.names:
        table = layout.cpt(name, fractions, beta)
        assert (table >= 0).all()
        np.testing.assert_allclose(table.sum(axis=-1), 1.0, atol=1e-12)


def test_stick_breaking_draws_a_dirichlet():
    rng = np.random.default_rng(2)
    alpha = np.array([2.0, 0.5, 3.0])
    v = np.column_stack([rng.beta(2.0, 3.5, 40_000), rng.beta(0.5, 3.0, 40_000)])
    draws = break_sticks(v)
    total = alpha.sum()
    mean = alpha / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    assert (np.abs(draws.mean(axis=0) - mean) < 4 * sd / np.sqrt(len(draws))).all()


def test_ordinal_logit_moves_the_odds_by_exactly_beta():
    graph = CausalGraph(
        "g",
        (node("x", 3), node("y", 4, "ordinal_logit")),
        (Edge("x", "y", "c", "stated", "weak", Prior(0.7, 0.3)),),
    )
    fractions = np.array([[0.4, 0.3, 0.5, 0.6]])
    table = mechanism(graph, "y").cpt(fractions, np.array([[0.7]]))[0]
    below = np.cumsum(table, axis=1)[:, :-1]
    odds = np.log(below / (1 - below))
    np.testing.assert_allclose(odds[0] - odds[2], 0.7, atol=1e-12)
    np.testing.assert_allclose(odds[0] - odds[1], 0.7 * 0.6, atol=1e-12)


def test_noisy_max_is_recovered_from_its_cpt(every_mechanism):
    layout = Layout(every_mechanism)
    draws = layout.draw_prior(5, np.random.default_rng(3))
    for name, has_the_form in (("m", True), ("n", True), ("o", False)):
        table = np.moveaxis(layout.cpt(name, *draws), 0, -1)
        assert (independent_causes(table) is not None) is has_the_form


def test_an_ordinal_logit_is_its_formula(every_mechanism):
    """P(X <= k) = logistic(c_k - sum of beta times centred exposure), interactions included."""
    layout = Layout(every_mechanism)
    found = layout.mechanisms["o"]
    fractions, effects = layout.draw_prior(4, np.random.default_rng(5))
    table = layout.cpt("o", fractions, effects)
    fractions = fractions[:, layout.fraction_slices["o"]]
    effects = effects[:, layout.effect_slices["o"]]
    average, a, c = (
        break_sticks(part) for part in np.split(fractions, [2, 3], axis=1)
    )  # b has two states, and no steps
    cuts = logit(np.cumsum(average, axis=1)[:, :-1])
    steps = [
        np.cumsum(np.insert(a, 0, 0, axis=1), axis=1),
        np.tile([0.0, 1.0], (4, 1)),
        np.cumsum(np.insert(c, 0, 0, axis=1), axis=1),
    ]
    centres = [effect.centre for effect in found.effects]
    assert centres == pytest.approx([0.5, 0.5, 0.5, 0.25])
    for at in np.ndindex(3, 2, 4):
        x = [step[:, state] for step, state in zip(steps, at, strict=True)]
        exposures = [*x, x[0] * x[1]]
        shift = sum(
            beta * (exposure - centre)
            for beta, exposure, centre in zip(effects.T, exposures, centres, strict=True)
        )
        below = expit(cuts - shift[:, None])
        expected = np.diff(below, prepend=0, append=1, axis=1)
        np.testing.assert_allclose(table[(slice(None), *at)], expected, atol=1e-12)


def test_a_nominal_cause_has_an_effect_for_each_state():
    """P(X <= k) = logistic(c_k - beta of its state - ...), each effect centred on its share."""
    layout = Layout(nominal_causes())
    assert layout.effect_labels == (
        "o, kind=s1",
        "o, kind=s2",
        "o, a",
        "o, kind=s1 x a",
        "o, kind=s2 x a",
    )
    assert layout.effect_terms == (
        ("o", (("kind", "s1"),)),
        ("o", (("kind", "s2"),)),
        ("o", (("a", None),)),
        ("o", (("kind", "s1"), ("a", None))),
        ("o", (("kind", "s2"), ("a", None))),
    )
    found = layout.mechanisms["o"]
    assert [simplex.label for simplex in found.simplexes] == ["o on average", "o, steps of a"]
    fractions, effects = layout.draw_prior(3, np.random.default_rng(8))
    table = layout.cpt("o", fractions, effects)
    mine = fractions[:, layout.fraction_slices["o"]]
    average, steps = (break_sticks(mine[:, part]) for part in (slice(0, 2), slice(2, 3)))
    cuts = logit(np.cumsum(average, axis=1)[:, :-1])
    graded = np.column_stack([np.zeros(3), steps[:, 0], np.ones(3)])
    mean_a = 0.5 * 0.5 + 0.3
    for kind, a in np.ndindex(3, 3):
        is_1, is_2, level = float(kind == 1), float(kind == 2), graded[:, a]
        shift = (
            effects[:, 0] * (is_1 - 0.2)
            + effects[:, 1] * (is_2 - 0.3)
            + effects[:, 2] * (level - mean_a)
            + effects[:, 3] * (is_1 * level - 0.2 * mean_a)
            + effects[:, 4] * (is_2 * level - 0.3 * mean_a)
        )
        below = expit(cuts - shift[:, None])
        expected = np.diff(below, prepend=0, append=1, axis=1)
        np.testing.assert_allclose(table[:, kind, a], expected, atol=1e-12)


@pytest.mark.parametrize("pairs", [(), (("p0", "p4"), ("p4", "p5"))])
def test_a_row_is_its_formula_and_the_same_to_the_bit_whatever_else_is_asked(pairs):
    """Of many parents, in halves; causes with an interaction are in one of them."""
    parents = [Node(f"p{i}", ("a", "b", "c")[: 2 + i % 2], nominal=i == 3) for i in range(6)]
    y = Node("y", ("a", "b", "c"), mechanism="ordinal_logit", interactions=pairs)
    edges = tuple(Edge(p.name, "y", "c", "stated", "weak", Prior(0.3, 0.5)) for p in parents)
    layout = Layout(CausalGraph("g", (*parents, y), edges))
    found = layout.mechanisms["y"]
    fractions, effects = layout.draw_prior(3, np.random.default_rng(9))
    mine = fractions[:, layout.fraction_slices["y"]].T, effects[:, layout.effect_slices["y"]].T
    every = np.indices(found.shape[:-1]).reshape(6, -1).T
    table = found.rows(*mine, every)
    some = np.random.default_rng(10).choice(len(every), size=7)
    np.testing.assert_array_equal(found.rows(*mine, every[some]), table[some])
    for row in some:
        np.testing.assert_array_equal(found.rows(*mine, every[row, None])[0], table[row])
        states = [np.array([[code]]) for code in every[row]]
        below = found.levels(*mine)(states)[:, 0]  # a few causes at a time
        np.testing.assert_allclose(np.cumsum(table[row], axis=0)[:-1], below, rtol=1e-12)
    # What some known causes leave is the same too.
    for codes in ([None] * 6, [1, None, 0, None, None, 2], [None, None, None, None, 1, 0], [0] * 6):
        known = [i for i, code in enumerate(codes) if code is not None]
        wanted = table[(every[:, known] == [codes[i] for i in known]).all(axis=1)]
        got = found.part(*mine, codes)
        np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)
        np.testing.assert_array_equal(Mechanism.part(found, *mine, codes), got)
    # A row of its own for each of two samples and three draws, but for one cause.
    rows = np.random.default_rng(11).choice(len(every), size=(2, 3))
    states = [every[rows][..., cause].astype(np.int8) for cause in range(6)]
    states[2] = np.array([[1]])
    there = np.ravel_multi_index(np.broadcast_arrays(*states), found.shape[:-1])
    expected = np.cumsum(table, axis=1)[:, :-1][there, :, np.arange(3)]
    below = np.moveaxis(found.levels(*mine)(states), 0, -1)
    np.testing.assert_allclose(below, expected, rtol=1e-12)


def test_an_ordinal_logit_without_causes_is_its_average():
    layout = Layout(CausalGraph("g", (node("y", 3, "ordinal_logit"),)))
    fractions, effects = layout.draw_prior(4, np.random.default_rng(0))
    expected = break_sticks(fractions)
    np.testing.assert_allclose(layout.cpt("y", fractions, effects), expected, rtol=1e-12)


def test_a_noisy_max_is_the_largest_of_its_leak_and_causes(every_mechanism):
    layout = Layout(every_mechanism)
    fractions, effects = layout.draw_prior(3, np.random.default_rng(6))
    table = layout.cpt("m", fractions, effects)  # caused by a, of three states, and b, of two
    parts = break_sticks(fractions[:, layout.fraction_slices["m"]].reshape(3, 4, 2))
    leak, *others = np.moveaxis(parts, 1, 0)
    nothing = np.tile([1.0, 0.0, 0.0], (3, 1))
    causes = [[nothing, *others[:2]], [nothing, *others[2:]]]
    assert others[2:]
    for x, y in np.ndindex(3, 2):
        expected = np.zeros((3, 3))
        for i, j, k in np.ndindex(3, 3, 3):
            weight = leak[:, i] * causes[0][x][:, j] * causes[1][y][:, k]
            expected[:, max(i, j, k)] += weight
        np.testing.assert_allclose(table[:, x, y], expected, atol=1e-12)


def test_the_leak_and_causes_make_up_the_cpt(every_mechanism):
    layout = Layout(every_mechanism)
    table = np.moveaxis(layout.cpt("m", *layout.draw_prior(5, np.random.default_rng(7))), 0, -1)
    leak, (a, b) = independent_causes(table)
    product = leak * a[:, None] * b[None]
    np.testing.assert_allclose(product, np.cumsum(table, axis=-2), atol=1e-12)


@pytest.mark.parametrize("parents", [0, 1, 2, 3])
def test_any_number_of_causes_is_recovered_from_the_cpt(parents):
    """P(X <= k) is the product of the CDFs of the leak and of each cause, in each draw."""
    rng = np.random.default_rng(parents)
    leak = np.cumsum(rng.dirichlet([1, 1, 1], size=2), axis=1).T
    causes = [np.cumsum(rng.dirichlet([1, 1, 1], size=(2, 2)), axis=2).T for _ in range(parents)]
    causes = [np.moveaxis(cause, 1, 0) for cause in causes]  # (state, k, draw)
    for cause in causes:
        cause[0] = 1.0
    below = leak
    for axis, cause in enumerate(causes):
        spread = [1] * parents
        spread[axis] = 2
        below = below * cause.reshape(*spread, 3, 2)
    found = independent_causes(np.diff(below, axis=-2, prepend=0.0))
    np.testing.assert_allclose(found[0], leak, atol=1e-12)
    assert len(found[1]) == parents
    for cause, expected in zip(found[1], causes, strict=True):
        np.testing.assert_allclose(cause, expected, atol=1e-12)


def test_a_table_whose_cause_protects_is_no_noisy_max():
    """It factorises, but 0.9 / 0.5 is no CDF: the cause would take away from the largest."""
    two_levels = np.array([[0.5, 0.2, 0.3], [0.9, 0.05, 0.05]])[..., None]
    assert independent_causes(two_levels) is None
    assert independent_causes(two_levels[::-1]) is not None


def test_what_is_impossible_under_the_leak_is_no_cause_of_division():
    never = np.array([[0.0, 1.0], [0.0, 1.0]])[..., None]
    leak, (cause,) = independent_causes(never)
    np.testing.assert_array_equal(leak[:, 0], [0, 1])
    np.testing.assert_array_equal(cause[..., 0], 1)


def family(parents):
    names = [f"n{i}" for i in range(parents + 1)]
    edges = [(name, names[-1]) for name in names[:-1]]
    return CausalGraph.from_edges(edges, {name: ["no", "yes"] for name in names})


@pytest.mark.parametrize(
    ("parents", "draws", "message"),
    [
        (23, 1, None),  # 2**24 cells
        (24, 1, "The CPT of 'n24' with its 24 parents has 33,554,432 cells, 0.2 GiB in 1 draws"),
        (17, 1024, None),  # 2 GiB
        (17, 1025, "with its 17 parents has 262,144 cells, 2.0 GiB in 1,025 draws; the limit is "),
    ],
)
def test_a_family_is_too_large_from_the_limit_on(parents, draws, message):
    found = too_large(family(parents), f"n{parents}", draws)
    assert (found is None) == (message is None)
    assert message is None or message in found


def test_a_mechanism_that_a_thousand_draws_cannot_hold_is_refused_before_it_is_made():
    graph = family(25)

    def of_kind(kind):
        return replace(graph, nodes=(*graph.nodes[:-1], node("n25", 2, kind)))

    tracemalloc.start()
    try:
        with pytest.raises(GraphError, match=r"67,108,864 cells, 500\.0 GiB in 1,000 draws"):
            mechanism(of_kind("saturated"), "n25")
        for kind in ("ordinal_logit", "noisy_max"):  # never laid out whole
            assert len(mechanism(of_kind(kind), "n25").parents) == 25
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_one_parent_is_singular():
    graph = CausalGraph.from_edges(
        [("x", "y")], {"x": [str(i) for i in range(1000)], "y": [str(i) for i in range(1000)]}
    )
    assert "with its 1 parent has 1,000,000 cells" in too_large(graph, "y", 1000)


def test_only_items_of_known_error_have_zeros():
    assert all(each.positive for each in Layout(runner_with_items()).mechanisms.values())
    exact = tuple(tuple(float(i == j) for j in range(3)) for i in range(3))
    item = KnownItem("said", ("pain",), (3, 3), (), (), exact)
    assert not item.positive
    table = item.cpt(np.zeros((2, 0)), np.zeros((2, 0)))
    np.testing.assert_array_equal(table, np.broadcast_to(exact, (2, 3, 3)))
    assert KnownItem("said", ("x",), (2, 2), (), (), ((0.9, 0.1), (0.2, 0.8))).positive


def test_an_item_of_known_error_has_no_parameters_and_the_stated_table():
    known = ((0.9, 0.1), (0.2, 0.8))
    graph = CausalGraph(
        "g",
        (node("x", 2), node("said", 2, "item", misclassification=known, fixed=True)),
        (Edge("x", "said", "claim", "measurement", "strong"),),
    )
    layout = Layout(graph)
    assert (layout.fraction_labels, layout.effect_labels) == (("x: s0",), ())
    assert layout.mechanisms["said"].n_fractions == 0
    fractions, effects = layout.draw_prior(2, np.random.default_rng(0))
    np.testing.assert_array_equal(layout.cpt("said", fractions, effects), [known, known])
