"""One source of names: whatever shows a node words it alike, and no word is for nothing."""

from dataclasses import replace

import pytest

from backrisk import CausalGraph, Node, ask_next, load_codebook, load_graph
from backrisk.plotting import plot
from backrisk.words import ENGLISH, language, names_of

WIDE, HARD = ("under_25", "30_plus"), ("10_20", "20_plus")


@pytest.fixture(scope="module")
def graphs():
    runner = load_graph("runner")
    books = [load_codebook(name, runner) for name in ("runner", "clinic")]
    return [load_graph("runner_core"), *(book.extend(runner) for book in books)]


def test_a_figure_words_nodes_as_the_vocabulary_does(core_posterior):
    figure = plot(ask_next(core_posterior, {}))
    ticks = {tick.get_text() for tick in figure.axes[0].get_yticklabels()}
    assert {"hip flexor tightness", "core strength", "compensation"} <= ticks
    assert not any("_" in tick for tick in ticks)


def test_the_vocabulary_comes_first_then_the_graph_then_the_identifier():
    graph = CausalGraph(
        "g",
        (
            Node(
                "bmi",
                ("under_25", "30_plus"),
                label="Quetelet",
                labels=("slim", "heavy"),
                group="a",
            ),
            Node(
                "heel_strike",
                ("10_20", "20_plus"),
                label="heel",
                labels=("soft", "hard"),
                group="b",
            ),
            Node("cadence", HARD, group="b_side"),
        ),
        groups=(("a", "Body"),),
        vocabulary="runner",
    )
    names = names_of(graph)
    assert names.node("bmi") == "body mass index"
    assert names.state("bmi", "30_plus") == "30 or more"
    assert names.node("heel_strike") == "heel"
    assert names.state("heel_strike", "20_plus") == "hard"
    assert names.node("cadence") == "cadence"
    assert names.state("cadence", "10_20") == "10 to 20"
    assert names.node("bmi + cadence") == "body mass index + cadence"
    assert names.pair("heel_strike", "10_20") == "heel: soft"
    assert names.heading("heel_strike") == "Heel"
    assert [names.group(group) for group in ("a", "b_side", "")] == ["Body", "B side", "Questions"]
    assert names_of(replace(graph, vocabulary="")).node("bmi") == "Quetelet"


def test_every_packaged_node_and_state_is_worded_for_lists_and_for_sentences(graphs):
    runner = language(ENGLISH).file("names")["runner"]
    for graph in graphs:
        for node in graph.nodes:
            assert node.name in runner["nodes"]
            assert set(node.states) <= set(runner["states"][node.name])
            assert set(node.states) <= set(runner["phrases"][node.name])
    states = {node.name: set(node.states) for graph in graphs for node in graph.nodes}
    for section in ("phrases", "targets"):
        assert set(runner[section]) <= set(states)
        for node, worded in runner[section].items():
            assert set(worded) <= states[node]
    for worded in runner["phrases"].values():
        for said in worded.values():  # within a sentence; a name keeps its capital
            assert said.replace("Biering-Sørensen", "").replace("Thomas", "").islower()
