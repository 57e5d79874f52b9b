"""What does not hang on a survey: coverage, what a study would tell, and other programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backrisk import load_graph
from backrisk.check import measure_coverage, plan_study
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook
from backrisk.words import names_of
from tests.validation.alternatives import records
from tests.validation.pieces import Held, Piece, counted, named, share
from tests.validation.reporting import table

GRAPH, CAUSES = "runner_core", ("core_strength", "fatigue")
FITS, PEOPLE, SEED = 30, 300, 1
SIZES, SURVEYS = (200, 500, 2000), 20
POPULATION = {"prevalence": 0.14, "people": 2000}
MADE = "`make against`"


def read_as(graph: CausalGraph, items: tuple[str, ...] = (), design: Any = None) -> Codebook:
    """Return how a survey is read: items in place of some nodes, and how people are chosen."""
    columns: dict[str, Any] = {name: {"node": name} for name in graph.names if name not in items}
    columns |= {f"{n}_report": {"item": n, "reliability": 0.7, "people": 50} for n in items}
    data = {"name": "study", "graph": graph.name, "synthetic": True, "columns": columns}
    return Codebook.from_dict(data | ({"design": design} if design else {}), graph)


def designs(graph: CausalGraph) -> dict[str, Mapping[str, Any]]:
    """Return the ways in which surveys are made, whose likelihood the fit has."""
    hidden = ("compensation", "lumbar_load")
    cases = {"kind": "case_control", **POPULATION}
    pairs = {"kind": "matched", "set": "pair", **POPULATION}
    return {
        "two nodes that nobody was asked about": {"unmeasured": list(hidden)},
        "the same, each asked in a question that errs": {"codebook": read_as(graph, hidden)},
        "a fifth of answers missing": {"missing": 0.2},
        "three sites": {"sites": 3, "missing": 0.0},
        "cases and controls": {"codebook": read_as(graph, (), cases)},
        "matched pairs": {"codebook": read_as(graph, (), pairs)},
    }


# Coverage -------------------------------------------------------------------------------------


def make_coverage(fits: int = FITS, people: int = PEOPLE, some: tuple[str, ...] = ()) -> Held:
    """Fit surveys simulated from the prior, design by design, and count what intervals hold."""
    graph = load_graph(GRAPH)
    rows, unsound = [], 0
    for name, asked in designs(graph).items():
        if some and name not in some:
            continue
        print(f"coverage: {name}", flush=True)
        found = measure_coverage(
            graph, people=people, fits=fits, seed=SEED, causes=list(CAUSES), **asked
        )
        unsound += found.unsound
        kinds = found.table[found.table["verdict"] != ""]
        rows += [{**row, "design": name} for row in records(kinds.set_index("kind"))]
    return {"rows": rows, "fits": fits, "people": people, "unsound": unsound}


LEVELS = (0.5, 0.8, 0.9, 0.95)


def tell_coverage(held: Held) -> list[str]:
    """Word the share of intervals that hold the truth."""
    groups: dict[tuple[str, str], dict[float, Held]] = {}
    for each in held["rows"]:
        groups.setdefault((each["design"], each["kind"]), {})[each["level"]] = each
    rows = []
    for (design, kind), levels in groups.items():
        cells = [
            f"{100 * levels[at]['central']:.0f} ({100 * levels[at]['central_error']:.0f})"
            for at in LEVELS
        ]
        held_90 = levels[0.9]
        zero = f"{share(held_90['at_zero'])}, {share(held_90['coverage'])}"
        rows.append([design, kind, *cells, zero if held_90["at_zero"] else "-"])
    head = ["survey", "of", *(f"{100 * at:.0f} %" for at in LEVELS), "truths at 0; closed 90 %"]
    lines = [
        f"{held['fits']} fits of {held['people']} people to each row; percent, with the Monte "
        "Carlo error of fits as clusters. Ties of a truth with draws, at exactly zero, are broken "
        "at random: a closed interval holds such truths more often than it states, which the last "
        "column shows.",
        "",
        *table(head, rows),
    ]
    every = held["rows"]
    counts: dict[str, int] = {}
    for each in every:
        counts[each["verdict"]] = counts.get(each["verdict"], 0) + 1
    wrong = [
        f"{each['kind']} at {share(each['level'])}, {each['design']}"
        for each in every
        if each["verdict"] == "contradicted"
    ]
    told = f"**What it means.** Of {counted(len(every), 'share')} in this table, " + ", ".join(
        f"{count}: {verdict}" for verdict, count in counts.items()
    )
    told += f" ({'; '.join(wrong)}). " if wrong else ". "
    told += (
        "Where intervals are contradicted, answers of such surveys claim more, or less, than they "
        "know. "
        if wrong
        else "No interval is found to be wider or narrower than it says, for truths that the prior "
        "expects; of others this says nothing. "
    )
    if held["unsound"]:
        told += (
            f"{counted(held['unsound'], 'fit')} did not pass its checks and is counted like any."
        )
    return [*lines, told.strip(), ""]


# Planning -------------------------------------------------------------------------------------


def make_planning(surveys: int = SURVEYS, sizes: tuple[int, ...] = SIZES) -> Held:
    """Simulate surveys before anybody is asked."""
    graph = load_graph(GRAPH)
    found = plan_study(
        graph, people=list(sizes), seed=SEED, fits=surveys, effects=list(CAUSES), quick=True
    )
    names = names_of(graph)
    ratios = [found.compared(i) for i in range(len(found.asked))]
    return {
        "rows": [
            {**row, "cause": names.node(row["cause"])}
            for row in records(found.table.set_index("kind"))
        ],
        "surveys": found.surveys,
        "ratios": [list(map(float, each)) for each in ratios],
        "causes": [names.node(each.cause) for each in found.asked],
    }


def tell_planning(held: Held) -> list[str]:
    """Word how wide intervals will be, and what will be told."""
    rows = [
        [
            each["cause"],
            f"{each['people']:,}",
            f"{100 * each['width']:.1f} ({100 * each['width_error']:.1f})",
            _rate(each, "null"),
            _rate(each, "found"),
            "-" if each["true"] is None else f"{100 * each['true']:.1f}",
        ]
        for each in held["rows"]
    ]
    head = [
        "cause",
        "people",
        "width of the 90 % interval, points (error)",
        "told of no effect",
        "told of a true one",
        "mean true effect",
    ]
    lines = [f"{counted(held['surveys'], 'survey')} behind each row.", "", *table(head, rows)]
    parts = []
    for cause in held["causes"]:
        own = [each for each in held["rows"] if each["cause"] == cause]
        before, after = own[0], own[-1]
        saved = 1 - after["width"] / before["width"]
        parts.append(
            f"for {cause}, {after['people']:,} people rather than {before['people']:,} narrow the "
            f"interval by {share(saved)}"
        )
    told = f"**What it means.** {named(parts).capitalize()}. "
    alarms = [each for each in held["rows"] if each["null"] is not None and each["null"] > 0.05]
    told += (
        "A cause without an effect is told as one in more than 1 survey of 20 at "
        + named([f"{each['people']:,} people ({each['cause']})" for each in alarms])
        + ": the prior expects the effect, and a survey of that size cannot take it back."
        if alarms
        else "A cause without an effect is told as one in at most 1 survey of 20 at every size."
    )
    known = [
        f"{cause} {ratio:.2f} (error {error:.2f})"
        for cause, (ratio, error, _) in zip(held["causes"], held["ratios"], strict=True)
        if ratio == ratio
    ]
    if known:
        told += f" Fits are approximated at their mode; widths beside sampled ones: {named(known)}."
    return [*lines, told, ""]


def _rate(row: Held, key: str) -> str:
    if row[key] is None or row[key] != row[key]:
        return "-"
    return f"{share(row[key])} ({100 * row[key + '_error']:.0f})"


# Others ---------------------------------------------------------------------------------------


def at_hand() -> bool:
    """Return whether the other programs were installed, as the Makefile notes it."""
    return (Path(sys.prefix) / ".peers").exists()


def make_against() -> Held:
    """Put the same questions to other programs; nothing where they are not installed."""
    if not at_hand():
        return {"rows": [], "missing": True}
    from tests.against import parts

    rows: list[dict[str, Any]] = []
    for name, part in parts().items():
        print(f"against: {name}", flush=True)
        rows += [{**row, "part": name} for row in part()]
    return {"rows": rows}


def tell_against(held: Held) -> list[str]:
    """Word where others say the same."""
    if held.get("missing"):
        return [f"Left out: the other programs are not installed here; {MADE} installs them.", ""]
    head = ["what", "ours", "theirs", "error", "verdict", "source"]
    rows = [[each[key] for key in head] for each in held["rows"]]
    differs = [each["what"] for each in held["rows"] if each["verdict"] == "differs"]
    told = f"**What it means.** Of {counted(len(rows), 'comparison')}, " + (
        f"{len(differs)} differ: {named(differs)}. Until that is explained, such answers should "
        "not be trusted."
        if differs
        else "none differs by more than rounding or its stated error: what is computed is what "
        "others compute from the same model. Whether the model is right, this does not say."
    )
    return [*table(head, rows, "---"), told, ""]


PIECES = (
    Piece(
        "coverage",
        "Coverage",
        "The share of equal-tailed intervals that hold the truth, over truths drawn from the prior "
        f"of the fit, on the graph `{GRAPH}`: risks, effects, necessities and shares of "
        f"{' and '.join(each.replace('_', ' ') for each in CAUSES)}.",
        make_coverage,
        tell_coverage,
    ),
    Piece(
        "planning",
        "What a study would tell",
        f"By simulation from the prior of the graph `{GRAPH}`: how wide the interval of a cause's "
        "effect on the outcome is (last state beside first, in everybody), and how often a cause "
        "is told as one, with an effect and without.",
        make_planning,
        tell_planning,
    ),
    Piece(
        "against",
        "Against other programs and print",
        "The same estimand of an equivalent model, computed by others or published.",
        make_against,
        tell_against,
    ),
)
