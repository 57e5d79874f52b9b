"""`backrisk report`: a file for each kind, and one sentence for each mistake."""

import json

import pytest
from over_time_model import HISTORY, over_time_model
from read_back import DAY, said

from backrisk import simulate


@pytest.fixture(scope="module")
def files(core, people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    core.subset(6).save(folder / "m.nc")
    (folder / "p.json").write_text('{"fatigue": "high", "pain": "limiting"}')
    (folder / "typo.json").write_text('{"fatige": "high"}')
    (folder / "broken.json").write_text("{")
    frame = simulate(core.graph, 20, seed=4)
    frame.to_csv(folder / "c.csv", index=False)
    frame.assign(fatigue="2026-01-31").to_csv(folder / "dates.csv", index=False)
    over_time_model(6).save(folder / "t.nc")
    (folder / "h.json").write_text(json.dumps(HISTORY))
    return folder


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["--person", "p.json"], "r.html"),
        (["--person", "p.json"], "r.pdf"),
        (["--person", "p.json", "--letter", "--flag", "fever"], "r.pdf"),
        (["--person", "p.json", "--plain"], "r.html"),
        (["--cohort", "c.csv"], "r.xlsx"),
        (["--cohort", "c.csv"], "r.csv"),
        (["--card"], "r.md"),
        (["--card", "--cohort", "c.csv"], "r.html"),
    ],
)
def test_reports_from_the_shell(files, tmp_path, monkeypatch, arguments, out):
    monkeypatch.chdir(files)
    code, text = said("report", "m.nc", *arguments, "--out", tmp_path / out, "--date", DAY)
    assert code == 0, text
    assert "Decision support" in text
    assert [p.name for p in tmp_path.iterdir()] == [out]
    assert (tmp_path / out).stat().st_size > 500


@pytest.mark.parametrize(
    "told", [["--history", "h.json", "--periods", "3"], ["--person", "p.json"]]
)
def test_a_history_is_reported_from_the_shell(files, tmp_path, monkeypatch, told):
    monkeypatch.chdir(files)
    code, text = said("report", "t.nc", *told, "--out", tmp_path / "r.html", "--date", DAY)
    assert code == 0, text
    page = (tmp_path / "r.html").read_text("utf-8")
    assert ("+4" in page) == ("--person" in told)  # six periods, unless asked otherwise
    assert "Visit 1" in page


@pytest.mark.parametrize(
    ("arguments", "out", "words"),
    [
        (["--person", "typo.json"], "r.html", "did you mean 'fatigue'?"),
        (["--person", "broken.json"], "r.html", "line 1: not JSON"),
        (["--person", "none.json"], "r.html", "there is no such file"),
        (["--person", "p.json"], "r.docx", "expected .html, .pdf"),
        (["--person", "p.json"], "r.xlsx", "expected .html, .pdf"),
        (["--person", "p.json"], "nowhere/r.pdf", "there is no folder"),
        (["--person", "p.json", "--date", "soon"], "r.pdf", "expected a date"),
        (["--person", "p.json", "--templates", "nowhere"], "r.pdf", "there is no such folder"),
        (["--person", "p.json", "--target", "pian"], "r.pdf", "did you mean 'pain'?"),
        (["--cohort", "dates.csv"], "r.html", "('2026-01-31', the first in row 2)"),
        (["--cohort", "none.csv"], "r.html", "there is no such file"),
        (["--cohort", "c.csv", "--group", "fatige"], "r.html", "did you mean 'fatigue'?"),
        (["--cohort", "c.csv"], "r", "a file without a suffix"),
        (["--card"], "r.csv", "expected .md, .html, .pdf"),
        (["--card", "--person", "p.json"], "r.md", "Give one of"),
        ([], "r.md", "Give one of"),
        (["--history", "h.json"], "r.html", "of one moment"),
        (["--person", "p.json", "--periods", "2"], "r.html", "for a history"),
        (["--card", "--periods", "2"], "r.md", "belongs to the report on a history"),
        (["--person", "p.json", "--letter", "--plain"], "r.pdf", "write one at a time"),
        (["--person", "p.json", "--flag", "fevr"], "r.pdf", "did you mean 'fever'"),
        (["--card", "--flag", "fever"], "r.md", "--flag belongs to the report on one person"),
        (["--cohort", "c.csv", "--letter"], "r.pdf", "--letter belongs to the report on one"),
        (["--history", "h.json", "--plain"], "r.pdf", "--plain belongs to the report on one"),
        (
            ["--person", "p.json", "--letter", "--follow-up", "p.json"],
            "r.pdf",
            "in the report alone",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    files, tmp_path, monkeypatch, arguments, out, words
):
    monkeypatch.chdir(files)
    code, text = said("report", "m.nc", *arguments, "--out", tmp_path / out)
    assert code == 2
    assert words in text
    assert "Traceback" not in text
    assert list(tmp_path.iterdir()) == []
