"""What no survey can tell, asked otherwise: a direction, and a hidden common cause."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

from backrisk import Posterior, confounded
from backrisk.check import implied_independences, sensitivity
from backrisk.graph import CausalGraph
from backrisk.inference import World
from backrisk.summary import interval
from tests.validation.planting import (
    FAULTS,
    HIDDEN,
    Truth,
    clean,
    codebook,
    fitted_graph,
    survey_of,
)
from tests.validation.running import Task, fitted

CAUSE, EFFECT = "warm_up", "pain"
PEOPLE, SEEDS = 2000, 5


def turned(graph: CausalGraph, cause: str, effect: str) -> CausalGraph:
    """Return a graph with one edge the other way round."""
    edges = tuple(
        replace(each, cause=effect, effect=cause)
        if (each.cause, each.effect) == (cause, effect)
        else each
        for each in graph.edges
    )
    return replace(graph, edges=edges)


def implied(graph: CausalGraph) -> set[tuple[frozenset[str], tuple[str, ...]]]:
    """Return the independences that all others of a graph follow from."""
    return {
        (frozenset((each.node, each.other)), tuple(sorted(each.given)))
        for each in implied_independences(graph)
    }


def direction() -> list[str]:
    """Say what is known of the direction that was planted.

    Two graphs of the same nodes that share a basis of independences share all of them.
    """
    graph = codebook().extend(fitted_graph())
    lines = []
    for cause, effect in (("fatigue", "compensation"), ("compensation", "lumbar_load")):
        same = implied(graph) == implied(turned(graph, cause, effect))
        verdict = (
            "equivalent: the very same independences, so no survey of one moment tells them apart. "
            "The direction is undecidable here, and the report is right to keep quiet"
            if same
            else "not equivalent: other independences follow, which a survey can tell"
        )
        lines.append(f"- {cause} <- {effect} instead of {cause} -> {effect}: {verdict}.")
    return ["*The reversed edge* (`implied_independences`).", "", *lines, ""]


def effect_of(posterior: Posterior) -> np.ndarray:
    """Return P(effect had the cause been at its worst) less that at its reference, each draw."""
    worst = posterior.graph.shape(CAUSE)[-1] - 1
    risks = [
        1 - np.asarray(World(posterior, {}, {CAUSE: state}).conditional([(EFFECT, 1)]))[0]
        for state in (worst, 0)
    ]
    found: np.ndarray = risks[0] - risks[1]
    return found


def planted_odds(truth: Truth, node: str) -> float:
    """Return the odds ratio of the hidden cause on a node being beyond its reference."""
    table = truth.tables[node]
    at = truth.edges[node].index(HIDDEN)
    away = logit(1 - np.moveaxis(table, at, 0)[..., 0])
    return float(np.exp((away[1] - away[0]).mean()))


def asked(seed: int, models: Path | None) -> dict[str, Any]:
    """Ask one fit to a confounded survey how strong a hidden cause must be."""
    truth = FAULTS["confounder"](clean(seed))
    task = Task("confounder", seed, PEOPLE)
    posterior, _ = fitted(task, survey_of(*task.key), models=models)
    into = {name: planted_odds(truth, name) for name in (CAUSE, EFFECT)}
    few = posterior.subset(200)
    supposed = confounded(
        few, CAUSE, EFFECT, odds_ratio=into[CAUSE], effect_odds_ratio=into[EFFECT]
    )
    ratios = sensitivity(posterior, {}, CAUSE, draws=100).table["odds_ratio"]
    found = {"seed": seed, "true": float(effect_of(truth.posterior())[0]), "into": into}
    found["needed"] = {str(name): float(value) for name, value in ratios.items()}
    for name, model in (("fitted", few), ("supposed", supposed)):
        draws = effect_of(model)
        low, high = interval(draws)
        found[name] = [float(draws.mean()), float(low), float(high)]
    return found


def strength(folder: Path, models: Path | None, *, only_kept: bool = False) -> list[str]:
    """Return the table on the hidden confounder; what was asked is kept."""
    path = folder / "confounder.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    if not rows and not only_kept:
        rows = [asked(seed, models) for seed in range(1, SEEDS + 1)]
        path.write_text(json.dumps(rows, indent=2))
    return told(rows) if rows else []


def told(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Word what was asked of each fit."""
    head = [
        "truth",
        "true effect",
        "fitted (90 %)",
        "odds ratio that halves it",
        "that undoes it",
        "planted, into warm-up and pain",
        "supposing the planted one (90 %)",
    ]
    lines = [
        f"*The hidden confounder* (`sensitivity`, `confounded`), surveys of {PEOPLE:,} people. No "
        "check can see it: what can be asked is how strong a common cause of warm-up and pain "
        "would have to be, with one odds ratio into both. The effect is that of no warm-up beside "
        "a dynamic one, in points.",
        "",
        "| " + " | ".join(head) + " |",
        "| --- |" + " ---: |" * (len(head) - 1),
    ]
    held = holding(rows)
    for row in rows:
        cells = [
            str(row["seed"]),
            f"{100 * row['true']:.1f}",
            _points(row["fitted"]),
            _ratio(row["needed"].get("half")),
            _ratio(row["needed"].get("zero")),
            f"{row['into'][CAUSE]:.1f}, {row['into'][EFFECT]:.1f}",
            _points(row["supposed"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    of = len(rows)
    lines += [
        "",
        f"The fit's interval holds the true effect in {held['fitted']} of {of}; that of the model "
        f"with the planted common cause supposed, in {held['supposed']} of {of}.",
        "",
    ]
    return lines


def holding(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the intervals that hold the truth."""
    return {
        name: sum(row[name][1] <= row["true"] <= row[name][2] for row in rows)
        for name in ("fitted", "supposed")
    }


def _points(found: Sequence[float]) -> str:
    mean, low, high = (100 * each for each in found)
    return f"{mean:.1f} ({low:.1f} to {high:.1f})"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if np.isfinite(value) else "beyond 10"
