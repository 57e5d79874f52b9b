"""A question put to a fit or to a simulation: asked once, kept, and told from what is kept.

A run that was stopped goes on where it was. A question that fails is told on the page with its
error, is asked again by the next run, and leaves the others as they are.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAILED = "failed"
Held = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A question, and how its answer is told.

    Parameters
    ----------
    name : str
        Of its kept file.
    title : str
        Of its section.
    measures : str
        What is measured, in one line.
    make : callable
        Returns plain values; what it takes depends on what the question is put to.
    tell : callable
        Returns lines of Markdown from these values alone.
    """

    name: str
    title: str
    measures: str
    make: Callable[..., Held]
    tell: Callable[[Held], list[str]]


def processor() -> float:
    """Return the seconds that this process and those it waited for had a core."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def digest(path: Path) -> str:
    """Return what tells one file from another: answers about an earlier model are not told."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else ""


def place_of(piece: Piece, about: str, folder: Path) -> Path:
    """Return the file that a question's answer is kept in."""
    return folder / "pieces" / f"{about}-{piece.name}.json"


def answered(
    piece: Piece,
    about: str,
    folder: Path,
    make: Callable[[], Held],
    *,
    of: str = "",
    only_kept: bool = False,
) -> Held:
    """Return what is kept of a question, or ask it and keep that; empty where nothing may be asked.

    Parameters
    ----------
    piece : Piece
    about : str
        What it is put to, as the kept file has it.
    folder : Path
    make : callable
        Asks it.
    of : str
        The digest of the model: what was kept of another is not told.
    only_kept : bool
        Ask nothing.
    """
    path = place_of(piece, about, folder)
    held: Held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if held.get("of", "") != of:
        held = {}
    if only_kept or (held and FAILED not in held):
        return held
    print(f"{about}: {piece.title.lower()} ...", flush=True)
    start = processor()
    try:
        held = make()
    except Exception as error:  # whatever it is, the page tells it and the run goes on
        traceback.print_exc(file=sys.stderr)
        held = {FAILED: f"{type(error).__name__}: {error}"}
    held |= {"of": of, "seconds": processor() - start}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(held, indent=2), encoding="utf-8")
    part.replace(path)
    print(f"{about}: {piece.title.lower()}: {held['seconds']:.0f} s of a processor", flush=True)
    return held


def told(piece: Piece, held: Mapping[str, Any], level: str = "###") -> list[str]:
    """Return a question's section: what it measures, and what came of it."""
    lines = [f"{level} {piece.title}", "", f"*What it measures.* {piece.measures}", ""]
    if not held:
        return [*lines, "Left out: not asked yet.", ""]
    if FAILED in held:
        return [*lines, f"**Failed**, and so tells nothing: {held[FAILED]}", ""]
    return [*lines, *piece.tell(dict(held)), f"({held['seconds']:.0f} s of a processor.)", ""]


def share(value: float, digits: int = 0) -> str:
    """Return a probability in percent."""
    return f"{100 * value:.{digits}f} %" if value == value else "-"


def spread(low: float, high: float) -> str:
    """Return two ends in points."""
    return f"{100 * low:.1f} to {100 * high:.1f}"


def named(words: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    if not words:
        return "none"
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


def counted(number: int, one: str, more: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
