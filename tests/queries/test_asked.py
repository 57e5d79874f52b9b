"""How a person, a target, an intervention and a coupling are read."""

from dataclasses import replace

import pytest

from backrisk import CausalGraph, Posterior, QueryError, counterfactual, intervene, load_graph, risk
from backrisk.graph import Node
from backrisk.queries import check_coupling, coupling_name, named, read_target
from backrisk.queries.asked import demand_upstream

TWO = ["no", "yes"]


@pytest.fixture
def posterior():
    graph = CausalGraph.from_edges([("x", "y")], {"x": TWO, "y": TWO})
    return Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})


@pytest.fixture
def graph():
    states = {"grade": ["low", "mid", "high"], "harm": ["none", "some", "much"], "y": TWO}
    return CausalGraph.from_edges([("grade", "y"), ("harm", "y")], states)


@pytest.mark.parametrize(
    ("asked", "node", "codes", "label"),
    [
        (None, "y", (1,), "y"),
        ("y", "y", (1,), "y"),
        ("grade", "grade", (1, 2), "grade other than low"),
        ("harm", "harm", (1, 2), "harm"),
        (" grade >= mid ", "grade", (1, 2), "grade other than low"),
        ("grade>=high", "grade", (2,), "grade (high)"),
        ("grade>=2", "grade", (2,), "grade (high)"),
        ("grade>=low", "grade", (0, 1, 2), "grade (low or worse)"),
    ],
)
def test_a_target_is_a_node_and_the_states_that_count(graph, asked, node, codes, label):
    target = read_target(graph, asked)
    assert (target.node, target.codes, target.label) == (node, codes, label)


def test_a_target_between_reference_and_worst_says_where_it_begins():
    states = {"pain": ["0", "1", "2", "3"]}
    target = read_target(CausalGraph.from_edges([], states), "pain>=2")
    assert target.codes == (2, 3)  # the label, not the position
    assert target.label == "pain (2 or worse)"


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        (None, "low back pain"),
        ("pain>=not_limiting", "low back pain"),
        ("pain>=limiting", "limiting low back pain"),
        ("low_mood", "low mood"),
        ("core_strength", "moderate or weak core strength"),
        ("gait_abnormality", "an unusual gait"),
    ],
)
def test_a_packaged_graphs_targets_are_worded(asked, label):
    assert read_target(load_graph("runner"), asked).label == label


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (3, "target=3: expected a node"),
        ("grad", r"target 'grad' .* graph 'graph' \(did you mean 'grade'\?\)"),
        ("grade>=hih", r"'grade' has no state 'hih' \(did you mean 'high'.*'low', 'mid', 'high'"),
        ("grade>=3", "has no state '3'"),
    ],
)
def test_what_is_no_target_is_refused(graph, asked, words):
    with pytest.raises(QueryError, match=words):
        read_target(graph, asked)


def test_a_graph_without_an_outcome_has_no_target_by_default():
    graph = CausalGraph.from_edges([], {"a": TWO, "b": TWO})
    with pytest.raises(QueryError, match="'graph' names no outcome"):
        read_target(graph, None)


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_no_answer_is_as_if_not_asked(posterior, nothing):
    assert risk(posterior, {"x": nothing}).draws == risk(posterior, {}).draws
    assert risk(posterior, {"x": nothing}).evidence == {}


@pytest.mark.parametrize("person", [None, ["x"], "x"])
def test_a_person_is_a_mapping(posterior, person):
    with pytest.raises(QueryError, match="person should be a mapping of node to state"):
        risk(posterior, person)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"xx": "yes"}, r"person's answer 'xx' is not a node .*mean 'x'"),
        ({"x": "yess"}, r"'x' has the value 'yess' \(did you mean 'yes'\?\).* 'no', 'yes'"),
    ],
)
def test_a_person_has_the_graphs_nodes_and_states(posterior, person, words):
    with pytest.raises(QueryError, match=words):
        risk(posterior, person)


def test_numbers_and_truth_values_are_labels():
    graph = CausalGraph.from_edges([("x", "y")], {"x": [0, 1], "y": [False, True]})
    posterior = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    assert risk(posterior, {"x": 1}).draws == risk(posterior, {"x": "1"}).draws == 0.8
    assert risk(posterior, {"y": True}, target="x").draws == pytest.approx(0.4 / 0.55)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ({}, "do= is empty"),
        ("x=no", "do= should be a mapping of node to state"),
        (["x"], "do= should be a mapping of node to state"),
        ({"y": "no"}, "do= sets the target 'y' itself"),
        ({"xx": "no"}, "'xx' is not a node of graph 'graph'.*mean 'x'"),
        ({"x": "nope"}, "'x' cannot be set to 'nope'.* 'no', 'yes'"),
    ],
)
@pytest.mark.parametrize("ask", [intervene, counterfactual])
def test_what_cannot_be_done_is_refused(posterior, ask, do, words):
    with pytest.raises(QueryError, match=words):
        ask(posterior, {}, do)


def test_an_answer_cannot_be_set():
    graph = CausalGraph.from_edges(
        [("x", "y"), ("x", "said")], dict.fromkeys("xy", TWO) | {"said": TWO}, outcome="y"
    )
    nodes = tuple(
        replace(n, mechanism="item", reliability=0.5) if n.name == "said" else n
        for n in graph.nodes
    )
    assert isinstance(nodes[0], Node)
    graph = replace(graph, nodes=nodes)
    cpts = {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]], "said": [[0.7, 0.3], [0.2, 0.8]]}
    with pytest.raises(QueryError, match="do= sets 'said', which is an answer"):
        intervene(Posterior.from_cpts(graph, cpts), {}, {"said": "no"})


def test_no_state_is_worse_than_another_where_there_is_no_order():
    kind = Node("kind", ("a", "b", "c"), nominal=True)
    graph = CausalGraph("g", (kind,))
    assert read_target(graph, "kind").codes == (1, 2)
    with pytest.raises(QueryError, match=r"states of 'kind' have no order, so .* ask for 'kind'"):
        read_target(graph, "kind>=c")


def test_a_coupling_is_one_of_three():
    for coupling in ("monotone", "independent_causes", "independent"):
        check_coupling(coupling)
        assert "_" not in coupling_name(coupling)
    with pytest.raises(QueryError, match=r"no coupling 'monoton' \(did you mean 'monotone'\?\)"):
        check_coupling("monoton")


def test_codes_are_named(graph):
    assert named(graph, {"grade": 2, "y": 0}) == {"grade": "high", "y": "no"}


def test_evidence_that_a_change_would_reach_is_refused(graph):
    demand_upstream(graph, {"grade": 1, "harm": 0}, {"harm": 1})
    with pytest.raises(QueryError, match="reports 'y', which setting 'harm' would change"):
        demand_upstream(graph, {"grade": 1, "y": 1}, {"harm": 1})
