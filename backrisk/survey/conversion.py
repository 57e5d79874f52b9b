"""A survey, whatever it was given as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey.answers import Survey, read_survey
from backrisk.survey.codebook import Codebook
from backrisk.words import say


def as_survey(
    given: Any,
    graph: CausalGraph,
    codebook: Codebook | str | Path | None = None,
    *,
    weight: str | None = None,
    site: str | None = None,
) -> Survey:
    """Return a survey as it is, and a table as the survey that `read_survey` makes of it.

    Parameters
    ----------
    given : Survey, str, Path or frame
    graph, codebook, weight, site
        As for `read_survey`; the latter three only for a table.

    Raises
    ------
    SurveyError
        As `read_survey`; or there is something to read a table by, and no table.

    Examples
    --------
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> as_survey(pd.DataFrame({"a": ["no"], "b": ["yes"]}), graph).codes.tolist()
    [[0, 1]]
    """
    if isinstance(given, pd.DataFrame):
        return Survey.from_frame(given, graph, codebook, weight=weight, site=site)
    if not isinstance(given, Survey):
        return read_survey(given, graph, codebook, weight=weight, site=site)
    options = {"codebook": codebook, "weight": weight, "site": site}
    if stray := [name for name, option in options.items() if option is not None]:
        raise SurveyError(say("survey.roles.read_already", options=", ".join(stray)))
    return given
