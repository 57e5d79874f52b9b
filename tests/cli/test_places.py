"""Cohorts scored from the shell into folders, and to and from addresses."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from backrisk import simulate
from backrisk.cli import app

fsspec = pytest.importorskip("fsspec")


def said(*arguments):
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def model(core_prior, tmp_path_factory):
    return core_prior.save(tmp_path_factory.mktemp("model") / "model.nc")


@pytest.fixture(scope="module")
def people(core_prior):
    frame = simulate(core_prior.graph, 12, seed=5, gaps=False)
    return frame.assign(club=["north", "south", "east"] * 4)


def test_a_folder_in_parts_is_written_and_read_again(model, people, tmp_path):
    people.to_parquet(tmp_path / "people.parquet")
    out = tmp_path / "scored"
    code, text = said(
        "score", model, tmp_path / "people.parquet", "--out", out, "--partition-by", "club"
    )
    assert code == 0, text
    assert {each.name for each in out.iterdir()} == {"club=east", "club=north", "club=south"}
    assert len(pd.read_parquet(out)) == 12
    code, text = said("score", model, tmp_path / "people.parquet", "--out", out)
    assert (code, "files are there already" in text) == (2, True)


def test_scores_go_to_an_address_with_their_problems(model, people, tmp_path):
    store, root = fsspec.filesystem("memory"), f"/{tmp_path.name}"
    wrong = people.assign(fatigue=["dreadful", *people["fatigue"][1:]])
    store.pipe(f"{root}/people.csv", wrong.to_csv(index=False).encode())
    address = f"memory:/{root}"
    code, text = said(
        "score", model, f"{address}/people.csv", "--id", "club", "--out", f"{address}/scored.csv"
    )
    assert code == 1, text
    assert f"{address}/scored.problems.csv" in text
    assert store.cat(f"{root}/scored.csv").count(b"\n") == 13
    code, text = said("validate", f"{address}/nothing.csv")
    assert (code, "there is nothing at this address" in text) == (2, True)
