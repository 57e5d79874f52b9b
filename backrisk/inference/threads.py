"""Pieces of work on several cores: NumPy and compiled loops let go of Python's global lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = min(_CORES, 4)


def workers(worth: bool) -> int:
    """Return how many threads to use.

    One where the work is not worth starting others, and for whoever asks from a thread of its own,
    which has shared the cores out already.
    """
    return THREADS if worth and threading.current_thread() is threading.main_thread() else 1


def in_threads[Piece](
    function: Callable[[Piece], None], pieces: Sequence[Piece], count: int
) -> None:
    """Call a function with each piece, on so many threads; raise what one of them raised."""
    if count == 1 or len(pieces) == 1:
        for piece in pieces:
            function(piece)
    else:
        with ThreadPoolExecutor(count) as threads:
            list(threads.map(function, pieces))
