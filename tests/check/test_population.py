"""The file of a population: what it may hold, and one sentence for each mistake."""

import os
from pathlib import Path

import pytest

from backrisk import QueryError, load_graph
from backrisk.check import Population, read_population

GRAPH = load_graph("runner_core")
SOUND = """
name: the clinic
source: A paper, 2024.
differs: [fatigue, pain]
shares:
  fatigue: {counts: {low: 10, moderate: 20, high: 10}}
  pain>=limiting: {share: 0.1, low: 0.05, high: 0.19}
"""


def read(text, path):
    path.write_text(text)
    return read_population(path, GRAPH)


def test_a_sound_file_is_read(tmp_path):
    found = read(SOUND, tmp_path / "there.yaml")
    assert (found.name, found.source) == ("the clinic", "A paper, 2024.")
    fatigue, pain = found.margins
    assert fatigue.shares == (0.25, 0.5, 0.25)
    assert fatigue.people == 40
    assert (pain.first, pain.shares) == (2, (0.9, 0.1))
    # The half-width in log odds of a Beta(0.1 n, 0.9 n), by the delta method.
    assert pain.people == pytest.approx(1.96**2 * 4 / (0.1 * 0.9 * 1.494538**2) - 1, rel=1e-3)


def test_json_is_read_too(tmp_path):
    text = '{"name": "there", "differs": ["pain"], "shares": {"pain": {"share": 0.2, "people": 9}}}'
    (margin,) = read(text, tmp_path / "there.json").margins
    assert (margin.people, margin.first) == (9, 1)


WRONG = {
    "- a": "should be a mapping",
    "{name: x, differs: [], shape: 1}": "the key 'shape', which is not known",
    "{differs: []}": "does not name the population",
    "{name: x, shares: {pain: 0.2}}": "does not name the selection diagram",
    "{name: x, differs: pain}": "'differs' should be a list",
    "{name: x, differs: [pains]}": "did you mean 'pain'",
    "{name: x, differs: [pain, pain]}": "names 'pain' twice",
    "{name: x, differs: [], shares: [1]}": "'shares' should be a mapping",
    "{name: x, differs: [], joint: {a: 1}}": "'joint' should be a list",
    "{name: x, differs: [], joint: [3]}": "'joint' should be a list",
    "{name: x, differs: [], shares: {pain: 1.2}}": "expected a number between 0.0 and 1.0",
    "{name: x, differs: [], shares: {pain: true}}": "expected a number between",
    "{name: x, differs: [], shares: {pain: {share: 0.1, people: 0}}}": "expected a number above",
    "{name: x, differs: [], shares: {pain: {share: 0.1, se: 0.4}}}": "more than any share can have",
    "{name: x, differs: [], shares: {pain: {share: 0.1, se: 0.1, people: 3}}}": "in one way",
    "{name: x, differs: [], shares: {pain: {share: 0.1, low: 0.05}}}": "in one way",
    "{name: x, differs: [], shares: {pain: {share: 0.1, probability: 0.9}}}": "in one way",
    "{name: x, differs: [], shares: {pain: {share: 0.1, low: 0.2, high: 0.3}}}": "does not hold",
    "{name: x, differs: [], shares: {pain>=bad: 0.2}}": "has no state 'bad'",
    "{name: x, differs: [], shares: {pain>=none: 0.2}}": "is true of everybody",
    "{name: x, differs: [], shares: {pain>=limiting: {counts: {a: 1}}}}": "is an event",
    "{name: x, differs: [], shares: {pain: {counts: {none: 3}}}}": "one number for each of",
    "{name: x, differs: [], shares: {pain: {counts: 3}}}": "one number for each of",
    "{name: x, differs: [], shares: {pain: {people: 3}}}": "either 'shares' or 'counts'",
    "{name: x, differs: [], shares: {pelvic_tilt: {shares: {neutral: 0.5, anterior: 0.4}}}}": (
        "sum to 0.900"
    ),
    "{name: x, differs: [], shares: {pain: {counts: {none: 5, not_limiting: 0, limiting: 2}}}}": (
        "expected a number above 0.0"
    ),
    "{name: x, differs: [], joint: [{nodes: [fatigue], counts: [1, 2]}]}": "(3,), got (2,)",
    "{name: x, differs: [], joint: [{nodes: [fatigue], counts: [1, 2, 0]}]}": "is not above 0",
    "{name: x, differs: [], joint: [{nodes: [fatigue], counts: [1, 2, a]}]}": "of shape (3,)",
    "{name: x, differs: [pain], shares: {pain: 0.1, pain>=limiting: 0.1}}": "'pain' twice",
    "{name: x, differs: [": "not valid YAML",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_in_one_sentence(text, tmp_path):
    with pytest.raises(QueryError) as told:
        read(text, tmp_path / "there.yaml")
    sentence = " ".join(str(told.value).split())
    assert WRONG[text] in sentence
    assert "there.yaml" in sentence


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(QueryError, match=r"nothing\.yaml cannot be read"):
        read_population(tmp_path / "nothing.yaml", GRAPH)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "there.yaml")
    with pytest.raises(QueryError, match="is a pipe or a device, expected a file"):
        read_population(tmp_path / "there.yaml", GRAPH)


def test_the_mapping_itself_may_be_given():
    data = {"name": "x", "differs": ("pain",), "shares": {"pain": 0.2}}
    assert Population.from_dict(data, GRAPH).differs == ("pain",)


def test_the_population_that_comes_along_is_read_for_the_packaged_graph():
    path = Path(__file__).parents[2] / "data" / "populations" / "running_clinic.yaml"
    found = read_population(path, load_graph("runner"))
    (joint,) = found.joints
    assert joint.people == 1395
    assert {each.node for each in found.margins} == {"pain", "running_experience"}
