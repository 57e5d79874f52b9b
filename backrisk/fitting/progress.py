"""How far the chains are: bars where something can be drawn over, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from backrisk.words import percent, say

_LINE = 30.0  # seconds between two lines


def drawable(console: Console) -> bool:
    """Whether a bar can be drawn: in a terminal, or in a notebook that has widgets.

    Parameters
    ----------
    console : rich.console.Console
    """
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.is_terminal


@contextmanager
def mode_progress(*, show: bool) -> Iterator[None]:
    """Say in a terminal what is done before the chains: a moment, of long histories a minute."""
    console = Console(stderr=True)
    if show and console.is_terminal and not console.is_jupyter:
        with console.status(say("fitting.to_the_mode")):
            yield
    else:
        yield


@contextmanager
def nutpie_progress(
    total: int, done: Mapping[int, bool], *, show: bool
) -> Iterator[Callable[[int], Callable[[Any], None]]]:
    """Show how far each chain is; yields what makes a chain's progress callback.

    Parameters
    ----------
    total : int
        Draws of a chain, those of its tuning among them.
    done : mapping of int to bool
        Whether each chain is finished already.
    show : bool
    """
    console = Console(stderr=True)
    if show and not drawable(console):
        with _lines(console, total, done) as advance:
            yield (
                lambda chain: (
                    lambda states: advance(
                        chain, total if states is None else states[0].finished_draws
                    )
                )
            )
        return
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not show,
    )
    tasks = {
        chain: bars.add_task(
            say("fitting.chain", number=chain + 1),
            total=total,
            completed=total * finished,
            note="",
        )
        for chain, finished in done.items()
    }

    def tell(chain: int) -> Callable[[Any], None]:
        def update(states: Any) -> None:
            if states is None:
                bars.update(tasks[chain], completed=total)
                return
            state = states[0]
            notes = [say("fitting.adapting")] if state.tuning else []
            if state.divergences:
                notes.append(say("fitting.divergent", count=state.divergences))
            note = say("phrases.comma").join(notes)
            bars.update(tasks[chain], completed=state.finished_draws, note=note)

        return update

    with bars:
        yield tell


@contextmanager
def pymc_progress(total: int, chains: int, *, show: bool) -> Iterator[dict[str, Any]]:
    """Yield the arguments by which PyMC shows its progress: its own bars, or a callback for lines.

    Parameters
    ----------
    total : int
        Draws of a chain, those of its tuning among them.
    chains : int
    show : bool
    """
    console = Console(stderr=True)
    if not show or drawable(console):
        yield {"progressbar": show}
        return
    counted: Counter[int] = Counter()
    with _lines(console, total, dict.fromkeys(range(chains), False)) as advance:

        def count(trace: Any, draw: Any) -> None:  # named so by PyMC
            counted[draw.chain] += 1
            advance(draw.chain, counted[draw.chain])

        yield {"progressbar": False, "callback": count}


@contextmanager
def progress_bar(total: int, *, done: int = 0, show: bool = True) -> Iterator[Callable[[], None]]:
    """Show how many fits are done and how long the rest will take; yields what counts one."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not show,
    )
    task = bar.add_task(say("fitting.surveys_fitted"), total=total, completed=done)
    with bar:
        yield lambda: bar.advance(task)


@contextmanager
def _lines(
    console: Console, total: int, done: Mapping[int, bool]
) -> Iterator[Callable[[int, int], None]]:
    """Write how far all chains are: at first, now and then, at the end; yields what counts."""
    at = {chain: total * finished for chain, finished in done.items()}
    begun = last = time.monotonic()

    def write() -> None:
        share = sum(at.values()) / (total * len(at))
        seconds = round(time.monotonic() - begun)
        told = say("fitting.progress", percent=percent(share), count=seconds, n=f"{seconds:,}")
        console.print(told, markup=False, highlight=False, soft_wrap=True)

    def advance(chain: int, finished: int) -> None:
        nonlocal last
        at[chain] = finished
        if time.monotonic() - last >= _LINE:
            last = time.monotonic()
            write()

    write()
    yield advance
    write()
