"""A page about one person.

All that a page shows: risk, necessity and Shapley shares of eight proximal causes, what to do and
what to ask next, from 1,000 draws held as a fit leaves them (and 250 of the prior beside them, for
data support). One person was examined; of the other a form is known. Peer: reading once, at the
rate at which this machine copies memory, the table cells that the queries of each part need.
`*_ms` are the parts, `*_share` the bound of each by its time, and `steps` the tables that the page
formed, each for some of the draws; `busy_s` is the processor's time for the page, which a busy
machine does not change much.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from backrisk import Posterior, ask_next, attribute, load_posterior, recommend, risk
from backrisk.inference import Variable, World, forget, get_ready, watched
from backrisk.queries import read_person, read_target
from tests.benchmarks._networks import EXAMINED
from tests.benchmarks.common import result
from tests.benchmarks.query_bandwidth import copy_bandwidth, least_bytes
from tests.benchmarks.query_shell import model

CAUSES = (
    "core_strength",
    "glute_strength",
    "hip_flexor_tightness",
    "back_stiffness",
    "fatigue",
    "pelvic_tilt",
    "compensation",
    "running_posture",
)
FORM = {
    "plank_seconds": 35,
    "strength_sessions": 0,
    "sleep_hours": 6,
    "age_years": 44,
    "sex": "female",
    "height_cm": 168,
    "weight_kg": 72,
    "back_pain_episodes": 2,
}
_PAIN = {"pain": "limiting"}
_MOST_SECONDS = 0.25
_REPEATS = 7
_LEAST_RATIO = 0.1  # the bound by our time


def queries(
    posterior: Posterior, person: Mapping[str, Any]
) -> dict[str, list[tuple[World, list[Variable]]]]:
    """Return what each part asks at least, once."""
    graph, tables = posterior.graph, posterior.beside_prior
    seen = read_person(posterior, person)
    before = {name: code for name, code in seen.items() if name != "pain"}
    here, there = ("pain", 0), ("pain", 1)
    first = tuple(c for c in CAUSES if not graph.ancestors(c) & set(CAUSES))
    context = {n: k for n, k in before.items() if not graph.ancestors(n) & set(first)}
    actions = [n.name for n in graph.nodes if n.modifiable and n.group == "behaviour"]
    return {
        "risk": [(World(posterior, before, {}), [here])],
        "necessity": [(World(tables, seen, {cause: 0}), [there]) for cause in CAUSES],
        "shapley": [(World(tables, context, {}, free=first), [*((c, 1) for c in first), there])],
        "recommend": [(World(tables, before, {name: 0}), [there]) for name in actions],
        "ask_next": [(World(posterior, before, {}), [here])],
    }


def widest(posterior: Posterior, person: Mapping[str, Any]) -> tuple[str, int]:
    """Return the cause whose necessity sums over the most cells for each draw, and how many."""
    seen = read_person(posterior, person)
    found = {}
    for cause in CAUSES:
        exposed = {**seen, cause: seen.get(cause, 1)}
        plan = World(posterior, exposed, {cause: 0}, told={"pain": 0})._plan([])
        found[cause] = max(part.cells for part in (plan.main, *plan.others))
    cause = max(found, key=lambda name: found[name])
    return cause, found[cause]


def _pages(parts: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, float], float]:
    """Return the median seconds of each part of a page, and those of the processor for all.

    Each page is of somebody new: what is common to its parts is made once, by the first of them.
    """
    clocks: dict[str, list[float]] = {part: [] for part in parts}
    busy = []
    for repeat in range(1 + _REPEATS):
        forget()
        worked = time.process_time()
        for part, ask in parts.items():
            start = time.perf_counter()
            ask()
            if repeat:  # the first makes the plans
                clocks[part].append(time.perf_counter() - start)
        busy.append(time.process_time() - worked)
    return {part: median(each) for part, each in clocks.items()}, median(busy[1:])


def run() -> list[dict[str, Any]]:
    """Time the parts of both pages, as the page's process asks them: with the compiled loops."""
    get_ready()
    with tempfile.TemporaryDirectory() as folder:
        posterior = load_posterior(model(Path(folder) / "model.nc", 1000))
    bandwidth = copy_bandwidth()
    target = read_target(posterior.graph, None)
    assert target.node == "pain"
    records = []
    for label, answers in (("examined", EXAMINED), ("form", FORM)):
        hurting = {**answers, **_PAIN}
        parts = {
            "risk": lambda p=answers: risk(posterior, p),
            "necessity": lambda p=hurting: attribute(posterior, p, CAUSES, method="necessity"),
            "shapley": lambda p=hurting: attribute(posterior, p, CAUSES, method="shapley"),
            "recommend": lambda p=hurting: recommend(posterior, p),
            "ask_next": lambda p=hurting: ask_next(posterior, p),
        }
        times, busy = _pages(parts)
        page = sum(times.values())
        steps: list[tuple[str, ...]] = []
        forget()
        with watched(steps.append):
            for part in parts.values():
                part()
        slowest = max(times, key=lambda part: times[part])
        cause, cells = widest(posterior, hurting)
        profile = (
            f"Most of it, {times[slowest] / page:.0%}, is {slowest}; the widest sum of necessity "
            f"is over {cells:,} cells for each draw, for {cause}: bound by the passes over them."
        )
        milliseconds = {f"{part}_ms": 1e3 * seconds for part, seconds in times.items()}
        bytes_of = {part: least_bytes(asked) for part, asked in queries(posterior, hurting).items()}
        touched = sum(bytes_of.values())
        shares = {
            f"{part}_share": bytes_of[part] / bandwidth / seconds for part, seconds in times.items()
        }
        records.append(
            result(
                f"page, {label}",
                ours_s=page,
                bar=_MOST_SECONDS,
                limit="at most",
                of="ours_s",
                profile=profile,
                busy_s=busy,
                steps=len(steps),
                **milliseconds,
            )
        )
        records.append(
            result(
                f"page, {label}, against the memory",
                ours_s=page,
                theirs_s=touched / bandwidth,
                peer="the bound",
                bar=_LEAST_RATIO,
                profile=profile,
                mib=touched / 2**20,
                gib_per_second=bandwidth / 2**30,
                **shares,
            )
        )
    return records
