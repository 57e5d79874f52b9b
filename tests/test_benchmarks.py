"""The benchmarks: found by name, reported with their misses, compared with equal peers."""

import importlib
import itertools

import pytensor
import pytensor.tensor as pt
import pytest

from backrisk.survey import tabulate
from tests.benchmarks import _peers, _work
from tests.benchmarks.__main__ import found, report
from tests.benchmarks.common import median_seconds, result


@pytest.mark.parametrize("name", found())
def test_every_module_runs_and_says_what_it_measures(name):
    module = importlib.import_module(f"tests.benchmarks.{name}")
    assert callable(module.run)
    assert module.__doc__


def test_a_missed_bar_is_shown_with_its_profile():
    stamp = {"module": "fit_build", "machine": "abacus", "date": "2026-01-01", "load": 0.5}
    records = [
        result("fast", ours_s=1.0, theirs_s=30.0, bar=25),
        result("slow", ours_s=2.0, theirs_s=30.0, bar=25, profile="All in the beads."),
        result("late", ours_s=2.0, bar=1.0, limit="at most", of="ours_s", profile="Walked."),
    ]
    assert [record["met"] for record in records] == [True, False, False]
    text = report([{**record, **stamp} for record in records])
    assert "1 of 3 bars met." in text
    assert "**Missed: slow**: 15, expected at least 25. All in the beads." in text
    assert "**Missed: late**: 2, expected at most 1. Walked." in text


def test_median_seconds_times_each_call(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("tests.benchmarks.common.time.perf_counter", lambda: now[0])

    def taking(*seconds):
        each = itertools.cycle(seconds)
        return lambda: now.__setitem__(0, now[0] + next(each))

    assert median_seconds(taking(0.25), taking(2.0, 3.0, 16.0), least=0.0) == (0.25, 3.0)


@pytest.mark.parametrize("kind", _work.KINDS)
def test_the_pytensor_peer_has_the_same_likelihood(kind):
    survey = _work.survey(60, kind)
    patterns = tabulate(survey)
    log_cells = pt.dvector()
    value = _peers.pytensor_graph(survey.graph, patterns.codes, patterns.weights, log_cells)
    plain = pytensor.compile.mode.Mode("py", None)
    peer = pytensor.function([log_cells], [value, pytensor.grad(value, log_cells)], mode=plain)
    given = _work.cells(survey.graph)
    _peers.check_equal(survey.graph, given, _peers.ours(survey)(given), peer(given))
