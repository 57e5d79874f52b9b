"""A model carried to another population: which mechanisms differ there, and what is stated of them.

Every answer of a carried model rests on its selection diagram. Nothing in a survey of one
population tells whether the diagram is right; what is stated of nodes that are said to be the same
can contradict it (`stated_shares`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.moment import demand_moment
from backrisk.check.population import JointShares, Margin, Population
from backrisk.check.rebasing import moved_baseline, with_table
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.queries import demand_risks
from backrisk.summary import Estimate, interval
from backrisk.words import listed, names_of, ranged, say

_COLUMNS = [
    *("node", "state", "used", "stated", "stated_low", "stated_high", "model", "low", "high"),
    *("difference", "difference_low", "difference_high"),
]
_BITS = 0.0005  # of dependence that a graph cannot hold, below which it is not told


@checked()
def transport(posterior: Posterior, population: Population, *, seed: int = 0) -> Posterior:
    """Carry a model to another population. Any question of any rung may then be asked there.

    Parameters
    ----------
    posterior : Posterior
        A fitted model, or CPTs as given.
    population : Population
        The selection diagram and what is stated there; see `read_population`.
    seed : int
        For the uncertainty of the stated figures, drawn once for each posterior draw. Where the
        posterior has one draw, the figures are taken as they are stated.

    Returns
    -------
    Posterior
        With the same draws of everything that does not differ; ``meta["carried"]`` says where to,
        `Posterior.carried` in words, and so does every answer. Without sites: it is the average
        site that is carried, or the one that `Posterior.at_site` gave. Its prior is
        carried too, unless no baseline gives some draw of it the stated share.

    Raises
    ------
    QueryError
        If what is asked for is not identified: a mechanism differs and nothing is stated of it; a
        joint distribution lacks the causes of one of its nodes; no baseline gives a stated share.
        If the model was carried before, or the design of its survey leaves every risk unknown.

    Notes
    -----
    Estimand: for each draw, the joint distribution of all nodes in the other population,

    ``P*(v) = prod_{v not in S} P(v | pa(v)) prod_{v in S} P*(v | pa(v))``,

    where S are the nodes that the selection diagram points at. The first factors are those of the
    survey (Pearl and Bareinboim 2014, doi:10.1214/14-STS486; Bareinboim and Pearl 2016,
    doi:10.1073/pnas.1510507113). The others follow from what is stated, causes before effects:

    - a root: its stated distribution takes the place of its own;
    - a node whose joint distribution with all its causes is stated: that conditional distribution
      takes the place of its CPT;
    - any other node, or an event of any: *only its baseline differs*. The baseline moves until, in
      each draw, the share in the population is the stated one to rounding. Of an ordinal logit it
      is the cutpoints (all by as much where an event is stated); of a noisy-max the leak; of any
      other family the log odds of its states, by as much in every row. Log odds ratios of the
      causes are kept, risk differences are not.

    A stated prevalence thus tells nothing of any other mechanism: with another one that differs,
    and of which nothing is stated, the question is refused. A joint distribution of nodes that the
    graph holds independent is carried by its nearest distribution in the graph (the least
    Kullback-Leibler divergence), and the loss is told.

    Examples
    --------
    >>> from backrisk import CausalGraph, risk
    >>> from backrisk.check import Population, transport
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> here = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": [[0.9, 0.1], [0.7, 0.3]]})
    >>> there = {"name": "the clinic", "differs": ["y"], "shares": {"y": 0.4}}
    >>> carried = transport(here, Population.from_dict(there, graph))
    >>> carried.marginal("y").round(6).tolist()
    [[0.6], [0.4]]
    >>> risk(carried, {"x": "yes"}).draws.round(3).tolist()
    [0.555]
    """
    demand_moment(posterior.graph)
    demand_risks(posterior)
    if posterior.meta.get("carried"):
        raise QueryError(
            say("check.transport.carried_twice", population=posterior.meta["carried"]["population"])
        )
    plan = _plan(posterior, population)
    rng = np.random.default_rng(seed)
    moved = _moved(replace(posterior, sites=None, prior_fractions=None, prior_beta=None), plan, rng)
    try:
        prior = None if posterior.prior is None else _moved(posterior.prior, plan, rng)
    except QueryError:  # what the posterior reaches, a draw of the prior may not
        prior = None
    losses = [(list(each.nodes), _loss(posterior.graph, each)) for each in population.joints]
    baseline = [each.node for each in plan if each.kind == "baseline"]
    carried: dict[str, Any] = {
        "population": population.name,
        "source": population.source,
        "differs": list(population.differs),
        "baseline": baseline,
        "independent": [n for nodes, bits in losses if bits > _BITS for n in nodes],
        "bits": sum(bits for _, bits in losses),
    }
    conflicts = tuple(
        each
        for each in posterior.diagnostics.conflicts
        if each.node not in population.differs or (each.kind == "edge" and each.node in baseline)
    )
    return replace(
        moved,
        prior_fractions=None if prior is None else prior.fractions,
        prior_beta=None if prior is None else prior.beta,
        diagnostics=replace(posterior.diagnostics, conflicts=conflicts),
        meta={**posterior.meta, **_design(posterior, moved, population), "carried": carried},
    )


@dataclass(frozen=True)
class _Step:
    """What takes the place of one mechanism.

    Parameters
    ----------
    node : str
    kind : {"table", "baseline"}
    stated : Margin or JointShares
    """

    node: str
    kind: str
    stated: Margin | JointShares


def _plan(posterior: Posterior, population: Population) -> list[_Step]:
    """Return what settles each mechanism that differs, causes before effects.

    Raises
    ------
    QueryError
        If anything is left open.
    """
    graph = posterior.graph
    names = names_of(graph)
    margins = {each.node: each for each in population.margins}
    joints = {name: each for each in population.joints for name in each.nodes}
    differs = [name for name in graph.topological if name in population.differs]
    about: dict[str, Any] = {"population": population.name}
    if stray := set(population.differs) - set(graph.names):
        raise QueryError(say("check.transport.no_node", node=sorted(stray)[0], graph=graph.name))
    if missing := [name for name in differs if name not in margins and name not in joints]:
        about["nodes"] = listed(map(names.node, missing))
        about["count"] = len(missing)
        on_the_way = [
            name
            for name in missing
            if graph.outcome is not None and name in graph.ancestors(graph.outcome)
        ]
        if graph.outcome in margins and on_the_way:
            about["outcome"] = names.node(str(graph.outcome))
            raise QueryError(say("check.transport.prevalence_alone", **about))
        unseen = [n for n in on_the_way if posterior.meta.get("answered", {}).get(n) == 0.0]
        if unseen:
            about["nodes"], about["count"] = listed(map(names.node, unseen)), len(unseen)
            about["outcome"] = names.node(str(graph.outcome))
            raise QueryError(say("check.transport.unmeasured", **about))
        raise QueryError(say("check.transport.unstated", **about))
    steps = []
    for name in differs:
        if name in margins:
            stated = margins[name]
            whole = stated.first is None or len(graph.node(name).states) == 2
            kind = "table" if whole and not graph.parents(name) else "baseline"
            steps.append(_Step(name, kind, stated))
            continue
        joint = joints[name]
        if absent := [each for each in graph.parents(name) if each not in joint.nodes]:
            about |= {"node": names.node(name), "causes": listed(map(names.node, absent))}
            raise QueryError(say("check.transport.joint_without_causes", **about))
        if graph.mechanism(name) == "response":
            raise QueryError(say("check.transport.response", node=names.node(name)))
        steps.append(_Step(name, "table", joint))
    return steps


def _moved(posterior: Posterior, plan: Sequence[_Step], rng: np.random.Generator) -> Posterior:
    """Return the posterior with every step taken."""
    drawn: dict[int, Array] = {}
    for step in plan:
        # One draw of a joint distribution serves all its nodes.
        if id(step.stated) not in drawn:
            drawn[id(step.stated)] = step.stated.draw(posterior.draws, rng)
        shares = drawn[id(step.stated)]
        if step.kind == "baseline":
            assert isinstance(step.stated, Margin)
            posterior = moved_baseline(posterior, step.node, shares, step.stated.first)
        elif isinstance(step.stated, Margin):
            posterior = with_table(posterior, step.node, shares)
        else:
            table = _conditional(posterior.graph, step.node, step.stated.nodes, shares)
            posterior = with_table(posterior, step.node, table)
    return posterior


def _conditional(graph: CausalGraph, name: str, nodes: Sequence[str], shares: Array) -> Array:
    """Return ``P(node | parents)`` of a joint distribution, ``(draw, *parents, state)``."""
    family = (*graph.parents(name), name)
    gone = tuple(1 + axis for axis, node in enumerate(nodes) if node not in family)
    own = shares.sum(axis=gone)
    left = [node for node in nodes if node in family]
    own = own.transpose(0, *(1 + left.index(node) for node in family))
    found: Array = own / own.sum(axis=-1, keepdims=True)
    return found


def _loss(graph: CausalGraph, joint: JointShares) -> float:
    """Return the bits by which a stated joint distribution differs from what the graph can hold."""
    nearest = np.ones_like(joint.shares)
    for name in joint.nodes:
        parents = [parent for parent in graph.parents(name) if parent in joint.nodes]
        family = (*parents, name)
        gone = tuple(axis for axis, node in enumerate(joint.nodes) if node not in family)
        own = joint.shares.sum(axis=gone, keepdims=True)
        nearest = nearest * own / own.sum(axis=joint.nodes.index(name), keepdims=True)
    return max(0.0, float((joint.shares * np.log2(joint.shares / nearest)).sum()))


def _design(posterior: Posterior, moved: Posterior, population: Population) -> dict[str, Any]:
    """Return the record of the survey's design, whose prevalence is now that of elsewhere."""
    design = posterior.meta.get("design") or {}
    outcome = design.get("outcome")
    if design.get("prevalence") is None or outcome not in population.differs:
        return {}
    first = moved.graph.node(outcome).code(design["cases"]) if design.get("cases") else 1
    share = float(moved.marginal(outcome)[first:].sum(axis=0).mean())
    return {"design": {**design, "prevalence": share}}


@dataclass(frozen=True, eq=False)
class StatedShares:
    """What is stated of another population, beside what the carried model says.

    Parameters
    ----------
    table : pandas.DataFrame
        A row for each stated share. Columns ``node, state`` (of an event ``>=state``), ``used``
        (whether the carried model was moved to it), ``stated, stated_low, stated_high``,
        ``model, low, high``, ``difference, difference_low, difference_high``.
    population : str
    graph : CausalGraph
    """

    table: pd.DataFrame
    population: str
    graph: CausalGraph

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The nodes said to be the same of which the interval of a difference excludes zero."""
        rows = self.table[~self.table["used"]]
        away = rows[(rows["difference_low"] > 0) | (rows["difference_high"] < 0)]
        return tuple(dict.fromkeys(away["node"]))

    @property
    def text(self) -> str:
        """What they say about the selection diagram."""
        names = names_of(self.graph)
        rows = self.table[~self.table["used"]]
        if rows.empty:
            return say("check.transport.untested", population=self.population)
        told = [
            say(
                "check.transport.tested",
                state=_state_words(names, row["node"], row["state"], self.graph),
                population=self.population,
                stated=ranged(row["stated"], row["stated_low"], row["stated_high"]),
                model=ranged(row["model"], row["low"], row["high"]),
            )
            for row in rows.to_dict("records")
        ]
        if self.contradicted:
            nodes = listed(map(names.node, self.contradicted))
            told.append(say("check.transport.contradicted", nodes=nodes))
        return " ".join(told)


def _state_words(names: Any, node: str, state: str, graph: CausalGraph) -> str:
    if not state.startswith(">="):
        return str(names.phrase(node, state))
    states = graph.node(node).states
    return str(names.event(node, states, states.index(state[2:])))


@checked()
def stated_shares(posterior: Posterior, population: Population, *, seed: int = 0) -> StatedShares:
    """Compare what is stated of a population with what the model carried there says.

    Of a node that the selection diagram points at, the two agree because the model was moved. Of
    any other they need not: there the comparison is a test of the diagram, since with it
    ``P*(v)`` follows from what is stated of the others.

    Parameters
    ----------
    posterior : Posterior
        What `transport` gave.
    population : Population
        The same.
    seed : int

    Returns
    -------
    StatedShares

    Raises
    ------
    QueryError
        If the model was not carried there.
    """
    carried = posterior.meta.get("carried") or {}
    if carried.get("population") != population.name:
        raise QueryError(say("check.transport.not_carried", population=population.name))
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    margins = [*population.margins]
    for joint in population.joints:
        for axis, name in enumerate(joint.nodes):
            gone = tuple(each for each in range(len(joint.nodes)) if each != axis)
            own = tuple(joint.shares.sum(axis=gone).tolist())
            margins.append(Margin(name, own, None, joint.people))
    for margin in margins:
        states = posterior.graph.node(margin.node).states
        used = margin.node in population.differs
        stated, model = margin.draw(posterior.draws, rng), posterior.marginal(margin.node).T
        labels, columns = list(states), list(range(len(states)))
        if len(margin.shares) < len(states) or margin.first is not None:
            first = margin.first or 1
            model = np.stack([model[:, :first].sum(axis=1), model[:, first:].sum(axis=1)], axis=1)
            labels, columns = [f">={states[first]}"], [1]
        for label, column in zip(labels, columns, strict=True):
            row = {"node": margin.node, "state": label, "used": used}
            difference = np.zeros(1) if used else model[:, column] - stated[:, column]
            for key, draws in (("stated", stated), ("model", model)):
                found, ends = Estimate.of(draws[:, column]), "" if key == "model" else f"{key}_"
                row |= {key: found.mean, f"{ends}low": found.low, f"{ends}high": found.high}
            low, high = interval(difference)
            row |= {
                "difference": float(difference.mean()),
                "difference_low": float(low),
                "difference_high": float(high),
            }
            rows.append(row)
    table = pd.DataFrame(rows, columns=_COLUMNS).astype({"used": bool})
    return StatedShares(table, population.name, posterior.graph)
