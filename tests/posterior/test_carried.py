"""What a carried model records of where it was carried."""

from dataclasses import replace

import pytest

from backrisk import CausalGraph, Posterior, PosteriorError

GRAPH = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
HERE = Posterior.from_cpts(GRAPH, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
RECORD = {
    "population": "the clinic",
    "source": "A paper.",
    "differs": ["x", "y"],
    "baseline": ["y"],
    "independent": ["x", "y"],
    "bits": 0.02,
}


def test_each_assumption_is_a_sentence_that_every_answer_repeats():
    there = replace(HERE, meta={"carried": RECORD})
    first, baseline, independent = there.carried
    assert "of these nodes differ there: x and y" in first
    assert baseline.endswith("are the same: y.")
    assert "0.020 bits" in independent
    assert there.believed == there.carried
    assert there.warnings_about(["y"]) == there.carried


def test_what_was_not_carried_says_nothing():
    assert HERE.carried == ()
    assert HERE.believed == ()


@pytest.mark.parametrize(
    "wrong", [{"bits": -1.0}, {"differs": "x"}, {"population": 3}, {"more": 1}]
)
def test_a_record_of_another_kind_is_not_saved(wrong, tmp_path):
    with pytest.raises(PosteriorError, match=r"meta\.carried"):
        replace(HERE, meta={"carried": {**RECORD, **wrong}}).save(tmp_path / "m.nc")
