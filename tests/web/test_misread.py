"""What could be misread in silence, at every door: read or refused by one rule for all."""

import json

import pytest
from fastapi.testclient import TestClient
from prior_model import prior_model
from typer.testing import CliRunner
from web_client import NO_LIMIT

import backrisk as br
from backrisk.cli.commands import app as shell
from backrisk.web import create_app
from backrisk.web.api import V1

PERSON = br.example_person("weak_core")
HURTING = {"core_strength": "weak", "pain": "limiting"}
FLAT = " ".join


class Doors:
    """Python, shell and HTTP to one model; each answers with its JSON, or with why it refuses."""

    def __init__(self, folder):
        self.model = prior_model(20)
        self.place = folder / "model.nc"
        self.person = folder / "person.json"
        self.model.save(self.place)
        self.server = TestClient(
            create_app(self.model, limits=NO_LIMIT), base_url="http://localhost"
        )

    def python(self, question, person, **asked):
        """Ask the function."""
        try:
            answer = getattr(br, question)(self.model, person, **asked)
        except br.QueryError as error:
            return str(error)
        return json.loads(json.dumps(answer.to_dict()))

    def shell(self, question, person, **asked):
        """Ask the command."""
        self.person.write_text(json.dumps(person))
        named = {"do": "--do", "target": "--target", "causes": "--cause"}
        options = []
        for name, value in asked.items():
            if isinstance(value, dict):
                value = "".join(f"{node}={state}" for node, state in value.items())
            options += [named.get(name, f"--{name}"), value if isinstance(value, str) else value[0]]
        command = [question.replace("_", "-"), str(self.place), "--person", str(self.person)]
        done = CliRunner().invoke(shell, [*command, *options, "--format", "json"])
        if done.exit_code:
            assert done.exit_code == 2
            return FLAT(done.output.split())
        return json.loads(done.stdout)

    def http(self, question, person, **asked):
        """Ask the address."""
        body = {"person": person, **asked}
        answer = self.server.post(f"{V1}/{question.replace('_', '-')}", json=body)
        if answer.status_code != 200:
            assert 400 <= answer.status_code < 500
            return answer.json()["detail"]
        return answer.json()

    def ask(self, door, question, person, **asked):
        """Ask at one of the doors."""
        return getattr(self, door)(question, person, **asked)


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    return Doors(tmp_path_factory.mktemp("misread"))


DOORS = pytest.mark.parametrize("door", ["python", "shell", "http"])


@DOORS
@pytest.mark.parametrize(
    "question", ["risk", "consult", "attribute", "intervene", "recommend", "ask_next"]
)
def test_an_event_that_always_holds_is_no_target(doors, door, question):
    do = {"do": {"core_strength": "strong"}} if question == "intervene" else {}
    told = doors.ask(door, question, {"sex": "female"}, target="pain>=none", **do)
    assert "Everybody is at 'pain>=none'" in told
    assert "expected one of 'pain>=not_limiting', 'pain>=limiting'" in told


@DOORS
def test_names_are_read_in_any_case_as_states_are(doors, door):
    spelled = {"Core_Strength": "WEAK", " PAIN": "Limiting", "PLANK_seconds": None}
    told = doors.ask(door, "consult", spelled, target="Pain>=LIMITING")
    assert told == doors.ask("python", "consult", HURTING, target="pain>=limiting")
    do, aim = {"core_strength": "strong"}, {"target": "pain"}
    changed = doors.ask(door, "counterfactual", spelled, do={"CORE_strength": "Strong"}, **aim)
    assert changed == doors.ask("python", "counterfactual", HURTING, do=do, **aim)
    causes = doors.ask(
        door, "attribute", spelled, causes=["Core_Strength"], method="necessity", **aim
    )
    asked = {"causes": ["core_strength"], "method": "necessity", **aim}
    assert causes == doors.ask("python", "attribute", HURTING, **asked)


@DOORS
def test_a_name_that_is_given_twice_is_refused_whatever_its_case(doors, door):
    told = doors.ask(door, "risk", {"fatigue": "high", "FATIGUE": "low"})
    assert "'fatigue' is given more than once" in told


@DOORS
def test_a_name_that_is_none_is_told_with_the_nearest(doors, door):
    told = doors.ask(door, "risk", {"FATIGEU": "high"})
    assert "did you mean 'fatigue'?" in told


@DOORS
@pytest.mark.parametrize("mark", ["Backrisk", "backrisk-person-1"])
def test_a_broken_saved_form_is_told_as_one(doors, door, mark):
    told = doors.ask(door, "risk", {mark: {}, "person": PERSON})
    assert f"'{mark}' looks like the mark of a saved person" in told
    told = doors.ask(door, "risk", {"backrisk": "x", "person": PERSON})
    assert "'backrisk' is 'x'" in told
    told = doors.ask(door, "risk", {"backrisk": {}, "person": [1]})
    assert "'person' is [1]" in told


@DOORS
@pytest.mark.parametrize("nothing", [None, "", " "])
def test_null_and_blank_are_no_answers(doors, door, nothing):
    told = doors.ask(door, "risk", {"age": nothing, "plank_seconds": nothing, "sex": "female"})
    assert told["evidence"] == {"sex": "female"}


JSON = {"content-type": "application/json"}
BODIES = {
    "nothing": (b"", JSON, 400, "The body is empty"),
    "blanks": (b"  ", JSON, 400, "The body is empty"),
    "no JSON": (b"{", JSON, 400, "The body"),
    "text": (b"{}", {"content-type": "text/plain"}, 415, "called 'text/plain'"),
    "a form": (
        b"a=1",
        {"content-type": "application/x-www-form-urlencoded"},
        415,
        "expected 'application/json'",
    ),
    "no kind": (b"{}", {}, 415, "does not say what it is"),
    "a list": (b"[]", JSON, 422, "Expected an object"),
    "an unknown field": (b'{"x": 1}', JSON, 422, "There is no field of this name"),
    "a number that is none": (b'{"person": {"age": NaN}}', JSON, 400, "'person.age': NaN"),
    "a name twice": (b'{"person": {"a": 1, "a": 2}}', JSON, 400, "'a' is repeated"),
    "too much": (b'{"person": "' + b"x" * 70_000 + b'"}', JSON, 413, "larger than"),
}
QUESTIONS = (
    *("read", "flags", "consult", "risk", "diagnose", "cascade", "intervene", "counterfactual"),
    *("what-if", "attribute", "recommend", "ask-next", "follow-up"),
)


@pytest.mark.parametrize("path", QUESTIONS)
@pytest.mark.parametrize("body", BODIES)
def test_every_address_says_in_a_sentence_what_is_wrong_with_a_body(doors, path, body):
    content, headers, status, told = BODIES[body]
    answer = doors.server.post(f"{V1}/{path}", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    details = [answer.json()["detail"], *(e["detail"] for e in answer.json().get("errors", ()))]
    assert any(told in detail for detail in details), details


@pytest.mark.parametrize("path", [q for q in QUESTIONS if q != "follow-up"])
@pytest.mark.parametrize("answer", [[1], {"a": 1}, [], {"x": [None]}])
def test_an_answer_of_a_wrong_kind_is_told_once_by_the_name_of_its_field(doors, path, answer):
    told = doors.server.post(f"{V1}/{path}", json={"person": {"age": answer}}).json()
    about = [each for each in told["errors"] if "age" in each["pointer"]]
    kinds = "Expected one word, one number, true, false or null."
    assert about == [{"pointer": "#/person/age", "detail": kinds}]


def test_a_limit_of_one_is_told_as_one(doors):
    told = doors.server.post(f"{V1}/intervene", json={"person": {}, "do": {}}).json()["detail"]
    assert told.endswith("Expected at least 1 entry.")
    long = {str(number): 1 for number in range(300)}
    told = doors.server.post(f"{V1}/risk", json={"person": long}).json()["detail"]
    assert told.endswith("Expected at most 200 entries.")
    told = doors.server.post(f"{V1}/risk", json={"person": {"a" * 5000: 1}}).json()
    assert told["errors"][0]["detail"] == "Expected at most 100 characters."
    assert len(told["detail"]) < 200
    told = doors.server.post(f"{V1}/ask-next", json={"person": {}, "gain": "yes"}).json()
    assert told["errors"] == [{"pointer": "#/gain", "detail": "Expected true or false."}]
