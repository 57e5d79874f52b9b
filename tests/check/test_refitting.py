"""One loop of refits: each fit by itself, so that a study may stop and go on."""

import numpy as np
import pytest

from backrisk.check.refitting import Ledger, refits
from backrisk.check.simulated import Simulated
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph

GRAPH = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]}, outcome="y")
STUDY = {"people": 30, "seed": 4, "draws": 20, "tune": 1}


def test_each_fit_depends_on_the_seed_and_its_number_alone():
    simulated = Simulated(GRAPH, missing=0.0)
    whole = list(refits(simulated, fits=4, **STUDY))
    rest = list(refits(simulated, fits=4, done=2, **STUDY))
    assert [each.number for each in whole] == [0, 1, 2, 3]
    assert [each.number for each in rest] == [2, 3]
    for one, two in zip(whole[2:], rest, strict=True):
        assert np.array_equal(one.truth.posterior.fractions, two.truth.posterior.fractions)
        assert np.array_equal(one.survey.codes, two.survey.codes)
        assert np.array_equal(one.found.fractions, two.found.fractions)
    other = next(refits(simulated, fits=1, **{**STUDY, "seed": 5}))
    assert not np.array_equal(other.survey.codes, whole[0].survey.codes)
    assert not np.array_equal(whole[0].survey.codes, whole[1].survey.codes)


@pytest.mark.parametrize("name", ["people", "fits"])
def test_nothing_to_fit_is_refused(name):
    with pytest.raises(QueryError, match=f"{name} is 0; expected at least 1"):
        next(refits(Simulated(GRAPH), **{"fits": 1, **STUDY, name: 0}))


def test_results_are_kept_and_read_by_the_same_study_alone(tmp_path):
    path = tmp_path / "results.jsonl"
    ledger = Ledger(path, {"seed": 1, "levels": (0.5, 0.9)})
    assert ledger.read() == []
    ledger.keep([{"rank": [0.25, float("nan")]}, {"rank": []}])
    first, second = Ledger(path, {"seed": 1, "levels": (0.5, 0.9)}).read()
    assert first["rank"][0] == 0.25
    assert np.isnan(first["rank"][1])
    assert second == {"rank": []}
    with pytest.raises(QueryError, match="results of another study"):
        Ledger(path, {"seed": 2, "levels": (0.5, 0.9)}).read()
    for damaged in ("", "{", "no\n"):
        path.write_text(damaged)
        with pytest.raises(QueryError, match="does not hold results"):
            ledger.read()
    assert Ledger(None, {}).read() == []
    Ledger(None, {}).keep([1])
