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
