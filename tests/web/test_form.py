"""The form: which questions there are, and how answers are read."""

from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from web_client import post

import backrisk as br
from backrisk.queries import make_form, read_form
from backrisk.web import create_app


def test_every_node_is_a_topic_and_every_column_stands_once(posterior):
    form = make_form(posterior.graph, posterior.codebook)
    topics = [topic for group in form for topic in group.topics]
    inner = [n.name for n in posterior.graph.nodes if n.name not in posterior.graph.items]
    assert sorted(topic.node.name for topic in topics) == sorted(inner)
    asked = [q.name for topic in topics for q in topic.questions]
    assert len(asked) == len(set(asked))
    assert set(posterior.codebook.columns) <= set(asked)
    by_node = {topic.node.name: topic.questions for topic in topics}
    assert [q.name for q in by_node["bmi"]] == ["height_cm", "weight_kg", "bmi"]
    assert [q.kind for q in by_node["sex"]] == ["choice"]  # its labels are the node's states
    assert [q.kind for q in by_node["lumbar_load"]] == ["state"]


def test_the_form_is_read_as_the_codebook_reads_it(client):
    answers = {"plank_seconds": 35, "height_cm": 170, "weight_kg": 80, "back_pain": "no"}
    reading = post(client, "/read", person=answers).json()
    assert reading["accepted"] == answers
    assert reading["problems"] == []
    assert reading["evidence"] == {"plank_seconds": "weak", "bmi": "25_29", "pain": "none"}
    said = {one["question"]: (one["node"], one["state"]) for one in reading["says"]}
    assert said["plank_seconds"] == ("core_strength", "weak")
    assert said["height_cm"] == ("bmi", "25_29")


def test_what_cannot_be_read_is_left_out_and_said(client, posterior):
    answers = {"age_years": 44, "plank_seconds": "long", "age": "55_plus", "sex": "female"}
    reading = post(client, "/read", person=answers).json()
    assert reading["accepted"] == {"age_years": 44, "sex": "female"}
    problems = {one["question"]: one["detail"] for one in reading["problems"]}
    assert "expected a number from 0 to 1800 (s)" in problems["plank_seconds"]
    assert "'age_years' says age" in problems["age"]
    assert read_form(posterior, {}).evidence == {}


def test_a_model_without_codebook_asks_for_states():
    graph = br.CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    posterior = br.Posterior.from_cpts(graph, cpts)
    client = TestClient(create_app(posterior), base_url="http://localhost")
    assert post(client, "/risk", person={"x": "yes"}).json()["rows"][0]["mean"] == 0.8
    page = client.get("/").text
    assert 'name="x"' in page
    assert "a model given without a survey" in page


QUESTIONS = [
    question
    for group in make_form(br.load_graph("runner"), br.load_codebook("runner"))
    for topic in group.topics
    for question in topic.questions
]


@st.composite
def filled(draw):
    """A form as a person may leave it: mostly sensible, some of it not."""
    person = {}
    for question in draw(st.lists(st.sampled_from(QUESTIONS), max_size=8, unique=True)):
        if question.options:
            good = st.sampled_from(question.options)
        else:
            good = st.floats(question.low, question.high) | st.integers(-5, 50)
        person[question.name] = draw(good | st.text(max_size=5) | st.none())
    return person


@given(filled())
@settings(max_examples=60)
def test_however_the_form_is_filled_what_was_accepted_can_be_asked(client, person):
    reading = post(client, "/read", person=person)
    assert reading.status_code == 200
    accepted = reading.json()["accepted"]
    assert set(accepted) | {one["question"] for one in reading.json()["problems"]} == set(person)
    answer = post(client, "/risk", person=accepted)
    assert answer.status_code == 200
    assert answer.json()["evidence"] == reading.json()["evidence"]
