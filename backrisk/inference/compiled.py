"""The compiled loops, all of them."""

from __future__ import annotations


def get_ready() -> None:
    """Import the compiler now, so that all that follows is carried out by compiled loops.

    For whoever will ask many questions: the first would not be worth the time that it takes.
    """
    from backrisk.inference import drawing, filling, intervals, lanes, walking

    assert all((drawing, filling, intervals, lanes, walking))
