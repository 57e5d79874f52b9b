"""People over time, scored: what comes for each of them, by their own history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backrisk._arguments import checked
from backrisk._files import output
from backrisk.cohort.histories import History, history_in, read_visits, reading_notes, template_of
from backrisk.cohort.profiles import flag
from backrisk.cohort.scoring import Scored, positive
from backrisk.cohort.writing import demand_kind, sink_of
from backrisk.errors import QueryError
from backrisk.inference import contradiction
from backrisk.posterior import Posterior
from backrisk.queries import forecast, lasting
from backrisk.summary import interval
from backrisk.survey import Frame, panel_people
from backrisk.words import say

_READING = ("encoding", "delimiter", "decimal", "glob")


@checked("combine")
def score_panel(
    posterior: Posterior,
    source: str | Path | Frame,
    out: str | Path,
    *,
    periods: int = 1,
    target: str | None = None,
    draws: int | None = None,
    seed: int = 0,
    id: str | None = None,
    time: str | None = None,
    start: str | float | None = None,
    combine: str | Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    glob: bool = False,
    quote: bool = False,
    progress: bool = False,
) -> Scored:
    """Forecast the risk of every person of a table of visits. Rung: seeing.

    Parameters
    ----------
    posterior : Posterior
        Of an unrolled graph, as `backrisk.fit` makes it from a panel.
    source : str, Path or frame
        A row for each person and time, as for `backrisk.read_panel`; read through the posterior's
        codebook, or as labels of nodes where that fits more of its columns. Periods are as long as
        those of the panel that was fitted.
    out : str or Path
        ``.parquet`` or ``.csv``; written beside and renamed.
    periods : int
        How many periods after a person's last visit are forecast.
    target : str, optional
    draws : int, optional
        Use at most so many draws, evenly spaced.
    seed : int
        For what is simulated.
    id, time : str, optional
        The columns that say who and when, by default those of the panel that was fitted.
    start, combine, encoding, delimiter, decimal, glob
        As for `backrisk.read_panel`.
    quote : bool
        As for `backrisk.score`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Scored
        `Scored.profiles` is the number of distinct histories. There are no problems beside: unlike
        `backrisk.score` this refuses a table with any. `Scored.notes` says of what is constant for
        how many people the answers differ between visits; one of them is taken, as in a fit.

    Raises
    ------
    SurveyError
        As for `backrisk.read_panel`.
    QueryError
        If the model is of one moment, the target is not understood, a number is out of range, or
        `out` cannot be written, or is read from.

    Notes
    -----
    One row a person in the order in which the table first has them, with the columns

    - ``person``: the identifier, as text;
    - ``last``: the period of the last visit, numbered as in `backrisk.forecast`: the first is 0,
      of the person, or with `start` of everybody; empty where there is no visit, and then period 1
      is forecast; ``reported`` is the state of the target in it,
      if known;
    - ``risk, risk_low, risk_high``: mean and interval of P(target in period ``last + 1`` |
      history); for more periods also ``risk_2, risk_2_low, risk_2_high`` and so on;
    - ``monte_carlo_error``: the largest standard error of these means; empty where they are exact;
    - ``flags``, joined by ``"; "``: ``answers contradict`` (nothing is computed), ``no answers``,
      ``fit warned``, ``contradicted by a survey``.

    The numbers are those of `backrisk.forecast` for each history, which people with the same one
    share, and rest on the same assumptions. A forecast starts at a person's last visit, however
    long ago it was.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> import backrisk as br
    >>> graph = br.CausalGraph.from_text("x -> y; y[-1] -> y")
    >>> visits = pd.DataFrame({"who": ["a", "a", "b", "b"], "day": [0, 7, 0, 7],
    ...                        "x": ["no", "yes", "no", "no"], "y": ["no", "yes", "no", "no"]})
    >>> panel = br.read_panel(visits, graph, id="who", time="day", every=7)
    >>> model = br.fit(graph, panel, seed=1, draws=50, progress=False)
    >>> done = score_panel(model, visits, f"{tempfile.mkdtemp()}/scored.csv", target="y")
    >>> pd.read_csv(done.out)[["person", "last", "reported"]]
      person  last reported
    0      a     1      yes
    1      b     1       no
    """
    if periods < 1:
        raise QueryError(say("cohort.periods", periods=periods))
    path = Path(out)
    demand_kind(path)
    thin = posterior if draws is None else posterior.subset(positive(draws))
    template_of(posterior)
    node = forecast(thin.subset(1), [{}], 1, target=target).target.node  # the question, checked
    reading: dict[str, Any] = {
        "encoding": encoding,
        "delimiter": delimiter,
        "decimal": decimal,
        "glob": glob,
    }
    with output(path, QueryError, (source,)) as file:
        panel = read_visits(
            posterior, source, id=id, time=time, start=start, combine=combine, **reading
        )
        people = panel_people(source, panel.codebook, id=id, **reading)
        histories = [history_in(panel, row) for row in range(len(panel.codes))]
        keys = [repr(history) for history in histories]
        found = _answers(thin, dict(zip(keys, histories, strict=True)), periods, target, seed,
                         progress=progress)  # fmt: skip
        columns: dict[str, list[Any]] = {
            "person": list(people),
            "last": [last if last >= 0 else None for last in panel.last.tolist()],
            "reported": [history[-1].get(node) for history in histories],
        }
        for name in next(iter(found.values())):
            columns[name] = [found[key][name] for key in keys]
        _write(columns, sink_of(file, path.suffix.lower(), thin, quote=quote))
    warnings = posterior.warnings_about()
    return Scored(
        path,
        panel.n,
        len(found),
        thin.draws,
        problems=0,
        listed=None,
        warnings=warnings,
        blank_rows=panel.blank_rows,
        notes=reading_notes(panel),
    )


def _answers(
    posterior: Posterior,
    histories: Mapping[str, History],
    periods: int,
    target: str | None,
    seed: int,
    *,
    progress: bool,
) -> dict[str, dict[str, Any]]:
    """Forecast each distinct history."""
    from rich.console import Console
    from rich.progress import track

    longer: dict[int, Posterior] = {}  # its CPTs are laid out once for all histories of a length
    always = [flag("warned")] if posterior.diagnostics.warnings else []
    always += [flag("contradicted")] if posterior.diagnostics.contradicted else []
    found = {}
    for key, history in track(
        histories.items(),
        description=say("cohort.forecasting"),
        console=Console(stderr=True),
        disable=not progress,
    ):
        needed = len(history) + periods
        if needed not in longer:
            longer[needed] = lasting(posterior, needed)
        found[key] = _answer(longer[needed], history, periods, target, seed)
        silent = [] if any(history) else [flag("silent")]
        found[key]["flags"] = "; ".join([*found[key]["flags"], *silent, *always])
    return found


def _answer(
    posterior: Posterior, history: History, periods: int, target: str | None, seed: int
) -> dict[str, Any]:
    """Return the columns of one history, its flags as a list."""
    names = ["risk", *(f"risk_{ahead}" for ahead in range(2, periods + 1))]
    ends = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    try:
        answer = forecast(posterior, history, periods, target=target, seed=seed)
    except QueryError as error:
        if str(error) != contradiction():
            raise
        nothing: dict[str, Any] = dict.fromkeys([*ends, "monte_carlo_error"])
        return nothing | {"flags": [flag("contradict")]}
    numbers = np.column_stack([answer.draws.mean(axis=0), *interval(answer.draws)]).ravel()
    simulated = None if answer.error is None else float(answer.error["risk"].max())
    told: dict[str, Any] = dict(zip(ends, numbers.tolist(), strict=True))
    return told | {"monte_carlo_error": simulated, "flags": []}


def _write(columns: Mapping[str, list[Any]], sink: Any) -> None:
    """Write the rows, each column of one type whatever is missing."""
    import pyarrow as pa

    texts, counts = ("person", "reported", "flags"), ("last",)
    types = {
        name: pa.string() if name in texts else pa.int64() if name in counts else pa.float64()
        for name in columns
    }
    arrays = [pa.array(values, types[name]) for name, values in columns.items()]
    with sink:
        sink.write(pa.RecordBatch.from_arrays(arrays, list(columns)))
