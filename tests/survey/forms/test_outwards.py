"""A codebook goes out as a data dictionary and comes back as the codebook that it was."""

import csv
import io
import re

import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, load_graph
from backrisk.survey import (
    Codebook,
    draft_codebook,
    load_codebook,
    packaged_codebooks,
    redcap_dictionary,
)
from backrisk.survey.forms.outwards import renamed
from backrisk.survey.forms.redcap import HEADER
from tests.survey._small import GRAPH, book, contents


def came_back(codebook, graph, tmp_path):
    out, back = tmp_path / "dictionary.csv", tmp_path / "back.yaml"
    out.write_text(redcap_dictionary(codebook), encoding="utf-8")
    draft = draft_codebook(graph=graph, dictionary=out)
    assert draft.decide == ()
    back.write_text(draft.text, encoding="utf-8")
    return load_codebook(back, graph)


def lowered(codebook):
    """Return a codebook's contents with the names that REDCap gives its columns."""
    data = codebook.to_dict()
    names = {name: name.lower() for name in codebook.known}
    columns = {names[name]: spec for name, spec in data.pop("columns").items()}
    return {**renamed(data, names), "columns": {k: renamed(s, names) for k, s in columns.items()}}


def compared(data):
    """Return what of a codebook's contents has to stay; REDCap has columns of its own to ignore."""
    return {key: value for key, value in data.items() if key not in ("ignore", "columns")}


@pytest.mark.parametrize("name", packaged_codebooks())
def test_a_packaged_codebook_comes_back(name, tmp_path):
    codebook = load_codebook(name)
    back = came_back(codebook, load_graph(codebook.graph), tmp_path)
    data, returned = lowered(codebook), back.to_dict()
    assert compared(data) == compared(returned)
    assert list(data["columns"]) == list(returned["columns"])
    for column, spec in data["columns"].items():
        found = returned["columns"][column]
        labels, choices = spec.pop("labels", {}), found.pop("choices", {})
        codes = found.pop("labels", {})
        assert {choices.get(code, code): state for code, state in codes.items()} == labels
        assert found == spec
        for label in labels:  # the words of the questionnaire and REDCap's codes say the same
            code = next((c for c, text in choices.items() if text == label), label)
            read = back.columns[column].read
            assert read(code, back.missing) == read(label, back.missing) == labels[label]


@pytest.mark.parametrize("name", packaged_codebooks())
def test_what_came_back_goes_out_as_before(name, tmp_path):
    codebook = load_codebook(name)
    back = came_back(codebook, load_graph(codebook.graph), tmp_path)
    again = came_back(back, load_graph(codebook.graph), tmp_path)
    assert again == back


@pytest.mark.parametrize("name", packaged_codebooks())
def test_redcap_takes_every_name_and_code(name):
    rows = list(csv.DictReader(io.StringIO(redcap_dictionary(load_codebook(name)))))
    names = [row[HEADER[0]] for row in rows]
    assert len(set(names)) == len(names)
    for row in rows:
        assert tuple(row) == HEADER
        assert re.fullmatch(r"[a-z][a-z0-9_]*", row[HEADER[0]])
        for choice in filter(None, row[HEADER[5]].split(" | ")):
            code, _, label = choice.partition(", ")
            assert re.fullmatch(r"[A-Za-z0-9._-]+", code)
            assert label


def test_the_mark_between_choices_does_not_break_a_label(tmp_path):
    data = contents()
    data["columns"]["warm_up"]["labels"] = {"drills | strides": "dynamic", "no": "none"}
    codebook = Codebook.from_dict(data, GRAPH)
    back = came_back(codebook, GRAPH, tmp_path)
    assert back.encode_answer("warm_up", "drills_strides") == ("warm_up", "dynamic")


def test_a_question_that_is_not_always_asked_keeps_its_condition(tmp_path):
    data = contents()
    data["columns"]["warm_up"]["asked_if"] = {"when": "[week] > 3", "else": "none"}
    codebook = Codebook.from_dict(data, GRAPH)
    rows = list(csv.DictReader(io.StringIO(redcap_dictionary(codebook))))
    assert {row[HEADER[11]] for row in rows} == {"", "[week] > 3"}
    back = came_back(codebook, GRAPH, tmp_path)
    assert back.columns["warm_up"].asked_if == codebook.columns["warm_up"].asked_if


def test_a_range_that_is_open_stays_open(tmp_path):
    data = contents()
    data["columns"]["kg"]["range"] = [30, float("inf")]
    back = came_back(Codebook.from_dict(data, GRAPH), GRAPH, tmp_path)
    assert back.columns["kg"].range == (30, float("inf"))


def test_what_the_clinic_changed_counts(tmp_path):
    text = redcap_dictionary(book()).replace("drills, drills", "drills, Drills | jog, Jogging")
    out = tmp_path / "dictionary.csv"
    out.write_text(text.replace("30,200", "20,300"), encoding="utf-8")
    draft = draft_codebook(graph=GRAPH, dictionary=out)
    (asked,) = draft.decide
    assert asked.startswith("columns.warm_up.labels: ")
    back = tmp_path / "back.yaml"
    back.write_text(draft.text.replace('jog: "?"', "jog: dynamic"), encoding="utf-8")
    found = load_codebook(back, GRAPH)
    assert found.encode_answer("warm_up", "Jogging") == ("warm_up", "dynamic")
    assert found.columns["kg"].range == (20, 300)


def test_two_columns_of_one_name_in_redcap_are_refused():
    data = contents()
    data["columns"]["KG"] = data["columns"]["kg"]
    with pytest.raises(SurveyError, match="'kg' and 'KG' would both be 'kg' in REDCap"):
        redcap_dictionary(Codebook.from_dict(data, GRAPH))


def test_a_condition_on_a_column_of_several_words_is_renamed_with_it():
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    when = "[Was it so?] = 'yes' and [ Was it so? ] <> ''"
    columns = {"Was it so?": {"node": "a"}, "b": {"node": "b", "asked_if": {"when": when}}}
    made = Codebook.from_dict({"name": "n", "graph": "graph", "columns": columns}, graph)
    assert "[was_it_so] = 'yes' and [was_it_so ] <> ''" in redcap_dictionary(made)
