"""Surveys made of one survey: its parts, and samples drawn again from its people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backrisk._arguments import checked
from backrisk.errors import SurveyError
from backrisk.graph import constants
from backrisk.survey.answers import Survey
from backrisk.survey.census import Census
from backrisk.survey.panels import Panel
from backrisk.words import say, suggest

_OF_ROWS = ("codes", "weights", "site", "people", "squares", "first", "last", "reach")
_DIGITS = 4  # of a sample's name, so that names sort as numbers do


@checked()
def split_survey(survey: Survey | Panel, by: str | None = None) -> dict[str, Survey | Panel]:
    """Return the parts of a survey or panel: the people of each site, or of each state of a node.

    Parameters
    ----------
    survey : Survey or Panel
    by : str, optional
        A node, of which each state has a part; by default the sites. Of a panel, one that is
        constant, so that each person is in one part.

    Returns
    -------
    dict of str to Survey or Panel
        By the site or the state; of people without one there is no part. A part knows of no site
        and, of what was counted in the whole, of its cautions alone. A part of a panel has all
        slices of the whole.

    Raises
    ------
    SurveyError
        If the survey has no sites, no such node, or one that changes from slice to slice.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"a": ["no", "yes", ""], "b": ["yes", "no", "no"], "s": [2, 1, 1]})
    >>> survey = Survey.from_frame(frame, graph, site="s")
    >>> {name: part.codes.tolist() for name, part in split_survey(survey).items()}
    {'1': [[1, 0], [-1, 0]], '2': [[0, 1]]}
    >>> {name: part.n for name, part in split_survey(survey, "a").items()}
    {'no': 1, 'yes': 1}
    """
    if by is None:
        if survey.site is None:
            raise SurveyError(say("survey.splitting.no_sites"))
        groups, names = survey.site, survey.sites
    else:
        if by not in survey.graph.names:
            near = suggest(by, survey.graph.names)
            raise SurveyError(say("survey.splitting.no_node", name=by, near=near))
        place = survey.graph.names.index(by)
        if isinstance(survey, Panel):
            if by not in constants(survey.graph):
                raise SurveyError(say("survey.splitting.changes", name=by))
            groups = survey.codes[:, 0, place].astype(np.intp)
        else:
            groups = survey.codes[:, place].astype(np.intp)
        names = survey.graph.node(by).states
    rows = {name: np.flatnonzero(groups == place) for place, name in enumerate(names)}
    return {
        name: _apart(replace(survey, site=None, sites=()), here)
        for name, here in rows.items()
        if len(here)
    }


@checked()
def resample_survey(survey: Survey, samples: int, seed: int) -> dict[str, Survey]:
    """Return bootstrap samples of a survey: as many people, each drawn again from all.

    Parameters
    ----------
    survey : Survey
        Of people who were chosen each for itself. Of a row that stands for several people, each
        drawn again weighs as much as they do on average.
    samples : int
    seed : int

    Returns
    -------
    dict of str to Survey
        By ``"0001"`` and so on. Each site keeps the number of its people. The first samples of a
        seed are the same however many there are.

    Raises
    ------
    SurveyError
        If people were chosen by a design, of which whole sets or persons would have to be drawn;
        or there is to be no sample.

    Notes
    -----
    Efron 1979, doi:10.1214/aos/1176344552; of sites, each is a stratum.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> survey = Survey.from_frame(pd.DataFrame({"a": ["no", "yes"] * 4, "b": "no"}), graph)
    >>> drawn = resample_survey(survey, 2, seed=1)
    >>> [(name, sample.n) for name, sample in drawn.items()]
    [('0001', 8), ('0002', 8)]
    """
    if survey.codebook.design is not None:
        raise SurveyError(say("survey.splitting.design", kind=survey.codebook.design.kind))
    if samples < 1:
        raise SurveyError(say("survey.splitting.no_samples", samples=samples))
    people = np.ones(len(survey.codes), np.int64) if survey.people is None else survey.people
    site = np.zeros(len(people), np.intp) if survey.site is None else survey.site
    found = {}
    for number in range(samples):
        rng = np.random.default_rng([seed, number])
        drawn = np.zeros(len(people), np.int64)
        for stratum in np.unique(site):
            rows = np.flatnonzero(site == stratum)
            many = int(people[rows].sum())
            drawn[rows] = rng.multinomial(many, people[rows] / many)
        rows = np.flatnonzero(drawn)
        share = drawn[rows] / people[rows]
        part = _apart(survey, rows)
        squares = survey.squares
        if squares is None and survey.weights is not None and survey.people is None:
            squares = survey.weights**2
        found[f"{number + 1:0{_DIGITS}}"] = replace(
            part,
            people=drawn[rows],
            weights=None if part.weights is None else part.weights * share,
            squares=None if squares is None else squares[rows] * share,
        )
    return found


def _apart[Answers: Survey | Panel](survey: Answers, rows: NDArray[np.intp]) -> Answers:
    """Return a survey or panel of some rows."""
    parts: dict[str, Any] = {
        name: values[rows]
        for name in _OF_ROWS
        if (values := getattr(survey, name, None)) is not None
    }
    return replace(survey, **parts, blank_rows=0, not_asked={}, census=Census())
