"""How far a cohort is, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from backrisk.words import say

Stages = Callable[[str, int], Callable[[int], None]]

_WHOLE = 1e9  # seconds that the speed is taken over: of the whole stage, since parts differ


@contextmanager
def shown(show: bool) -> Iterator[Stages]:
    """Show the stages of a cohort, one line each.

    Parameters
    ----------
    show : bool

    Yields
    ------
    callable
        Of a stage's name and how many there are to do; returns what is told how many more are
        done. The time that is left is what the rest takes at the stage's speed so far.
    """
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        speed_estimate_period=_WHOLE,
        disable=not show,
    )

    def begun(stage: str, total: int) -> Callable[[int], None]:
        task = bars.add_task(say(f"cohort.progress.{stage}"), total=total)
        return lambda count: bars.advance(task, count)

    with bars:
        yield begun
