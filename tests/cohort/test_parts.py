"""Cohorts in parts: each scored where it lies, as the whole is."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from backrisk.cohort import score, scorer
from backrisk.errors import QueryError
from backrisk.graph import Layout, load_graph
from backrisk.posterior import Posterior, simulate
from backrisk.survey import load_codebook

BOOK = load_codebook("runner")


@pytest.fixture(scope="module")
def runner():
    graph = BOOK.extend(load_graph("runner"))
    fractions, beta = Layout(graph).draw_prior(10, np.random.default_rng(4))
    return Posterior(graph, fractions, beta, codebook=BOOK)


def rows(count):
    """Return synthetic runners as text cells, with an identifier and one refused cell."""
    frame = simulate(load_graph("runner"), count, 9, codebook=BOOK).astype(object)
    frame = frame.where(frame.notna(), "").map(str)
    frame.insert(0, "who", [f"r{place}" for place in range(count)])
    frame.loc[1, "plank_seconds"] = "long"
    return frame


def test_parts_are_scored_as_the_whole(tmp_path, runner):
    frame = rows(9)
    whole = pd.read_parquet(score(runner, frame, tmp_path / "whole.parquet", ids="who").out)
    ask = pickle.loads(pickle.dumps(scorer(runner, ids="who")))
    parts = pa.Table.from_pandas(frame, preserve_index=False).to_batches(max_chunksize=4)
    found = list(ask([parts[0], parts[0].slice(0, 0), *parts[1:]]))
    assert len(found) == 3
    assert all(batch.schema.equals(ask.schema) for batch in found)
    pd.testing.assert_frame_equal(
        pa.Table.from_batches(found).to_pandas(), whole.drop(columns="row"), check_dtype=False
    )
    assert whole.loc[1, "flags"] == "refused: plank_seconds"
    assert ask.ddl.startswith("`who` string, `risk` double, `risk_low` double")
    assert ask.ddl.count("`") == 2 * len(ask.schema)


def test_what_is_sent_does_not_grow_with_what_was_asked(tmp_path, runner):
    before = len(pickle.dumps(scorer(runner)))
    score(runner, rows(3), tmp_path / "scored.parquet", shares=True)
    assert len(pickle.dumps(scorer(runner))) == before
    assert before < 2**21


def test_questions_are_checked_before_anything_is_sent(runner):
    with pytest.raises(QueryError, match="'pian' is not"):
        scorer(runner, target="pian")
    with pytest.raises(QueryError, match="expected at least 1"):
        scorer(runner, draws=0)
