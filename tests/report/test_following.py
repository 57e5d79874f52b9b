"""The page of a report on what changed since an earlier file."""

import json
from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

import backrisk as br
from backrisk.cli import app
from backrisk.errors import QueryError
from backrisk.queries import saved
from backrisk.report import person_answers
from backrisk.report.following import followed_section
from backrisk.summary import Estimate

MODEL = br.example_posterior().subset(40)
OLD = replace(MODEL, beta=None if MODEL.beta is None else 0.7 * MODEL.beta)
BEFORE = saved(OLD, br.example_person("in_pain"), date(2026, 3, 1))
AFTER = saved(MODEL, {"plank_seconds": 90, "fatigue": "low", "pain": "none"}, date(2026, 11, 27))


def test_the_tables_are_the_answers():
    answer = br.follow_up(MODEL, BEFORE, AFTER, earlier=OLD)
    section = followed_section(answer, MODEL.codebook)
    told, risks, changes, answers, _ = section.blocks
    assert list(told.paragraphs) == answer.told()
    estimates = [Estimate.of(each) for each in (answer.before, answer.after)]
    names = ["Earlier file, 2026-03-01", "Now, 2026-11-27"]
    assert list(risks.rows) == list(zip(names, estimates, strict=True))
    parts = [Estimate.of(each) for each in (answer.draws, answer.by_answers, answer.by_model)]
    assert [row[1] for row in changes.rows] == parts
    assert len(answers.rows) == len(answer.changed) == 5
    assert (
        "How long can you hold a front plank in good form?",
        "not answered",
        "90",
    ) in answers.rows


def test_a_file_without_a_date_and_without_a_change():
    section = followed_section(br.follow_up(MODEL, {"fatigue": None}, {}), MODEL.codebook)
    assert [row[0] for row in section.blocks[1].rows] == ["Earlier file", "Now"]
    assert any("No answer differs" in str(block) for block in section.blocks)


@pytest.mark.slow
def test_a_report_bears_it_where_it_is_asked_for(tmp_path):
    out = tmp_path / "p.html"
    br.report_person(MODEL, AFTER, out, draws=5, before=BEFORE, earlier=OLD)
    assert "Compared with an earlier file" in out.read_text()
    br.report_person(MODEL, AFTER, out, draws=5)
    assert "Compared with an earlier file" not in out.read_text()
    assert person_answers(MODEL, AFTER, draws=5).followed is None
    graph = br.unroll(br.CausalGraph.from_text("x -> y; y[-1] -> y"), 2)
    rows = [[0.9, 0.1], [0.3, 0.7]]
    cpts = {"x": [0.5, 0.5], "y": rows, "y__1": [rows, rows]}
    over_time = br.Posterior.from_cpts(graph, cpts)
    with pytest.raises(QueryError, match="ask 'review'"):
        br.report_person(over_time, [{"x": "yes"}], out, before={})


def test_the_command_takes_an_earlier_file_and_an_earlier_model(tmp_path):
    model, old = MODEL.subset(5).save(tmp_path / "m.nc"), OLD.subset(5).save(tmp_path / "old.nc")
    files = [tmp_path / name for name in ("before.json", "after.json")]
    for file, data in zip(files, (BEFORE, AFTER), strict=True):
        file.write_text(json.dumps(data))
    out = tmp_path / "p.html"

    def run(*rest):
        found = CliRunner().invoke(app, ["report", *map(str, (model, *rest)), "--out", str(out)])
        return found.exit_code, " ".join(found.output.split())

    since = ["--follow-up", files[0]]
    assert run("--person", files[1], *since, "--earlier", old)[0] == 0
    assert "Earlier file, 2026-03-01" in out.read_text()
    assert "Now, 2026-11-27" in out.read_text()
    assert "The answers account for" in out.read_text()
    for rest, told in (
        (["--card", *since], "belongs to the report on a person"),
        (["--person", files[1], "--earlier", old], "belongs to --follow-up"),
    ):
        code, text = run(*rest)
        assert code == 2
        assert told in text
