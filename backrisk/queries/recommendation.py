"""What to do and what to ask next: advice for one person, with what it rests on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import QueryError, suggest
from backrisk.graph import GRADES, CausalGraph
from backrisk.inference import World
from backrisk.posterior import Posterior
from backrisk.queries.answer import Answer, Target
from backrisk.queries.asked import check_coupling, named, read_do, read_person, read_target
from backrisk.queries.attribution.causes import weakest_link
from backrisk.queries.attribution.methods import data_support
from backrisk.queries.single import probability
from backrisk.summary import interval, largest, summarise
from backrisk.words import estimate, listed, percent, phrase, shift, thing

Array = NDArray[np.float64]


_MOST_ACTIONS = 200


@dataclass(frozen=True, eq=False)
class Recommendation(Answer):
    """Absolute risk reductions; ``draws`` is ``(draw, action)`` in the order of ``actions``.

    Parameters
    ----------
    actions : tuple of str
        Such as ``"warm_up=dynamic"``, joined by ``" + "`` where several are done together.
    settings : tuple of mapping of node to state
        The same, as ``do=`` of `backrisk.intervene` takes it.
    before : ndarray, shape (draw,)
        The risk without any action.
    grades : tuple of str
        Of the weakest edge on an action's strongest path; the worst of actions done together.
    data_support : ndarray, shape (action,)
        As for `backrisk.Attribution`.
    coupling : str, optional
        Where an answer lies downstream of an action, so that the effect depends on it.
    costs : tuple of float, optional
        Of each action.
    """

    actions: tuple[str, ...]
    settings: tuple[Mapping[str, str], ...]
    before: Array
    grades: tuple[str, ...]
    data_support: Array
    coupling: str | None = None
    costs: tuple[float, ...] | None = None

    @property
    def merit(self) -> Array:
        """What ranks the actions, ``(draw, action)``: reduction, or reduction for each cost."""
        return self.draws if self.costs is None else self.draws / np.asarray(self.costs)

    @property
    def best(self) -> Array:
        """The probability of each action being the best of them, ``(action,)``."""
        return largest(self.merit)

    @property
    def table(self) -> pd.DataFrame:
        """One row an action, the best mean first.

        ``mean``, ``low``, ``high`` are of the absolute risk reduction. ``nnt`` is one over its
        mean: people who would have to do this for one fewer to have the target; below zero, for
        one more. ``nnt_low`` and ``nnt_high`` are one over the ends of the interval: where it
        crosses zero they differ in sign and the range runs from the first up through ∞
        to the second (Altman 1998, doi:10.1136/bmj.317.7168.1309); ``nnt_words`` says so.
        """
        table = summarise(self.draws, self.actions)
        table["risk_after"] = (self.before[:, None] - self.draws).mean(axis=0)
        for name, end in (("nnt", "mean"), ("nnt_low", "high"), ("nnt_high", "low")):
            table[name] = 1.0 / table[end].where(table[end] != 0)
        table["nnt_words"] = [
            needed(*ends) for ends in zip(table["mean"], table["low"], table["high"], strict=True)
        ]
        table["p_helps"] = (self.draws > 0).mean(axis=0)
        table["p_best"] = self.best
        table["grade"] = self.grades
        table["data_support"] = self.data_support
        if self.costs is not None:
            table["cost"] = self.costs
            table["per_cost"] = self.merit.mean(axis=0)
        order = np.argsort(-self.merit.mean(axis=0), kind="stable")
        return table.iloc[order]

    def sentences(self) -> list[str]:
        """Return what the answer says."""
        if not self.actions:
            return ["Nothing is left to advise: every action asked about is already taken."]
        now = f"The risk of {self.target.label} is {estimate(self.before)} as things are."
        said = [now]
        ranked = [self.actions.index(label) for label in self.table.index]
        ends = interval(self.draws)
        clear = [column for column in ranked if ends[0][column] > 0 or ends[1][column] < 0]
        told = list(dict.fromkeys([ranked[0], *clear[:3]]))[:3]
        for rank, column in enumerate(told):
            done = listed(phrase(node, state) for node, state in self.settings[column].items())
            reduction = self.draws[:, column]
            low, high = (float(end[column]) for end in ends)
            treat = needed(float(reduction.mean()), low, high)
            cost = "" if self.costs is None else f" at a cost of {self.costs[column]:g}"
            opening = (
                f"Of {len(self.actions)} actions, {done} comes first"
                if rank == 0
                else f"Then {done}"
            )
            said.append(
                f"{opening}{cost}: {shift(-reduction)} in the risk, number needed to treat "
                f"{treat}, the best of them with probability {percent(float(self.best[column]))} "
                f"(evidence {self.grades[column]})."
            )
        unclear = len(self.actions) - len({*told, *clear})
        if unclear:
            said.append(f"For {unclear} more the interval includes no effect.")
        return said


def needed(mean: float, low: float, high: float) -> str:
    """Word the number needed to treat, given an absolute risk reduction and its interval.

    Altman 1998, doi:10.1136/bmj.317.7168.1309.

    Examples
    --------
    >>> needed(0.05, 0.02, 0.10), needed(0.02, -0.01, 0.05)
    ('20 (10 to 50)', '50 (benefit 20 to ∞ to harm 100)')
    >>> needed(-0.04, -0.05, -0.02)
    'harm 25 (20 to 50)'
    """

    def number(share: float) -> str:
        return f"{np.ceil(round(1.0 / abs(share), 6)):.0f}" if share else "∞"

    if low > 0:
        return f"{number(mean)} ({number(high)} to {number(low)})"
    if high < 0:
        return f"harm {number(mean)} ({number(low)} to {number(high)})"
    side = "harm " if mean < 0 else ""
    ends = [f"benefit {number(high)} to "] if high > 0 else []
    ends += ["∞"] + ([f" to harm {number(low)}"] if low < 0 else [])
    return f"{side}{number(mean)} ({''.join(ends)})"


def recommend(
    posterior: Posterior,
    person: Mapping[str, Any],
    *,
    actions: Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    costs: Mapping[str, float] | None = None,
    most: int = 1,
    target: str | None = None,
    coupling: str = "monotone",
) -> Recommendation:
    """Rank what a person could change by how far it would lower the risk. Rung: counterfactual.

    Parameters
    ----------
    posterior : Posterior
    person : mapping
        State labels by node, or raw answers of the codebook; incomplete allowed.
    actions : sequence of str, or mapping of node to one or several states, optional
        ``"node"``, set to its reference, or ``"node=state"``. Default: the modifiable nodes of
        the group ``behaviour``, each set to its reference; in a graph without that group all
        modifiable nodes; where none is marked modifiable, all causes of the target.
    costs : mapping of action or node to positive float, optional
        In any unit; actions are then ranked by risk reduction for each unit of cost. The cost of
        actions done together is the sum.
    most : int
        Up to how many actions are done together.
    target : str, optional
    coupling : {"monotone", "independent_causes", "independent"}
        Matters only where the person reports something that an action would change.

    Returns
    -------
    Recommendation
        ``draws`` of ``P(Y | e) - P(Y had the action been taken | e)``, the absolute risk
        reduction, shape ``(draw, action)``.

    Raises
    ------
    QueryError
        If the person, an action, a cost or the target is not understood, or an action is no
        cause of the target, or not modifiable in a graph that marks what is.

    Notes
    -----
    The evidence e is all that the person reports except the target and what follows from it: the
    question is what the risk is and would be for this person, not whether the pain that is there
    would be gone, which is the question of ``attribute(method="necessity")``. Where nothing
    reported lies downstream of the action this is exactly `backrisk.intervene`. Where something
    does, such as a plank test beside strength training, it is neither conditioned on as if the
    action could not change it nor dropped: it tells what is particular about the person, which
    the twin network carries over to the world with the action, under the coupling. All actions
    are thereby compared with one and the same risk.

    An action that the person already takes is left out, and said so.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> answer = recommend(p, {"x": "yes"})
    >>> answer.draws.round(3).tolist(), answer.table["nnt_words"].tolist()
    ([[0.5]], ['2 (2 to 2)'])
    """
    graph = posterior.graph
    aim = read_target(graph, target)
    reported = read_person(posterior, person)
    check_coupling(coupling)
    evidence = before_target(graph, reported, aim)
    options, taken = options_of(graph, evidence, aim, actions)
    together = _combine(options, most)
    labels = tuple(" + ".join(_label(graph, *one) for one in combo) for combo in together)
    spent = None if costs is None else _costs(graph, costs, options, together)
    tables = posterior.beside_prior
    before = probability(World(tables, evidence, {}), aim)
    after = [probability(World(tables, evidence, dict(combo), coupling), aim) for combo in together]
    reduction = before[:, None] - np.column_stack(after) if after else np.zeros((len(before), 0))
    reached = [
        name
        for name in graph.names
        if name in evidence
        and any(name in graph.descendants(node) for combo in together for node, _ in combo)
    ]
    return Recommendation(
        reduction[: posterior.draws],
        aim,
        named(graph, evidence),
        labels,
        tuple(named(graph, dict(combo)) for combo in together),
        before[: posterior.draws],
        tuple(
            max((weakest_link(graph, node, aim.node) for node, _ in combo), key=GRADES.index)
            for combo in together
        ),
        data_support(reduction, posterior),
        coupling if reached else None,
        spent,
        notes=_notes(graph, reported, evidence, aim, reached, taken, coupling),
        warnings=posterior.diagnostics.warnings,
    )


def before_target(graph: CausalGraph, evidence: Mapping[str, int], aim: Target) -> dict[str, int]:
    """Leave out the target and what follows from it."""
    after = graph.descendants(aim.node)
    return {n: code for n, code in evidence.items() if n != aim.node and n not in after}


def _label(graph: CausalGraph, node: str, code: int) -> str:
    return f"{node}={graph.node(node).states[code]}"


def _default_nodes(graph: CausalGraph, aim: Target) -> list[str]:
    causes = [n for n in graph.nodes if n.name in graph.ancestors(aim.node)]
    modifiable = [n for n in causes if n.modifiable]
    advised = set(graph.playing("advised"))
    first = [n for n in modifiable if n.name in advised]
    return [n.name for n in first or modifiable or causes]


def options_of(
    graph: CausalGraph,
    evidence: Mapping[str, int],
    aim: Target,
    actions: Sequence[str] | Mapping[str, str | Sequence[str]] | None,
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return the single actions, and those that the person already takes."""
    if actions is None:
        asked = [(name, "") for name in _default_nodes(graph, aim)]
    elif isinstance(actions, Mapping):
        asked = [
            (name, state)
            for name, states in actions.items()
            for state in ([states] if isinstance(states, str) else states)
        ]
    else:
        parts = [action.partition("=") for action in actions]
        asked = [(name.strip(), state.strip()) for name, _, state in parts]
    if not asked:
        raise QueryError("actions= is empty: name at least one node.")
    options = []
    for name, state in asked:
        if name not in graph.names:
            raise QueryError(f"The action '{name}' is no node{suggest(name, graph.names)}.")
        if name not in graph.ancestors(aim.node):
            raise QueryError(f"'{name}' is no cause of '{aim.node}' in graph '{graph.name}'.")
        if any(node.modifiable for node in graph.nodes) and not graph.node(name).modifiable:
            raise QueryError(
                f"'{name}' is nothing that a person could change (graph '{graph.name}' does not "
                "mark it as modifiable); to ask what would be if it differed, use intervene() or "
                "counterfactual()."
            )
        setting = read_do(graph, {name: state or graph.node(name).reference}, aim)
        options.append((name, setting[name]))
    options = list(dict.fromkeys(options))
    taken = [(name, code) for name, code in options if evidence.get(name) == code]
    return [option for option in options if option not in taken], taken


def _combine(options: Sequence[tuple[str, int]], most: int) -> list[tuple[tuple[str, int], ...]]:
    if most < 1:
        raise QueryError(f"most={most} should be at least 1: how many actions are done together.")
    found = [
        combo
        for size in range(1, most + 1)
        for combo in itertools.combinations(options, size)
        if len({node for node, _ in combo}) == size
    ]
    if len(found) > _MOST_ACTIONS:
        raise QueryError(
            f"Up to {most} of {len(options)} actions together are {len(found):,} combinations; "
            f"the limit is {_MOST_ACTIONS}. Name fewer actions."
        )
    return found


def _costs(
    graph: CausalGraph,
    costs: Mapping[str, float],
    options: Sequence[tuple[str, int]],
    together: Sequence[Sequence[tuple[str, int]]],
) -> tuple[float, ...]:
    known = {*(_label(graph, *one) for one in options), *graph.names}
    for name, cost in costs.items():
        if name.partition("=")[0] not in graph.names:
            raise QueryError(f"costs= names '{name}', no action{suggest(name, known)}.")
        if not isinstance(cost, (int, float)) or not 0 < cost < float("inf"):
            raise QueryError(f"The cost of '{name}' is {cost}; expected a number above 0.")

    def one(node: str, code: int) -> float:
        label = _label(graph, node, code)
        if label not in costs and node not in costs:
            raise QueryError(f"costs= gives no cost of '{label}'; expected one for every action.")
        return float(costs[label] if label in costs else costs[node])

    return tuple(sum(one(*action) for action in combo) for combo in together)


def _notes(
    graph: CausalGraph,
    reported: Mapping[str, int],
    evidence: Mapping[str, int],
    aim: Target,
    reached: Sequence[str],
    taken: Sequence[tuple[str, int]],
    coupling: str,
) -> tuple[str, ...]:
    notes = [f"This rests on the graph '{thing(graph.name)}' being right about causes."]
    if reached:
        notes.append(
            f"Answers that an action would change ({listed(map(thing, reached))}) are kept, as "
            f"signs of what is particular about this person, under the {thing(coupling)} coupling."
        )
    notes += aside(reported, evidence)
    if taken:
        done = listed(phrase(node, graph.node(node).states[code]) for node, code in taken)
        notes.append(f"Already so: {done}.")
    return tuple(notes)


def aside(reported: Mapping[str, int], evidence: Mapping[str, int]) -> list[str]:
    """Say which answers were set aside because they speak of the target itself."""
    left = [name for name in reported if name not in evidence]
    if not left:
        return []
    return [
        f"The answer on {listed(map(thing, left))} is set aside: what is asked is the risk from "
        "here on."
    ]
