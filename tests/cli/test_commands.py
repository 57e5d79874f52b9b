"""The command line as a person uses it: answers, JSON, and one sentence for each mistake."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from typer.testing import CliRunner

import backrisk
from backrisk import CausalGraph, Posterior, odds_ratios
from backrisk.cli import app
from backrisk.graph import Layout
from backrisk.queries import saved
from backrisk.queries.attribution.methods import METHODS

run = CliRunner()


@pytest.fixture
def person(tmp_path):
    def write(answers):
        path = tmp_path / "p.json"
        path.write_text(answers if isinstance(answers, str) else json.dumps(answers))
        return str(path)

    return write


def said(*arguments):
    result = run.invoke(app, [str(a) for a in arguments])
    return result.exit_code, " ".join(result.output.split())


HURTING = {"fatigue": "high", "pain": "limiting"}


@pytest.mark.parametrize(
    ("command", "answers", "rest", "kind"),
    [
        ("risk", {"fatigue": "high"}, [], "risk"),
        ("consult", {"fatigue": "high"}, [], "consultation"),
        ("consult", HURTING, ["--target", "pain"], "consultation"),
        ("diagnose", {"fatigue": "high"}, [], "diagnosis"),
        ("attribute", HURTING, [], "attribution"),
        ("attribute", HURTING, ["--method", "shapley"], "attribution"),
        ("attribute", HURTING, ["--method", "diagnostic", "--cause", "fatigue"], "attribution"),
        (
            "attribute",
            HURTING,
            ["--method", "necessity", "--cause", "fatigue+core_strength"],
            "attribution",
        ),
        ("attribute", HURTING, ["--method", "sufficiency"], "attribution"),
        ("attribute", HURTING, ["--method", "pathways", "--seed", "3"], "attribution"),
        ("intervene", {}, ["--do", "fatigue=low"], "contrast"),
        (
            "mediate",
            HURTING,
            ["--cause", "core_strength", "--mediator", "pelvic_tilt", "--to", "weak"],
            "mediation",
        ),
        (
            "recommend",
            HURTING,
            ["--action", "fatigue", "--cost", "fatigue=2", "--most", "2"],
            "recommendation",
        ),
        ("ask-next", HURTING, ["--candidate", "core_strength"], "questions"),
        ("counterfactual", HURTING, ["--do", "fatigue=low"], "contrast"),
    ],
)
def test_every_question_answers_as_table_and_json(core_model, person, command, answers, rest, kind):
    arguments = [command, core_model, "--person", person(answers), *rest]
    code, text = said(*arguments)
    assert code == 0
    assert "Decision support, not a diagnosis." in text
    code, text = said(*arguments, "--format", "json")
    answer = json.loads(text)
    assert code == 0
    assert answer["kind"] == kind
    assert answer["interval"] == {"kind": "equal-tailed", "probability": 0.9}
    assert all(kind != "risk" or 0 <= row["mean"] <= 1 for row in answer["rows"])


@pytest.mark.parametrize(
    ("command", "answers", "rest", "words"),
    [
        ("risk", {"fatige": "high"}, [], "'fatige' is unknown (did you mean 'fatigue'?)."),
        ("risk", {"fatigue": "hihg"}, [], "did you mean 'high'?"),
        ("risk", "{", [], "line 1: not JSON"),
        ("risk", "[1]", [], "should hold one object"),
        ("risk", '{"pain": "none", "pain": "limiting"}', [], "the name 'pain' is repeated"),
        ("risk", '{"fatigue": -Infinity}', [], "-Infinity is not a number that can be"),
        ("risk", '{"fatigue": ["high"]}', [], "the answer to 'fatigue' should be one word"),
        ("risk", '{"fatigue": ' + "9" * 5000 + "}", [], "99... is not a number that can be"),
        ("risk", "[" * 100_000, [], "nested more than"),
        ("risk", '{"fatigue": "\\ud800"}', [], "control character U+D800"),
        ("risk", {}, ["--target", "pian"], "did you mean 'pain'?"),
        ("risk", {}, ["--target", "pain>=awful"], "has no state 'awful'"),
        ("risk", {}, ["--target", "pain>=2"], "has no state '2'"),
        ("risk", {}, ["--target", "pain>=²"], "has no state '²'"),
        ("diagnose", {"pain": "2"}, [], "'pain'"),
        ("recommend", {}, ["--target", "core_strength"], "has no causes in graph 'runner_core'"),
        ("ask-next", {}, ["--target", "core_strength"], "has no causes in graph 'runner_core'"),
        ("attribute", {}, ["--method", "necessity"], "the method 'shapley'"),
        ("attribute", HURTING, ["--method", "shapely"], "did you mean 'shapley'?"),
        ("attribute", HURTING, ["--cause", "pain"], "'pain' is not a cause of 'pain'"),
        ("attribute", HURTING, ["--coupling", "x"], "There is no coupling 'x'"),
        ("intervene", HURTING, ["--do", "fatigue=low"], "ask for the counterfactual"),
        ("intervene", {}, ["--do", "fatigue"], "expected node=state"),
        ("intervene", {}, ["--do", "pain=none"], "itself cannot be set"),
        ("intervene", {}, ["--do", "tiredness=low"], "'tiredness' is not a node"),
        ("intervene", {}, ["--do", "fatigue=of"], "'fatigue' cannot be set to 'of'"),
        (
            "intervene",
            {},
            ["--do", "fatigue=low", "--do", "fatigue=high"],
            "names the same node twice",
        ),
        (
            "recommend",
            {},
            ["--cost", "fatigue=1", "--cost", "fatigue=2"],
            "names the same node twice",
        ),
        (
            "report",
            {},
            ["--group", "fatigue", "--out", "r.html"],
            "belongs to the report on a cohort",
        ),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(
    core_model, person, command, answers, rest, words
):
    code, text = said(command, core_model, "--person", person(answers), *rest)
    assert code == 2
    assert words in text
    assert "Traceback" not in text


@pytest.fixture(scope="module")
def sure_model(tmp_path_factory):
    """A model in which y says x for sure, so that answers can contradict each other."""
    graph = backrisk.CausalGraph.from_edges(
        [("x", "y"), ("y", "z")], {name: ["no", "yes"] for name in "xyz"}
    )
    cpts = {"x": [0.5, 0.5], "y": [[1.0, 0.0], [0.0, 1.0]], "z": [[0.7, 0.3], [0.2, 0.8]]}
    return backrisk.Posterior.from_cpts(graph, cpts).save(tmp_path_factory.mktemp("m") / "m.nc")


@pytest.mark.parametrize(
    "question",
    [
        ["risk"],
        ["diagnose"],
        ["recommend"],
        ["ask-next"],
        ["intervene", "--do", "x=yes"],
        ["counterfactual", "--do", "x=yes"],
        ["mediate", "--cause", "x", "--mediator", "y"],
        ["report", "--out", "r.html"],
        *(["attribute", "--method", method] for method in METHODS),
    ],
)
def test_contradictory_answers_are_one_sentence(
    sure_model, person, question, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    command, *rest = question
    cause = ["--cause", "x"] if command == "attribute" else []
    answers = person({"x": "yes", "y": "no", "z": "yes"})
    code, text = said(command, sure_model, "--person", answers, *cause, *rest)
    assert code == 2
    assert text == "Error: The answers contradict each other: the model gives them probability 0."
    assert not (tmp_path / "r.html").exists()


def test_a_site_that_is_called_like_no_site_is_refused(tmp_path):
    book, survey = tmp_path / "book.yaml", tmp_path / "s.csv"
    book.write_text(
        "name: own\ngraph: runner_core\nsite: club\ncolumns: {fatigue: {node: fatigue}}\n"
    )
    survey.write_text("fatigue,club\nhigh,north\nlow,Average\n")
    code, text = said("validate", survey, "--graph", "runner_core", "--codebook", book)
    assert code == 2
    assert "row 3, column 'club': value 'Average', expected a name of the site other than" in text


def test_roles_are_said_at_the_shell(tmp_path):
    survey, model = tmp_path / "s.csv", tmp_path / "m.nc"
    survey.write_text("fatigue,weight,club\nhigh,1,north\nlow,3,south\nlow,1,north\n")
    book = tmp_path / "own.yaml"
    book.write_text(
        "graph: runner_core\nignore: rest\ncolumns: {fatigue: {node: fatigue, labels: "
        "{high: high, low: low, mid: moderate}}}\n"
    )
    call = ["validate", survey, "--graph", "runner_core", "--codebook", book]
    code, text = said(*call)
    assert code == 0
    assert "Not read: weight and club." in text
    assert "Caution: Column 'weight' is not read" in text
    assert "No row has these labels: 'fatigue': 'mid'." in text
    code, text = said(*call, "--weight", "weight", "--site", "club")
    assert code == 0
    assert "Weighted by 'weight', worth 2 people" in text
    assert "2 sites in 'club'" in text
    code, text = said(*call, "--weight", "wait")
    assert (code, "did you mean 'weight'?" in text) == (2, True)
    code, text = said("fit", survey, "--out", model, *call[2:], "--site", "wait")
    assert (code, "no column 'wait' to be the site" in text) == (2, True)


def test_null_and_blank_in_a_person_file_are_no_answers_and_what_is_no_number_is_refused(
    core_model, tmp_path
):
    path = tmp_path / "p.json"
    path.write_text('{"fatigue": "high", "core_strength": null, "pelvic_tilt": " ", "pain": ""}')
    code, text = said("risk", core_model, "--person", path, "--format", "json")
    assert code == 0
    assert json.loads(text)["evidence"] == {"fatigue": "high"}
    for number in ("NaN", "Infinity", "1e999"):
        path.write_text(f'{{"core_strength": "weak", "fatigue": {number}}}')
        for command in (("risk", core_model), ("flags",)):
            code, text = said(*command, "--person", path)
            told = f"'fatigue': {number}"
            assert (code, told in text, "is not a number" in text) == (2, True, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["risk", "none.nc", "--person", "p.json"], "there is no such file"),
        (["validate", "none.csv"], "there is no such file"),
        (["fit", "none.csv", "--out", "nowhere/m.nc"], "there is no folder"),
        (["simulate", "--graph", "runer", "--out", "s.csv"], "did you mean 'runner'?"),
        (["simulate", "--n", "0", "--out", "s.csv"], "expected at least 1 person"),
        (["simulate", "--seed", "-1", "--out", "s.csv"], "--seed"),
        (["fit", "none.csv", "--out", "."], "it is a folder"),
    ],
)
def test_bad_files_leave_nothing_behind(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, text = said(*arguments)
    assert code == 2
    assert words in text
    assert list(tmp_path.iterdir()) == []


def test_simulate_validate_fit_check_from_the_shell(tmp_path):
    survey, model = tmp_path / "s.csv", tmp_path / "m.nc"
    code, _ = said("simulate", "--graph", "runner_core", "--n", 150, "--out", survey)
    assert code == 0
    code, text = said("validate", survey, "--graph", "runner_core")
    assert code == 0
    assert "150 people" in text
    code, text = said("validate", survey, "--graph", "runner_core", "--format", "json")
    assert code == 0
    understood = json.loads(text)
    assert understood["people"] == 150
    assert {each["node"] for each in understood["fit"]["families"]} >= {"pain", "lumbar_load"}
    fitting = ["--graph", "runner_core", "--draws", 100, "--tune", 150, "--chains", 2]
    code, text = said("fit", survey, "--out", model, *fitting)
    assert code == 0
    assert "Saved 200 draws" in text
    code, text = said("check", model, survey, "--format", "json")
    report = json.loads(text)
    assert code == 0
    assert {row["node"] for row in report["learned"]} >= {"pain", "lumbar_load"}
    assert report["margins"]
    code, text = said("check", model)
    assert code == 0


def test_a_model_of_people_chosen_by_the_outcome_tells_odds_ratios_and_no_risk(tmp_path):
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    draws = Layout(graph).draw_prior(50, np.random.default_rng(1))
    design = {"kind": "case_control", "outcome": "y", "cases": "yes"}
    meta = {"design": design}
    posterior = Posterior(graph, *draws, prior_fractions=draws[0], prior_beta=draws[1], meta=meta)
    model = posterior.save(tmp_path / "m.nc")
    code, text = said("check", model, "--format", "json")
    assert code == 0
    report = json.loads(text)
    assert report["design"] == design
    (row,) = report["odds_ratios"]
    assert row["median"] == pytest.approx(odds_ratios(posterior)["median"][0])
    code, text = said("check", model)
    assert code == 0
    assert "no risk can be told" in " ".join(text.split())
    assert "Odds ratios of y" in text
    person = tmp_path / "p.json"
    person.write_text("{}")
    code, text = said("risk", model, "--person", person)
    assert code == 2
    assert "no risk can be told" in " ".join(text.split())


def test_the_version_is_told():
    assert said("--version") == (0, f"backrisk {backrisk.__version__}")


def test_a_person_file_may_begin_with_a_mark_of_its_encoding(core_model, tmp_path):
    path = tmp_path / "p.json"
    path.write_bytes(b'\xef\xbb\xbf{"fatigue": "high"}\r\n')
    code, text = said("risk", core_model, "--person", path, "--format", "json")
    assert code == 0
    assert json.loads(text)["evidence"] == {"fatigue": "high"}
    code, text = said("risk", core_model, "--person", tmp_path)
    assert code == 2
    assert "is a folder, expected a file" in text


def test_a_bad_survey_is_refused_with_row_and_column(tmp_path):
    survey = tmp_path / "s.csv"
    survey.write_text("fatigue,pain\nhigh,none\nhgih,none\n")
    code, text = said("fit", survey, "--out", tmp_path / "m.nc", "--graph", "runner_core")
    assert code == 2
    assert "row 3, column 'fatigue'" in text
    assert not (tmp_path / "m.nc").exists()


def test_prior_beliefs_are_shown_and_limits_become_a_prior(tmp_path):
    code, text = said("prior", "--graph", "runner", "--draws", 100, "--format", "json")
    report = json.loads(text)
    assert code == 0
    figures = {row["cause"]: row for row in report["figures"]}
    assert figures["fatigue"]["used"] == figures["low_mood"]["used"] == "yes"
    assert figures["fatigue"]["before"] < figures["fatigue"]["implied"]
    assert figures["footwear"]["implied"] is None
    assert any(row["published"] for row in report["margins"])
    assert said("prior", "--odds-ratio", 1, 4)[1] == "prior: {mean: 0.693, sd: 0.421}"
    code, text = said("prior", "--odds-ratio", 4, 1)
    assert code == 2
    assert "expected 0 < low < high" in text


def test_a_model_without_sites_says_so(core_model, person):
    code, text = said("risk", core_model, "--person", person({}), "--site", "Oslo")
    assert code == 2
    assert "has no sites" in text
    code, _ = said("risk", core_model, "--person", person({}), "--site", "average")
    assert code == 0


def test_an_interrupted_fit_says_what_it_kept(tmp_path, monkeypatch):
    from backrisk.fitting import chains

    survey, model = tmp_path / "s.csv", tmp_path / "m.nc"
    said("simulate", "--graph", "runner_core", "--n", 100, "--out", survey)
    save = chains.Kept.save

    def saved_then_stopped(self, chain, tree):
        save(self, chain, tree)
        raise KeyboardInterrupt

    monkeypatch.setattr(chains.Kept, "save", saved_then_stopped)
    fitting = ["--graph", "runner_core", "--draws", 20, "--tune", 30, "--chains", 2, "--cores", 1]
    code, text = said("fit", survey, "--out", model, *fitting)
    assert code == 130
    assert "1 of 2 chains had finished" in text
    assert not model.exists()
    monkeypatch.undo()
    code, text = said("fit", survey, "--out", model, *fitting)
    assert code == 0
    assert "1 of 2 chains were finished before" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.nc", "s.csv"]


def test_flags_are_listed_and_said_without_a_model(person):
    code, text = said("flags")
    assert code == 0
    assert "night_pain" in text
    assert "have not been asked about" in text
    code, text = said("flags", "--flag", "none")
    assert code == 0
    assert "were asked about, and none applies" in text
    code, text = said("flags", "--flag", "none", "--flag", "fever")
    assert (code, "both 'none' and a red flag" in text) == (2, True)
    code, text = said("flags", "--flag", "night_pain", "--flag", "saddle_numbness")
    assert code == 0
    assert text.startswith("Go to an emergency department now: saddle numbness.")
    assert "See a clinician this week" in text  # the night pain
    code, text = said("flags", "--flag", "nightpain")
    assert code == 2
    assert "did you mean 'night_pain'" in text


def test_flags_without_a_model_say_whose_names_they_read(person):
    code, text = said("flags", "--person", person({"a": "yes"}))
    assert code == 2
    assert "The person's 'a' is unknown" in text
    assert "the names of the packaged graph 'runner' are read" in text
    code, text = said("flags", "--person", person({"pain": "dreadful"}))  # a name that is known
    assert code == 2
    assert "packaged" not in text


def test_flags_of_a_model_and_a_person_as_json(core_model, person):
    code, text = said("flags", core_model, "--person", person(HURTING), "--format", "json")
    assert code == 0
    assert json.loads(text)["called_for"] is True


def test_two_files_of_a_person_are_compared(core_model, tmp_path):
    """The page's form and plain answers; an earlier model is named, or its absence said."""
    model = backrisk.load_posterior(core_model)
    old = model.subset(5)
    assert old.beta is not None
    old = replace(old, beta=old.beta + 0.3)
    before, after = {"fatigue": "high", "pain": "limiting"}, {"fatigue": "low", "pain": "none"}
    first, last, earlier = (tmp_path / name for name in ("1.json", "2.json", "old.nc"))
    first.write_text(json.dumps(saved(old, before, date(2026, 1, 2))))
    last.write_text(json.dumps(after))
    old.save(earlier)
    ask = ["follow-up", core_model, first, last]
    for rest, given in ([], None), (["--earlier", earlier], old):
        code, text = said(*ask, *rest, "--format", "json")
        assert code == 0
        exact = backrisk.follow_up(
            model, saved(old, before, date(2026, 1, 2)), after, earlier=given
        )
        assert json.loads(text) == json.loads(json.dumps(exact.to_dict()))
        code, text = said(*ask, *rest)
        assert code == 0
        assert "the later one reports no current low back pain" in text
    code, text = said("follow-up", core_model, first, last, "--earlier", core_model)
    assert code == 2
    assert f"is not the model that {first} was saved with: the file names {old.checksum}" in text


def test_what_is_wrong_with_a_file_is_told_by_its_name(core_model, tmp_path):
    """Every command that is given one; of two files, the one that it is about."""
    good, bad, new, old = (tmp_path / f"{n}.json" for n in ("good", "bad", "new", "old"))
    good.write_text('{"fatigue": "high"}')
    bad.write_text('{"fatigue": "hgh"}')
    about = '{"backrisk": {"date": "%s"%s}, "person": {"fatigue": "high"}}'
    new.write_text(about % ("2026-11-27", ""))
    old.write_text(about % ("2026-01-02", ', "model": "c40937cbe657d66f"'))
    other, out = tmp_path / "other.nc", tmp_path / "r.html"
    backrisk.load_posterior(core_model).subset(3).save(other)
    person = ("--person", bad)
    names = ("risk", "consult", "diagnose", "attribute", "recommend", "ask-next", "flags")
    told = {
        **{(name, core_model, *person): bad for name in names},
        ("intervene", core_model, *person, "--do", "core_strength=strong"): bad,
        ("report", core_model, *person, "--out", out): bad,
        ("follow-up", core_model, bad, good): bad,
        ("follow-up", core_model, good, bad): bad,
        ("follow-up", core_model, new, old): new,
        ("follow-up", core_model, old, new, "--earlier", other): other,
        ("follow-up", core_model, old, new, "--earlier", other, "--site", "x"): core_model,
        ("report", core_model, "--person", good, "--follow-up", bad, "--out", out): bad,
        ("risk", core_model, "--person", good, "--site", "x"): core_model,
    }
    for command, file in told.items():
        code, text = said(*command)
        assert code == 2, command
        assert file.name in text.split(": ")[1] + text.split(" is ")[0], (command, text)
    code, text = said("follow-up", core_model, old, new, "--earlier", other)
    assert all(each in text for each in ("old.json", "other.nc", "c40937cbe657d66f"))
