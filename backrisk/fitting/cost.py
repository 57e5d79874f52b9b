"""What a fit over time will take, told before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from backrisk.fitting.observed import prepare
from backrisk.fitting.panels import told_over_time, with_trait
from backrisk.graph import CausalGraph
from backrisk.likelihood import Circuit, size_of, value_and_counts
from backrisk.survey import Panel

_EVALUATIONS = 7, 31  # of a draw of NUTS: trees of depth 3 to 5
_REPEATS, _LONGEST = 20, 1.0  # evaluations that are timed, and seconds after which no more are


@dataclass(frozen=True)
class Cost:
    """What the likelihood of a panel takes, and so about how long its fit will.

    Parameters
    ----------
    people, histories, periods : int
        Histories are the distinct ones, counting what was not answered.
    steps, multiplications : int
        Of the circuit: sums of products, and multiplications in one pass forward.
    exact : bool
        Whether the posterior is drawn exactly, without any sampling.
    milliseconds : float
        One evaluation of value and gradient, the fastest of several on this machine, now.
    """

    people: int
    histories: int
    periods: int
    steps: int
    multiplications: int
    exact: bool
    milliseconds: float

    def minutes(self, draws: int, chains: int, cores: int) -> tuple[float, float]:
        """Return about how long sampling takes, for small and for large steps.

        Parameters
        ----------
        draws : int
            Of each chain, with its tuning.
        chains, cores : int
            Chains run side by side, one on each core.
        """
        rounds = -(-chains // max(min(cores, chains), 1))
        each = draws * rounds * self.milliseconds / 60_000
        return _EVALUATIONS[0] * each, _EVALUATIONS[1] * each


def cost_of(
    graph: CausalGraph, panel: Panel, *, trait: bool | None = None, dropout: Sequence[str] = ()
) -> Cost:
    """Compile the likelihood of a panel and measure one evaluation of it.

    Parameters
    ----------
    graph, panel, trait, dropout
        As for `fit`.

    Returns
    -------
    Cost

    Raises
    ------
    FitError
        As for `fit`: above all where exact sums are out of reach.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, read_panel
    >>> graph = CausalGraph.from_text("x -> y; y[-1] -> y")
    >>> frame = pd.DataFrame({"who": [1, 1, 2], "t": [0, 1, 0], "x": ["no", None, "yes"],
    ...                       "y": ["no", "yes", "no"]})
    >>> cost = cost_of(graph, read_panel(frame, graph, id="who", time="t", every=1))
    >>> cost.people, cost.histories, cost.periods, cost.exact
    (2, 2, 2, False)
    """
    trait = with_trait(panel, trait)
    with told_over_time(panel, trait):
        prepared = prepare(graph, panel.to_survey(trait, tuple(dropout)))
    size = size_of(prepared.circuit)
    return Cost(
        panel.n,
        len(prepared.patterns.codes),
        panel.periods,
        size["steps"],
        size["multiply_adds"],
        prepared.conjugate,
        1000 * _seconds(prepared.circuit),
    )


def _seconds(circuit: Circuit) -> float:
    """Return the least time of an evaluation; it is the same whatever the probabilities."""
    logs = np.zeros(circuit.cells.size)
    for name in circuit.cells.graph.names:
        logs[circuit.cells.part(name)] = -np.log(len(circuit.cells.graph.node(name).states))
    tape, reals = circuit.packed()
    value_and_counts(logs, tape, reals)  # compiled where it never was
    times: list[float] = []
    while len(times) < _REPEATS and sum(times) < _LONGEST:
        start = perf_counter()
        value_and_counts(logs, tape, reals)
        times.append(perf_counter() - start)
    return min(times)
