"""What a history says of a node, in words.

It is asked of the states period by period, empty where none is told; a constant has one of all.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from backrisk.queries.answer import row_name
from backrisk.queries.over_time.plans import worded_periods
from backrisk.words import Names, say

_SHOWN = 6  # periods of a history that a table shows
_CHANGES = 3  # of a node in a history that are worded


def last_told(states: Sequence[str]) -> str:
    """Return the states of the last periods; where none is told of these, also the one before."""
    last = ", ".join(state or row_name("not_reported") for state in states[-_SHOWN:])
    if len(states) <= _SHOWN:
        return last
    before = _periods(states)[-1:]
    if not before or any(states[-_SHOWN:]):
        return f"..., {last}"
    return f"{states[before[0]]} ({worded_periods(before)}), ..., {last}"


def told_when(names: Names, node: str, states: Sequence[str]) -> str:
    """Word the states with their periods, of many changes the last ones; empty where none is told.

    A constant is said without a period.
    """
    if len(states) == 1:
        return names.state(node, states[0]) if states[0] else ""
    runs = [
        (state, list(run)) for state, run in itertools.groupby(_periods(states), states.__getitem__)
    ]
    words = [
        say(
            "queries.over_time.plan.when",
            done=names.state(node, state),
            periods=worded_periods(periods),
        )
        for state, periods in runs[-_CHANGES:]
    ]
    return ", ".join(words if len(runs) <= _CHANGES else ["...", *words])


def periods_of(names: Names, node: str, states: Sequence[str]) -> str:
    """Word a node with the periods in which its state is told."""
    periods = worded_periods(_periods(states))
    return say("queries.over_time.plan.when", done=names.node(node), periods=periods)


def _periods(states: Sequence[str]) -> list[int]:
    return [period for period, state in enumerate(states) if state]
