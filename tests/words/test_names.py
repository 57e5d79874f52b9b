"""One source of names: whatever shows a node words it alike, and no word is for nothing."""

import pytest

from backrisk import CausalGraph, Posterior, ask_next, load_codebook, load_graph, risk
from backrisk.plotting import plot
from backrisk.words import ENGLISH, language, names


@pytest.fixture(scope="module")
def graphs():
    runner = load_graph("runner")
    books = [load_codebook(name, runner) for name in ("runner", "clinic")]
    return [load_graph("runner_core"), *(book.extend(runner) for book in books)]


def test_no_word_is_for_a_node_or_state_that_is_not_there(graphs):
    states = {node.name: set(node.states) for graph in graphs for node in graph.nodes}
    assert set(names().sections["nodes"]) <= set(states)
    for node, worded in names().sections["states"].items():
        assert set(worded) <= states[node]


def test_a_figure_words_nodes_the_same(core_posterior):
    figure = plot(ask_next(core_posterior, {}))
    ticks = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    graph = core_posterior.graph
    assert sorted(ticks) == sorted(names().node(n) for n in graph.names if n != graph.outcome)


def test_what_is_not_listed_is_worded_from_its_name_and_sets_part_by_part():
    assert names().node("heel_strike") == "heel strike"
    assert names().state("heel_strike", "10_20") == "10 to 20"
    assert names().node("bmi + heel_strike") == "body mass index + heel strike"
    assert names().pair("bmi", "25_plus") == "body mass index: 25 or more"


def test_the_average_is_found_once_and_cannot_be_changed():
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    posterior = Posterior.from_cpts(graph, cpts)
    first = risk(posterior, {}, target="y")
    first.average[:] = 2.0  # one's own copy
    assert risk(posterior, {}, target="y").average.tolist() == [0.55]
    assert posterior.marginal("y") is posterior.marginal("y")
    with pytest.raises(ValueError, match="read-only"):
        posterior.marginal("y")[:] = 0.0


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
