"""Every mistake in a graph is one sentence that says where it is and what was expected."""

from dataclasses import replace

import pytest

from backrisk import CausalGraph, Edge, GraphError, Node, Prior
from backrisk.graph import ANSWERED, NOT_ANSWERED, Lagged, LeftOut, Roles

BINARY, PRIOR = ("no", "yes"), Prior(0, 1)


def node(name, states=BINARY, **rest):
    return Node(name, tuple(states), **rest)


def edge(cause, effect, prior=None, **rest):
    return Edge(
        cause, effect, **{"claim": "c", "origin": "stated", "grade": "weak", **rest}, prior=prior
    )


def graph(*nodes, edges=(), **rest):
    return CausalGraph("g", nodes, tuple(edges), **rest)


def two(edge_=None, **rest):
    """X causes y, with an edge of its own or with other fields of the graph."""
    return graph(node("x"), node("y"), edges=[edge_ or edge("x", "y")], **rest)


def alone(**rest):
    return graph(node("x", **rest))


def item(states=BINARY, construct=("no", "mild", "yes"), **rest):
    """An item of a construct x."""
    return graph(
        node("x", construct), node("i", states, mechanism="item", **rest), edges=[edge("x", "i")]
    )


def nominal(states=("a", "b", "c"), prior=None, each=()):
    """A nominal x causes y."""
    leads = edge("x", "y", prior, state_priors=tuple((s, PRIOR) for s in each))
    return graph(node("x", states, nominal=True), node("y"), edges=[leads])


def unordered(prior=None, states=("a", "b", "c"), **rest):
    """X causes a nominal y."""
    return graph(node("x"), node("y", states, nominal=True, **rest), edges=[edge("x", "y", prior)])


def response(states=(ANSWERED, NOT_ANSWERED), prior=PRIOR, more=()):
    """A response of x, and further edges between x, r and z."""
    nodes = node("x"), node("r", states, mechanism="response"), node("z")
    return graph(*nodes, edges=[edge("x", "r", prior), *more])


GOOD = [
    lambda: two(edge("x", "y", Prior(4.0, 3.0))),
    lambda: two(edge("x", "y", Prior(-4.0, 0.01))),
    lambda: two(lagged=(Lagged("y", "x", "c"),), outcome="x"),
    lambda: alone(margin=(0.25, 0.75), concentration=0.5, labels=("without", "with")),
    lambda: alone(margin=(0.2500004, 0.75)),
    lambda: item(reliability=0.0),
    lambda: item(reliability=1.0, fixed=True),
    lambda: item(misclassification=((1.0, 0.0), (0.5, 0.5), (0.0, 1.0)), fixed=True),
    lambda: nominal(),
    lambda: nominal(prior=PRIOR),
    lambda: nominal(each="bc"),
    lambda: nominal(states="ab", each="b"),
    lambda: unordered(),
    lambda: unordered(mechanism="saturated"),
    lambda: unordered(PRIOR, BINARY, mechanism="ordinal_logit"),
    lambda: graph(
        node("x", "abc", nominal=True),
        node("i", "abc", mechanism="item", nominal=True, reliability=0.5),
        edges=[edge("x", "i", PRIOR)],
    ),
    lambda: response(),
    lambda: graph(
        node("x"),
        node("i", mechanism="item"),
        node("r", (ANSWERED, NOT_ANSWERED), mechanism="response"),
        edges=[edge("x", "i"), edge("i", "r", Prior(0, 1))],
    ),
    lambda: graph(
        node("a"), node("b"), node("y", interactions=(("a", "b"),)),
        edges=[edge("a", "y"), edge("b", "y")],
    ),
    lambda: graph(node("x", group="habits"), roles=Roles(advised=("habits",), compared=("x",))),
]  # fmt: skip

BAD = {
    "no nodes": (lambda: graph(), "'g' has no nodes"),
    "node twice": (lambda: graph(node("x"), node("y"), node("x")), "node 'x' is defined 2 times"),
    "name": (lambda: graph(node("a b")), "node 'a b': a name consists of"),
    "digit first": (lambda: graph(node("1a")), "node '1a': a name"),
    "one state": (lambda: graph(node("x", ["no"])), "node 'x' has 1 state; at least two"),
    "set": (lambda: graph(Node("x", {"no", "yes"})), "node 'x': 'states' .* got a set"),
    "dict": (lambda: graph(Node("x", {"no": 0, "yes": 1})), "node 'x': 'states' .* got a dict"),
    "text": (lambda: graph(Node("x", "ny")), "node 'x': 'states' should be a list, .* got a str"),
    "nothing": (lambda: graph(Node("x", None)), "node 'x': 'states' .* got a NoneType"),
    "generator": (
        lambda: graph(Node("x", (s for s in BINARY))),
        "node 'x': 'states' should be a list, which has an order; got a generator",
    ),
    "labels set": (lambda: graph(node("x", labels={"a", "b"})), "node 'x': 'labels' .* got a set"),
    "margin": (lambda: graph(node("x", margin={0.3, 0.7})), "node 'x': 'margin' .* got a set"),
    "pairs": (lambda: graph(node("x", interactions={("a", "b")})), "'interactions' .* got a set"),
    "errors": (lambda: item(misclassification={(1, 0)}), "'misclassification' .* got a set"),
    "nodes": (lambda: CausalGraph("g", {node("x"), node("y")}), "'nodes' should be a list"),
    "edges": (
        lambda: CausalGraph("g", (node("x"), node("y")), frozenset({edge("x", "y")})),
        "'edges' should be a list, which has an order; got a frozenset",
    ),
    "role as text": (
        lambda: graph(node("x"), roles=Roles(advised="x")),
        "'advised' should be a list, .* got a str",
    ),
    "citation as text": (
        lambda: graph(node("x"), node("y"), edges=[replace(edge("x", "y"), citations="10.1/a")]),
        "edge x -> y: 'citations' .* got a str",
    ),
    "no state": (lambda: graph(node("x", [])), "node 'x' has 0 states; at least two"),
    "blank state": (lambda: graph(node("x", ["no", ""])), "node 'x': a state is empty"),
    "space": (
        lambda: graph(node("x", ["b", "b "])),
        "node 'x': state 'b' is repeated; spaces around a state",
    ),
    "a line in a state": (
        lambda: graph(node("x", ["a\nb", "c"])),
        r"state 'a\\nb' holds a control",
    ),
    "whole floats": (lambda: graph(node("x", [1, 1.0])), "node 'x': state '1' is repeated"),
    "zeros": (lambda: graph(node("x", ["1.50", 1.5])), "node 'x': state '1.5' is repeated"),
    "truth": (lambda: graph(node("x", [True, "TRUE"])), "node 'x': state 'true' is repeated"),
    "composed": (
        lambda: graph(node("x", ["\xe4", "a\u0308"])),
        "node 'x': state '\xe4' is repeated",
    ),
    "names": (lambda: graph(node("x"), node(" x")), "node 'x' is defined 2 times"),
    "too many states": (
        lambda: graph(node("x", range(1001))),
        "node 'x' has 1001 states, expected at most 1000",
    ),
    "state twice": (lambda: graph(node("x", "aba")), "node 'x': state 'a' is repeated"),
    "labels": (lambda: alone(labels=("a",)), "expected 2 labels, .*; got 1"),
    "mechanism": (
        lambda: alone(mechanism="satured"),
        r"node 'x': unknown mechanism 'satured' \(did you mean 'saturated'\?\); .*'noisy_max'",
    ),
    "margin sum": (lambda: alone(margin=(0.3, 0.6)), r"margin \[0.3, 0.6\] should be 2 shares"),
    "margin just off": (lambda: alone(margin=(0.25001, 0.75)), "that sum to 1"),
    "margin zero": (lambda: alone(margin=(0.0, 1.0)), "above 0"),
    "margin sign": (lambda: alone(margin=(-0.5, 1.5)), "above 0"),
    "margin length": (lambda: alone(margin=(0.3, 0.3, 0.4)), "should be 2 shares"),
    "margin nan": (lambda: alone(margin=(float("nan"), 0.5)), "should be 2 shares"),
    "concentration": (lambda: alone(concentration=0.0), "concentration .* above 0, got 0.0"),
    "endless": (lambda: alone(concentration=float("inf")), "finite number above 0, got inf"),
    "reliability high": (lambda: item(reliability=1.01), "node 'i': .* between 0 and 1, got 1.01"),
    "reliability low": (lambda: item(reliability=-0.01), "between 0 and 1, got -0.01"),
    "reliability elsewhere": (lambda: alone(reliability=0.5), "'x': only an item"),
    "rows elsewhere": (lambda: alone(misclassification=((1.0, 0.0),)), "'x': only an item"),
    "fixed elsewhere": (lambda: alone(fixed=True), "'x': only an item"),
    "unknown cause": (lambda: two(edge("z", "y")), "edge z -> y: unknown node 'z'"),
    "unknown effect": (lambda: two(edge("x", "yy")), r"edge x -> yy: unknown node 'yy'"),
    "itself": (lambda: two(edge("x", "x")), "edge x -> x: a node cannot cause itself"),
    "claim": (lambda: two(edge("x", "y", claim="")), "edge x -> y has no 'claim'"),
    "a state without a prior": (
        lambda: nominal(each="b"),
        "the prior should be one for all states of 'x', or one for each of 'b' and 'c', and no",
    ),
    "the reference with a prior": (lambda: nominal(each="abc"), "edge x -> y: the prior should"),
    "a state's prior twice": (lambda: nominal(each="bbc"), "edge x -> y: the prior should"),
    "a prior for all and for each": (
        lambda: nominal(prior=PRIOR, each="bc"),
        "edge x -> y: the prior should",
    ),
    "each state of an order": (
        lambda: two(edge("x", "y", state_priors=(("yes", PRIOR),))),
        "edge x -> y: the states of 'x' are ordered, .* set 'nominal: true' on 'x' if they are not",
    ),
    "absurd prior of a state": (
        lambda: graph(
            node("x", "ab", nominal=True),
            node("y"),
            edges=[edge("x", "y", state_priors=(("b", Prior(5.0, 1.0)),))],
        ),
        "edge x -> y: a prior with mean 5.0",
    ),
    "no order, an odds ratio": (lambda: unordered(PRIOR), "node 'y': its states have no order"),
    "no order, a logit": (
        lambda: unordered(mechanism="ordinal_logit"),
        "node 'y': its states have no order",
    ),
    "no order, a maximum": (
        lambda: unordered(mechanism="noisy_max"),
        "node 'y': its states have no order",
    ),
    "grade": (
        lambda: two(edge("x", "y", grade="weka")),
        r"edge x -> y: unknown grade 'weka' \(did you mean 'weak'\?\); expected one of 'strong'",
    ),
    "origin": (lambda: two(edge("x", "y", origin="dream")), "unknown origin 'dream'; .*'stated'"),
    "mean": (lambda: two(edge("x", "y", Prior(4.01, 1))), r"x -> y: .* mean 4.01 .* <= 4 "),
    "mean below": (lambda: two(edge("x", "y", Prior(-4.01, 1))), "mean -4.01"),
    "sd": (lambda: two(edge("x", "y", Prior(0, 3.01))), "sd 3.01 .* sd <= 3"),
    "no sd": (lambda: two(edge("x", "y", Prior(0, 0))), "sd 0 "),
    "edge twice": (
        lambda: graph(node("x"), node("y"), edges=[edge("x", "y")] * 3),
        "edge x -> y is given 3 times",
    ),
    "lagged cause": (
        lambda: two(lagged=(Lagged("z", "y", "c"),)),
        "lagged edge z -> y: unknown node 'z'",
    ),
    "lagged effect": (
        lambda: two(lagged=(Lagged("x", "w", "c"),)),
        "lagged edge x -> w: unknown node 'w'",
    ),
    "role": (
        lambda: graph(node("x", group="habits"), roles=Roles(distal=("habit",))),
        r"role 'distal' names 'habit', .* \(did you mean 'habits'\?\)",
    ),
    "left out": (
        lambda: graph(node("x"), left_out=(LeftOut("x", "c"),)),
        "'x' is said to be left out, but is a node",
    ),
    "no reason": (
        lambda: graph(node("x"), left_out=(LeftOut("y", ""),)),
        "'y' is left out without a reason",
    ),
    "no group": (lambda: graph(node("x"), roles=Roles(answered=("",))), "'answered' names ''"),
    "outcome": (lambda: two(outcome="z"), "outcome: unknown node 'z'"),
    "cycle": (
        lambda: graph(*map(node, "cab"), edges=[edge("a", "b"), edge("b", "c"), edge("c", "a")]),
        "has a cycle: c -> a -> b -> c; a feedback belongs under 'lagged'",
    ),
    "interaction": (
        lambda: graph(node("a"), node("y", interactions=(("a", "b"),)), edges=[edge("a", "y")]),
        "node 'y': interaction a x b should name two of its parents: a",
    ),
    "interaction with itself": (
        lambda: graph(node("a"), node("y", interactions=(("a", "a"),)), edges=[edge("a", "y")]),
        "interaction a x a",
    ),
    "interaction of a root": (
        lambda: alone(interactions=(("a", "b"),)),
        "interaction a x b .* but it has none",
    ),
    "item without construct": (lambda: alone(mechanism="item"), "node 'x': an item has one parent"),
    "item of two": (
        lambda: graph(
            node("a"),
            node("b"),
            node("i", mechanism="item"),
            edges=[edge("a", "i"), edge("b", "i")],
        ),
        "node 'i': an item has one parent",
    ),
    "item with a child": (
        lambda: graph(
            node("a"),
            node("i", mechanism="item"),
            node("y"),
            edges=[edge("a", "i"), edge("i", "y")],
        ),
        "no children except a response",
    ),
    "item's states": (lambda: item(["no", "maybe"]), "construct 'x', .*: no, mild, yes"),
    "item's order": (lambda: item(["yes", "no"]), "in the same order"),
    "both errors": (
        lambda: item(reliability=0.5, misclassification=((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))),
        "node 'i': give either",
    ),
    "rows too few": (
        lambda: item(misclassification=((1.0, 0.0), (0.0, 1.0))),
        "node 'i': .* 3 rows, one for each state of 'x', each of 2 shares",
    ),
    "row too short": (lambda: item(misclassification=((1.0,),) * 3), "3 rows"),
    "row's sum": (lambda: item(misclassification=((0.5, 0.4),) * 3), "sum to 1"),
    "row's sign": (lambda: item(misclassification=((1.5, -0.5),) * 3), "sum to 1"),
    "fixed": (lambda: item(fixed=True), "node 'i': a fixed error needs"),
    "response's states": (
        lambda: response(("a", "b")),
        f"node 'r': .* {ANSWERED} and {NOT_ANSWERED}",
    ),
    "response's prior": (lambda: response(prior=None), "node 'r': a response"),
    "response's child": (lambda: response(more=[edge("r", "z")]), "node 'r': a response"),
    "response of two": (
        lambda: response(more=[edge("z", "r", Prior(0, 1))]),
        "node 'r': a response",
    ),
}


@pytest.mark.parametrize("build", GOOD)
def test_what_lies_within_the_limits_makes_a_graph(build):
    assert build().names


@pytest.mark.parametrize("mistake", BAD)
def test_each_mistake_is_one_sentence_that_says_where_it_is(mistake):
    build, message = BAD[mistake]
    with pytest.raises(GraphError, match=message) as raised:
        build()
    assert str(raised.value).startswith("Graph 'g'")
    assert "\n" not in str(raised.value)


def test_a_graph_that_is_changed_is_checked_again():
    with pytest.raises(GraphError, match="outcome"):
        replace(two(), outcome="nobody")
