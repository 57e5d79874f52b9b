"""``backrisk fhir``: the Python functions at the shell."""

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("fhir.resources")

from backrisk.cli import app
from backrisk.fhir import guidance_response, questionnaire, questionnaire_response, risk_assessment

run = CliRunner()
ANSWERS = {"km": 50, "nap": "yes, often"}


@pytest.fixture(scope="module")
def model(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.nc"
    small.save(path)
    return path


@pytest.fixture
def files(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def said(*arguments):
    result = run.invoke(app, ["fhir", *map(str, arguments)])
    return result.exit_code, result.stdout, " ".join(result.output.split())


def made(*arguments):
    code, text, told = said(*arguments)
    assert code == 0, told
    return json.loads(text)


def test_the_commands_print_what_the_functions_return(model, small, files):
    person = files("p.json", ANSWERS)
    assert made("questionnaire", model) == questionnaire(small)
    response = made("response", model, "--person", person, "--subject", "Patient/7")
    assert response == questionnaire_response(small, ANSWERS, subject="Patient/7")
    sent = files("r.json", response)
    assert made("person", model, "--response", sent) == ANSWERS
    assert made("assess", model, "--response", sent) == risk_assessment(small, response)
    assert made("guide", model, "--response", sent) == guidance_response(small, response)


def test_an_address_of_ones_own(model, files):
    url = "https://example.org/q"
    assert made("questionnaire", model, "--url", url)["url"] == url
    person = files("p.json", ANSWERS)
    sent = files("r.json", made("response", model, "--person", person, "--url", url))
    assert made("person", model, "--response", sent, "--url", url) == ANSWERS
    assert said("person", model, "--response", sent)[0] == 2


def test_a_file_is_written_and_named(model, tmp_path):
    out = tmp_path / "form.json"
    code, _, told = said("questionnaire", model, "--out", out)
    assert (code, told.endswith("form.json written.")) == (0, True)
    assert json.loads(out.read_text())["resourceType"] == "Questionnaire"


def test_what_was_not_read_is_told_beside_the_person(model, small, files):
    response = questionnaire_response(small, ANSWERS)
    response["item"].append({"linkId": "shoe", "answer": [{"valueString": "old"}]})
    code, text, told = said("person", model, "--response", files("r.json", response))
    assert (code, json.loads(text)) == (0, ANSWERS)
    assert "The item 'shoe' is not one of this questionnaire" in told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ([], "found []"),
        ({"resourceType": "Patient"}, "the resourceType is 'Patient'"),
        ({"resourceType": "QuestionnaireResponse"}, "status is not as FHIR R4 has it"),
    ],
)
def test_a_mistake_is_a_sentence(model, files, content, words):
    for command in ("person", "assess", "guide"):
        code, _, told = said(command, model, "--response", files("r.json", content))
        assert code == 2
        assert words in told
        assert "r.json" in told


def test_a_file_that_is_not_there_is_told(model, tmp_path):
    code, _, told = said("assess", model, "--response", tmp_path / "none.json")
    assert code == 2
    assert "none.json" in told
