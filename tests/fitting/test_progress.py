"""How a fit tells how far it is: bars in a terminal, lines where nothing can be drawn over."""

import io
import re
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from backrisk.fitting import progress
from backrisk.fitting.progress import drawable, nutpie_progress, pymc_progress

STATE = SimpleNamespace(finished_draws=30, tuning=True, divergences=0)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def told(capsys):
    return capsys.readouterr().err.splitlines()


def test_a_log_gets_a_line_at_first_now_and_then_and_at_the_end(capsys, clock):
    with nutpie_progress(100, {0: False, 1: True}, show=True) as tell:
        tell(0)([STATE])  # too early for a line
        clock[0] = 40.0
        tell(0)([STATE])
        clock[0] = 50.0
        tell(0)(None)
    assert told(capsys) == [
        "Sampling: 50 % after 0 seconds.",
        "Sampling: 65 % after 40 seconds.",
        "Sampling: 100 % after 50 seconds.",
    ]


def test_pymc_counts_draws_where_its_bars_cannot_be_drawn(capsys, clock):
    with pymc_progress(4, 2, show=True) as shown:
        assert shown["progressbar"] is False
        for chain in (0, 1):
            for _ in range(4):
                clock[0] += 20.0
                shown["callback"](trace=None, draw=SimpleNamespace(chain=chain))
    lines = told(capsys)
    assert [re.search(r"(\d+) %", line)[1] for line in lines] == [
        "0",
        "25",
        "50",
        "75",
        "100",
        "100",
    ]


def test_nothing_is_told_where_nothing_is_asked(capsys):
    with nutpie_progress(10, {0: False}, show=False) as tell:
        tell(0)([STATE])
    with pymc_progress(10, 1, show=False) as shown:
        assert shown == {"progressbar": False}
    assert told(capsys) == []


def test_a_terminal_gets_bars(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        progress, "Console", lambda **_: Console(file=screen, force_terminal=True, width=100)
    )
    with nutpie_progress(60, {0: False}, show=True) as tell:
        tell(0)([STATE])
    assert "chain 1" in screen.getvalue()
    assert "30/60" in screen.getvalue()
    with pymc_progress(10, 1, show=True) as shown:
        assert shown == {"progressbar": True}  # its own bars


@pytest.mark.parametrize("widgets", [False, True])
def test_a_notebook_gets_bars_where_it_has_widgets(monkeypatch, widgets):
    found = SimpleNamespace() if widgets else None
    monkeypatch.setattr(progress, "find_spec", lambda name: found if name == "ipywidgets" else 1)
    assert drawable(Console(force_jupyter=True)) is widgets
    assert not drawable(Console(file=io.StringIO()))
    assert drawable(Console(file=sys.stderr, force_terminal=True))
