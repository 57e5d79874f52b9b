"""How many people's histories ever followed a plan: what the answer to it rests on.

A fit on a panel may keep in ``posterior.meta["followed"]`` how many people were in a state for so
many periods running, as plain records::

    {"node": "strength_training", "state": "regular", "periods": 3, "people": 41}

where ``people`` is a number, or a text such as ``"fewer than 5"`` that does not tell it. What
nobody ever did, the model can only extrapolate to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backrisk.errors import QueryError
from backrisk.posterior import Posterior
from backrisk.queries.over_time.plans import Plan
from backrisk.words import Names, say


@dataclass(frozen=True)
class Kept:
    """How many people were in a state for so many periods running.

    Parameters
    ----------
    node, state : str
    periods : int
        For how many it was counted.
    asked : int
        For how many the plan asks; more, where no history was so long.
    people : int or str
    """

    node: str
    state: str
    periods: int
    asked: int
    people: int | str

    def sentence(self, names: Names) -> str:
        """Say it."""
        words = {
            "done": names.phrase(self.node, self.state),
            "people": self.people,
            "count": self.periods,
        }
        if self.asked > self.periods:
            return say("queries.over_time.followed.shorter", asked=self.asked, **words)
        return say("queries.over_time.followed.people", **words)


def followed(posterior: Posterior, plan: Plan) -> tuple[Kept, ...] | None:
    """Return how many people ever did what a plan sets.

    Parameters
    ----------
    posterior : Posterior
    plan : Plan

    Returns
    -------
    tuple of Kept, or None
        One for each node and state that the plan keeps to, each by itself; empty where the plan
        keeps to none, as by a rule. None where the model does not hold the counts.

    Raises
    ------
    QueryError
        If nobody did.
    """
    records = posterior.meta.get("followed")
    if not isinstance(records, Sequence) or isinstance(records, str):
        return None
    found: dict[tuple[str, int], Kept] = {}
    for name, code, length in plan.runs():
        state = plan.graph.template.node(name).states[code]
        about = [each for each in records if each["node"] == name]
        if not any(each["people"] for each in about):
            return None  # nobody was asked: what is hidden was followed by nobody knows how many
        # A history that is too short for the plan is counted for as far as it goes.
        longest = min(length, max(int(each["periods"]) for each in about))
        kept = Kept(name, state, longest, length, _people(about, state, longest))
        if kept.people == 0:
            raise QueryError(
                say("queries.over_time.followed.nobody", node=name, state=state, count=longest)
            )
        found[name, code] = kept
    return tuple(found.values())


def _people(records: Sequence[Mapping[str, Any]], state: str, periods: int) -> int | str:
    """Return how many people kept to a state for so many periods; none where nothing says so."""
    for each in records:
        if each["state"] == state and int(each["periods"]) == periods:
            people = each["people"]
            return people if isinstance(people, str) else int(people)
    return 0


def plain(found: tuple[Kept, ...] | None) -> list[dict[str, Any]] | None:
    """Return what `followed` gave as plain values; None where it is not known."""
    return None if found is None else [asdict(kept) for kept in found]


def followed_notes(found: tuple[Kept, ...] | None, plan: Plan, names: Names) -> tuple[str, ...]:
    """Say how many people ever did what a plan sets, or that it is not known."""
    if found is None:
        return (say("queries.over_time.followed.unknown"),)
    told = [kept.sentence(names) for kept in found]
    return (*told, *(() if plan.fixed else (say("queries.over_time.followed.by_rule"),)))
