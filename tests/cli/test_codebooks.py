"""The command that drafts a codebook, and the way from a REDCap project to a risk."""

import json

import pytest
from typer.testing import CliRunner

from backrisk.cli import app
from tests.survey.forms import _project

run = CliRunner()


def said(*arguments):
    result = run.invoke(app, [str(each) for each in arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dictionary.csv").write_text(_project.dictionary(), encoding="utf-8")
    (tmp_path / "raw.csv").write_text(_project.export(), encoding="utf-8")
    (tmp_path / "labels.csv").write_text(_project.export(labels=True), encoding="utf-8")
    lines = ["name: graph", "outcome: pain", "nodes:"]
    for node in _project.GRAPH.nodes:
        lines.append(f"  {node.name}: {{states: {json.dumps(node.states)}}}")
    lines.append("edges:")
    for edge in _project.GRAPH.edges:
        lines.append(
            f"  - {{cause: {edge.cause}, effect: {edge.effect}, claim: x, origin: stated, "
            "grade: weak}"
        )
    (tmp_path / "graph.yaml").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def drafted(project):
    """Return what the command said, with the draft decided where it asks."""
    out = project / "book.yaml"
    code, text = said("codebook", project / "raw.csv", "--redcap", project / "dictionary.csv",
                      "--graph", project / "graph.yaml", "--out", out)  # fmt: skip
    out.write_text(_project.decided(out.read_text(encoding="utf-8")), encoding="utf-8")
    return code, text


def test_a_draft_is_written_with_what_to_decide(project):
    code, text = drafted(project)
    assert code == 0
    assert "8 of 42 columns are proposed for nodes" in text
    assert "To decide: columns.fatigue.cuts: the number that divides" in text


def test_the_same_project_is_valid_in_both_exports(project):
    drafted(project)
    for name in ("raw.csv", "labels.csv"):
        code, text = said("validate", project / name, "--graph", project / "graph.yaml",
                          "--codebook", project / "book.yaml")  # fmt: skip
        assert code == 0, text
        assert "240 people" in text


@pytest.mark.slow
def test_from_a_redcap_project_to_a_risk(project):
    drafted(project)
    model, person = project / "model.nc", project / "person.json"
    code, text = said("fit", project / "labels.csv", "--graph", project / "graph.yaml",
                      "--codebook", project / "book.yaml", "--out", model)  # fmt: skip
    assert code == 0, text
    risks = []
    for answers in ({"sex": "2", "injured": "1", "sports___2": "0"},
                    {"sex": "Female", "injured": "True", "sports___2": "Unchecked"}):  # fmt: skip
        person.write_text(json.dumps(answers), encoding="utf-8")
        code, text = said("risk", model, "--person", person, "--format", "json")
        assert code == 0, text
        risks.append(json.loads(text)["rows"])
    assert risks[0] == risks[1]


def test_a_draft_is_printed_where_no_file_is_named(project):
    code, text = said("codebook", "--redcap", project / "dictionary.csv",
                      "--graph", project / "graph.yaml")  # fmt: skip
    assert code == 0
    assert text.startswith("# Drafted from dictionary.csv.")


def test_a_codebook_goes_out_to_redcap(tmp_path):
    out = tmp_path / "dictionary.csv"
    code, text = said("codebook", "runner", "--to", "redcap", "--out", out)
    assert code == 0
    assert "Wrote a data dictionary with 35 questions" in text
    assert out.read_text(encoding="utf-8").startswith("Variable / Field Name,Form Name,")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give a table, or a REDCap data dictionary"),
        (["raw.csv", "--out", "raw.csv"], "is read from; write to another file"),
        (["raw.csv", "--out", "labels.csv"], "exists and may have been edited"),
        (["runner", "--to", "word"], "--to word: expected redcap"),
        (["--to", "redcap"], "--to takes a codebook"),
        (["raw.csv", "--google", "--qualtrics"], "--qualtrics --google"),
        (["dictionary.csv", "--redcap", "raw.csv"], "raw.csv is not a REDCap data dictionary"),
        (["raw.csv", "--redcap", "dictionary.csv", "--google"], "not both"),
        (["none.csv"], "there is no such file"),
    ],
)
def test_a_mistake_is_one_sentence(project, monkeypatch, arguments, words):
    monkeypatch.chdir(project)
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    code, text = said("codebook", *arguments)
    assert code == 2
    assert text.startswith("Error: ")
    assert words in text
    assert {path.name: path.read_bytes() for path in project.iterdir()} == before
