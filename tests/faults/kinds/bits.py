"""Saved models with one bit flipped, or cut short; files of the first format with a bit flipped.

A sealed model is refused in one sentence, whichever bit it is, before any of its content is
interpreted. In a file of the first format, whose checksum covers numbers and record and not every
byte, a flipped bit is refused or changes no probability.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from backrisk import CausalGraph, PosteriorError, example_posterior, load_posterior
from backrisk.graph import Layout
from backrisk.posterior import Posterior
from tests.faults.outcome import ACCEPTED, HANG, TRACEBACK, Budget, Outcome, Tally

FLIPS, CUTS, FIRST_FORMAT = 2000, 300, 300
SECONDS = 5.0  # for what takes milliseconds
OLD = Path(__file__).parents[2] / "posterior" / "saved"
ENDS = 68  # bytes at the end, where lengths, checksum and signature stand


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Damage three sealed models and two of the first format."""
    tally, slowest = Tally(), 0.0
    found = list(_models(rng))
    for name, model in found:
        whole = model.save(budget.folder / "whole.nc").read_bytes()
        flips = budget.tries(FLIPS, 15) // len(found) + 1
        for each in range(flips):
            edge = each % 20 == 0
            at = int(rng.integers(len(whole) - ENDS if edge else 0, len(whole)))
            damaged = bytearray(whole)
            damaged[at] ^= 1 << int(rng.integers(8))
            took = _refused(tally, f"a bit of {name}", f"byte {at}", bytes(damaged), budget)
            slowest = max(slowest, took)
        for length in rng.integers(len(whole), size=budget.tries(CUTS, 15) // len(found)):
            cut = whole[: int(length)]
            took = _refused(tally, f"the end of {name}", f"{length} bytes", cut, budget)
            slowest = max(slowest, took)
    for name in ("fitted.nc", "given.nc"):
        whole, sound = (OLD / name).read_bytes(), load_posterior(OLD / name)
        for at in rng.integers(len(whole), size=budget.tries(FIRST_FORMAT, 4) // 2):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << int(rng.integers(8))
            _found_or_harmless(tally, name, int(at), bytes(damaged), sound, budget)
    tally.figures.append(f"The slowest refusal of a sealed model took {slowest:.2f} s.")
    tally.limits.append(
        "whoever can write a model can seal it anew: the checksum is integrity, not authenticity."
    )
    return tally.outcome()


def _models(rng: np.random.Generator) -> Iterator[tuple[str, Posterior]]:
    yield "a sampled fit", example_posterior()
    two = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    yield "an exact fit", Posterior(two, *Layout(two).draw_prior(200, rng), chains=2)
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    yield "given tables", Posterior.from_cpts(two, cpts)


def _refused(tally: Tally, what: str, where: str, data: bytes, budget: Budget) -> float:
    """Count whether a damaged model is refused in one sentence; return the seconds it took."""
    path = budget.folder / "damaged.nc"
    path.write_bytes(data)
    start = time.perf_counter()
    try:
        load_posterior(path)
        kind = ACCEPTED
    except PosteriorError as error:
        kind = TRACEBACK if "\n" in str(error) else None
    except Exception as error:
        kind, where = TRACEBACK, f"{where}: {type(error).__name__}"
    took = time.perf_counter() - start
    tally.count(what, HANG if took > SECONDS else kind, where)
    return took


def _found_or_harmless(
    tally: Tally, name: str, at: int, data: bytes, sound: Posterior, budget: Budget
) -> None:
    path, kind, where = budget.folder / "damaged.nc", None, f"byte {at}"
    path.write_bytes(data)
    try:
        loaded = load_posterior(path)
        same = all(
            loaded.cpt(node).tobytes() == sound.cpt(node).tobytes() for node in sound.graph.names
        )
        kind = None if same else ACCEPTED
    except PosteriorError:
        pass
    except Exception as error:
        kind, where = TRACEBACK, f"{where}: {type(error).__name__}"
    tally.count(f"a bit of {name}, of the first format", kind, where)
