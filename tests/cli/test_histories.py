"""Questions about a history: read from a list of visits or a table, refused in one sentence."""

import json

import numpy as np
import pytest
from histories import chain
from typer.testing import CliRunner

import backrisk as br
from backrisk.cli import app, console

HISTORY = [{"x": "yes", "y": "no"}, {}, {"y": "yes"}]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model over time; its target is named, for its graph has no outcome."""
    path = tmp_path_factory.mktemp("chain") / "chain.nc"
    chain().save(path)
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model that was fitted on a panel, whose codebook says how it was read."""
    folder = tmp_path_factory.mktemp("fitted")
    graph = folder / "small.txt"
    graph.write_text("x -> y\nx[-1] -> x\ny[-1] -> y\n")
    lines = ["who,day,x,y"]
    rng = np.random.default_rng(0)
    for who in range(40):
        for day in (0, 7, 14):
            x, y = rng.integers(0, 2, 2)
            lines.append(f"{who},{day},{'no yes'.split()[x]},{'no yes'.split()[y]}")
    (folder / "visits.csv").write_text("\n".join(lines))
    out = folder / "model.nc"
    asked = ["fit", folder / "visits.csv", "--graph", graph, "--out", out, "--panel"]
    asked += ["--every", 7, "--id", "who", "--time", "day", "--no-trait", "--draws", 50]
    return out, said(*asked)


def said(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def file(tmp_path):
    def write(data, name="h.json"):
        path = tmp_path / name
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write


def answer_of(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments), "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def means(answer):
    return [row["mean"] for row in answer["rows"]]


def test_every_door_answers_as_python_does(model, file):
    history, posterior = file(HISTORY), br.load_posterior(model)
    asked = [model, "--history", history, "--target", "y"]
    same = {
        "forecast": br.forecast(posterior, HISTORY, 2, target="y"),
        "intervene": br.intervene(
            posterior, HISTORY, {"x": "no"}, from_=3, until=4, period=5, target="y"
        ),
        "counterfactual": br.counterfactual(posterior, HISTORY, {"x": "no"}, from_=1, target="y"),
        "attribute": br.attribute(posterior, HISTORY, "x", target="y"),
        "recommend": br.recommend(posterior, HISTORY, actions="x", periods=2, target="y"),
    }
    rest = {
        "forecast": ["--periods", 2],
        "intervene": ["--do", "x=no", "--from", 3, "--until", 4, "--period", 5],
        "counterfactual": ["--do", "x=no", "--from", 1],
        "attribute": ["--cause", "x"],
        "recommend": ["--action", "x", "--periods", 2],
    }
    for command, answer in same.items():
        found = answer_of(command, *asked, *rest[command])
        np.testing.assert_allclose(means(found), answer.columns()["mean"], atol=1e-12)
        code, text = said(command, *asked, *rest[command])
        assert code == 0
        assert "Decision support, not a diagnosis." in text


def test_a_file_of_visits_and_a_plan_are_read(model, file):
    plan, posterior = file({"x": {"if": {"y": "yes"}, "then": "no"}}, "plan.json"), chain()
    history = file({"visits": HISTORY})
    asked = ["forecast", model, "--history", history, "--target", "y"]
    found = answer_of(*asked, "--plan", plan)
    told = {"x": {"if": {"y": "yes"}, "then": "no"}}
    answer = br.forecast(posterior, HISTORY, 1, target="y", plan=told)
    np.testing.assert_allclose(means(found), answer.columns()["mean"], atol=1e-12)
    two = file([{"x": "no"}, {"x": "yes"}], "two.json")
    found = answer_of("intervene", *asked[1:], "--plan", two)
    answer = br.intervene(posterior, HISTORY, [{"x": "no"}, {"x": "yes"}], target="y")
    np.testing.assert_allclose(means(found), answer.columns()["mean"], atol=1e-12)


def test_a_person_is_a_history_of_one_visit_to_a_model_over_time(model, file):
    person = file({"x": "yes"}, "p.json")
    asked = ["--target", "y", "--do", "x=no"]
    code, text = said("intervene", model, "--person", person, *asked)
    assert code == 0
    assert "is read as a history of one visit" in text
    found = answer_of("intervene", model, "--person", person, *asked)
    answer = br.intervene(chain(), [{"x": "yes"}], {"x": "no"}, target="y")
    np.testing.assert_allclose(means(found), answer.columns()["mean"], atol=1e-12)


@pytest.mark.parametrize(
    ("history", "rest", "words"),
    [
        ({"x": "yes"}, [], "expected a list of visits, the oldest first"),
        ("3", [], "should hold a list of visits"),
        ([], [], "The history has no period"),
        ([{"x": "yes"}, 3], [], "period 1: expected an object"),
        ([{"x": ["yes"]}], [], "the answer to 'x' should be one word or number"),
        ([{"x": "yse"}], [], "did you mean 'yes'?"),
        ([{}, {"z": "yes"}], [], "Period 1 of the history: "),
        ("[", [], "not JSON"),
        (HISTORY, ["--from", "9"], "begin with period 9 (--from), but period 3 is asked about"),
        (HISTORY, ["--from", "5", "--until", "4"], "before it begins with period 5"),
        (HISTORY, ["--plan", "nowhere.json"], "either by --do or by --plan"),
    ],
)
def test_what_makes_no_history_is_one_sentence(model, file, history, rest, words):
    asked = ["intervene", model, "--history", file(history), "--target", "y", "--do", "x=no"]
    code, text = said(*asked, *rest)
    assert code == 2
    assert words in text
    assert "Traceback" not in text


def test_whom_a_question_is_about_is_asked_once(model, core_model, file):
    history, person = file(HISTORY), file({"x": "yes"}, "p.json")
    both = ["--history", history, "--person", person, "--do", "x=no"]
    for given in (both, ["--do", "x=no"]):
        code, text = said("intervene", model, *given)
        assert code == 2
        assert "Give --person, the answers of one moment, or --history" in text
    for command in ("forecast", "attribute", "recommend"):
        code, text = said(command, core_model, "--history", history)
        assert code == 2
        assert "The model is of one moment (graph 'runner_core')" in text
    code, text = said("attribute", core_model, "--person", file({}, "q.json"), "--period", 2)
    assert code == 2
    assert "give a history" in text
    code, text = said("intervene", model, "--history", history, "--plan", file("3", "plan.json"))
    assert code == 2
    assert "should hold a plan" in text


def test_a_fitted_panel_reads_visits_as_it_was_read(fitted, file):
    model, (code, text) = fitted
    assert code == 0, text
    assert "40 people with" in text
    assert "over 3 periods of 7" in text
    assert "backrisk forecast" in text
    asked = ["forecast", model, "--target", "y", "--history"]
    table = file("day,who,x,y\n15,a,,yes\n0,a,yes,no\n", "h.csv")
    dated = file([{"day": 0, "x": "yes", "y": "no"}, {"day": 15, "y": "yes"}])
    plain = file([{"x": "yes", "y": "no"}, {}, {"y": "yes"}], "plain.json")
    rows = [means(answer_of(*asked, path)) for path in (table, dated, plain)]
    assert rows[0] == rows[1] == rows[2]
    code, text = said(*asked, file("day,who,x,y\n0,a,yes,no\n0,b,yes,no\n", "two.csv"))
    assert code == 2
    assert "holds the visits of 2 people" in text
    code, text = said(*asked, file([{"day": 15, "y": "yes"}, {"day": 0}]))
    assert code == 2
    assert "its 'day' is 0, before 15 of the visit above it" in text
    code, text = said(*asked, file([{"day": 15, "y": "yes"}, {"y": "no"}]))
    assert code == 2
    assert "visit 1 (from 0): 'day' is missing" in text


@pytest.mark.parametrize(
    ("visits", "shown"),
    [
        ([{}, {"x": "yes"}, {"y": "yes"}], "yes (period 1)"),
        ([{"x": "yes"}, {"x": "yes"}, {"x": "no"}], "yes (periods 0 to 1), no (period 2)"),
        ([{"x": "no"}, {}, {"x": "no"}], "no (period 0 and period 2)"),
        ([{"x": "no"}, {"x": "yes"}] * 2, "..., yes (period 1), no (period 2), yes (period 3)"),
        ([{"y": "yes"}, {}], None),
    ],
)
def test_the_table_of_causes_says_when_a_cause_was_reported(
    model, file, visits, shown, monkeypatch
):
    monkeypatch.setattr(console.out, "width", 200)  # wide enough for all columns
    call = ["attribute", model, "--history", file(visits), "--target", "y"]
    code, text = said(*call)
    assert code == 0
    assert shown is None or shown in text
    assert ("(period" in text.split("The probability")[0]) == (shown is not None)
