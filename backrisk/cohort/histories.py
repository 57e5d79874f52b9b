"""People over time that a model is asked about: visits, read as the panel of the model was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, UnrolledGraph, constants
from backrisk.posterior import Posterior
from backrisk.survey import Codebook, Frame, Panel, Visits, opened, read_panel
from backrisk.words import Said, say

History = list[dict[str, str]]


def template_of(posterior: Posterior) -> CausalGraph:
    """Return the graph of one period of a model over time.

    Raises
    ------
    QueryError
        If the model is of one moment.
    """
    if not isinstance(posterior.graph, UnrolledGraph):
        raise QueryError(say("cohort.one_moment", graph=posterior.graph.name))
    return posterior.graph.template


def read_visits(
    posterior: Posterior,
    table: str | Path | Frame,
    *,
    id: str | None = None,
    time: str | None = None,
    **options: Any,
) -> Panel:
    """Read people over time to ask a model about, in periods as long as those it was fitted on.

    Parameters
    ----------
    posterior : Posterior
        Of an unrolled graph.
    table : str, Path or frame
        A row for each person and time; read through the posterior's codebook, or as labels of
        nodes where that fits more of its columns.
    id, time : str, optional
        The columns that say who and when, by default those of the panel that was fitted.
    **options
        As for `backrisk.read_panel`, but for `every`, which the model says.

    Returns
    -------
    Panel

    Raises
    ------
    QueryError
        If the model is of one moment.
    SurveyError
        As for `backrisk.read_panel`.
    """
    graph = template_of(posterior)
    how = {k: v for k, v in options.items() if k in ("encoding", "delimiter", "decimal", "glob")}
    with opened(table, **how) as found:
        columns = set(found.columns)
    plain, own = Codebook.plain(graph), posterior.codebook
    visits = Visits() if own is None or own.panel is None else own.panel
    if own is None or len(columns & set(own.known)) < len(columns & set(plain.known)):
        # Rules of other columns mean nothing to labels of nodes.
        visits = Visits(id=visits.id, time=visits.time, every=visits.every, dates=visits.dates)
        book = plain
    else:
        book = own.of_anybody()
    every = None if visits.every or visits.events else posterior.meta.get("panel", {}).get("every")
    book = book.model_copy(update={"panel": visits})
    return read_panel(table, graph, book, every=every, id=id, time=time, **options)


def reading_notes(panel: Panel) -> tuple[Said, ...]:
    """Return what has to be told of how people's visits were read, as a fit tells it.

    Only what bears on single people: what is said of a whole table bears on a fit.
    """
    return tuple(each for each in panel.cautions if each.key.startswith("survey.panel.changing"))


def history_in(panel: Panel, row: int) -> History:
    """Return one person's history, from period 0 to the last visit, as questions take it.

    Parameters
    ----------
    panel : Panel
    row : int

    Returns
    -------
    list of dict
        One a period, states by node; at least one. What is constant stands in the first.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, read_panel
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> frame = pd.DataFrame({"who": 1, "t": [0, 2], "a": ["no", "yes"], "b": ["yes", None]})
    >>> history_in(read_panel(frame, graph, id="who", time="t", every=1), 0)
    [{'a': 'no', 'b': 'yes'}, {}, {'a': 'yes'}]
    """
    once = constants(panel.graph)
    return [
        {
            node.name: node.states[code]
            for node, code in zip(panel.graph.nodes, codes, strict=True)
            if code >= 0 and not (period and node.name in once)
        }
        for period, codes in enumerate(panel.codes[row, : max(panel.last[row], 0) + 1].tolist())
    ]
