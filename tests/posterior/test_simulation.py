"""Synthetic surveys: margins of the truth, and gaps that depend on age alone."""

from dataclasses import replace

import numpy as np
import pytest

from backrisk import (
    CausalGraph,
    Codebook,
    Posterior,
    QueryError,
    load_codebook,
    load_graph,
    simulate,
    truth,
)
from backrisk.graph import Edge, Node, Prior, Roles
from backrisk.posterior import drawn_truth, false_claims
from backrisk.posterior.simulation import SKIPPED, SKIPPED_ITEM, SKIPPED_OLDER, draw_states
from backrisk.survey import Survey

PEOPLE = 100_000


@pytest.fixture(scope="module")
def margins():
    graph = load_graph("runner")
    codes = draw_states(truth(graph), PEOPLE, np.random.default_rng(0))
    return {
        node.name: np.bincount(codes[:, i], minlength=len(node.states)) / PEOPLE
        for i, node in enumerate(graph.nodes)
    }


def test_margins_match_the_graph(margins):
    """Cutpoints sit at the average configuration: the margin follows to two points."""
    for node in load_graph("runner").nodes:
        assert np.abs(margins[node.name] - node.margin).max() < 0.025, node.name


def test_margins_lie_among_the_published_figures(margins):
    """Within three points of the range of the figures for a node's states.

    Hip flexor tightness is left out: the only figure comes from injured runners.
    """
    graph = load_graph("runner")
    found: dict[tuple[str, tuple[str, ...]], list[float]] = {}
    for figure in graph.prevalences:
        found.setdefault((figure.node, figure.states), []).append(figure.share)
    del found["hip_flexor_tightness", ("tight", "very_tight")]
    for (name, states), figures in found.items():
        codes = [graph.node(name).code(state) for state in states]
        share = margins[name][codes].sum()
        assert min(figures) - 0.05 < share < max(figures) + 0.05, name


def test_tests_are_skipped_more_often_by_older_people():
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)
    survey = Survey.from_frame(simulate(graph, 4000, 2, codebook=codebook), graph, codebook)
    age = survey.codes[:, survey.graph.names.index("age")]
    plank = survey.codes[:, survey.graph.names.index("plank_seconds")] < 0
    for older, expected in ((False, SKIPPED_ITEM), (True, SKIPPED_ITEM + SKIPPED_OLDER)):
        group = plank[(age > 0) == older]
        error = np.sqrt(expected * (1 - expected) / len(group))
        assert abs(group.mean() - expected) < 4 * error


def test_same_seed_same_people():
    graph = load_graph("runner_core")
    assert simulate(graph, 20, 5).equals(simulate(graph, 20, 5))
    assert not simulate(graph, 20, 5).equals(simulate(graph, 20, 6))


def test_nobody_cannot_be_simulated():
    with pytest.raises(QueryError, match="n is 0"):
        simulate(load_graph("runner_core"), 0, 1)


@pytest.fixture
def posed():
    """Everybody answers age; who is older skips tests more often; `habit` has a test."""
    nodes = (
        Node("age", ("young", "old", "older")),
        Node("habit", ("no", "yes"), mechanism="ordinal_logit"),
    )
    edge = Edge("age", "habit", "Claim.", "stated", "weak", Prior(0.5, 0.5))
    roles = Roles(answered=("age",), skipped_by=("age",))
    graph = CausalGraph("posed", nodes, (edge,), outcome="habit", roles=roles)
    columns = {
        "age": {"node": "age"},
        "habit": {"node": "habit"},
        "test": {"item": "habit", "reliability": 0.7},
    }
    data = {"name": "book", "graph": "posed", "columns": columns}
    return graph, Codebook.from_dict(data, graph)


def near(flags, share):
    return abs(np.mean(flags) - share) < 4 * np.sqrt(share * (1 - share) / len(flags))


def test_gaps_have_their_stated_shares(posed):
    graph, codebook = posed
    frame = simulate(graph, 6000, seed=1, codebook=codebook)
    assert list(frame.columns) == ["age", "habit", "test"]
    assert (frame["age"] != "").all()
    assert near(frame["habit"] == "", SKIPPED)
    young = frame["age"] == "young"
    assert near(frame.loc[young, "test"] == "", SKIPPED_ITEM)
    assert near(frame.loc[~young, "test"] == "", SKIPPED_ITEM + SKIPPED_OLDER)
    assert (SKIPPED, SKIPPED_ITEM, SKIPPED_OLDER) == (0.05, 0.15, 0.15)


def test_without_gaps_everything_is_answered(posed):
    graph, codebook = posed
    frame = simulate(graph, 500, seed=1, codebook=codebook, gaps=False)
    assert (frame != "").all(axis=None)
    answered = simulate(graph, 500, seed=1, codebook=codebook)
    present = answered != ""
    assert (answered[present] == frame[present]).where(present, True).all(axis=None)


@pytest.mark.parametrize("gaps", [False, True])
def test_who_does_not_answer_leaves_the_answer_out_whether_or_not_there_are_gaps(gaps):
    """As often as the CPT of the response node says, over everybody."""
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    refusal = {"mean": 3.0, "sd": 0.5, "share": 0.2}
    columns = {"x": {"node": "x"}, "y": {"node": "y", "nonresponse": refusal}}
    codebook = Codebook.from_dict({"name": "book", "graph": "graph", "columns": columns}, graph)
    frame = simulate(graph, 4000, seed=1, codebook=codebook, gaps=gaps)
    left_out = frame["y"] == ""
    assert set(frame.loc[~left_out, "y"]) == {"no", "yes"}
    whole = truth(codebook.extend(graph))
    risk = whole.cpt(codebook.response_of("y"))[0, :, 1]
    assert near(left_out, whole.cpt("x")[0] @ whole.cpt("y")[0] @ risk)


def test_people_are_drawn_one_posterior_draw_each():
    """Two draws, each certain of itself: both come up, and a person is of one of them."""
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["a", "b", "c"]})
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    y = np.array([[[0.0, 1.0, 0.0]] * 2, [[0.0, 0.0, 1.0]] * 2])
    posterior = Posterior.from_cpts(graph, {"x": x, "y": y})
    codes = draw_states(posterior, 4000, np.random.default_rng(0))
    assert codes.dtype == np.int16  # a graph may have more states than a byte counts
    assert set(map(tuple, codes.tolist())) == {(0, 1), (1, 2)}
    assert near(codes[:, 0] == 1, 0.5)
    frame = simulate(graph, 30, seed=0, posterior=posterior, gaps=False)
    assert set(map(tuple, frame.to_numpy().tolist())) == {("no", "b"), ("yes", "c")}


def test_states_come_as_often_as_their_cpt_says():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["a", "b", "c"]})
    cpts = {"x": [0.3, 0.7], "y": [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]}
    codes = draw_states(Posterior.from_cpts(graph, cpts), 20_000, np.random.default_rng(1))
    assert near(codes[:, 0] == 1, 0.7)
    for state, row in enumerate(cpts["y"]):
        of = codes[codes[:, 0] == state, 1]
        for k, share in enumerate(row):
            assert near(of == k, share)


def test_rounding_of_a_row_s_sum_makes_no_state_that_is_not_there():
    graph = CausalGraph.from_edges([], {"x": ["a", "b", "c"]})
    posterior = Posterior(graph, given={"x": np.array([[0.3, 0.3, 0.3]])})  # falls short of 1
    assert draw_states(posterior, 1000, np.random.default_rng(0)).max() == 2


def test_the_truth_is_every_parameter_at_its_prior_mean():
    """A saturated root's prior mean is its margin; an ordinal node's odds lie an effect apart."""
    prior = Prior(0.8, 0.5)
    nodes = (
        Node("x", ("no", "yes"), margin=(0.7, 0.3)),
        Node("y", ("no", "yes"), mechanism="ordinal_logit"),
    )
    graph = CausalGraph("g", nodes, (Edge("x", "y", "C.", "stated", "weak", prior),), outcome="y")
    found = truth(graph)
    assert found.draws == 1
    np.testing.assert_allclose(found.cpt("x"), [[0.7, 0.3]])
    risks = found.cpt("y")[0, :, 1]
    assert np.diff(np.log(risks / (1 - risks))) == pytest.approx([0.8])


def test_one_person_can_be_simulated():
    assert len(simulate(load_graph("runner_core"), 1, 1)) == 1


GRADES = ("strong", "moderate", "weak", "none", "contradicted")


def doubtful(count=60):
    """Many causes of one effect each, of every grade, each with an item."""
    nodes, edges = [], []
    for i in range(count):
        nodes += [Node(f"a{i}", ("no", "yes")), Node(f"b{i}", ("no", "yes"))]
        prior = Prior(0.5, 0.4)
        grade = GRADES[i % len(GRADES)]
        edges.append(Edge(f"a{i}", f"b{i}", "Claim.", "stated", grade, prior))
    nodes.append(Node("test", ("no", "yes"), mechanism="item", reliability=0.7))
    edges.append(Edge("b0", "test", "It tells.", "measurement", "none"))
    nodes = [replace(n, mechanism="ordinal_logit") if n.name[0] == "b" else n for n in nodes]
    return CausalGraph("doubtful", tuple(nodes), tuple(edges))


def log_odds_ratios(posterior):
    """Of every effect, by its cause's number."""
    found = {}
    for edge in posterior.graph.edges:
        if edge.effect != "test":
            (table,) = posterior.cpt(edge.effect)
            logits = np.log(table[:, 1] / table[:, 0])
            found[edge.cause, edge.effect] = logits[1] - logits[0]
    return found


def test_only_doubtful_claims_are_false_each_with_a_probability_of_one_half():
    graph = doubtful()
    claims = {(e.cause, e.effect): e.grade for e in graph.edges}
    shares = []
    for seed in range(40):
        false = false_claims(graph, seed)
        assert {claims[pair] for pair in false} <= {"none", "contradicted"}
        assert ("b0", "test") not in false
        shares.append(len(false) / 24)
    error = 0.5 / np.sqrt(40 * 24)
    assert abs(np.mean(shares) - 0.5) < 4 * error
    assert false_claims(graph, 3) == false_claims(graph, 3) != false_claims(graph, 4)


def test_in_a_drawn_truth_effects_lie_wider_than_the_prior_and_false_ones_are_zero():
    graph = doubtful()
    true = []
    for seed in range(20):
        drawn = log_odds_ratios(drawn_truth(graph, seed))
        false = false_claims(graph, seed)
        assert [drawn[pair] for pair in false] == pytest.approx([0.0] * len(false), abs=1e-9)
        true += [value for pair, value in drawn.items() if pair not in false]
    scaled = (np.array(true) - 0.5) / (1.5 * 0.4)
    assert abs(scaled.mean()) < 4 / np.sqrt(len(scaled))
    assert abs(scaled.var() - 1) < 4 * np.sqrt(2 / len(scaled))


def test_a_drawn_truth_comes_from_its_seed_and_its_distributions_from_the_prior():
    graph = doubtful(2)
    one, same, other = (drawn_truth(graph, seed) for seed in (1, 1, 2))
    assert one.draws == 1
    assert np.array_equal(one.cpt("a0"), same.cpt("a0"))
    assert not np.array_equal(one.cpt("a0"), other.cpt("a0"))
    # Dirichlet(1, 1) where no margin is stated: uniform.
    shares = [drawn_truth(graph, seed).cpt("a1")[0, 1] for seed in range(200)]
    assert abs(np.mean(shares) - 0.5) < 4 / np.sqrt(12 * 200)
    assert np.std(shares) == pytest.approx(1 / np.sqrt(12), rel=0.2)


def test_no_false_claim_adds_to_the_packaged_survey():
    graph = load_graph("runner")
    model = drawn_truth(graph, 1)
    for cause, effect in false_claims(graph, 1):
        axis = 1 + graph.parents(effect).index(cause)
        table = model.cpt(effect)
        if graph.node(effect).interactions == ():
            np.testing.assert_allclose(np.diff(table, axis=axis), 0, atol=1e-12)


def test_people_are_not_simulated_by_a_design():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    columns = {"x": {"node": "x"}, "y": {"node": "y"}}
    data = {"name": "b", "graph": "graph", "columns": columns, "design": {"kind": "case_control"}}
    made = Codebook.from_dict(data, graph)
    with pytest.raises(QueryError, match="the design 'case_control', but simulated people"):
        simulate(graph, 5, 1, codebook=made)
    assert len(simulate(graph, 5, 1, codebook=made.of_anybody())) == 5
