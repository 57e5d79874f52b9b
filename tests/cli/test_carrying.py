"""A model carried to another population, from the shell."""

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backrisk import load_posterior
from backrisk.cli import app

run = CliRunner()
THERE = """
name: the clinic
differs: [pain]
shares:
  pain: {share: 0.2, people: 400}
  fatigue>=high: 0.2
"""


@pytest.fixture
def asked(core_prior, tmp_path):
    core_prior.save(tmp_path / "model.nc")
    (tmp_path / "there.yaml").write_text(THERE)
    (tmp_path / "ann.json").write_text('{"fatigue": "high"}')
    (tmp_path / "people.csv").write_text("fatigue,pain\nhigh,none\nlow,limiting\n")
    return [
        *("transport", str(tmp_path / "model.nc"), "--to", str(tmp_path / "there.yaml")),
        *("--out", str(tmp_path / "carried.nc"), "--person", str(tmp_path / "ann.json")),
        *("--cohort", str(tmp_path / "people.csv"), "--cause", "fatigue"),
    ]


def test_it_shows_what_changed_and_saves_the_model(asked, tmp_path):
    result = run.invoke(app, asked)
    said = " ".join(result.output.split())
    assert result.exit_code == 0, said
    for words in ("Of ann it is", "Averaged over the people", "Everybody having", "Carried to the"):
        assert words in said
    carried = load_posterior(tmp_path / "carried.nc")
    assert carried.meta["carried"]["population"] == "the clinic"
    told = run.invoke(
        app, ["risk", str(tmp_path / "carried.nc"), "--person", str(tmp_path / "ann.json")]
    )
    assert "Carried to the clinic" in " ".join(told.output.split())


def test_as_json(asked):
    result = run.invoke(app, [*asked, "--format", "json"])
    told = json.loads(result.output)
    assert [row["what"] for row in told["risks"]] == ["population", "person", "cohort", "effect"]
    assert told["risks"][0]["after"] == pytest.approx(0.2, abs=0.01)
    assert {row["node"]: row["used"] for row in told["shares"]} == {"pain": True, "fatigue": False}
    assert told["effects"] == [{"cause": "fatigue", "same": False, "needed": ["pain"]}]


def test_a_mistake_is_one_sentence_and_writes_nothing(asked, tmp_path):
    (tmp_path / "there.yaml").write_text("{name: the clinic, shares: {pain: 0.2}}")
    result = run.invoke(app, asked)
    assert result.exit_code == 2
    assert "does not name the selection diagram" in " ".join(result.output.split())
    assert not (tmp_path / "carried.nc").exists()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
def test_a_person_s_file_may_be_called_by_bytes_that_are_no_text(asked, tmp_path):
    name = os.fsencode(tmp_path) + b"/p\xe9.json"
    Path(os.fsdecode(name)).write_text('{"fatigue": "high"}')
    asked[asked.index("--person") + 1] = os.fsdecode(name)
    said = run.invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert "Of p\N{REPLACEMENT CHARACTER} it is" in " ".join(said.output.split())
    told = json.loads(run.invoke(app, [*asked, "--format", "json"]).output)
    assert "Of p\N{REPLACEMENT CHARACTER} it is" in told["text"]
