"""People over time at the command line: how their table is read, and what a fit will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from backrisk.errors import QueryError
from backrisk.words import decimal, say, whole

if TYPE_CHECKING:
    from backrisk.graph import CausalGraph
    from backrisk.survey import Panel

_MOMENT = 0.5  # minutes, below which compiling takes longer than sampling
_HOURS = 120  # minutes, from which a time is told in hours
_REST = "rest"  # the columns that no rule of their own is given for


def demand_panel(panel: bool, over_time: Mapping[str, Any], never: Mapping[str, Any]) -> None:
    """Refuse options about people over time without `--panel`, and with it those it never takes.

    Raises
    ------
    QueryError
    """
    for option, given in (never if panel else over_time).items():
        if given is not None and given != []:
            key = "not_panel" if panel else "only_panel"
            raise QueryError(say(f"cli.panel.{key}", option=option.replace("_", "-")))


def read_combine(rules: Sequence[str] | None) -> dict[str, str] | None:
    """Read how several visits within one period are combined: a rule, or ``column=rule``.

    Raises
    ------
    QueryError
        If a column is named twice.
    """
    if not rules:
        return None
    found = {}
    for rule in rules:
        column, equals, name = rule.rpartition("=")
        found[column.strip() if equals else _REST] = name.strip()
    if len(found) < len(rules):
        raise QueryError(say("cli.panel.twice", rules=", ".join(rules)))
    return found


def tell_cost(
    graph: CausalGraph,
    panel: Panel,
    over_time: Mapping[str, Any],
    draws: int,
    chains: int,
    cores: int | None,
    teller: Console,
) -> None:
    """Say before the sampling what it will take.

    Raises
    ------
    FitError
        If exact sums are out of reach, or a susceptibility is asked for that the panel cannot tell.
    """
    from backrisk.fitting import available_cores, cost_of

    cost = cost_of(graph, panel, **over_time)
    told = {
        "people": whole(cost.people),
        "histories": whole(cost.histories),
        "periods": cost.periods,
        "every": panel.every,
        "steps": whole(cost.steps),
        "multiplications": whole(cost.multiplications),
        "ms": decimal(cost.milliseconds, 2 if cost.milliseconds < 10 else 0),
    }
    teller.print(say("cli.panel.cost", **told), markup=False)
    if cost.exact:
        teller.print(say("cli.panel.drawn"), markup=False)
        return
    least, most = cost.minutes(draws, chains, cores or available_cores())
    if most < _MOMENT:
        teller.print(say("cli.panel.moment"), markup=False)
        return
    words = {"draws": whole(draws), "chains": chains, "low": _time(least), "high": _time(most)}
    teller.print(say("cli.panel.sampling", **words), markup=False)


def _time(minutes: float) -> str:
    """Word a length of time as roughly as it is known."""
    if minutes < 1.5:
        return say("cli.panel.seconds", n=whole(max(round(60 * minutes), 1)))
    if minutes < _HOURS:
        return say("cli.panel.minutes", n=whole(round(minutes)))
    return say("cli.panel.hours", n=whole(round(minutes / 60)))
