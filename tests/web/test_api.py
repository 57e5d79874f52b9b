"""The programming interface: every number is Python's, every refusal says why."""

import os

import pytest
import schemathesis
from hypothesis import given, settings
from prior_core import prior_core
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web_client import CALLS, DO, NO_LIMIT, PERSON, exact, in_chunks, is_problem, post

import backrisk as br
from backrisk.web import create_app
from backrisk.web.api import V1


@pytest.mark.parametrize("call", CALLS)
def test_every_number_is_pythons_exactly(client, posterior, call):
    path, question, ask = CALLS[call]
    response = post(client, path, **question)
    assert response.status_code == 200
    assert response.json() == exact(ask(posterior))


@pytest.mark.parametrize("nothing", ["null", '""', '" "', '"NA"'])
@pytest.mark.parametrize("path", ["/risk", "/read"])
def test_no_answer_is_none_in_any_spelling(client, path, nothing):
    """In a column, in a node that no column bears the name of, and in one that a column does."""
    body = f'{{"person": {{"plank_seconds": {nothing}, "pain": {nothing}, "warm_up": {nothing}}}}}'
    kind = {"content-type": "application/json"}
    response = client.post(f"{V1}{path}", content=body, headers=kind)
    assert response.status_code == 200
    assert response.json()["evidence"] == {}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("path", ["/risk", "/read", "/flags", "/consult"])
def test_what_is_no_number_is_refused_by_the_name_of_its_field(client, path, number):
    body = f'{{"person": {{"plank_seconds": {number}}}}}'
    kind = {"content-type": "application/json"}
    response = client.post(f"{V1}{path}", content=body, headers=kind)
    assert response.status_code == 400
    assert f"'person.plank_seconds': {number}" in response.json()["detail"]


def test_what_is_asked_next_may_leave_out_the_gain(client, posterior):
    short = post(client, "/ask-next", person=PERSON, gain=False).json()
    assert short == exact(br.ask_next(posterior, PERSON, gain=False))
    whole = post(client, "/ask-next", person=PERSON).json()
    left = [{name: row[name] for name in row if name != "gain"} for row in whole["rows"]]
    assert short["rows"] == left


def test_what_if_does_where_it_can_and_looks_back_where_it_must(client, posterior):
    response = post(client, "/what-if", person={"sex": "female"}, do=DO).json()
    assert response["rung"] == "intervene"
    assert response["answer"] == exact(br.intervene(posterior, {"sex": "female"}, DO))
    response = post(client, "/what-if", person=PERSON, do=DO).json()
    assert response["rung"] == "counterfactual"
    assert response["answer"] == exact(br.counterfactual(posterior, PERSON, DO))


def test_the_cascade_names_likely_states(client, posterior):
    found = post(client, "/cascade", person=PERSON).json()
    nodes = {each["node"]: each for each in found["nodes"]}
    assert nodes["sex"] == {
        "node": "sex", "state": "female", "probability": 1.0, "adverse": 1.0, "seen": True,
    }  # fmt: skip
    core = br.diagnose(posterior, PERSON).table.loc["core_strength=strong", "mean"]
    assert nodes["core_strength"]["adverse"] == pytest.approx(1 - core, abs=1e-12)
    assert len(found["edges"]) == len(br.load_graph("runner").edges)


@pytest.mark.parametrize(
    ("path", "question", "words"),
    [
        ("/risk", {"person": {"core_strenght": "weak"}}, "did you mean 'core_strength'?"),
        ("/risk", {"person": {"plank_seconds": -3}}, "expected a number from 0 to 1800 (s)"),
        ("/risk", {"person": {}, "target": "pian"}, "did you mean 'pain'?"),
        ("/attribute", {"person": {}, "method": "necessity"}, "the method 'shapley'"),
        ("/attribute", {"person": {}, "baseline": "helthy"}, "did you mean 'healthy'?"),
        ("/attribute", {"person": {}, "method": "shapely"}, "did you mean 'shapley'?"),
        ("/intervene", {"person": PERSON, "do": DO}, "ask for the counterfactual"),
        ("/what-if", {"person": {}, "do": {"nothing": "no"}}, "'nothing' is"),
        ("/what-if", {"person": {}, "do": {"pain": "none"}}, "itself cannot be set"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(client, path, question, words):
    assert words in is_problem(post(client, path, **question), 422)["detail"]


def test_the_report_is_the_one_that_python_makes(client, posterior):
    from backrisk.report import person_answers, render_person

    response = client.post(V1 + "/report.pdf", json={"person": PERSON})
    assert response.headers["content-type"] == "application/pdf"
    served = posterior.subset(1000)
    assert response.content == render_person(person_answers(served, PERSON), ".pdf")
    assert 'id="pdf"' in client.get("/").text
    refused = client.post(V1 + "/report.pdf", json={"person": {"fatige": "high"}})
    assert refused.status_code in (400, 422)
    assert refused.headers["content-type"] == "application/problem+json"


def test_what_nobody_waits_for_any_more_is_not_begun(app, monkeypatch):
    begun = []
    monkeypatch.setattr("backrisk.web.questions.risk", lambda *_, **__: begun.append(1))
    for _ in range(2 + (os.cpu_count() or 1)):  # and it leaves its turn to others
        assert in_chunks(app, chunks=[b"{}"], gone=True)[0] == 503
    assert not begun


# The statuses that refuse a body: 413 is that of one that is too large.
REFUSED = {"negative_data_rejection": {"expected-statuses": ["400", "413", "415", "422"]}}


@pytest.fixture(scope="module")
def small():
    """The core of the cascade, about which every question is answered at once."""
    return create_app(prior_core(40), limits=NO_LIMIT)


@pytest.mark.parametrize(
    ("of", "mode", "examples"),
    [
        ("small", GenerationMode.POSITIVE, 10),
        ("app", GenerationMode.NEGATIVE, 3),
        pytest.param("app", GenerationMode.POSITIVE, 10, marks=pytest.mark.slow),
        pytest.param("app", GenerationMode.NEGATIVE, 30, marks=pytest.mark.slow),
    ],
)
def test_no_input_breaks_the_contract(request, of, mode, examples):
    """No 5xx, no status, type or shape that the document does not name.

    Which questions there are is the model's matter, not the document's: a person that it does not
    know is rightly refused, so acceptance of well-formed data is not asked.
    """
    app = request.getfixturevalue(of)
    host = {"host": "localhost"}
    config = SchemathesisConfig.from_dict({"checks": REFUSED})
    contract = schemathesis.openapi.from_asgi(
        V1 + "/openapi.json", app, headers=host, config=config
    )
    asked = [found.ok() for found in contract.get_all_operations()]
    assert {operation.path for operation in asked} == set(contract.raw_schema["paths"])
    for operation in asked:

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=examples, derandomize=True)
        def explore(case):
            case.call_and_validate(
                headers=host,
                excluded_checks=[positive_data_acceptance],
                timeout=600,  # no limit that a slow machine would break
            )

        if mode is GenerationMode.POSITIVE or operation.body:
            explore()
