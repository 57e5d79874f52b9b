"""The pseudo-language: every sentence other, longer, and still to be filled in."""

import re
from collections.abc import Iterator, Mapping

import pytest

from backrisk import CausalGraph, load_codebook, load_graph
from backrisk.words import language, names_of, say, speaking
from tests.pseudo import (
    CODE,
    accented,
    reworded,
    reworded_codebook,
    reworded_graph,
    write,
)

CODE_SPAN = re.compile("`[^`]*`")
PLACE = re.compile(r"\{[^{}]*\}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("languages"))


def leaves(tree, at=()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, (*at, key))
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from leaves(value, (*at, str(place)))
    else:
        yield at, tree


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("Risk", "Ŕííšķ"),
        ("{share} of {target}", "{share} óóƒ {target}"),
        ("**No** <br> &amp;", "**Ñóó** <br> &amp;"),
        ("see `plank_seconds` and --allow-host", "šéééé `plank_seconds` ááñð --allow-host"),
        ("backrisk 1.0", "backrisk 1.0"),
        (".", "."),
        ("{number} %", "{number} %"),
    ],
)
def test_letters_change_and_what_programs_read_stays(plain, other):
    assert accented(plain) == other


def test_no_letter_is_left_plain_and_each_stays_apart():
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert not set(accented(letters)) & set(letters)
    assert len(set(accented(letters))) == len(letters)


def test_a_sentence_grows_by_about_two_fifths():
    plain = "Answers are sent to this server to be read and are not stored."
    assert 1.25 * len(plain) < len(accented(plain)) < 1.5 * len(plain)


def test_keys_numbers_and_shape_stay():
    tree = {"no": "yes", "deep": {"one": ["a {n}", 2, True, None]}}
    assert reworded(tree) == {"no": "ýýééš", "deep": {"one": ["áá {n}", 2, True, None]}}


def places(text):
    """What a sentence has places for; the words of one and many at a place are translated."""
    return sorted(place.partition(":")[0].strip("{}") for place in PLACE.findall(str(text)))


def test_every_file_is_written_with_the_same_keys_and_places(folder):
    english, other = language("en"), language(folder)
    assert other.code == CODE
    for file in folder.iterdir():
        ours = dict(leaves(english.file(file.stem)))
        theirs = dict(leaves(other.file(file.stem)))
        assert list(ours) == list(theirs)
        for key, text in ours.items():
            assert places(text) == places(theirs[key])
    with speaking(folder):
        assert say("phrases.disclaimer") == accented("Decision support, not a diagnosis.")


def test_a_graph_and_a_codebook_say_nothing_plain_and_mean_the_same(folder):
    plain = load_graph("runner")
    graph = CausalGraph.from_dict(reworded_graph(plain.to_dict()))
    assert graph.names == plain.names
    assert [edge.prior for edge in graph.edges] == [edge.prior for edge in plain.edges]
    with speaking(folder):
        names = names_of(graph)
        told = [names.node(name) for name in graph.names]
        told += [names.state(node.name, state) for node in graph.nodes for state in node.states]
        told += [names.group(node.group) for node in graph.nodes]
    told += [graph.title, graph.description, *(edge.claim for edge in graph.edges)]
    assert not [text for text in told if re.search("[A-Za-z]", CODE_SPAN.sub("", text))]
    book = load_codebook("runner", plain)
    other = type(book).from_dict(reworded_codebook(book.to_dict()), graph)
    label, state = next(iter(book.columns["sex"].labels.items()))
    assert other.columns["sex"].labels[accented(label)] == state
    assert other.columns["plank_seconds"].cuts == book.columns["plank_seconds"].cuts
