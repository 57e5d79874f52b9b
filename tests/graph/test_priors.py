"""From what a graph states of a node to the prior of its parameters."""

import numpy as np
import pytest
from scipy.special import logit

from backrisk import CausalGraph, Edge, GraphError, Node, Prior
from backrisk.graph import Layout, NoisyMax, OrdinalLogit, Saturated, mechanism
from backrisk.graph.priors import _linear_predictor
from tests.strategies import nominal_causes


def edge(cause, effect, prior=None, grade="weak"):
    return Edge(cause, effect, "c", "stated", grade, prior)


def build(name, *nodes, edges=()):
    return mechanism(CausalGraph("g", nodes, tuple(edges)), name)


def alphas(found):
    return [np.array(simplex.alpha) for simplex in found.simplexes]


def mean_cpt(graph, name):
    """The CPT with every parameter at its prior mean."""
    layout = Layout(graph)
    a, b = layout.prior.fractions
    return layout.cpt(name, (a / (a + b))[None], layout.prior.mean[None])[0]


THREE = Node("x", ("a", "b", "c"), margin=(0.5, 0.3, 0.2), concentration=8.0)


def test_a_root_is_as_likely_as_its_margin():
    (alpha,) = alphas(build("x", THREE))
    np.testing.assert_allclose(alpha, [4.0, 2.4, 1.6])
    (flat,) = alphas(build("x", Node("x", ("a", "b", "c"))))
    np.testing.assert_allclose(flat, 1.0)


def test_a_saturated_family_without_priors_has_a_row_for_each_configuration():
    edges = [edge("x", "y")]
    rows = alphas(build("y", THREE, Node("y", ("a", "b"), margin=(0.9, 0.1)), edges=edges))
    np.testing.assert_allclose(rows, [[9.0, 1.0]] * 3)
    found = build("y", THREE, Node("y", ("a", "b")), edges=edges)
    np.testing.assert_allclose(alphas(found), 1.0)
    assert [s.label for s in found.simplexes] == ["y | x=a", "y | x=b", "y | x=c"]


def test_a_saturated_family_with_priors_is_centred_on_the_ordinal_logit():
    y = {"margin": (0.6, 0.4), "concentration": 20.0}
    edges = [edge("x", "y", Prior(1.2, 0.4))]
    found = build("y", THREE, Node("y", ("a", "b"), mechanism="saturated", **y), edges=edges)
    assert type(found) is Saturated
    logit_graph = CausalGraph("g", (THREE, Node("y", ("a", "b"), **y)), tuple(edges))
    np.testing.assert_allclose(alphas(found), 20.0 * mean_cpt(logit_graph, "y"))


def test_no_prior_share_is_too_small_to_be_moved():
    rare = Node("y", ("a", "b", "c"), margin=(0.98, 0.015, 0.005), concentration=100.0)
    for kind in ("saturated", "ordinal_logit", "noisy_max"):
        node = Node("y", rare.states, margin=rare.margin, concentration=100.0, mechanism=kind)
        found = build("y", THREE, node, edges=[edge("x", "y", Prior(0.5, 0.1))])
        assert min(found.simplexes[0].alpha) == pytest.approx(100.0 * 0.02)


PARENTS = (
    Node("p", ("a", "b", "c"), margin=(0.5, 0.3, 0.2)),
    Node("q", ("a", "b"), margin=(0.9, 0.1)),
)
Y = Node(
    "y", ("a", "b", "c"), margin=(0.6, 0.3, 0.1), concentration=50.0, interactions=(("p", "q"),)
)
EDGES = (edge("p", "y", Prior(1.0, 0.3)), edge("q", "y", Prior(-0.8, 0.2), "strong"))


def test_effects_have_the_priors_of_their_edges_and_are_centred():
    found = build("y", *PARENTS, Y, edges=EDGES)
    assert type(found) is OrdinalLogit
    p, q = 0.3 * 0.5 + 0.2 * 1.0, 0.1  # mean exposure, from 0 at the reference to 1 at the worst
    told = [(e.label, e.causes, e.mean, e.sd, e.centre, e.states) for e in found.effects]
    assert told == [
        ("y, p", (0,), 1.0, 0.3, pytest.approx(p), (None,)),
        ("y, q", (1,), -0.8, 0.2, pytest.approx(q), (None,)),
        ("y, p x q", (0, 1), 0.0, 0.5, pytest.approx(p * q), (None, None)),
    ]


def test_an_edge_without_a_prior_is_vague():
    edges = [edge("p", "y", None, "strong"), edge("q", "y", Prior(0.0, 0.2), "strong")]
    found = build("y", *PARENTS, Node("y", ("a", "b"), mechanism="ordinal_logit"), edges=edges)
    assert [(e.mean, e.sd) for e in found.effects] == [(0, 1), (0, 0.2)]


def test_a_nominal_cause_has_a_prior_for_each_state_or_one_for_all():
    layout = Layout(nominal_causes())
    effects = layout.mechanisms["o"].effects
    told = [(e.causes, e.states, e.mean, e.sd, e.centre) for e in effects]
    mean_a = 0.5 * 0.5 + 0.3
    assert told == [
        ((0,), (1,), -0.7, 0.4, 0.2),
        ((0,), (2,), 0.9, 0.3, 0.3),
        ((1,), (None,), 0.6, 0.5, pytest.approx(mean_a)),
        ((0, 1), (1, None), 0.0, 0.5, pytest.approx(0.2 * mean_a)),
        ((0, 1), (2, None), 0.0, 0.5, pytest.approx(0.3 * mean_a)),
    ]
    nodes = (Node("p", ("a", "b", "c"), nominal=True), Node("y", ("a", "b")))
    found = build("y", *nodes, edges=[edge("p", "y", Prior(0.3, 0.2))])
    assert [(e.label, e.mean, e.sd) for e in found.effects] == [
        ("y, p=b", 0.3, 0.2),
        ("y, p=c", 0.3, 0.2),
    ]


def test_each_state_of_a_nominal_cause_is_a_whole_cause_of_a_noisy_max():
    states = ("a", "b", "c")
    nodes = (
        Node("x", states, nominal=True),
        Node("y", ("a", "b"), margin=(0.5, 0.5), mechanism="noisy_max"),
    )
    both = Edge(
        "x", "y", "c", "stated", "weak", state_priors=(("b", Prior(1.2, 1)), ("c", Prior(0.4, 1)))
    )
    for simplex, mean in zip(
        build("y", *nodes, edges=[both]).simplexes[1:], (1.2, 0.4), strict=True
    ):
        share = np.array(simplex.alpha) / 5.0
        assert logit(1 - 0.5 * share[0]) == pytest.approx(mean)


def test_the_rows_of_a_table_are_centred_on_the_effect_of_each_state():
    layout = Layout(nominal_causes())
    rows = np.array([simplex.alpha for simplex in layout.mechanisms["s"].simplexes])
    odds = logit(rows[:, 1] / rows.sum(axis=1))
    np.testing.assert_allclose(odds[1:] - odds[0], [-0.7, 0.9])


def test_a_node_whose_states_have_no_order_is_a_table():
    nodes = (Node("p", ("a", "b", "c")), Node("y", ("a", "b", "c"), nominal=True))
    many = [Node(f"q{i}", ("a", "b", "c")) for i in range(3)]
    edges = [edge("p", "y"), *(edge(q.name, "y") for q in many)]
    found = build("y", *nodes, *many, edges=edges)
    assert type(found) is Saturated
    np.testing.assert_allclose(alphas(found), 1.0)
    two = Node("y", ("a", "b"), nominal=True)  # two states are in order whichever comes first
    assert type(build("y", *nodes[:1], two, edges=[edge("p", "y", Prior(0.5, 1))])) is OrdinalLogit


def test_an_answer_that_is_missing_is_shared_by_all_where_there_is_no_order():
    x = Node("x", ("a", "b", "c"), nominal=True)
    said = Node("said", ("a", "b"), mechanism="item", reliability=1.0, fixed=True)
    found = build("said", x, said, edges=[edge("x", "said")])
    np.testing.assert_allclose(found.cpt(np.zeros((1, 0)), np.zeros((1, 0)))[0][2], [0.5, 0.5])


def test_averaged_over_many_parents_a_node_is_as_likely_as_its_margin():
    """Of 3^12 values of the linear predictor those side by side are taken together."""
    rng = np.random.default_rng(0)
    parents = [
        Node(f"p{i}", ("a", "b", "c"), margin=tuple(rng.dirichlet([2, 2, 2]))) for i in range(12)
    ]
    y = Node("y", ("a", "b", "c"), margin=(0.7, 0.2, 0.1), concentration=100.0)
    edges = [
        edge(p.name, "y", Prior(float(m), 0.3))
        for p, m in zip(parents, rng.normal(size=12), strict=True)
    ]
    layout = Layout(CausalGraph("g", (*parents, y), tuple(edges)))
    shift, share = _linear_predictor(parents, layout.mechanisms["y"].effects)
    assert len(shift) < 3**12
    assert share.sum() == pytest.approx(1.0, abs=1e-9)
    assert share @ shift == pytest.approx(0.0, abs=1e-9)  # every effect is centred
    a, b = layout.prior.fractions
    codes = np.column_stack([rng.choice(3, size=200_000, p=p.margin) for p in parents])
    rows, counts = np.unique(codes, axis=0, return_counts=True)
    table = layout.rows("y", (a / (a + b))[:, None], layout.prior.mean[:, None], rows)[..., 0]
    error = 5 * np.sqrt((counts @ table**2) / len(codes) / len(codes))
    assert (np.abs(counts @ table / len(codes) - y.margin) < error).all()


def test_averaged_over_its_parents_a_node_is_as_likely_as_its_margin():
    table = mean_cpt(CausalGraph("g", (*PARENTS, Y), EDGES), "y")
    weights = np.outer((0.5, 0.3, 0.2), (0.9, 0.1))
    np.testing.assert_allclose(np.einsum("pq,pqy->y", weights, table), Y.margin, atol=1e-9)


def test_steps_of_causes_are_equal_on_average_and_gently_so():
    found = build("y", *PARENTS, Y, edges=EDGES)
    assert [s.label for s in found.simplexes] == ["y on average", "y, steps of p"]
    assert found.simplexes[1].alpha == (2.0, 2.0)
    assert found.simplexes[1].states == ("b", "c")


def test_a_noisy_max_multiplies_the_odds_of_each_level_by_its_prior():
    mean, states = 1.2, ("a", "b", "c")
    y = Node("y", states, margin=(0.5, 0.3, 0.2), mechanism="noisy_max")
    x = Node("x", states)
    found = build("y", x, y, edges=[edge("x", "y", Prior(mean, 0.3))])
    assert type(found) is NoisyMax
    assert [s.label for s in found.simplexes] == ["y, leak", "y, x=b", "y, x=c"]
    below = np.array([0.5, 0.8])
    for simplex, share in zip(found.simplexes[1:], (0.5, 1.0), strict=True):
        alpha = np.array(simplex.alpha)
        assert alpha.sum() == pytest.approx(5.0)
        product = below * np.cumsum(alpha / alpha.sum())[:-1]
        np.testing.assert_allclose(logit(1 - product), logit(1 - below) + mean * share, atol=1e-9)


@pytest.mark.parametrize(
    ("prior", "share"),
    [(None, 1 - 1 / (0.5 + 0.5 * np.exp(0.5))), (Prior(-1.0, 0.3), 0.02 / 1.02)],
)
def test_a_noisy_max_cannot_protect_and_has_a_default(prior, share):
    y = Node("y", ("a", "b"), margin=(0.5, 0.5), mechanism="noisy_max")
    cause = build("y", PARENTS[1], y, edges=[edge("q", "y", prior)]).simplexes[1]
    np.testing.assert_allclose(cause.alpha, [5 * (1 - share), 5 * share])


def item(states=("no", "yes"), construct=("no", "yes"), margin=None, **rest):
    x = Node("x", construct, margin=margin)
    said = Node("said", states, mechanism="item", concentration=30.0, **rest)
    return build("said", x, said, edges=[edge("x", "said")])


def test_an_item_is_right_by_its_reliability_and_else_as_likely_as_the_marginal():
    """With probability r the answer is the state; else it is drawn as the states are."""
    found = item(reliability=0.6, margin=(0.7, 0.3))
    expected = np.array([[0.6 + 0.4 * 0.7, 0.4 * 0.3], [0.4 * 0.7, 0.6 + 0.4 * 0.3]])
    np.testing.assert_allclose(alphas(found), 30.0 * expected)
    np.testing.assert_allclose([s.start for s in found.simplexes], expected)


def test_an_item_of_stated_misclassification_has_it_as_its_mean():
    rows = ((0.9, 0.1), (0.25, 0.75))
    np.testing.assert_allclose(alphas(item(misclassification=rows)), 30.0 * np.array(rows))
    known = item(misclassification=rows, fixed=True)
    assert known.simplexes == ()
    np.testing.assert_allclose(known.cpt(np.zeros((1, 0)), np.zeros((1, 0)))[0], rows)


def test_an_item_of_unknown_error_is_flat_but_starts_where_answers_tell_states_apart():
    found = item()
    np.testing.assert_allclose(alphas(found), 1.0)
    np.testing.assert_allclose([s.start for s in found.simplexes], [[0.8, 0.2], [0.2, 0.8]])


def test_an_answer_that_is_missing_is_shared_by_its_neighbours():
    found = item(("no", "high"), ("no", "some", "high", "worst"), reliability=1.0, fixed=True)
    expected = [[1, 0], [0.5, 0.5], [0, 1], [0, 1]]
    np.testing.assert_allclose(found.cpt(np.zeros((1, 0)), np.zeros((1, 0)))[0], expected)


KINDS = Node("kind", ("sprain", "strain", "tear"), nominal=True)


def sign(**about):
    """A yes/no sign of one of three kinds."""
    node = Node("sign", ("no", "yes"), mechanism="item", **about)
    edge = Edge("kind", "sign", "Claim.", "measurement", "moderate")
    return CausalGraph("kinds", (KINDS, node), (edge,))


def test_each_row_of_a_sign_has_a_prior_of_its_own():
    rates = ((0.9, 0.1), (0.5, 0.5), (0.25, 0.75))
    graph = sign(misclassification=rates, row_people=(100.0, 2.0, 40.0))
    rows = mechanism(graph, "sign").simplexes
    expected = [[90.0, 10.0], [1.0, 1.0], [10.0, 30.0]]
    assert [list(row.alpha) for row in rows] == [pytest.approx(row) for row in expected]
    assert [row.start for row in rows] == list(rates)
    alike = mechanism(sign(misclassification=rates, concentration=100.0), "sign").simplexes
    assert [sum(row.alpha) for row in alike] == pytest.approx([100.0] * 3)


def test_of_answers_of_their_own_nothing_says_where_a_chain_starts():
    rows = mechanism(sign(), "sign").simplexes
    assert [row.alpha for row in rows] == [(1.0, 1.0)] * 3
    assert [row.start for row in rows] == [(0.5, 0.5)] * 3


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"reliability": 0.8}, "Answers of its own need a 'misclassification'"),
        ({"row_people": (1.0, 1.0, 1.0)}, "'row_people' needs a misclassification"),
        (
            {"misclassification": ((0.9, 0.1),) * 3, "row_people": (1.0, 1.0)},
            "3 numbers above 0",
        ),
        (
            {"misclassification": ((0.9, 0.1),) * 3, "row_people": (1.0, 0.0, 1.0)},
            "3 numbers above 0",
        ),
        ({"misclassification": ((0.9, 0.1),) * 2}, "should have 3 rows"),
    ],
)
def test_a_sign_that_cannot_stand_is_refused(about, said):
    with pytest.raises(GraphError, match=said):
        sign(**about)


def test_a_sign_is_written_as_it_was_read():
    rates = ((0.9, 0.1), (0.5, 0.5), (0.25, 0.75))
    graph = sign(misclassification=rates, row_people=(100.0, 2.0, 40.0))
    assert CausalGraph.from_dict(graph.to_dict()) == graph
