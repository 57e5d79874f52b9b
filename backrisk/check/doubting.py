"""What a survey says of a fitted model, check by check: one line each, kept with the model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from scipy.stats import norm

from backrisk._arguments import checked
from backrisk.check.claims import REPORTS
from backrisk.check.families import families_at
from backrisk.check.independences import independences_at
from backrisk.check.keeping import held_with, mark_of
from backrisk.check.moment import demand_graph, is_own
from backrisk.check.outcome import outcome_calibration
from backrisk.check.pairs import pairwise
from backrisk.errors import FitError, QueryError
from backrisk.posterior import Finding, Posterior, Verdict
from backrisk.summary import INTERVAL
from backrisk.survey import Survey
from backrisk.words import choices, names_of, say, suggest

_KNOWN = 1.0  # standard error of a log odds ratio above which a pair tells nothing
_SHOWN = 3  # contradicted claims of a kind whose nodes are told
LEVEL = 0.05  # the chance that the checks of a model that is right contradict it, all together


@dataclass(frozen=True, eq=False)
class Doubts:
    """What a survey says of a model.

    Parameters
    ----------
    posterior : Posterior
        That was checked.
    verdicts : tuple of Verdict
        One for each check that was made.
    results : mapping of str to object
        By check, the whole result, with its own ``table`` and ``text``.
    refused : mapping of str to str
        By check, why it could not be made, or had nothing to give a verdict on.
    seconds : mapping of str to float
        By check, how long a processor was busy with it.
    surveyed : mapping
        By what the survey is known again: how many ``people`` it has, and the first digits of a
        ``digest`` of its answers. Empty for a survey of nobody.
    """

    posterior: Posterior = field(repr=False)
    verdicts: tuple[Verdict, ...]
    results: Mapping[str, Any] = field(repr=False)
    refused: Mapping[str, str]
    seconds: Mapping[str, float]
    surveyed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contradicted(self) -> tuple[Verdict, ...]:
        """The verdicts that contradict the model."""
        return tuple(each for each in self.verdicts if each.contradicts)

    @property
    def lines(self) -> tuple[str, ...]:
        """One sentence for each verdict."""
        names = names_of(self.posterior.graph)
        return tuple(each.sentence(names) for each in self.verdicts)

    @property
    def text(self) -> str:
        """What every check found, and why some could not be made."""
        return " ".join((*self.lines, *self.refused.values()))

    @property
    def table(self) -> pd.DataFrame:
        """One row a verdict: index its check, ``verdict`` in words, ``says``."""
        rows = [
            {"verdict": say(f"check.verdict.{each.finding}"), "says": line}
            for each, line in zip(self.verdicts, self.lines, strict=True)
        ]
        index = pd.Index([each.check for each in self.verdicts], name="check")
        return pd.DataFrame(rows, index=index, columns=["verdict", "says"])

    def __str__(self) -> str:
        """Return the lines."""
        return "\n".join((*self.lines, *self.refused.values()))

    def kept_with(self, posterior: Posterior) -> Posterior:
        """Return a model that holds these verdicts, and none of another survey; see `kept_with`.

        What it held of the same survey stays, where its check was left out here. Its draws stay as
        they are. Its card, reports, page and answers tell what the survey contradicts;
        `Posterior.save` keeps it.

        Parameters
        ----------
        posterior : Posterior
            Commonly the one that was checked, with all its draws.

        Returns
        -------
        Posterior
        """
        made = (*self.results, *self.refused)
        asked = [each for name in made for each in _SAID.get(name, (name,))]
        return held_with(posterior, self.verdicts, dict(self.surveyed), asked)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {
            "verdicts": [
                {**each.to_dict(), "text": line}
                for each, line in zip(self.verdicts, self.lines, strict=True)
            ],
            "refused": dict(self.refused),
            "seconds": dict(self.seconds),
            "surveyed": dict(self.surveyed),
        }


@checked()
def doubts(
    posterior: Posterior,
    survey: Survey,
    *,
    without: Collection[str] = (),
    level: float = LEVEL,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Doubts:
    """Hold what a model claims against a survey, and say in one line each what came of it.

    - ``independences``: every independence among measured nodes that the graph implies
      (`local_tests`).
    - ``families``: what each node's causes predict of it, by two causes together, by states
      between, and by other nodes (`family_residuals`).
    - ``items``: of the same, whether the answers to a question go with other nodes than the one
      they are about.
    - ``levels``: of the same, where tables were given, whether states are as common as these say.
    - ``pairwise``: whether every two answers go together as the model says (`pairwise`).
    - ``calibration``: whether risks of the outcome, predicted without the person's own answer,
      come true (`outcome_calibration`).

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
        The one it was fitted to, or another read for the same graph.
    without : collection of str
        Checks to leave out.
    level : float
        The chance that a model that is right is contradicted by any of the checks; they share it
        equally.
    seed : int
        Of the bootstrap.
    progress : callable, optional
        Called with the name of each check before it is made.

    Returns
    -------
    Doubts

    Raises
    ------
    QueryError
        If there is no such check, all are left out, or the survey was read for another graph. A
        check that does not hold for this survey or model is left out, with the reason.

    Notes
    -----
    What each line says has one estimand, stated by its function. *Contradicted* says that an answer
    like this survey's would be rare if the model held, not which edge is wrong, nor how far any
    answer is off; *agrees* says that a departure of a stated size would have been seen with a
    stated chance. What no survey can tell is not among the checks: the direction of an edge within
    an equivalence class, and a hidden common cause of nodes that an edge joins.

    Examples
    --------
    >>> import numpy as np
    >>> from backrisk import CausalGraph, Codebook, Survey
    >>> two = ["no", "yes"]
    >>> graph = CausalGraph.from_edges([("x", "m"), ("m", "y")], {"x": two, "m": two, "y": two})
    >>> cpts = {"x": [0.5, 0.5], "m": [[0.7, 0.3], [0.3, 0.7]], "y": [[0.8, 0.2], [0.4, 0.6]]}
    >>> codes = np.random.default_rng(1).integers(0, 2, (2000, 3)).astype(np.int8)
    >>> codes[:, 2] = codes[:, 0]  # y is x, whatever m
    >>> survey = Survey(graph, codes, Codebook.plain(graph))
    >>> posterior = Posterior.from_cpts(graph, cpts)
    >>> found = doubts(posterior, survey, without=["calibration", "pairwise"])
    >>> found.contradicted[0].check, found.contradicted[0].about
    ('independences', (('y', 'x', 'm'),))
    """
    for name in without:
        if name not in CHECKS:
            near, known = suggest(name, CHECKS), choices(CHECKS)
            raise QueryError(say("check.doubting.no_check", name=name, near=near, known=known))
    made = [name for name in CHECKS if name not in without]
    if not made:
        raise QueryError(say("check.doubting.none_left"))
    if not 0.0 < level / len(made) < 1.0 / len(made):  # each check has a part that is not nothing
        raise QueryError(say("check.doubting.level", level=level))
    demand_graph(posterior, survey)
    asked = _Asked(posterior, survey, level / len(made), seed)
    verdicts: list[Verdict] = []
    results: dict[str, Any] = {}
    refused: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for name in made:
        if progress is not None:
            progress(name)
        start = time.process_time()
        try:
            result, said = CHECKS[name](asked)
        except (QueryError, FitError) as error:
            refused[name] = say("check.doubting.refused", check=name, why=str(error))
            continue
        seconds[name] = time.process_time() - start
        results[name] = result
        verdicts += said
        if name not in {each.check for each in said}:
            why = say(f"check.doubting.nothing.{name}")
            refused[name] = say("check.doubting.refused", check=name, why=why)
    return Doubts(posterior, tuple(verdicts), results, refused, seconds, mark_of(survey))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a check is asked with: its own part of the level."""

    posterior: Posterior
    survey: Survey
    level: float
    seed: int

    @property
    def own(self) -> bool:
        """Whether these look like the people that the model learned from."""
        return is_own(self.posterior, self.survey)


def _independences(asked: _Asked) -> tuple[Any, list[Verdict]]:
    found = independences_at(asked.posterior, asked.survey, REPORTS * asked.level)
    return found, _of_claims("independences", found.table)


def _families(asked: _Asked) -> tuple[Any, list[Verdict]]:
    found = families_at(asked.posterior, asked.survey, REPORTS * asked.level)
    kinds = found.table["kind"]
    levels, reports = kinds == "level", kinds == "report"
    said = _of_claims("families", found.table[~levels & ~reports])
    said += _of_claims("items", found.table[reports])
    return found, said + _of_claims("levels", found.table[levels])


def _pairwise(asked: _Asked) -> tuple[Any, list[Verdict]]:
    found = pairwise(asked.posterior, asked.survey, external=not asked.own, level=asked.level)
    tested = found.pairs[found.pairs["verdict"] != "fitted"]  # of which nothing is left to test
    # Of a state that hardly anybody is in, a score is far from normal, whatever its p-value.
    error = (tested["high"] - tested["low"]) / (2.0 * norm.isf((1.0 - INTERVAL) / 2.0))
    known = error <= _KNOWN
    against = tested[known & (tested["verdict"] == "contradicted")]
    about = [(row.node, row.other) for row in against.head(_SHOWN).itertuples()]
    unseen = int((~known | (tested["verdict"] == "too_little")).sum())
    counts = {"against": len(against), "tested": len(tested), "unseen": unseen}
    return found, _counted("pairwise", about, **counts)


def _of_claims(check: str, table: pd.DataFrame) -> list[Verdict]:
    """Return the verdict on some claims: of the clearest contradicted ones the nodes are told."""
    against = table[table["verdict"] == say("check.verdict.contradicted")]
    unseen = int((table["verdict"] == say("check.verdict.too_little")).sum())
    nodes = zip(against["node"], against["others"], against["given"], strict=True)
    # The same nodes may be told of for each of their states.
    every = dict.fromkeys(tuple(filter(None, ", ".join(each).split(", "))) for each in nodes)
    counts = {"against": len(against), "tested": len(table), "unseen": unseen}
    return _counted(check, list(every)[:_SHOWN], **counts)


def _counted(
    check: str, about: Sequence[Sequence[str]], *, against: int, tested: int, unseen: int
) -> list[Verdict]:
    """Return the verdict on so many claims: too little where the survey is silent on most.

    On no claims there is none.
    """
    if not tested:
        return []
    quiet: Finding = "too_little" if 2 * unseen > tested else "agrees"
    finding: Finding = "contradicted" if against else quiet
    return [Verdict.of(check, finding, about, against=against, tested=tested, unseen=unseen)]


def _calibration(asked: _Asked) -> tuple[Any, list[Verdict]]:
    found = outcome_calibration(
        asked.posterior,
        asked.survey,
        external=not asked.own,
        level=asked.level,
        seed=asked.seed,
    )
    scores = found.scores.to_dict("index")
    numbers = {name: float(scores[row][column]) for name, (row, column) in _FIGURES.items()}
    if not all(map(math.isfinite, numbers.values())):
        return found, []
    return found, [Verdict.of("calibration", found.verdict, (), **numbers)]


_FIGURES = {
    "slope": ("slope", "model"),
    "low": ("slope", "low"),
    "high": ("slope", "high"),
    "large": ("in_the_large", "model"),
    "large_low": ("in_the_large", "low"),
    "large_high": ("in_the_large", "high"),
}
_SAID = {"families": ("families", "items", "levels")}  # verdicts of a check that gives several
CHECKS: Mapping[str, Callable[[_Asked], tuple[Any, list[Verdict]]]] = {
    "independences": _independences,
    "families": _families,
    "pairwise": _pairwise,
    "calibration": _calibration,
}
