"""The benchmarks: found by name, reported with their misses, compared with equal peers."""

import importlib
import itertools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from backrisk.survey import tabulate
from tests.benchmarks import _peers, _stan, _work, growth
from tests.benchmarks import fit_complete_cases as complete_cases
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


def test_complete_rows_are_the_visits_at_which_a_regression_is_known():
    """Counted one by one; as a survey, every row is of one regression, whole."""
    survey, _ = complete_cases.surveyed()
    graph, codes = survey.graph, survey.codes
    parts = complete_cases.channels(survey)

    def at(row, name, period):
        return row[graph.names.index(graph.at(name, period))]

    rows = [
        (at(row, "lumbar_load", t), at(row, "pain", t - 1), at(row, "pain", t))
        for t in range(1, complete_cases.WAVES)
        for row in codes
    ]
    known = sorted(row for row in rows if min(row) >= 0)
    pain = parts[-1]
    assert pain.name == "pain"
    assert sorted(zip(*(c for _, c in pain.causes), pain.codes, strict=True)) == known
    alone = complete_cases.complete(parts, graph.template)
    assert alone.n == sum(len(part.codes) for part in parts)
    answered = {tuple(np.flatnonzero(row >= 0)) for row in alone.codes}
    assert sorted(map(len, answered)) == [2, 3, 3, 3]
    names = [[alone.graph.names[i] for i in each] for each in answered]
    assert ["lumbar_load_of_pain", "pain_before_of_pain", "pain"] in names


def test_an_exponent_is_that_of_the_power_and_tells_what_it_leaves():
    sizes = (10, 20, 40, 80)
    curve = growth.Curve("c", "nodes", sizes, [3 * size**1.5 for size in sizes])
    assert curve.exponent == pytest.approx((1.5, 0), abs=1e-12)
    assert curve.last == pytest.approx(1.5)
    record = curve.record()
    assert (record["range"], record["exponent"]) == ("10 to 80 nodes", "1.50 (0.00)")
    assert [growth.three(x) for x in (0.09764, 1.0, 11466.8)] == ["0.0976", "1", "11,500"]
    # Of four points beside a line, the standard error of a slope as textbooks give it.
    off = np.exp([0.1, -0.1, -0.1, 0.1])
    power, error = growth.exponent(sizes, off * np.array(sizes) ** 1.5)
    assert power == pytest.approx(1.5)
    assert error == pytest.approx(np.sqrt(0.04 / 2 / 5) / np.log(2))


def test_a_regression_in_stan_has_its_own_rows():
    text = _stan.program(["fatigue", "pain"])
    assert "y_pain ~ ordered_logistic(x_pain * b_pain, cut_pain);" in text
    assert text.count("normal(0, 2)") == 2
    assert "int y_fatigue[N_fatigue];" in text
