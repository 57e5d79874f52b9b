"""Graphs written with arrows: what a text draws, and what is no drawing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backrisk import CausalGraph, GraphError, load_graph
from tests.strategies import random_graph


def drawn(text, **more):
    graph = CausalGraph.from_text(text, **more)
    return {name: graph.parents(name) for name in graph.names}


@pytest.mark.parametrize(
    ("text", "families"),
    [
        ("a -> b", {"a": (), "b": ("a",)}),
        ("b <- a", {"b": ("a",), "a": ()}),
        ("a → b ← c", {"a": (), "b": ("a", "c"), "c": ()}),
        ("s + x -> c; c -> p", {"s": (), "x": (), "c": ("s", "x"), "p": ("c",)}),
        ("s, x -> c\nc -> p, q", {"s": (), "x": (), "c": ("s", "x"), "p": ("c",), "q": ("c",)}),
        ("a -> b -> c <- d", {"a": (), "b": ("a",), "c": ("b", "d"), "d": ()}),
        ("a + b -> c + d -> e", {"a": (), "b": (), "c": ("a", "b"), "d": ("a", "b"),
                                 "e": ("c", "d")}),
        ("a ->\n  b\n  -> c\n", {"a": (), "b": ("a",), "c": ("b",)}),
        ("{a b} -> c", {"a": (), "b": (), "c": ("a", "b")}),
        ("# all\na -> b # of it\n\n// c -> a\n/* d\n*/ ; ; e", {"a": (), "b": ("a",), "e": ()}),
        ("a -> b; a -> b", {"a": (), "b": ("a",)}),
        ("größe -> pain_2", {"größe": (), "pain_2": ("größe",)}),
        ("a <-> b", {"a": ("u_a_b",), "b": ("u_a_b",), "u_a_b": ()}),
    ],
)  # fmt: skip
def test_lines_draw_edges(text, families):
    assert drawn(text) == families


def test_a_name_of_several_words_is_read_as_it_was_written():
    graph = CausalGraph.from_text('"hip extension" -> foot-type -> x; hip_extension -> x')
    assert graph.names == ("hip_extension", "foot_type", "x")
    assert [node.label for node in graph.nodes] == ["hip extension", "foot-type", ""]
    assert graph.parents("x") == ("foot_type", "hip_extension")


def test_states_stand_in_the_text_or_beside_it():
    text = 'pain: none, not limiting , "so, so"; age: <40, 40-54, >=55 # years\nage -> pain -> x'
    graph = CausalGraph.from_text(text, {"x": ["low", "high"], "age": [1.0, 2]})
    assert graph.node("pain").states == ("none", "not limiting", "so, so")
    assert graph.node("age").states == ("1", "2")
    assert graph.node("x").states == ("low", "high")
    assert CausalGraph.from_text(text).node("age").states == ("<40", "40-54", ">=55")
    assert CausalGraph.from_text(text).node("x").states == ("no", "yes")


def test_the_outcome_is_said_or_is_the_only_node_without_effects():
    assert CausalGraph.from_text("a -> b").outcome == "b"
    assert CausalGraph.from_text("a -> b; a -> c").outcome is None
    assert CausalGraph.from_text("a -> b; a -> c; b [outcome]").outcome == "b"
    assert CausalGraph.from_text("a -> b; a -> c; b [outcome]", outcome="c").outcome == "c"
    roles = CausalGraph.from_text("a [exposure]; b [latent, adjusted]; a -> c <- b").roles
    assert (roles.exposure, roles.latent, roles.adjusted) == (("a",), ("b",), ("b",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a -> b\nlow back -> c", "line 2: found 'back', expected an arrow, or the end of the"),
        ("a ->", "line 1: found 'the end', expected the name of a node"),
        ("-> a", "line 1: found '->', expected the name of a node"),
        ("a -> -> b", "line 1: found '->', expected the name"),
        ("a + -> b", "expected the name"),
        ("a -- b", "line 1: the edge '--' has no direction; expected ->, <- or <->"),
        ("a --> b", "the edge '-->'"),
        ("a @-> b", "the edge '@->'"),
        ("a -> b }", "found '}', expected"),
        ("{a b -> c", "found 'the end', expected a closing brace"),
        ("a ? b", r"found '\?', expected an arrow"),
        ("'' -> b", "expected the name"),
        ('a -> b; "c', """found '"', expected the quotation mark, or the .* that ends it"""),
        ("a -> b /* c", "found '/.*', expected the quotation mark, or the"),
        ("'!' -> b", "expected the name"),
        ("'a b' -> a-b", "'a b' and 'a-b' would both be called a_b"),
        ("a: no, yes\na: some, none", "other states of a are given above"),
        ('dag { a [states="x|y"] a [states="y|x"] }', "other states of a are given above"),
        ("a: no,\nb -> c; : x", "found ':', expected the name"),
        ("a: ; b", "found ';', expected the label of a state"),
        ("a [outcome", "found 'the end', expected the name of an attribute"),
        ("a -> b [outcome]", "'outcome' is said of an edge here; put it behind the node alone"),
        ("a [o]; b [o]; a -> b", "Several nodes are outcomes: a and b. Choose one"),
        ("{" * 50, "braces within braces, more than 40"),
        ("a -> b -> a", "has a cycle: a -> b -> a"),
        ("a -> a", "a node cannot cause itself"),
        ("", "has no nodes"),
        ("# nothing", "has no nodes"),
    ],
)  # fmt: skip
def test_what_draws_no_graph_is_told_with_its_line(text, message):
    with pytest.raises(GraphError, match=message) as raised:
        CausalGraph.from_text(text)
    assert "\n" not in str(raised.value)


def test_states_of_nobody_are_refused():
    with pytest.raises(GraphError, match=r"given for 'pian', .* \(did you mean 'pain'\?\)"):
        CausalGraph.from_text("a -> pain", {"pian": ["no", "yes"]})
    with pytest.raises(GraphError, match=r"'states' should be a list, .* got a set"):
        CausalGraph.from_text("a -> pain", {"pain": {"no", "yes"}})


def test_many_edges_in_few_words_are_refused():
    many = " ".join(f"n{k}" for k in range(400))
    with pytest.raises(GraphError, match="more than 100,000 edges"):
        CausalGraph.from_text(f"{{{many}}} -> {{{many}}}")


@given(st.integers(0, 10**6), st.sampled_from([" ", "\n", " # here\n", " /* a -> */ "]))
def test_any_graph_can_be_written_in_lines(seed, gap):
    graph = random_graph(np.random.default_rng(seed), 5)
    lines = [f"{node.name}: {', '.join(node.states)}" for node in graph.nodes]
    lines += [f"{edge.cause}{gap}->{gap}{edge.effect}" for edge in graph.edges]
    text = "\n".join([*lines, f"{graph.outcome} [outcome]"])
    assert CausalGraph.from_text(text) == graph
    assert CausalGraph.from_text(text.replace("\n" + graph.names[0], ";" + graph.names[0])) == graph


ARROWS = ["->", "<-", "<->", "--", "@->", "+", ",", ";", "\n", "{", "}", "[", "]", ":", "=", "'",
          '"', "#", "/*", "*/", "dag {", "pag {", "a", "b", "a b", "é", "1", "outcome", "\\", "-",
          "\x00", "\ud800", "?"]  # fmt: skip


@given(st.lists(st.sampled_from(ARROWS), max_size=30).map(" ".join) | st.text(max_size=40))
def test_any_text_draws_a_graph_or_is_refused_in_a_sentence(text):
    for read in (CausalGraph.from_text, CausalGraph.from_dagitty):
        try:
            graph = read(text)
        except GraphError:
            continue
        assert CausalGraph.from_dagitty(graph.to_dagitty()) == graph


@pytest.mark.parametrize("suffix", [".txt", ".dag", ".dagitty", ".TXT"])
def test_a_file_holds_lines_or_dagitty(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    path.write_text("a -> b", encoding="utf-8")
    assert load_graph(path) == CausalGraph.from_text("a -> b", name="mine")
    path.write_text("\n# ours\ndag { a -> b }", encoding="utf-8-sig")
    assert load_graph(path) == CausalGraph.from_text("a -> b", name="mine")
    path.write_text("dag ours { a -> b }", encoding="utf-16")
    assert load_graph(path).name == "ours"
    path.write_bytes(b"a -> \xff")
    with pytest.raises(GraphError, match="line 1: cannot be read as UTF-8 text"):
        load_graph(path)


def test_a_letter_is_the_same_in_one_character_and_in_two():
    assert drawn("scha\u0308den -> b; schäden -> c") == {
        "schäden": (),
        "b": ("schäden",),
        "c": ("schäden",),
    }


def test_a_cause_of_the_period_before_is_a_lagged_edge():
    graph = CausalGraph.from_text("pain[-1] + load [-1] -> stiff -> pain; pain[ -1 ] -> pain")
    pairs = [(edge.cause, edge.effect) for edge in graph.lagged]
    assert pairs == [("pain", "stiff"), ("load", "stiff"), ("pain", "pain")]
    assert [(edge.cause, edge.effect) for edge in graph.edges] == [("stiff", "pain")]
    back = CausalGraph.from_text("stiff <- pain[-1]; stiff -> pain")
    assert [(edge.cause, edge.effect) for edge in back.lagged] == [("pain", "stiff")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x -> y[-1]", r"y\[-1\] -> x"),
        ("x[-1] <-> y", "would act"),
        ("x[-1]", "expected"),
        ("x[-1]: a, b", "expected"),
    ],
)
def test_an_effect_is_never_before_its_cause(text, message):
    with pytest.raises(GraphError, match=message):
        CausalGraph.from_text(text)


@pytest.mark.parametrize("lag", ["[-2]", "[1]", "[0]", "[ - 12 ]"])
def test_no_lag_but_one_is_understood(lag):
    with pytest.raises(GraphError, match=r"line 2: a cause may stand one period .* \[-1\]"):
        CausalGraph.from_text(f"a -> b\nb{lag} -> a", {"a": ["no", "yes"], "b": ["no", "yes"]})
