"""What came of every kind of fault, as one page of Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.faults.outcome import FAILURES, Outcome

_SHOWN = 20  # failures of a kind that the page lists


@dataclass(frozen=True)
class Tried:
    """A kind of fault: what its module says of itself, and what came of it."""

    about: str
    outcome: Outcome
    seconds: float


def page(found: Mapping[str, Tried], stamp: Mapping[str, str]) -> str:
    """Return the report.

    Parameters
    ----------
    found : mapping of str to Tried
        By the kind's name.
    stamp : mapping of str to str
        What the run was of, such as its seed.
    """
    every = [tried.outcome for tried in found.values()]
    tried = sum(sum(each.tried.values()) for each in every)
    failures = Counter(failure.kind for each in every for failure in each.failures)
    counts = ", ".join(f"{failures[kind]} x {kind}" for kind in FAILURES)
    lines = [
        "# Faults",
        "",
        "Made by `make test-faults`. "
        + " ".join(f"{name.capitalize()}: {value}." for name, value in stamp.items()),
        "",
        f"Tried {tried:,}, survived {tried - failures.total():,}, not survived "
        f"{failures.total():,}: {counts}.",
        "",
        "Survived: the command worked, or said in one sentence what was wrong and ended with its "
        "exit code; what stood at its place before still stood there whole; nothing of the rows "
        "was left, at the latest after the next start.",
        "",
        "| kind | tried on | tried | survived | lost |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, each in found.items():
        for what, number in each.outcome.tried.items():
            bad = sum(failure.where.startswith(f"{what}: ") for failure in each.outcome.failures)
            lines.append(f"| {name} | {what} | {number:,} | {number - bad:,} | {bad:,} |")
        if each.outcome.skipped:
            lines.append(f"| {name} | skipped: {each.outcome.skipped} | 0 | 0 | 0 |")
    for name, each in found.items():
        lines += ["", f"## {name}", "", " ".join(each.about.split()), ""]
        lines += [f"- {figure}" for figure in each.outcome.figures]
        lines += [f"- Cannot be survived: {limit}" for limit in each.outcome.limits]
        bad = each.outcome.failures
        lines += [f"- **{one.kind}**: {one.where}" for one in bad[:_SHOWN]]
        if len(bad) > _SHOWN:
            lines.append(f"- and {len(bad) - _SHOWN:,} more")
        lines.append(f"- {each.seconds:,.0f} s")
    return "\n".join(lines) + "\n"
