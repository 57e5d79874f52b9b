"""The form as a Questionnaire: every question once, as the page has it, and nothing required."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import backrisk as br
from backrisk.fhir import FhirError, questionnaire, questionnaire_url
from backrisk.fhir.asking import form_version, items_in, outline
from backrisk.fhir.terms import HIDDEN, LEAST, MOST, UNIT, codes_of
from backrisk.queries import make_form
from backrisk.survey import Codebook
from backrisk.words import speaking
from tests.over_time_model import over_time_model
from tests.pseudo import CODE, write

CODE_OF_FHIR = re.compile(r"[^\s]+(\s[^\s]+)*")


def flat(items):
    for item in items:
        yield item
        yield from flat(item.get("item", []))


def by_link(form):
    return {item["linkId"]: item for item in flat(form["item"])}


def extended(item):
    return {
        each["url"]: next(value for key, value in each.items() if key != "url")
        for each in item.get("extension", [])
    }


def test_the_questions_stand_as_on_the_page(posterior):
    written = questionnaire(posterior)["item"]
    for group, made in zip(make_form(posterior.graph, posterior.codebook), written, strict=False):
        topics = [topic for topic in group.topics if topic.questions]
        found = [[q["linkId"] for q in topic["item"]] for topic in made["item"]]
        assert found == [[q.name for q in topic.questions] for topic in topics]


def test_no_link_stands_twice_and_nothing_is_required(posterior, at_sites, small):
    for model in (posterior, at_sites, small):
        form = questionnaire(model)
        links = [item["linkId"] for item in flat(form["item"])]
        assert len(links) == len(set(links))
        assert not any("required" in item or "repeats" in item for item in flat(form["item"]))


def test_a_number_has_its_unit_and_its_bounds(posterior):
    items = by_link(questionnaire(posterior))
    numbers = {n: c for n, c in posterior.codebook.columns.items() if c.type == "number"}
    assert numbers
    for name, column in numbers.items():
        told = extended(items[name])
        assert items[name]["type"] == "decimal"
        assert (told[LEAST], told[MOST]) == column.range
        assert told[UNIT]["display"] == column.unit
    assert extended(items["weight_kg"])[UNIT]["code"] == "kg"
    assert "code" not in extended(items["foot_posture_index"])[UNIT]


def test_a_choice_offers_the_codebooks_labels_or_the_nodes_states(posterior):
    items = by_link(questionnaire(posterior))
    for name, column in posterior.codebook.columns.items():
        if column.type == "label":
            shown = [o["valueCoding"]["display"] for o in items[name]["answerOption"]]
            assert shown == list(column.options)
    for name in ("compensation", "core_strength", "fatigue"):  # unasked, examined, rough
        codes = [o["valueCoding"]["code"] for o in items[name]["answerOption"]]
        assert codes == list(posterior.graph.node(name).states)


def test_what_the_form_does_not_ask_as_such_stands_hidden(posterior):
    *_, hidden = questionnaire(posterior)["item"]
    assert extended(hidden) == {HIDDEN: True}
    asked = {
        q.name
        for group in make_form(posterior.graph, posterior.codebook)
        for topic in group.topics
        for q in topic.questions
        if q.kind == "state"
    }
    names = {item.name for item in items_in(outline(posterior)) if item.link.startswith("state:")}
    assert names == set(posterior.graph.names) - asked
    assert len(hidden["item"]) == len(names)


def test_only_what_a_terminology_surely_means_is_coded(posterior):
    coded = {
        link: item["code"][0]["code"]
        for link, item in by_link(questionnaire(posterior)).items()
        if "code" in item
    }
    assert coded == {"sex": "76689-9", "height_cm": "8302-2", "weight_kg": "29463-7"}


def test_the_version_follows_what_answers_mean_and_not_the_language(small, tmp_path):
    data = small.codebook.to_dict()
    data["columns"]["km"]["cuts"] = [60]
    moved = replace(small, codebook=Codebook.from_dict(data, small.graph))
    assert form_version(moved) != form_version(small)
    assert questionnaire_url(moved) == questionnaire_url(small)
    english = questionnaire(small)
    write(tmp_path)
    with speaking(tmp_path / CODE):
        other = questionnaire(small)
    assert other["version"] == english["version"]
    assert [i["linkId"] for i in flat(other["item"])] == [
        i["linkId"] for i in flat(english["item"])
    ]


def test_an_address_of_ones_own_is_taken(small):
    assert questionnaire(small, url="https://example.org/q")["url"] == "https://example.org/q"


def test_a_graph_without_a_codebook_is_asked_for_its_states():
    graph = br.CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["x", "y", "z"]})
    model = br.Posterior.from_cpts(graph, {"a": [[0.5, 0.5]], "b": [[[0.2, 0.3, 0.5]] * 2]})
    form = questionnaire(model)
    questions = [item for item in flat(form["item"]) if item["type"] != "group"]
    assert [item["linkId"] for item in questions] == ["b", "a"]  # the outcome first
    assert not form["experimental"]


def test_sites_are_asked_where_there_are_some(at_sites, posterior):
    options = by_link(questionnaire(at_sites))["site:"]["answerOption"]
    assert [o["valueCoding"]["code"] for o in options] == ["Oslo", "Åre", "new", "average"]
    assert "site:" not in by_link(questionnaire(posterior))


def test_a_question_may_bear_the_link_of_a_heading(small):
    columns = {"state:sore": {"node": "sore"}, "topic:load": {"node": "load"}}
    data = {"name": "odd", "graph": small.graph.name, "columns": columns}
    odd = replace(small, codebook=Codebook.from_dict(data, small.graph))
    links = [item["linkId"] for item in flat(questionnaire(odd)["item"])]
    assert len(links) == len(set(links))
    assert {"state:sore", ":state:sore", "topic:load", ":topic:load"} <= set(links)


def test_a_model_over_time_is_refused_in_a_sentence():
    with pytest.raises(FhirError, match="over time"):
        questionnaire(over_time_model(2))


@given(st.lists(st.text(max_size=6), unique=True, max_size=6))
def test_every_label_has_a_code_of_its_own_that_fhir_accepts(labels):
    codes = codes_of(labels)
    assert len(set(codes)) == len(labels)
    assert all(CODE_OF_FHIR.fullmatch(code) for code in codes)


def test_the_packages_rules_find_nothing(posterior, small, at_sites):
    rules = pytest.importorskip("fhir.resources.R4B.questionnaire").Questionnaire
    for model in (posterior, small, at_sites):
        rules.model_validate(questionnaire(model))
