"""What it adds to a likelihood that people were chosen by the outcome.

*Cases and controls.* The chance of a row is that of its answers given that the person is a case or
a control: ``P(answers) / P(case)``, or ``P(answers) / P(control)`` (Prentice and Pyke 1979,
doi:10.1093/biomet/66.3.403). Both denominators are sums over the whole network, of the same
circuit. So nothing is weighted, the margins of everything above the outcome are those of the
population and not of the sample, and odds ratios have the precision of the sample. What the rows
cannot tell is the prevalence: it is stated, as so many people of whom a share is cases
(King and Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868, correct the intercept by it), or stays
what the prior says.

*Matched sets.* Each set has odds of its own. They cancel in the chance that the cases of a set are
who they are, given how many there are (Breslow and Day 1980): that is the likelihood of the
outcome's family. It needs its causes of everyone in a set, and any mechanism will do. All other
families are learned from the controls, or with a stated prevalence from cases and controls
weighted to it, as far as matching lets these stand for the population.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from backrisk._types import Array
from backrisk.errors import FitError
from backrisk.graph import CausalGraph, Edge, Node
from backrisk.likelihood import Circuit
from backrisk.survey import Design, Patterns, Survey, cases_of
from backrisk.words import listed, say

CASE = "case__"  # a node of the circuit alone: whether a person is a case
_MOST_SUBSETS = 20_000  # ways to choose the cases of a set that are all added up

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MatchedSets:
    """The distinct matched sets of a survey, and how many there are of each.

    Parameters
    ----------
    causes : ndarray of int8, shape (configuration, parent)
        The distinct states of the outcome's causes.
    counts : ndarray, shape (kind of set,)
    cases : ndarray of int, shape (kind of set, case)
        The configuration of each case, plus one; 0 for none.
    choices : ndarray of int, shape (choice, case)
        The same of every choice of as many people from a set.
    choices_of : ndarray of int, shape (kind of set, choice)
        The choices that each kind of set has, plus one; 0 for none.
    """

    causes: NDArray[np.int8]
    counts: Array
    cases: Ints
    choices: Ints
    choices_of: Ints

    @classmethod
    def of(cls, survey: Survey, design: Design) -> MatchedSets:
        """Gather the sets of a survey that have a case and a control.

        Raises
        ------
        FitError
            If a cause of the outcome is not known of everyone in these sets, if there are no such
            sets, or too many ways to choose the cases of one.
        """
        graph, outcome = survey.graph, str(design.outcome)
        parents = graph.parents(outcome)
        if not parents:
            raise FitError(say("fitting.matched_no_causes", node=outcome))
        assert survey.site is not None
        people = np.ones(len(survey.codes), np.int64) if survey.people is None else survey.people
        is_case, is_control = cases_of(design, graph, survey.codes)
        size = len(survey.sites)
        both = np.bincount(survey.site, is_case, size) * np.bincount(survey.site, is_control, size)
        rows = np.flatnonzero(both[survey.site] > 0)
        if not len(rows):
            raise FitError(say("fitting.matched_no_sets"))
        codes = survey.codes[rows][:, [graph.names.index(name) for name in parents]]
        lacking = [name for at, name in enumerate(parents) if (codes[:, at] < 0).any()]
        if lacking:
            count = int(people[rows][(codes < 0).any(axis=1)].sum())
            about = {"node": outcome, "causes": listed(lacking), "count": count}
            raise FitError(say("fitting.matched_unobserved", **about))
        causes, which = np.unique(codes, axis=0, return_inverse=True)
        members: dict[int, tuple[list[int], list[int]]] = {}
        for place, config in zip(rows.tolist(), which.ravel().tolist(), strict=True):
            own = members.setdefault(int(survey.site[place]), ([], []))
            own[0 if is_case[place] else 1].extend([config + 1] * int(people[place]))
        kinds = Counter(
            (tuple(sorted(cases)), tuple(sorted(controls))) for cases, controls in members.values()
        )
        choices: list[tuple[int, ...]] = []
        choices_of: list[list[int]] = []
        for cases, controls in kinds:
            ways = math.comb(len(cases) + len(controls), len(cases))
            if ways > _MOST_SUBSETS:
                about = {"cases": len(cases), "controls": len(controls), "most": _MOST_SUBSETS}
                raise FitError(say("fitting.matched_too_many", **about))
            choices_of.append([len(choices) + way + 1 for way in range(ways)])
            choices += combinations((*cases, *controls), len(cases))
        return cls(
            causes,
            np.array(list(kinds.values()), np.float64),
            _padded([list(cases) for cases, _ in kinds]),
            _padded([list(choice) for choice in choices]),
            _padded(choices_of),
        )

    def log_likelihood(self, log_odds: Array) -> Array:
        """Return the log of the chance of the cases, given the causes of everyone in each set.

        Parameters
        ----------
        log_odds : ndarray, shape (configuration, draw)
            Of being a case, by the causes.

        Returns
        -------
        ndarray, shape (draw,)
        """
        padded = np.concatenate([np.zeros_like(log_odds[:1]), log_odds])
        chosen = padded[self.choices].sum(axis=1)
        ways = np.concatenate([np.full_like(chosen[:1], -np.inf), chosen])[self.choices_of]
        found: Array = self.counts @ (padded[self.cases].sum(axis=1) - logsumexp(ways, axis=1))
        return found


def _padded(rows: list[list[int]]) -> Ints:
    width = max(map(len, rows))
    return np.array([row + [0] * (width - len(row)) for row in rows], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Sampled:
    """How a survey's people were chosen by the outcome.

    Parameters
    ----------
    design : Design
    outcome : int
        The position of the outcome in the graph.
    states : int
        The number of its states.
    first : int
        Its first state of cases.
    sets : MatchedSets, optional
    """

    design: Design
    outcome: int
    states: int
    first: int
    sets: MatchedSets | None

    @classmethod
    def of(cls, survey: Survey | None) -> Sampled | None:
        """Return how the people of a survey were chosen by the outcome; None if they were not."""
        design = None if survey is None else survey.codebook.design
        if survey is None or design is None or not design.by_outcome:
            return None
        node = survey.graph.node(str(design.outcome))
        matched = design.kind == "matched"
        return cls(
            design,
            survey.graph.names.index(node.name),
            len(node.states),
            node.code(str(design.cases)),
            MatchedSets.of(survey, design) if matched else None,
        )

    @property
    def told(self) -> Array:
        """The distribution of `CASE` by the outcome's state, ``(state, 2)``."""
        case = np.arange(self.states) >= self.first
        return np.stack([~case, case], axis=1).astype(np.float64)

    def with_case(self, graph: CausalGraph) -> CausalGraph:
        """Return a graph with `CASE` as an effect of the outcome, for addresses."""
        nodes = [Node(node.name, node.states) for node in graph.nodes]
        pairs = [(edge.cause, edge.effect) for edge in graph.edges]
        pairs.append((graph.names[self.outcome], CASE))
        edges = tuple(Edge(cause, effect, CASE, "stated", "none") for cause, effect in pairs)
        return CausalGraph(graph.name, (*nodes, Node(CASE, ("no", "yes"))), edges, tied=graph.tied)

    def rows(
        self, survey: Survey, patterns: Patterns, codes: NDArray[np.int8], weights: Array
    ) -> tuple[NDArray[np.int8], Array]:
        """Return the rows of a circuit with `CASE`, and the weight of each.

        Parameters
        ----------
        survey : Survey
        patterns : Patterns
        codes : ndarray of int8, shape (patterns, nodes)
            Of the circuit's nodes but for `CASE`.
        weights : ndarray, shape (patterns,)

        Returns
        -------
        codes : ndarray of int8, shape (rows, nodes)
            Last among them, with matched sets, every state of the outcome under each
            configuration of its causes, which weigh nothing: so that their cells have an address.
        weights : ndarray, shape (rows,)
        """
        is_case, is_control = cases_of(self.design, survey.graph, patterns.codes)
        sites = codes[:, len(survey.graph.names) :]  # the circuit's site, or nothing
        prevalence = self.design.prevalence
        if self.sets is not None:
            unseen = sorted(survey.graph.descendants(survey.graph.names[self.outcome]))
            codes = codes.copy()
            codes[:, [self.outcome, *map(survey.graph.names.index, unseen)]] = -1
            ill, well = weights[is_case].sum(), weights[is_control].sum()
            weights = weights * np.where(
                is_case, (prevalence or 0.0) / ill, (1.0 - (prevalence or 0.0)) / well
            )
            weights = weights * (weights.sum() / (weights**2 / patterns.people).sum())
            sites = sites[:, :0]
        here = [np.empty(0, np.int8)] if not sites.shape[1] else np.unique(sites, axis=0)
        extra, added = [], []
        for site in here:
            these = (sites == site).all(axis=1)
            part = weights[these].sum() / weights.sum()
            for state, group in enumerate((is_control, is_case)):
                share = 0.0
                if prevalence is not None:
                    stated = prevalence if state else 1.0 - prevalence
                    share = self.design.people * part * stated
                if self.sets is None:
                    share -= weights[these & group].sum()
                row = np.full(codes.shape[1] + 1, -1, np.int8)
                row[len(survey.graph.names) : -1] = site
                row[-1] = state
                extra.append(row)
                added.append(share)
        whole = np.column_stack([codes, np.full(len(codes), -1, np.int8)])
        parts, masses = [whole, np.array(extra)], [weights, np.array(added)]
        if self.sets is not None:
            parts.append(self._family(survey.graph, whole.shape[1]))
            masses.append(np.zeros(len(parts[-1])))
        return np.concatenate(parts).astype(np.int8), np.concatenate(masses)

    def _family(self, graph: CausalGraph, width: int) -> NDArray[np.int8]:
        assert self.sets is not None
        found = np.zeros((len(self.sets.causes), self.states, width), np.int8)
        found[..., -1] = -1
        for at, name in enumerate(graph.parents(graph.names[self.outcome])):
            found[..., graph.names.index(name)] = self.sets.causes[:, at, None]
        found[..., self.outcome] = np.arange(self.states)
        return found.reshape(-1, width)

    def data(self, circuit: Circuit) -> Mapping[str, NDArray[Any]]:
        """Return what a compiled model knows of the design, by name."""
        tiny = np.finfo(float).tiny
        found: dict[str, NDArray[Any]] = {"told": np.log(np.maximum(self.told.ravel(), tiny))}
        if self.sets is not None:
            count = len(self.sets.causes) * self.states
            cells = circuit.row_cells[-count:, self.outcome].reshape(-1, self.states)
            found |= {
                "set_cells": cells,
                "set_counts": self.sets.counts,
                "set_cases": self.sets.cases,
                "set_choices": self.sets.choices,
                "set_choices_of": self.sets.choices_of,
            }
        return found

    def log_odds(self, rows: Array) -> Array:
        """Return the log odds of being a case from rows of the outcome's CPT.

        Parameters
        ----------
        rows : ndarray, shape (row, state, draw)

        Returns
        -------
        ndarray, shape (row, draw)
        """
        found: Array = np.log(rows[:, self.first :].sum(axis=1)) - np.log(
            rows[:, : self.first].sum(axis=1)
        )
        return found
