"""What the checks noticed of every planted fault, and what they say of real fits, as one page."""

from __future__ import annotations

import html
import io
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mistune
from scipy.stats import beta

from tests.validation import planting
from tests.validation.running import Record

TARGETS = ("direct_effect", "missing_edge", "interaction", "biased_item")
AIM, AT, MOST_FALSE = 0.8, 2000, 0.05
# The same distribution of everything that is asked: nothing can be noticed, and nothing should be.
QUIET = ("clean", "reversal")
# Nothing about the answers is at odds with the graph: what is left is to ask how strong it must be.
UNTESTABLE = "confounder"
NOTES = Path(__file__).with_name("notes")


@dataclass(frozen=True)
class Share:
    """How many of some, with Jeffreys' interval of 95 %."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.hits / self.of if self.of else float("nan")

    @property
    def ends(self) -> tuple[float, float]:
        """Its interval: the Monte Carlo error of so few surveys."""
        low, high = beta(self.hits + 0.5, self.of - self.hits + 0.5).ppf([0.025, 0.975])
        return (0.0 if not self.hits else low, 1.0 if self.hits == self.of else high)

    def __str__(self) -> str:
        """Return the share in percent, and its interval."""
        if not self.of:
            return "-"
        low, high = self.ends
        return f"{100 * self.value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def noticed(records: Iterable[Record], check: str = "") -> Share:
    """Return how many reports contradicted the model, by any check or by one."""
    every = list(records)
    found = [
        each.noticed if not check else each.found.get(check) == "contradicted" for each in every
    ]
    return Share(sum(found), len(every))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], align: str = "---:") -> list[str]:
    """Return a table of Markdown; the first column holds words, the others mostly numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + f" {align} |" * (len(head) - 1)]
    # A bar within a cell, as of a conditional probability, would begin another.
    cells = ([str(cell).replace("|", r"\|") for cell in row] for row in rows)
    return [*lines, *("| " + " | ".join(row) + " |" for row in cells), ""]


def said(fault: str) -> str:
    """Return what a fault is, in the words of whoever plants it."""
    if fault == "clean":
        return "Nothing is wrong: the truth is one that the graph holds."
    return " ".join((planting.FAULTS[fault].__doc__ or "").split())


def planted(records: Mapping[object, Record]) -> list[str]:
    """Return the section on planted faults."""
    every = list(records.values())
    sizes = sorted({each.task.people for each in every})
    faults = [name for name in planting.FAULTS if any(r.task.fault == name for r in every)]
    checks = list(dict.fromkeys(check for each in every for check in each.found))

    def of(fault: str, people: int | None = None) -> list[Record]:
        return [
            each
            for each in every
            if each.task.fault == fault and people in (None, each.task.people)
        ]

    seeds = len({each.task.seed for each in every})
    lines = [
        "## Planted faults",
        "",
        f"{len(every):,} surveys: {len(faults)} truths, {seeds} times, of "
        f"{', '.join(f'{n:,}' for n in sizes)} people. Each truth is drawn from the prior of the "
        "fit; then one fault is put in, of the size stated. All are fitted with the graph that "
        "lacks it. *Noticed*: the report of the checks says *contradicted* anywhere. Intervals are "
        "Jeffreys' of 95 %, the Monte Carlo error of so many surveys.",
        "",
    ]
    lines += [f"- **{name}**: {said(name)}" for name in faults]
    lines += ["", "### Noticed by the report as a whole", ""]
    lines += table(
        ["truth", *(f"N = {n:,}" for n in sizes)],
        [[name, *(noticed(of(name, n)) for n in sizes)] for name in faults],
    )
    lines += ["![Share of surveys in which a fault is noticed](validation.svg)", ""]
    for n in sizes:
        lines += [f"### Which check noticed, N = {n:,}", ""]
        rows = [
            [name, *(noticed(of(name, n), check) for check in checks), noticed(of(name, n))]
            for name in faults
        ]
        lines += table(["truth", *checks, "any"], rows)
    lines += ["### What was aimed at", "", *(f"- {each}" for each in aims(every)), ""]
    lines += ["### What pointed where", "", *pointing(every, faults, sizes)]
    lines += costs(every)
    return lines


def aims(every: Sequence[Record]) -> list[str]:
    """Say of each aim whether it was reached."""
    found = []
    for name in TARGETS:
        share = noticed(r for r in every if (r.task.fault, r.task.people) == (name, AT))
        met = "not measured" if not share.of else "met" if share.value >= AIM else "**missed**"
        found.append(f"{name}: at least {AIM:.0%} noticed at N = {AT:,}: {share}, {met}.")
    share = noticed(r for r in every if r.task.fault in QUIET)
    low, _ = share.ends if share.of else (0.0, 0.0)
    reached = (
        "not measured"
        if not share.of
        else "met"
        if share.value <= MOST_FALSE
        else "above, though within the Monte Carlo error"
        if low <= MOST_FALSE
        else "**missed**"
    )
    found.append(
        f"False alarms, over the {share.of} surveys whose answers the graph holds "
        f"({', '.join(QUIET)}): at most {MOST_FALSE:.0%} of the reports: {share}, {reached}."
    )
    return found


def pointing(every: Sequence[Record], faults: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """Return what was named most often, by fault."""
    largest = max(sizes)
    rows = []
    for name in faults:
        some = [r for r in every if r.task.fault == name and r.task.people == largest]
        named = Counter(
            f"{check}: {' - '.join(nodes[:2])}"
            for record in some
            for check, about in record.about.items()
            for nodes in about[:1]
        )
        told = "; ".join(f"{what} ({count})" for what, count in named.most_common(3))
        rows.append([name, told or "-"])
    return [
        f"What each check put first, of the surveys of {largest:,} people, with how often.",
        "",
        *table(["truth", "first named"], rows, "---"),
    ]


def costs(every: Sequence[Record]) -> list[str]:
    """Say how long fits and checks took, and how many fits were sound."""
    sound = sum(each.sound for each in every)
    fit, check = (
        statistics.median(getattr(r, name) for r in every) for name in ("fit_s", "check_s")
    )
    return [
        f"Of the fits, {sound:,} of {len(every):,} passed the checks of their sampling. In the "
        f"median a fit took {fit:.1f} s of a processor and its checks {check:.1f} s.",
        "",
    ]


def figure(records: Mapping[object, Record]) -> str:
    """Return the shares by size of the survey as SVG."""
    import matplotlib

    from backrisk.plotting.canvas import new_figure

    every = list(records.values())
    sizes = sorted({each.task.people for each in every})
    faults = [name for name in planting.FAULTS if any(r.task.fault == name for r in every)]
    drawing, axes = new_figure(4.0)
    ends = []
    for place, name in enumerate(faults):
        shares = [
            noticed(r for r in every if (r.task.fault, r.task.people) == (name, n)) for n in sizes
        ]
        colour = f"C{place}"
        style = ":" if name in (*QUIET, UNTESTABLE) else "-"
        values = [100 * each.value for each in shares]
        axes.plot(sizes, values, style, marker="o", markersize=4, color=colour)
        ends.append((values[-1], name, colour))
    ends.sort()
    places = [value for value, _, _ in ends]
    for i in range(1, len(places)):  # labels that would stand on each other are moved apart
        places[i] = max(places[i], places[i - 1] + 5.5)
    places[-1] = min(places[-1], 100.0)
    for i in reversed(range(len(places) - 1)):
        places[i] = min(places[i], places[i + 1] - 5.5)
    for at, (_, name, colour) in zip(places, ends, strict=True):
        axes.annotate(
            name.replace("_", " "),
            (sizes[-1], at),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            annotation_clip=False,
        )
    axes.axhline(100 * MOST_FALSE, color="#9a9a9a", linewidth=0.8)
    axes.set(xscale="log", xlabel="people", ylabel="noticed, % of surveys", ylim=(-3, 103))
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.minorticks_off()
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "validation"}):  # the same picture, the same bytes
        drawing.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def note(name: str) -> list[str]:
    """Return what a person wrote who looked at the figures, where anybody has."""
    path = NOTES / f"{name}.md"
    return [path.read_text(encoding="utf-8").strip(), ""] if path.exists() else []


def page(records: Mapping[object, Record], real: Sequence[str], stamp: str) -> str:
    """Return the whole page as Markdown."""
    lines = [
        "# Validation: would the checks have caught us?",
        "",
        f"Made by `make validation` ({stamp}). People are synthetic wherever it is not said that "
        "they are not.",
        "",
        *note("summary"),
        *(planted(records) if records else []),
        *note("misses"),
        *real,
    ]
    return "\n".join(lines).rstrip() + "\n"


STYLE = """
body { font: 16px/1.5 Georgia, serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: .9rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
th { border-bottom: 2px solid #222; text-align: left; }
svg { max-width: 100%; height: auto; }
code { font-size: .9em; }
"""


def as_html(text: str, picture: str) -> str:
    """Return the page as one HTML file, whole in itself."""
    body = mistune.create_markdown(plugins=["table"])(text)
    start = picture.find("<svg")
    drawn = f"<figure>{picture[start:]}</figure>" if start >= 0 else ""
    lines = []
    for line in str(body).splitlines():
        lines.append(drawn if "validation.svg" in line else line)
    title = html.escape(text.splitlines()[0].lstrip("# "))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{chr(10).join(lines)}\n</body></html>\n"
    )
