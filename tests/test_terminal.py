"""What a terminal shows: whole cells at any width."""

import re
from io import StringIO

import pytest
from rich.console import Console

from backrisk import attribute, risk
from backrisk.summary import percent
from backrisk.terminal import Format, show

PERSON = {"fatigue": "high", "pain": "limiting"}


def printed(answer, width):
    console = Console(file=StringIO(), width=width, highlight=False)
    show(answer, Format.table, console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [70, 80, 120])
def test_no_cell_is_broken_or_cut(core_posterior, width):
    answer = attribute(core_posterior, PERSON, target="pain>=limiting")
    text = printed(answer, width)
    assert "…" not in text
    for cause in answer.causes:
        assert re.search(rf"^ ?{cause} .*% \(\S+ to \S+\).* to ", text, re.MULTILINE)


def test_a_narrow_terminal_names_what_it_leaves_out(core_posterior):
    answer = attribute(core_posterior, PERSON)
    assert "shows also: leading" in printed(answer, 75)
    assert "shows also" not in printed(answer, 120)


def test_an_estimate_is_shown_with_its_interval(core_posterior):
    answer = risk(core_posterior, {"fatigue": "high"})
    row = answer.table.loc["this person"]
    text = " ".join(printed(answer, 100).split())
    assert f"this person {percent(row['mean'])} ({percent(row['low'])[:-2]} to" in text
