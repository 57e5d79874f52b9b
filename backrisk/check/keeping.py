"""What is kept with a model of its checks: verdicts of one survey, and of which."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backrisk._arguments import checked
from backrisk.check.moment import demand_graph
from backrisk.posterior import Posterior, Verdict
from backrisk.survey import Survey, tabulate

_DIGITS = 8  # of the digest: two surveys are mistaken for one in 4e9, and no answer is told
_ROUNDED = 9  # decimals of a share of the weight, whose last digits hang on the order of the rows


@checked()
def kept_with(
    posterior: Posterior,
    verdicts: Sequence[Verdict],
    survey: Survey,
    *,
    asked: Collection[str] = (),
) -> Posterior:
    """Return a model that holds verdicts of one survey, and of no other.

    Verdicts that the model held stay where they are of the same survey and of checks that were not
    made again; those of another survey, or of one that is not known, all go.

    Parameters
    ----------
    posterior : Posterior
    verdicts : sequence of Verdict
    survey : Survey
        That gave them. What is kept of it is how many people it has and the first digits of a
        digest of all answers, whatever their order: no person's row, and no cell. Whoever knows
        the answers of everybody but one can try that person's by it, as by the log likelihoods
        that every fit holds.
    asked : collection of str
        Checks that were made and gave no verdict: what the model held of them goes too.

    Returns
    -------
    Posterior
        With the same draws.

    Raises
    ------
    QueryError
        If the survey was read for another graph.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, Posterior, Survey
    >>> graph = CausalGraph.from_text("x -> y")
    >>> model = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.7, 0.3], [0.2, 0.8]]})
    >>> survey = Survey.from_frame(pd.DataFrame({"x": ["no", "yes"], "y": ["no", "yes"]}), graph)
    >>> numbers = {"against": 0, "tested": 1, "unseen": 1}
    >>> kept = kept_with(model, [Verdict("pairwise", "too_little", numbers)], survey)
    >>> kept.diagnostics.surveyed["people"]
    2
    """
    demand_graph(posterior, survey)
    surveyed = mark_of(survey)
    return held_with(posterior, verdicts, surveyed, asked)


def held_with(
    posterior: Posterior,
    verdicts: Sequence[Verdict],
    surveyed: dict[str, Any],
    asked: Collection[str],
) -> Posterior:
    """Return a model that holds verdicts of the survey that a mark is of; see `kept_with`."""
    held = posterior.diagnostics
    gone = {*asked, *(each.check for each in verdicts)}
    same = bool(surveyed) and dict(held.surveyed) == surveyed
    before = tuple(v for v in held.verdicts if same and v.check not in gone)
    both = (*before, *verdicts)
    told = surveyed if both else {}
    return replace(posterior, diagnostics=replace(held, verdicts=both, surveyed=told))


def mark_of(survey: Survey) -> dict[str, Any]:
    """Return by what a survey is known again: its people, and the start of a digest.

    Nothing is known again of nobody: the mark of an empty survey is empty.
    """
    if not survey.n:
        return {}
    patterns = tabulate(survey)
    found = hashlib.sha256()
    for name in (*survey.graph.names, "", *survey.sites):
        found.update(name.encode() + b"\0")
    shares = np.round(patterns.weights / max(float(patterns.weights.sum()), 1e-300), _ROUNDED)
    site = np.zeros(0, np.intp) if patterns.site is None else patterns.site
    for part in (patterns.codes, patterns.people, shares, site):
        found.update(np.ascontiguousarray(part).tobytes())
    return {"people": int(survey.n), "digest": found.hexdigest()[:_DIGITS]}
