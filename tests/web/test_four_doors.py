"""One consultation through every door: one target, and the same numbers to the last digit."""

import io
import json
import re

import pypdf
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import backrisk as br
from backrisk.cli.commands import app as shell
from backrisk.fhir import questionnaire_response, risk_assessment
from backrisk.report import person_answers
from backrisk.web import create_app
from backrisk.web.api import V1
from backrisk.words import of_hundred

HEALTHY = {
    **{"age_years": 29, "sex": "female", "height_cm": 170, "weight_kg": 60, "running_years": 4},
    **{"low_mood": "no", "back_pain_episodes": 0, "strength_sessions": 2, "mobility_sessions": 2},
    **{"daily_posture": "mostly upright", "sleep_hours": 8, "warm_up": "dynamic drills"},
    **{"longest_run_week_km": 15, "longest_run_month_km": 14, "shoe_km": 300},
    **{"hard_ground_percent": 40, "back_pain": "no"},
}
LIMITING = {
    **{"age_years": 34, "sex": "female", "height_cm": 168, "weight_kg": 61, "running_years": 5},
    **{"low_mood": "no", "back_pain_episodes": 1, "strength_sessions": 0, "mobility_sessions": 0},
    **{"daily_posture": "mostly slouched", "sleep_hours": 7.5, "warm_up": "not at all"},
    **{"longest_run_week_km": 14, "longest_run_month_km": 13, "shoe_km": 450},
    **{"hard_ground_percent": 80, "plank_seconds": 28, "single_leg_bridge_reps": 9},
    **{"thomas_test_degrees": 8, "hip_tightness_felt": "very tight", "end_run_fatigue": 7},
    **{"running_posture": "bent at the hips or rounded"},
    "back_pain": "yes, and I train less or not at all",
}
PEOPLE = {"healthy": HEALTHY, "limiting": LIMITING, "partly": br.example_person("weak_core")}
TARGETS = {"healthy": "pain", "limiting": "pain>=limiting", "partly": "pain"}


@pytest.fixture(scope="module")
def model():
    return br.example_posterior()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """The model, and the people in both forms that a person file has."""
    place = tmp_path_factory.mktemp("doors")
    model.save(place / "model.nc")
    for name, person in PEOPLE.items():
        saved = {"backrisk": {"date": "2026-11-27", "version": "0"}, "person": person}
        (place / f"{name}.json").write_text(json.dumps(person))
        (place / f"{name}-saved.json").write_text(json.dumps(saved))
    return place


@pytest.fixture(scope="module")
def server(model):
    return TestClient(create_app(model), base_url="http://localhost")


@pytest.fixture(scope="module", params=PEOPLE)
def consultation(request, model):
    return request.param, br.consult(model, PEOPLE[request.param])


def said(*arguments):
    done = CliRunner().invoke(shell, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


def through_json(answer):
    return json.loads(json.dumps(answer.to_dict()))


def flat(text):
    return re.sub(r"-\s+", "-", re.sub(r"\s+", " ", text))


def test_the_target_is_the_one_that_is_reported(consultation):
    name, found = consultation
    assert found.asked == TARGETS[name]
    assert found.looking_back == (name == "limiting")


@pytest.mark.parametrize("form", ["", "-saved"])
def test_shell_and_python_say_the_same(consultation, folder, form):
    name, found = consultation
    asked = ("consult", folder / "model.nc", "--person", folder / f"{name}{form}.json")
    assert json.loads(said(*asked, "--format", "json")) == through_json(found)


def test_http_and_python_say_the_same(consultation, server):
    name, found = consultation
    answered = server.post(f"{V1}/consult", json={"person": PEOPLE[name]})
    assert answered.json() == through_json(found)


def test_the_report_opens_on_the_same_from_python_shell_and_page(consultation, folder, server):
    name, found = consultation
    asked = ("report", folder / "model.nc", "--person", folder / f"{name}.json")
    out = folder / f"{name}.html"
    said(*asked, "--out", out)
    pages = [flat(out.read_text())]
    pdf = server.post(f"{V1}/report.pdf", json={"person": PEOPLE[name]}).content
    pages.append(flat(" ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)))
    for page in pages:
        assert found.headline in page
        assert "Every number is based on 400 draws" in page
        for sentence in found.beside():
            assert flat(sentence) in page


def test_everything_in_the_report_has_the_consultations_target(consultation, model):
    name, found = consultation
    answers = person_answers(model, PEOPLE[name])
    assert answers.consultation.draws.tolist() == found.draws.tolist()
    shown = (answers.shares, answers.advice, answers.undone, answers.questions)
    assert {each.target.label for each in shown if each is not None} == {found.target.label}
    assert (answers.advice is None) == found.looking_back


def test_fhir_says_the_same(consultation, model):
    name, found = consultation
    assessed = risk_assessment(model, questionnaire_response(model, PEOPLE[name]))
    notes = " ".join(note["text"] for note in assessed["note"])
    if found.looking_back:
        assert "prediction" not in assessed
        assert found.headline in notes
    else:
        (prediction,) = assessed["prediction"]
        assert prediction["probabilityDecimal"] == 100 * found.estimate.mean


@pytest.mark.parametrize("question", ["attribute", "recommend", "ask-next"])
def test_every_question_is_about_the_consultations_target(folder, server, question):
    """Whatever the question, a door that is told no target asks about the one reported."""
    name, target = "limiting", "current, limiting low back pain"
    asked = (question, folder / "model.nc", "--person", folder / f"{name}.json", "--format", "json")
    body = {"person": PEOPLE[name]}
    ours = json.loads(said(*asked))
    assert ours["target"] == target
    assert json.loads(said(*asked, "--target", TARGETS[name])) == ours
    theirs = server.post(f"{V1}/{question}", json=body).json()
    assert theirs["target"] == ours["target"]
    number = "bits" if question == "ask-next" else "mean"
    shown = [{row["name"]: row[number] for row in answer["rows"]} for answer in (ours, theirs)]
    assert shown[1] == pytest.approx(shown[0], rel=1e-9, abs=1e-12)


def test_a_question_from_python_says_that_more_is_reported(model):
    """There the target is the graph's outcome, as documented, and what is worse is told."""
    told = "The answers report current, limiting low back pain, and this is about"
    for ask in (br.attribute, br.recommend):
        assert told in ask(model, LIMITING).text, ask(model, LIMITING).text
        assert told not in ask(model, LIMITING, target="pain>=limiting").text


def test_where_only_a_coupling_tells_the_headline_says_so_first(model):
    """An answer that the causes can change is used by the estimate and by no bound."""
    found = br.consult(model, {**LIMITING, "back_pain": "yes, but I train as usual"})
    low, high = found.bounds
    assert low < 0.005
    assert high >= 0.995
    assert found.uninformative
    number = f"about {of_hundred(found.estimate.mean)} ("
    assert found.headline.index("anything from 0 to 100") < found.headline.index(number)


def test_what_would_help_and_what_if_agree(model, server):
    """What the advice promises of a change is what the change does, whatever lies downstream."""
    for person in (PEOPLE["partly"], {**PEOPLE["partly"], "end_run_fatigue": 8}):
        for action in br.recommend(model, person).table.itertuples():
            node, state = action.Index.split("=")
            asked = {"person": person, "do": {node: state}}
            changed = server.post(f"{V1}/what-if", json=asked).json()["answer"]["rows"][2]
            assert changed["mean"] == pytest.approx(-action.mean, abs=1e-12)


@pytest.mark.parametrize("written", ["Sleep Hours", "SLEEP_HOURS", " sleep_hours "])
def test_a_name_that_is_written_otherwise_is_read_or_its_right_name_suggested(
    model, server, folder, written
):
    person = {written: 6}
    answered = server.post(f"{V1}/consult", json={"person": person})
    if answered.status_code != 200:
        assert "did you mean 'sleep_hours'?" in answered.json()["detail"]
        (folder / "odd.json").write_text(json.dumps(person))
        asked = ["consult", str(folder / "model.nc"), "--person", str(folder / "odd.json")]
        told = CliRunner().invoke(shell, asked)
        assert told.exit_code == 2
        assert "sleep_hours" in told.output
    else:
        assert answered.json() == through_json(br.consult(model, {"sleep_hours": 6}))


def test_every_name_that_a_person_file_may_hold_is_read(model, server):
    """States by node too, of nodes that the form asks about in another way."""
    states = {"core_strength": "weak", "fatigue": "high", "pain": "limiting"}
    read = server.post(f"{V1}/read", json={"person": states}).json()
    assert read["evidence"] == states
    assert read["problems"] == []
    asked = br.consult(model, {"core_strength": "strong", "pain": "limiting"})
    assert asked.looking_back
    for node in model.graph.nodes:
        person = {node.name: node.states[-1]}
        assert server.post(f"{V1}/read", json={"person": person}).json()["evidence"] == person


def test_a_healthy_runners_routes_begin_at_nothing_that_nobody_can_change(server):
    routes = server.post(f"{V1}/cascade", json={"person": HEALTHY}).json()["routes"]
    assert not {"age", "sex"} & {route[0] for route in routes}
