"""Many fits of one graph: of sites, of subgroups, of bootstrap samples, wherever they run."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from backrisk._addresses import is_address
from backrisk._arguments import checked
from backrisk._files import make_folder
from backrisk.errors import BackriskError, FitError, PosteriorError
from backrisk.fitting.chains import available_cores, fingerprint
from backrisk.fitting.progress import progress_bar
from backrisk.fitting.sampling import TUNE, design_of, fit
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior, is_damaged, load_posterior
from backrisk.survey import Panel, Survey, spark_session, tabulate
from backrisk.words import choices, say, suggest

Task = tuple[str, Survey | Panel]
Done = tuple[str, Posterior | None, str]
Work = Callable[[Task], Done]
Runner = Callable[[Work, Sequence[Task]], Iterable[Done]]

_PACKAGES = {"joblib": "joblib", "spark": "pyspark"}
_MARK = "fit_of"  # what a model of a folder holds of the fit that it is of
_DIGITS = 8  # of that: two fits are mistaken for one in 4e9, and no answer is told
_ROUNDED = 9  # decimals of a share of the weight, whose last digits hang on the order of the rows
_LONGEST = 255 - len(".nc")  # bytes of a name of a file


@dataclass(frozen=True, eq=False)
class Fits:
    """What became of many fits.

    Parameters
    ----------
    fitted : mapping of str to Posterior or Path
        By key, in the order of the surveys; the file of a model where a folder was named.
    failed : mapping of str to str
        By key, why there is no fit.
    kept : tuple of str
        The keys of those that were there already.
    """

    fitted: Mapping[str, Posterior | Path] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return how many there are, in a line."""
        return f"{type(self).__name__}(fitted={len(self.fitted)}, failed={len(self.failed)})"


@checked("runner")
def fit_each(
    graph: CausalGraph,
    surveys: Mapping[str, Survey | Panel],
    *,
    seed: int,
    runner: str | Runner | None = None,
    out: str | Path | None = None,
    progress: bool = True,
    draws: int = 1000,
    chains: int = 4,
    tune: int | None = None,
    sampler: str = "nutpie",
    target_accept: float | None = None,
    evidence: bool = True,
    trait: bool | None = None,
    dropout: Sequence[str] = (),
) -> Fits:
    """Fit a graph to each of many surveys: one a site, a subgroup or a bootstrap sample.

    Parameters
    ----------
    graph : CausalGraph
    surveys : mapping of str to Survey or Panel
        By a key of their own; see `backrisk.survey.split_survey` and
        `backrisk.survey.resample_survey`.
    seed : int
        Each fit has a seed of its own, made from this one and its key, so that neither the runner
        nor the other fits change what it draws.
    runner : {"joblib", "spark"} or callable, optional
        By default one fit after the other, here. ``"joblib"`` runs as many at once as there are
        processors, in processes of their own; ``"spark"`` on the workers of the active session,
        where backrisk is installed. Of a callable, ``runner(work, tasks)`` gives ``work(task)`` of
        each task, in any order; work and tasks can be pickled.
    out : str or Path, optional
        A folder, which is made; each model is saved there under its key as it comes. A model of
        the same fit that is there and whole is kept, so that the same call goes on where it was
        stopped; one that was damaged on the way is fitted again. Nothing else is replaced.
    progress : bool
        Show how many are done.
    draws, chains, tune, sampler, target_accept, evidence, trait, dropout
        As for `fit`; the last two of panels alone.

    Returns
    -------
    Fits

    Raises
    ------
    FitError
        Before any fit, if there is no survey, a number is out of range, a package is missing, the
        folder cannot be written, or it holds, under the name of a model that is to come, the model
        of another fit or another kind of file. What goes wrong with one fit is told under
        `Fits.failed`, and the others go on.

    Notes
    -----
    Nothing is pooled: what is learned of one part says nothing of another. With the column as
    ``site``, `fit` pools the parts of one survey partially.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk.survey import split_survey
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> frame = pd.DataFrame({"x": ["no", "yes"] * 4, "y": ["no"] * 6 + ["yes"] * 2, "club": "b"})
    >>> frame.loc[:3, "club"] = "a"
    >>> survey = Survey.from_frame(frame, g, site="club")
    >>> found = fit_each(g, split_survey(survey), seed=1, draws=100, progress=False)
    >>> {key: model.cpt("y").shape for key, model in found.fitted.items()}
    {'a': (400, 2, 2), 'b': (400, 2, 2)}
    """
    if not surveys:
        raise FitError(say("fitting.each.nothing"))
    if sampler not in TUNE:
        near, known = suggest(sampler, tuple(TUNE)), choices(tuple(TUNE))
        raise FitError(say("fitting.no_sampler", sampler=sampler, near=near, known=known))
    dropout = tuple(dropout)
    for key, survey in surveys.items():
        if not _can_be_named(key):
            raise FitError(say("fitting.each.no_key", key=ascii(key), kind=type(key).__name__))
        if not isinstance(survey, Survey | Panel):
            raise FitError(say("fitting.each.no_survey", key=key, kind=type(survey).__name__))
        if (trait or dropout) and not isinstance(survey, Panel):
            raise FitError(say("fitting.panel.needed"))
    run = _runner(runner)
    settings = {
        "draws": draws,
        "chains": chains,
        "tune": tune,
        "sampler": sampler,
        "target_accept": target_accept,
        "evidence": evidence,
        "cores": None if runner is None else 1,
        "trait": trait,
        "dropout": dropout,
    }
    for name, number in (("draws", draws), ("chains", chains)):
        if number < 1:
            raise FitError(say("fitting.too_small", argument=name, number=number, least=1))
    place = None if out is None else Path(out)
    kept: dict[str, Posterior | Path] = {}
    marks: dict[str, str] = {}
    if place is not None:
        if is_address(out):
            raise FitError(say("fitting.each.no_address", path=out))
        make_folder(place, FitError)
        asked = {**settings, "tune": TUNE[sampler] if tune is None else tune, "cores": None}
        for key, survey in surveys.items():
            path = model_path(place, key)
            marks[key] = _mark_of(graph, survey, {**asked, "seed": seed_of(seed, key)})
            if _is_kept(path, marks[key]):
                kept[key] = path
    work = partial(_fit_one, graph=graph, seed=seed, settings=settings)
    waiting = [(key, survey) for key, survey in surveys.items() if key not in kept]
    fitted, failed = dict(kept), {}
    with progress_bar(len(surveys), done=len(kept), show=progress) as advance:
        for key, model, why in run(work, waiting) if waiting else ():
            if model is None:
                failed[key] = why
            elif place is None:
                fitted[key] = model
            else:
                fitted[key] = path = model_path(place, key)
                replace(model, meta={**model.meta, _MARK: marks[key]}).save(path)
            advance()
    for key, _ in waiting:
        if key not in fitted and key not in failed:
            failed[key] = say("fitting.each.not_run")
    return Fits(
        {key: fitted[key] for key in surveys if key in fitted},
        {key: failed[key] for key in surveys if key in failed},
        tuple(kept),
    )


def model_path(folder: Path, key: str) -> Path:
    """Return the file of a key's model: its name tells keys apart and leaves the folder by none.

    Examples
    --------
    >>> str(model_path(Path("models"), "St. John / A"))
    'models/St. John %2F A.nc'
    """
    return folder / f"{quote(key, safe=' ')}.nc"


def seed_of(seed: int, key: str) -> int:
    """Return the seed of a key's fit, whatever the other keys.

    Examples
    --------
    >>> seed_of(1, "a") == seed_of(1, "a"), seed_of(1, "a") == seed_of(1, "b")
    (True, False)
    """
    of_key = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    state = np.random.SeedSequence([seed, of_key]).generate_state(1, np.uint32)
    return int(state[0])


def _fit_one(task: Task, *, graph: CausalGraph, seed: int, settings: dict[str, Any]) -> Done:
    """Fit one survey; what goes wrong is told and not raised."""
    key, survey = task
    try:
        return key, fit(graph, survey, seed=seed_of(seed, key), progress=False, **settings), ""
    except BackriskError as error:
        return key, None, str(error)
    except Exception as error:  # of a sampler, of linear algebra, of memory: the others go on
        return key, None, say("fitting.each.raised", kind=type(error).__name__, why=str(error))


def _can_be_named(key: object) -> bool:
    """Whether a key can be the name of a file."""
    try:
        return isinstance(key, str) and len(quote(key, safe=" ")) <= _LONGEST
    except UnicodeEncodeError:  # half of a character
        return False


def _mark_of(graph: CausalGraph, survey: Survey | Panel, settings: Mapping[str, Any]) -> str:
    """Return by what a fit is known again, whatever the order of the people."""
    told = {
        "graphs": [graph.to_dict(), survey.graph.to_dict()],
        "answers": _answers_of(survey),
        "every": survey.every if isinstance(survey, Panel) else None,
        "sites": list(survey.sites),
        "design": design_of(survey),
        "settings": dict(settings),
    }
    return fingerprint(told)[:_DIGITS]


def _answers_of(survey: Survey | Panel) -> str:
    """Return a hash of who answered what, and with what weight."""
    parts: list[NDArray[Any] | None]
    weighed: list[Any]
    if isinstance(survey, Panel):
        whole = survey.tabulated()
        parts = [whole.codes, whole.people, whole.first, whole.last, whole.reach, whole.site]
        weighed = [whole.people] * 2 if whole.weights is None else [whole.weights, whole.squares]
    else:
        patterns = tabulate(survey)
        parts = [patterns.codes, patterns.people, patterns.site]
        weighed = [patterns.weights, patterns.squares]
    weights = np.asarray(weighed, np.float64)
    total = max(float(weights[0].sum()), np.finfo(float).tiny)
    answers = hashlib.sha256()
    for part in (*parts, np.round(weights / total, _ROUNDED)):
        answers.update(np.ascontiguousarray([] if part is None else part).tobytes())
    return answers.hexdigest()


def _is_kept(path: Path, mark: str) -> bool:
    """Whether a model is there and whole, and is the one that would be fitted.

    Raises
    ------
    FitError
        It is the model of another fit, or something that no fit of many wrote.
    """
    if not os.path.lexists(path):
        return False
    try:
        found = load_posterior(path)
    except PosteriorError as error:
        if is_damaged(path):  # copied in part, or altered on the way: it is fitted again
            return False
        raise FitError(say("fitting.each.not_ours", path=path)) from error
    if found.meta.get(_MARK) != mark:
        raise FitError(say("fitting.each.other", path=path))
    return True


def _runner(given: object) -> Runner:
    if callable(given) and not isinstance(given, type):
        try:
            inspect.signature(given).bind(_fit_one, ())
        except (TypeError, ValueError) as error:
            raise FitError(say("fitting.each.not_called", why=str(error))) from error
        return given
    if given is None:
        return _here
    known: dict[str, Runner] = {"joblib": _by_joblib, "spark": _by_spark}
    if not isinstance(given, str) or given not in known:
        near, told = suggest(given, known), choices(tuple(known))
        raise FitError(say("fitting.each.no_runner", runner=given, near=near, known=told))
    package = _PACKAGES[given]
    if find_spec(package) is None:
        raise FitError(say("fitting.each.no_package", package=package, extra=given))
    return known[given]


def _here(work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
    yield from map(work, tasks)


def _by_joblib(work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
    """Run tasks in processes of their own, as many at once as there are processors."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=available_cores(), return_as="generator_unordered")
    yield from parallel(delayed(work)(task) for task in tasks)


def _by_spark(work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
    """Run each task as a job of Spark, which gives it to another worker where one dies."""
    with spark_session() as session:
        context = session.sparkContext

        def job(task: Task) -> Done:
            found: list[Done] = context.parallelize([task], 1).map(work).collect()
            return found[0]

        with ThreadPoolExecutor(max(context.defaultParallelism, 1)) as threads:
            for future in as_completed([threads.submit(job, task) for task in tasks]):
                yield future.result()
