"""The numbers of a cohort's report: risks by group, attributable fractions, agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.cohort.agreement import Agreement, agreement
from backrisk.cohort.levels import cause_levels
from backrisk.cohort.reading import read_cohort
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.inference import contradiction
from backrisk.posterior import Posterior
from backrisk.queries import (
    Target,
    demand_risks,
    downstream,
    possible,
    probabilities,
    read_names,
    read_target,
)
from backrisk.summary import interval
from backrisk.survey import Frame, Survey, tabulate
from backrisk.words import say

Codes = NDArray[np.intp]

DRAWS = 200  # evenly spaced, of those a model holds
_CHUNK = 2048  # profiles whose draws are held at once
_SAME = 1e-9  # shares of two surveys that are one
_GROUPS = 3  # nodes that people are compared by where the graph names none


@dataclass(frozen=True, eq=False)
class Subgroup:
    """People of one kind.

    Parameters
    ----------
    node : str
        Whose state they share; empty for the people of a site, and for everyone.
    level : str
        The state or the site; empty for everyone.
    members : ndarray of bool, shape (profile,)
    """

    node: str
    level: str
    members: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CauseSet:
    """What setting causes of one level to their reference does to a cohort.

    Parameters
    ----------
    level : str
        ``"distal"``, ``"proximal"``, or ``"single"`` where the graph tells no levels apart.
    causes : tuple of str
    before : ndarray, shape (group, draw)
        P(target) averaged over each group, given what no cause of the level can change.
    after : mapping of str to ndarray, shape (group, draw)
        The same with one cause at its reference for everyone; ``"all"`` with all of them,
        ``"actions"`` with those that a person could change.
    each : ndarray, shape (profile, cause)
        Mean fall in a profile's risk.
    """

    level: str
    causes: tuple[str, ...]
    before: Array
    after: Mapping[str, Array]
    each: Array

    def fall(self, cause: str) -> Array:
        """Return the fall in risk, ``(group, draw)``."""
        return self.before - self.after[cause]

    def fraction(self, cause: str) -> Array:
        """Return the population attributable fraction, ``(group, draw)``."""
        return self.fall(cause) / self.before


@dataclass(frozen=True, eq=False)
class CohortAnswers:
    """All that a cohort's report shows, computed once.

    Parameters
    ----------
    posterior : Posterior
        That was asked.
    all_draws : int
        That the model holds.
    survey : Survey
    target : Target
    weights : ndarray, shape (profile,)
        Sampling weights, summed over the people of a profile.
    people : ndarray of int, shape (profile,)
    rows : ndarray of int, shape (row,)
        The profile of each row of the survey.
    risk : tuple of ndarray, each (profile,)
        Mean, low and high of P(target | answers).
    outcome : ndarray of int, shape (profile,)
        1 where the target is reported, 0 where it is reported as absent, -1 unknown.
    groups : tuple of Subgroup
        Everyone first.
    average : ndarray, shape (group, draw)
        Risk averaged over each group.
    causes : tuple of CauseSet
    agreement : Agreement, optional
    in_sample : bool
        Whether these look like the people of the fit.
    """

    posterior: Posterior
    all_draws: int
    survey: Survey
    target: Target
    weights: Array
    people: NDArray[np.int64]
    rows: NDArray[np.intp]
    risk: tuple[Array, Array, Array]
    outcome: NDArray[np.int8]
    groups: tuple[Subgroup, ...]
    average: Array
    causes: tuple[CauseSet, ...]
    agreement: Agreement | None
    in_sample: bool


def cohort_answers(
    posterior: Posterior,
    survey: Survey | str | Path | Frame,
    *,
    target: str | None = None,
    groups: str | Sequence[str] | None = None,
    draws: int | None = DRAWS,
) -> CohortAnswers:
    """Ask all that a cohort's report shows. Rungs: seeing (risks), doing (causes, actions).

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str, Path or frame
        The cohort; a path is read through the model's codebook.
    target : str, optional
        A node, or ``"node>=state"``; default the graph's outcome.
    groups : str or sequence of str, optional
        Nodes to compare people by; default those that the graph compares by, else its first three
        nodes without causes. The cohort's sites are always compared.
    draws : int, optional
        Use at most so many draws, evenly spaced; None for all.

    Returns
    -------
    CohortAnswers

    Raises
    ------
    SurveyError
        If the cohort cannot be read; every problem of the file at once.
    QueryError
        If the target or a group is not a node, or the survey was read for another graph; if a
        person's answers contradict each other.

    Notes
    -----
    A person's risk is ``P(Y | e)``, e all answers except the target's and what follows from it:
    the probability of having the target at the time that the survey asked about.

    The population attributable fraction of a cause c is
    ``1 - mean_i P(Y(c = reference) | x_i) / mean_i P(Y | x_i)``, for each draw (Mansournia
    and Altman 2018, doi:10.1136/bmj.k757; on a network Ferguson et al. 2020,
    doi:10.1186/s13690-020-00442-x). The mean is over the cohort, with its weights; x_i is what
    person i answered that no cause of the same level changes. An answer about c itself counts for
    what lies above c, as for `backrisk.intervene`: whoever is at the reference stays as they are.
    One denominator then serves all causes of a level. It is assumed that the graph is right about
    causes; no coupling is assumed.

    Examples
    --------
    >>> import pandas as pd
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    >>> people = Survey.from_frame(pd.DataFrame({"x": ["no", "yes", "yes", "yes"]}), g)
    >>> found = cohort_answers(p, people).causes[0]
    >>> found.before.round(3)[0].tolist(), found.fraction("x").round(3)[0].tolist()
    ([0.675], [0.556])
    """
    graph = posterior.graph
    survey = _read(posterior, survey)
    event = read_target(graph, target)
    held = posterior.draws
    if draws is not None:
        posterior = posterior.subset(draws)
    patterns = tabulate(survey)
    codes = patterns.codes.astype(np.intp)
    seen = _before(graph, codes, event)
    _demand_possible(posterior, codes, patterns.index)
    told = _groups(survey, codes, patterns.site, groups)
    asked = _Cohort(posterior, survey.sites, patterns.site, patterns.weights, told)
    average, risk = asked.ask(seen, event, {}, spread=True)
    outcome = _outcome(codes[:, graph.names.index(event.node)], event)
    return CohortAnswers(
        posterior,
        held,
        survey,
        event,
        patterns.weights,
        patterns.people,
        patterns.index,
        (risk[0], risk[1], risk[2]),
        outcome,
        told,
        average,
        tuple(
            _removed(asked, seen, event, level, causes)
            for level, causes in cause_levels(graph, event).items()
        ),
        agreement(risk[0], outcome, patterns.people),
        _is_in_sample(posterior, survey),
    )


def agreement_with(
    posterior: Posterior, survey: Survey | str | Path | Frame, *, target: str | None = None
) -> tuple[Agreement | None, bool]:
    """Return how a model agrees with known outcomes, and whether these look like its own people.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey, str, Path or frame
    target : str, optional

    Returns
    -------
    tuple of (Agreement or None, bool)

    Raises
    ------
    SurveyError, QueryError
        As for `cohort_answers`.
    """
    read = _read(posterior, survey)
    event = read_target(posterior.graph, target)
    patterns = tabulate(read)
    codes = patterns.codes.astype(np.intp)
    _demand_possible(posterior, codes, patterns.index)
    everyone = (_everyone(codes),)
    asked = _Cohort(posterior, read.sites, patterns.site, patterns.weights, everyone)
    _, risk = asked.ask(_before(posterior.graph, codes, event), event, {})
    outcome = _outcome(codes[:, posterior.graph.names.index(event.node)], event)
    return agreement(risk[0], outcome, patterns.people), _is_in_sample(posterior, read)


def _read(posterior: Posterior, survey: Survey | str | Path | Frame) -> Survey:
    demand_risks(posterior)
    if not isinstance(survey, Survey):
        survey = read_cohort(posterior, survey)
    if survey.graph.names != posterior.graph.names:
        raise QueryError(
            say("cohort.other_graph", graph=survey.graph.name, model=posterior.graph.name)
        )
    return survey


def _demand_possible(posterior: Posterior, codes: Codes, rows: NDArray[np.intp]) -> None:
    """Refuse answers that contradict each other, naming the first row that holds such."""
    impossible = ~possible(posterior, codes)[rows]
    if impossible.any():
        first = int(impossible.argmax())
        raise QueryError(say("queries.person_number", number=first + 1, problem=contradiction()))


def _before(graph: CausalGraph, codes: Codes, target: Target) -> Codes:
    """Leave out the target and what follows from it: what the other answers say of it is asked."""
    after = downstream(graph, target.node)
    return _keep(graph, codes, [name for name in graph.names if name not in after])


def _keep(graph: CausalGraph, codes: Codes, names: Sequence[str]) -> Codes:
    kept = np.full_like(codes, -1)
    places = [graph.names.index(name) for name in names]
    kept[:, places] = codes[:, places]
    return kept


def _outcome(codes: Codes, target: Target) -> NDArray[np.int8]:
    return np.where(codes < 0, -1, np.isin(codes, target.codes)).astype(np.int8)


def _everyone(codes: Codes) -> Subgroup:
    return Subgroup("", "", np.ones(len(codes), bool))


def _groups(
    survey: Survey,
    codes: Codes,
    site: NDArray[np.intp] | None,
    names: str | Sequence[str] | None,
) -> tuple[Subgroup, ...]:
    graph = survey.graph
    if names is None:
        roots = [n.name for n in graph.nodes if not graph.parents(n.name)]
        names = graph.playing("compared") or roots[:_GROUPS]
    found = [_everyone(codes)]
    for name in read_names(names, "groups"):
        node = graph.node(name)
        column = codes[:, graph.names.index(name)]
        for code, state in enumerate(node.states):
            if (column == code).any():
                found.append(Subgroup(name, state, column == code))
    if site is not None:
        found += [Subgroup("", name, site == at) for at, name in enumerate(survey.sites)]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Cohort:
    """Asks about all profiles at once and averages over groups, a chunk of profiles at a time."""

    posterior: Posterior
    sites: tuple[str, ...]
    site: NDArray[np.intp] | None
    weights: Array
    groups: tuple[Subgroup, ...]

    def ask(
        self, codes: Codes, target: Target, do: Mapping[str, int], *, spread: bool = False
    ) -> tuple[Array, Array]:
        """Return P(target | do, codes): averages ``(group, draw)``, and means ``(1, profile)``.

        With `spread`, mean, low and high of each profile, ``(3, profile)``.
        """
        shares = np.array([self.weights * group.members for group in self.groups])
        total = np.zeros((len(self.groups), self.posterior.draws))
        each = np.empty((3 if spread else 1, len(codes)))
        for posterior, members in self._by_site():
            profiles, which = np.unique(codes[members], axis=0, return_inverse=True)
            which = which.ravel()
            for start in range(0, len(profiles), _CHUNK):
                here = (which >= start) & (which < start + _CHUNK)
                found = probabilities(posterior, profiles[start : start + _CHUNK], target, do)
                at, own = members[here], which[here] - start
                summed = np.zeros((len(self.groups), len(found)))
                for row, share in enumerate(shares):
                    summed[row] = np.bincount(own, share[at], len(found))
                total += summed @ found
                each[0, at] = found.mean(axis=1)[own]
                if spread:
                    low, high = interval(found.T)
                    each[1, at], each[2, at] = low[own], high[own]
        return total / shares.sum(axis=1)[:, None], each

    def _by_site(self) -> list[tuple[Posterior, NDArray[np.intp]]]:
        everyone = np.arange(len(self.weights))
        if self.site is None or self.posterior.sites is None:
            return [(self.posterior, everyone)]
        known = self.posterior.sites.names
        return [
            (self.posterior.at_site(name if name in known else None), everyone[self.site == at])
            for at, name in enumerate(self.sites)
        ]


def _removed(
    cohort: _Cohort, seen: Codes, target: Target, level: str, causes: tuple[str, ...]
) -> CauseSet:
    graph = cohort.posterior.graph
    # What no cause of the level can change is the context that stays under every action; so one
    # risk before serves them all.
    changed = frozenset().union(*(graph.descendants(cause) for cause in causes))
    context = _keep(graph, seen, [name for name in graph.names if name not in changed])
    before, base = cohort.ask(context, target, {})
    after: dict[str, Array] = {}
    each = np.empty((len(seen), len(causes)))
    for place, cause in enumerate(causes):
        after[cause], mean = cohort.ask(context, target, {cause: 0})
        each[:, place] = base[0] - mean[0]
    together = {"all": causes, "actions": actions_among(graph, causes)}
    for name, members in together.items():
        if members:
            after[name] = cohort.ask(context, target, dict.fromkeys(members, 0))[0]
    return CauseSet(level, causes, before, after, each)


def actions_among(graph: CausalGraph, causes: Sequence[str]) -> tuple[str, ...]:
    """Return the causes that a person could change; all, where none is marked so."""
    marked = any(node.modifiable for node in graph.nodes)
    return tuple(cause for cause in causes if graph.node(cause).modifiable or not marked)


def _is_in_sample(posterior: Posterior, survey: Survey) -> bool:
    fitted: Mapping[str, float] = posterior.meta.get("answered", {})
    if posterior.meta.get("people") != survey.n or not fitted:
        return False
    found = survey.answered
    return all(abs(share - found.get(name, -1.0)) < _SAME for name, share in fitted.items())
