"""The harness of faults: found by name, tried quickly, reported with what was lost."""

import importlib
from itertools import islice

import pytest

from tests.faults.kinds import calls
from tests.faults.outcome import FAILURES, LOST, Failure, Ran, Tally
from tests.faults.reporting import Tried, page
from tests.faults.trying import attempt, found


@pytest.mark.parametrize("name", found())
def test_every_kind_says_what_it_tries(name):
    module = importlib.import_module(f"tests.faults.kinds.{name}")
    assert callable(module.run)
    assert module.__doc__


def test_no_failing_call_loses_a_file(monkeypatch):
    writers = calls._writers
    monkeypatch.setattr(calls, "_writers", lambda folder: islice(writers(folder), 2))
    outcome = attempt("calls", 1, quick=True).outcome
    assert set(outcome.tried) == {"text to text.csv", "model to model.nc"}
    assert sum(outcome.tried.values()) > 0
    assert outcome.failures == ()


def test_what_is_lost_is_counted_and_named():
    tally = Tally()
    tally.count("score")
    tally.count("fit", LOST, "kill -9 after 0.3 s")
    text = page({"ends": Tried("Ends.", tally.outcome(), 2.0)}, {"seed": "1"})
    assert "Tried 2, survived 1, not survived 1" in text
    assert "| ends | fit | 1 | 0 | 1 |" in text
    assert "- **output lost**: fit: kill -9 after 0.3 s" in text
    assert f"1 x {LOST}" in text
    assert set(FAILURES) >= {LOST}
    with pytest.raises(ValueError, match="nonsense"):
        Failure("nonsense", "")


def test_a_process_fails_by_hanging_crashing_or_a_traceback():
    assert Ran(None, "", "").failure == "hang"
    assert Ran(-11, "", "").failure == "traceback"
    assert Ran(1, "", "Traceback (most recent call last):\n").failure == "traceback"
    assert Ran(2, "", "Error: no.").failure is None
    assert Ran(-9, "", "").failure is None
