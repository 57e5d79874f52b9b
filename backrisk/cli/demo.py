"""The whole job on the packaged survey: fit, judge, one runner's risk and its causes."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console

from backrisk._files import make_folder, output
from backrisk.cli.tables import Format
from backrisk.cli.terminal import show, show_diagnostics, write_text
from backrisk.errors import PosteriorError, QueryError
from backrisk.fitting import fit
from backrisk.graph import load_graph
from backrisk.plotting import plot_attribution, plot_contrasts, plot_effects, plot_risk
from backrisk.posterior import drawn_truth, load_posterior, simulate
from backrisk.queries import attribute, diagnose, intervene, risk
from backrisk.survey import load_codebook, read_survey
from backrisk.words import names_of, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PEOPLE, SURVEY_SEED, TRUTH_SEED = 2000, 1, 1  # data/survey.csv
DRAWS = 1000
RUNNER: dict[str, Any] = {
    "age_years": 44,
    "sex": "female",
    "height_cm": 168,
    "weight_kg": 72,
    "strength_sessions": 0,
    "plank_seconds": 35,
    "sleep_hours": 6,
    "back_pain_episodes": 2,
}
ACTIONS = {
    "strength_training": "regular",
    "mobility_work": "regular",
    "recovery": "adequate",
    "load_progression": "gradual",
    "warm_up": "dynamic",
    "footwear": "suitable",
}
_FILES = ("survey.csv", "model.nc", "runner.json")
_FIGURES = ("risk.png", "necessity.png", "shapley.png", "interventions.png", "effects.png")
_HEAD = 1000  # bytes in which a figure tells what made it
_MARK = "backrisk:demo"  # by which figures and the model tell that they are of a demonstration


def run(out: Path, seed: int, console: Console) -> None:
    """Fit the packaged synthetic survey and tell what it says about one runner.

    Parameters
    ----------
    out : Path
        Folder for the survey, the model, the runner and the figures; made if absent.
    seed : int
        Of the sampler.
    console : rich.console.Console

    Raises
    ------
    QueryError
        If the folder cannot be made, or holds a file of the same name that is none of an earlier
        demonstration.
    """
    make_folder(out, QueryError)
    survey_file, model_file, person_file = (out / name for name in _FILES)
    answers = packaged_survey()
    text, runner = answers.to_csv(index=False), json.dumps(RUNNER, indent=2) + "\n"
    own = {survey_file: text, person_file: runner}
    for path in (survey_file, model_file, person_file, *(out / name for name in _FIGURES)):
        if path.exists() and not _is_earlier(path, own.get(path)):
            raise QueryError(say("cli.demo.taken", path=path))
    figures = find_spec("matplotlib") is not None
    console.print(say("cli.demo.takes"), markup=False)
    if not figures:
        console.print(say("cli.demo.no_figures"), markup=False)
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)

    console.rule(say("cli.demo.survey"))
    write_text(survey_file, text)
    survey = read_survey(survey_file, graph, codebook)
    hidden = [str(name) for name, share in survey.answered.items() if share == 0]
    names = names_of(graph)
    told = say(
        "cli.demo.surveyed",
        n=f"{survey.n:,}",
        columns=len(answers.columns),
        hidden=say("phrases.comma").join(names.node(name) for name in hidden),
    )
    console.print(told, markup=False)

    console.rule(say("cli.demo.fit"))
    posterior = fit(graph, survey, seed=seed, draws=DRAWS)
    show_diagnostics(posterior, console)
    posterior = replace(posterior, meta={**posterior.meta, "made_by": _MARK})
    posterior.save(model_file)

    console.rule(say("cli.demo.seeing"))
    write_text(person_file, runner)
    console.print_json(data=RUNNER)
    seen = risk(posterior, RUNNER)
    show(seen, Format.table, console)
    likely = diagnose(posterior, RUNNER)
    console.print(likely.sentences()[0])

    console.rule(say("cli.demo.shares"))
    shares = attribute(posterior, RUNNER)
    show(shares, Format.table, console)

    console.rule(say("cli.demo.counterfactual"))
    hurting = RUNNER | {"pain": "limiting"}
    needed = attribute(
        posterior, hurting, method="necessity", level="proximal", target="pain>=limiting"
    )
    show(needed, Format.table, console)

    console.rule(say("cli.demo.doing"))
    console.print(say("cli.demo.left_out"), markup=False)
    changes = {
        names.phrase(node, state): intervene(posterior, _without_effects(RUNNER), {node: state})
        for node, state in ACTIONS.items()
    }
    show(changes[names.phrase(*next(iter(ACTIONS.items())))], Format.table, console)

    saved = sorted(p.name for p in (survey_file, model_file, person_file))
    if figures:
        drawn = (
            plot_risk(seen),
            plot_attribution(needed),
            plot_attribution(shares),
            plot_contrasts(changes),
            plot_effects(posterior),
        )
        for name, figure in zip(_FIGURES, drawn, strict=True):
            _draw(figure, out / name)
        saved += _FIGURES
    console.rule(say("cli.demo.saved"))
    told = say("cli.demo.files", out=out, files=say("phrases.comma").join(saved))
    console.print(told, markup=False)
    told = say("cli.demo.next", model=model_file, person=person_file)
    console.print(told, markup=False)


def _draw(figure: Figure, path: Path) -> None:
    with output(path, QueryError) as file:
        figure.savefig(file, format="png", dpi=150, metadata={"Software": _MARK})


def _is_earlier(path: Path, own: str | None) -> bool:
    """Whether a file is of an earlier demonstration: it holds `own`, or says so itself."""
    if not path.is_file():
        return False
    if own is not None:
        return path.read_bytes() == own.encode()
    if path.suffix == ".png":
        with path.open("rb") as file:
            return _MARK.encode() in file.read(_HEAD)
    try:
        return load_posterior(path).meta.get("made_by") == _MARK
    except PosteriorError:
        return False


def packaged_survey() -> pd.DataFrame:
    """Return the synthetic survey, ``data/survey.csv``: one row a person."""
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)
    source = drawn_truth(codebook.extend(graph), TRUTH_SEED)
    return simulate(graph, PEOPLE, SURVEY_SEED, codebook=codebook, posterior=source)


def _without_effects(person: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a change of behaviour would change: the plank."""
    return {name: answer for name, answer in person.items() if name != "plank_seconds"}
