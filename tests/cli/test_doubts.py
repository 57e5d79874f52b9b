"""`backrisk compare`, `standing`, `claims`, `power-scaling`: tables, JSON, and sentences."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from backrisk import CausalGraph, fit
from backrisk.cli import app

run = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("doubts")
    rng = np.random.default_rng(1)
    words = np.array(["no", "yes"])
    a = rng.integers(2, size=300)
    b = (rng.random(300) < 0.3 + 0.4 * a).astype(int)
    frame = pd.DataFrame({"a": words[a], "b": words[b]})
    frame.to_csv(place / "survey.csv", index=False)
    for name, text in (("tied", "a -> b"), ("free", "a; b")):
        graph = CausalGraph.from_text(text, outcome="b")
        fit(graph, frame, seed=1, draws=100).save(place / f"{name}.nc")
    (place / "person.json").write_text('{"a": "yes"}')
    return place


def said(*arguments):
    result = run.invoke(app, list(map(str, arguments)))
    return result.exit_code, result.output


def test_models_are_compared(folder):
    asked = ["compare", folder / "survey.csv", "--model", folder / "tied.nc"]
    code, text = said(*asked, "--model", folder / "free.nc")
    assert code == 0
    assert "'free' is" in " ".join(text.split())
    code, text = said(*asked, "--model", folder / "free.nc", "--format", "json")
    assert code == 0
    assert [row["model"] for row in json.loads(text)["models"]] == ["tied", "free"]
    code, text = said(*asked)
    assert code == 2
    assert "at least two models" in text
    code, text = said(*asked, "--model", folder / "tied.nc")
    assert code == 2
    assert "twice" in text


def test_graphs_near_a_model_are_tried_and_a_person_asked_over_them(folder):
    asked = ["standing", folder / "survey.csv", "--model", folder / "tied.nc"]
    code, text = said(*asked, "--person", folder / "person.json")
    assert code == 0
    assert "cannot tell these apart" in " ".join(text.split())
    assert "points" in text
    code, text = said(*asked, "--person", folder / "person.json", "--format", "json")
    assert code == 0
    found = json.loads(text)
    assert {row["model"] for row in found["graphs"]} == {"stated", "reverse a -> b", "drop a -> b"}
    assert found["shares"][0]["cause"] == "a"
    code, text = said(*asked, "--cause", "nobody")
    assert code == 2
    assert "not a node" in text


@pytest.mark.slow
def test_claims_and_power_scaling(core_model, tmp_path):
    code, text = said("claims", core_model)
    assert code == 0
    assert "Prior odds are 1:1" in " ".join(text.split())
    assert "nan" not in text
    code, text = said("claims", core_model, "--grade", "weak", "--format", "json")
    assert code == 0
    assert {row["grade"] for row in json.loads(text)["claims"]} == {"weak"}
    person = tmp_path / "p.json"
    person.write_text('{"fatigue": "high"}')
    code, text = said("power-scaling", core_model, "--person", person)
    assert code == 0
    assert re.search(r"^ core strength +\S+ points ", text, re.MULTILINE)
    code, text = said("power-scaling", core_model, "--person", person, "--format", "json")
    assert code == 0
    assert {"moved_by_prior", "diagnosis"} <= set(json.loads(text)["numbers"][0])
