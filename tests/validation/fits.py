"""Every check on the packaged survey, and on a real file where it is at hand."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from backrisk import fit, load_graph, load_posterior, read_survey
from backrisk.check import doubts
from backrisk.fitting import clear_kept
from tests.places import SHARED
from tests.validation import alternatives, beyond, pieces, reporting
from tests.validation import studies as simulations
from tests.validation.pieces import FAILED, processor

PIECES = (*alternatives.PIECES, *beyond.PIECES)
NAMES = tuple(piece.name for piece in PIECES)
STUDIES = tuple(piece.name for piece in simulations.PIECES)
LONG = ("standing", "priors", *STUDIES)
ROOT = Path(__file__).parents[2]

type Call = tuple[Any, ...]  # a function and what it is called with


@dataclass(frozen=True)
class Real:
    """A survey whose truth is not planted.

    Parameters
    ----------
    name : str
        Of its kept files and its note.
    title : str
    path : Path
    codebook : str, optional
    """

    name: str
    title: str
    path: Path
    codebook: str | None = None


SURVEYS = (
    Real(
        "packaged",
        "The packaged survey: 2,000 synthetic people",
        ROOT / "data" / "survey.csv",
    ),
    Real(
        "clinic",
        "A real file: people who came to a running clinic (Ferber et al. 2024)",
        SHARED / "data" / "ric_run_data_meta.csv",
        "clinic",
    ),
)


def looked(each: Real, folder: Path) -> dict[str, Any]:
    """Fit a survey, unless its model is kept, check the fit, and keep what was said."""
    folder.mkdir(parents=True, exist_ok=True)
    model, told = folder / f"{each.name}.nc", folder / f"{each.name}.json"
    held: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
    held.pop(FAILED, None)
    print(f"{each.name}: fit and doubts ...", flush=True)
    survey = read_survey(each.path, load_graph("runner"), each.codebook)
    if not model.exists():
        start = processor()
        chains = folder / f"{each.name}.chains"
        posterior = fit(load_graph("runner"), survey, seed=1, keep=chains, progress=False)
        held = {"fit_s": processor() - start}
        posterior.save(model)
        clear_kept(chains, posterior)
        told.write_text(json.dumps(held))
    posterior = load_posterior(model)
    start = processor()
    found = doubts(posterior, survey, seed=1)
    held |= {
        "check_s": processor() - start,
        "people": survey.n,
        "good": posterior.diagnostics.good,
        "doubts": found.to_dict(),
        "details": {
            name: str(getattr(result, "text", result)) for name, result in found.results.items()
        },
    }
    found.kept_with(posterior).save(folder / f"{each.name}-checked.nc")
    told.write_text(json.dumps(held, indent=2))
    return held


def _seconds(seconds: Mapping[str, float], check: str) -> str:
    """Return how long a check took; the items are looked at together with the families."""
    return f"{seconds[check]:.0f}" if check in seconds else ""


def asked(each: Real, folder: Path, name: str, *, only_kept: bool = False) -> pieces.Held:
    """Put a question to a fit that `looked` has made, or return what is kept of it."""
    (piece,) = (each for each in PIECES if each.name == name)
    model = folder / f"{each.name}.nc"

    def make() -> pieces.Held:
        survey = read_survey(each.path, load_graph("runner"), each.codebook)
        return piece.make(load_posterior(model), survey)

    of = pieces.digest(model)
    return pieces.answered(piece, each.name, folder, make, of=of, only_kept=only_kept)


def section(
    each: Real, held: Mapping[str, Any], answers: Mapping[str, pieces.Held] | None = None
) -> list[str]:
    """Return what is told of a survey: what contradicts the fit, and what its answers owe to it."""
    lines = [f"## {each.title}", ""]
    if FAILED in held:
        return [*lines, f"**Failed**, and so tells nothing: {held[FAILED]}", ""]
    found = held["doubts"]
    sound = "passed" if held["good"] else "**did not pass**"
    seconds = f"The checks took {held['check_s']:.0f} s of a processor"
    if "fit_s" in held:
        seconds += f", the fit {held['fit_s']:.0f} s when the model was made"
    lines += [f"{held['people']:,} people. The sampling {sound} its checks. {seconds}.", ""]
    rows = [
        [
            v["check"],
            v["finding"].replace("_", " "),
            v["text"],
            _seconds(found["seconds"], v["check"]),
        ]
        for v in found["verdicts"]
    ]
    lines += ["| check | verdict | what it says | s |", "| --- | --- | --- | ---: |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += [f"| {name} | not made | {why} | |" for name, why in found["refused"].items()]
    lines += ["", *reporting.note(each.name)]
    for name, text in held["details"].items():
        lines += [f"*{name}*: {text}", ""]
    for piece in PIECES if answers is not None else ():
        lines += pieces.told(piece, answers.get(piece.name, {}))
    return lines


def ask_all(folder: Path, jobs: int, *more: Call) -> None:
    """Fit every survey at hand, ask everything of the fits and of simulations, and keep it.

    Parameters
    ----------
    folder : Path
    jobs : int
        Processes.
    *more : tuple of callable and its arguments
        What else is to be done beside it.
    """
    at_hand = [each for each in SURVEYS if each.path.exists()]
    _made([(_looked, each, folder) for each in at_hand], jobs)
    fitted = [each for each in at_hand if FAILED not in _held(each, folder)]
    calls: list[Call] = [(asked, each, folder, name) for name in NAMES for each in fitted]
    calls += [(study, folder, name) for name in STUDIES]
    # The longest first, so that no process is left alone with one of them.
    calls.sort(key=lambda call: call[-1] not in LONG)
    _made([*calls, *more], jobs)


def _made(calls: Sequence[Call], jobs: int) -> None:
    """Make calls, in so many processes."""
    if jobs == 1:
        for function, *given in calls:
            function(*given)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for call in [pool.submit(*each) for each in calls]:
            call.result()


def _held(each: Real, folder: Path) -> dict[str, Any]:
    told = folder / f"{each.name}.json"
    held: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
    return held


def fits(folder: Path) -> Sequence[str]:
    """Return the sections on all surveys, of what is kept; what was not at hand is left out."""
    lines: list[str] = []
    for each in SURVEYS:
        held = _held(each, folder)
        if FAILED not in held and "doubts" not in held:
            lines += [f"## {each.title}", "", f"Left out: no {each.path.name} is at hand.", ""]
            continue
        failed = FAILED in held
        answers = {
            name: asked(each, folder, name, only_kept=True) for name in (() if failed else NAMES)
        }
        lines += section(each, held, answers)
    return lines


def _looked(each: Real, folder: Path) -> dict[str, Any]:
    """Look at a survey; an error is kept and told, and the run goes on."""
    try:
        return looked(each, folder)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        held = {FAILED: f"{type(error).__name__}: {error}"}
        (folder / f"{each.name}.json").write_text(json.dumps(held))
        return held


def study(folder: Path, name: str, *, only_kept: bool = False) -> pieces.Held:
    """Make a simulation, or return what is kept of it."""
    (piece,) = (each for each in simulations.PIECES if each.name == name)
    return pieces.answered(piece, "study", folder, piece.make, only_kept=only_kept)


def studies(folder: Path) -> Sequence[str]:
    """Return the sections on what does not hang on a survey, of what is kept."""
    lines: list[str] = []
    for piece in simulations.PIECES:
        lines += pieces.told(piece, study(folder, piece.name, only_kept=True), "##")
    return lines


def failures(folder: Path) -> list[str]:
    """Return what failed, by the file that says so."""
    every = [folder / f"{each.name}.json" for each in SURVEYS]
    every += sorted((folder / "pieces").glob("*.json"))
    return [each.stem for each in every if each.exists() and FAILED in json.loads(each.read_text())]
