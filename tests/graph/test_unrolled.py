"""Graphs of several periods: their nodes, families, ties, words and plain form."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import random_template, seeds

from backrisk import CausalGraph, Edge, GraphError, Node, Prior, load_graph, unroll
from backrisk.graph import Lagged, Layout, Roles, UnrolledGraph, constants, read_graph
from backrisk.words import names_of

TWO = ("no", "yes")
PRIOR = Prior(0.5, 0.4)


def edge(cause, effect, prior=PRIOR):
    return Edge(cause, effect, "claim", "stated", "weak", prior)


def cycle(**more):
    """A trait, work that pain undoes, weakness that lasts, pain with a test."""
    nodes = (
        Node("sex", TWO, constant=True),
        Node("work", ("regular", "some", "none")),
        Node("weak", TWO, persist=True),
        Node("pain", ("none", "mild", "bad"), persist=True, parted=True),
        Node("asked", ("none", "mild", "bad"), mechanism="item", reliability=0.8),
        Node("form", TWO, mechanism="item", reliability=0.9),
    )
    edges = (
        edge("sex", "weak"), edge("work", "weak"), edge("sex", "pain"), edge("weak", "pain"),
        edge("pain", "asked", None), edge("sex", "form", None),
    )  # fmt: skip
    lagged = (Lagged("pain", "work", "Pain stops work.", prior=PRIOR),)
    stated = {"outcome": "pain", "lagged": lagged, "roles": Roles(healthy=("work",))}
    return CausalGraph("cycle", nodes, edges, **(stated | more))


def test_one_period_is_the_graph():
    graph = cycle()
    one = unroll(graph, 1)
    assert one.names == graph.names
    assert one.edges == graph.edges
    layout, own = Layout(one), Layout(graph)
    assert layout.fraction_labels == own.fraction_labels
    assert layout.effect_labels == own.effect_labels
    np.testing.assert_array_equal(layout.prior.mean, own.prior.mean)


def test_later_periods_have_the_causes_of_theirs_and_of_the_one_before():
    graph = unroll(cycle(), 3)
    assert graph.names[6:] == (
        "work__1", "weak__1", "pain__1", "asked__1", "work__2", "weak__2", "pain__2", "asked__2",
    )  # fmt: skip
    assert graph.parents("work__2") == ("pain__1",)
    assert graph.parents("weak__1") == ("sex", "work__1", "weak")
    assert graph.parents("pain__2") == ("sex", "weak__2", "pain__1")
    assert graph.parents("asked__2") == ("pain__2",)
    assert graph.outcome == "pain__2"
    assert graph.roles.healthy == ("work", "work__1", "work__2")


def test_families_are_those_of_the_first_of_their_kind():
    graph = unroll(cycle(), 4)
    owners = {name: graph.owner(name) for name in graph.names}
    assert owners["pain__1"] == "pain__1"  # a family of transition
    assert owners["pain__3"] == "pain__1"
    assert owners["asked__2"] == "asked"  # nothing of the period before
    assert owners["sex"] == "sex"
    layout, more = Layout(graph), Layout(graph.extended(9))
    assert layout.fraction_labels == more.fraction_labels
    assert layout.effect_labels == more.effect_labels
    assert layout.mechanism("pain__3") is layout.mechanisms["pain__1"]


def test_a_parted_family_has_each_effect_by_what_was_before():
    graph = unroll(cycle(), 2)
    assert graph.node("pain__1").interactions == (("pain", "sex"), ("pain", "weak__1"))
    assert "pain__1, pain x weak__1" in Layout(graph).effect_labels
    assert graph.node("pain").interactions == ()


def test_a_trait_acts_on_the_outcome_in_every_period():
    graph = unroll(cycle(), 3, trait=True)
    assert graph.parents("pain")[-1] == "susceptibility"
    assert graph.parents("pain__2") == ("sex", "weak__2", "susceptibility", "pain__1")
    assert "susceptibility" not in graph.template.names
    assert graph.extended(5).trait


def test_who_comes_again_may_depend_on_the_last_state():
    graph = unroll(cycle(), 3, dropout=["pain"])
    assert graph.parents("stays__2") == ("pain__1",)
    assert graph.owner("stays__2") == "stays__1"
    assert "stays" not in graph.names


def test_answers_about_constants_are_asked_once():
    assert constants(cycle()) == {"sex", "form"}


def test_places_and_names_lead_to_each_other():
    graph = unroll(cycle(), 3)
    assert (graph.at("pain", 2), graph.at("pain", 0), graph.at("sex", 2)) == (
        "pain__2",
        "pain",
        "sex",
    )
    assert graph.base("weak__1") == ("weak", 1)
    assert graph.base("sex") == ("sex", 0)
    assert graph.moving == ("work", "weak", "pain", "asked")
    with pytest.raises(GraphError, match="no period 3: the periods are 0 to 2"):
        graph.at("pain", 3)
    with pytest.raises(GraphError, match="no node 'pian'"):
        graph.at("pian", 1)


def test_the_plain_form_comes_back_as_it_was():
    graph = unroll(cycle(), 3, trait=True, dropout=["pain"])
    assert read_graph(graph.to_dict()) == graph
    assert read_graph(cycle().to_dict()) == cycle()
    with pytest.raises(GraphError, match="'graph', 'periods', 'trait' and 'dropout'"):
        read_graph({"unrolled": {"graph": cycle().to_dict(), "periods": "3"}})


def test_a_later_period_is_said_so():
    runner = load_graph("runner")
    two = replace(runner, lagged=(*runner.lagged,))
    names = names_of(unroll(two, 2))
    assert names.node("pain__1") == f"{names.node('pain')}, period 1"
    assert names.state("sex", "female") == names_of(runner).state("sex", "female")


@pytest.mark.parametrize("seed", seeds(10, 100))
def test_any_template_unrolls_and_extends(seed):
    template = random_template(np.random.default_rng(seed), 4)
    graph = unroll(template, 3)
    assert isinstance(graph, UnrolledGraph)
    assert graph.extended(3) == graph
    for name in graph.names:
        base, period = graph.base(name)
        assert graph.at(base, period) == name
        for parent in graph.parents(name):
            assert graph.base(parent)[1] >= period - 1 or parent in constants(template)
        assert graph.shape(name) == graph.shape(graph.owner(name))


BAD = {
    "no period": (lambda: unroll(cycle(), 0), "0 periods: expected at least 1"),
    "too many": (lambda: unroll(cycle(), 10**6), "at most 20,000"),
    "twice": (lambda: unroll(unroll(cycle(), 2), 2), "several periods already"),
    "back to one": (lambda: unroll(cycle(), 2).extended(1), "expected at least 2"),
    "dropout on a constant": (lambda: unroll(cycle(), 2, dropout=["sex"]), "'sex' is constant"),
    "dropout on an answer about a constant": (
        lambda: unroll(cycle(), 2, dropout=["form"]),
        "'form' is constant",
    ),
    "dropout on nobody": (lambda: unroll(cycle(), 2, dropout=["pian"]), "no node 'pian'"),
    "trait on nothing": (
        lambda: unroll(cycle(outcome=None), 3, trait=True),
        "has no outcome",
    ),
    "name taken": (
        lambda: unroll(CausalGraph.from_text("pain -> pain__1 -> y; y[-1] -> pain"), 2),
        "a node called 'pain__1'",
    ),
    "lagged of a constant": (
        lambda: cycle(lagged=(Lagged("sex", "pain", "c"),)),
        "'sex' is constant, so that nothing leads to or from it",
    ),
    "lagged of an answer": (
        lambda: cycle(lagged=(Lagged("asked", "pain", "c"),)),
        "'asked' is an answer",
    ),
    "lagged twice": (
        lambda: cycle(lagged=(Lagged("pain", "work", "c"),) * 2),
        "lagged edge pain -> work 2 times",
    ),
    "lagged grade": (
        lambda: cycle(lagged=(Lagged("pain", "work", "c", grade="sure"),)),
        "lagged edge pain -> work: unknown grade 'sure'",
    ),
    "constant and persist": (
        lambda: CausalGraph("g", (Node("x", TWO, constant=True, persist=True),)),
        "cannot persist as well",
    ),
    "parted alone": (
        lambda: CausalGraph("g", (Node("x", TWO, parted=True),)),
        "'parted' needs 'persist'",
    ),
    "constant of what moves": (
        lambda: CausalGraph(
            "g", (Node("x", TWO), Node("y", TWO, constant=True)), (edge("x", "y"),)
        ),
        "is constant, but has the cause 'x'",
    ),
    "tied to nobody": (
        lambda: CausalGraph("g", (Node("x", TWO),), tied=(("x", "z"),)),
        "unknown node 'z'",
    ),
    "tied unlike": (
        lambda: CausalGraph("g", (Node("x", TWO), Node("y", ("a", "b", "c"))), tied=(("y", "x"),)),
        "cannot be that of 'x': their states",
    ),
    "tied in a row": (
        lambda: CausalGraph(
            "g", (Node("x", TWO), Node("y", TWO), Node("z", TWO)), tied=(("y", "x"), ("z", "y"))
        ),
        "which is itself that of another",
    ),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_what_makes_no_periods_is_refused(make, message):
    with pytest.raises(GraphError, match=message):
        make()
