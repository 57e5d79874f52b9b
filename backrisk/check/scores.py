"""How each person's answers pull at what a model leaves out: scores of omitted parameters.

A model that leaves a parameter out holds it at zero. Its score is the slope of the log likelihood
there. For a family it is the expectation, given all that a person answered, of a residual of the
node times a function of other nodes: missing answers and unmeasured nodes are summed out by the
model, and nobody is left out. What the model's own parameters could take up is projected out, so
that the variance is right although they were estimated from the same answers (Rao 1948,
doi:10.1017/S0305004100023987; Neyman's C(alpha), 1959).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from backrisk._types import Array
from backrisk.check.answered import (
    Family,
    Functions,
    Group,
    Ints,
    Told,
    departure,
    groups,
    pull,
)
from backrisk.check.moment import demand_graph, demand_moment
from backrisk.check.moments import TINY, Moments, Terms
from backrisk.check.parameters import Loosened, Parameters
from backrisk.check.tilted import Open, Tilted
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.survey import Patterns, Survey, tabulate
from backrisk.words import say

_STEPS = 30  # of scoring, at most
_HALVINGS = 8
_FAR = 3.0  # in logits, of a step: farther off, the information here says little of the slope there
_CLOSE = 1e-2  # how much the log posterior would still rise; the rest is projected out
_AT_ONCE = 4000  # patterns whose cells are held at once
_MOST_LEVERAGE = 0.5  # of one person
_IMPOSSIBLE = -690.0  # log probability of a person's answers, where a zero stands for 1e-308


@dataclass(frozen=True, eq=False)
class Scores:
    """A model at one value of its parameters, and everybody's scores there.

    Parameters
    ----------
    graph : CausalGraph
    parameters : Parameters
    patterns : Patterns
    groups : tuple of Group
    """

    graph: CausalGraph
    parameters: Parameters | Tilted
    patterns: Patterns
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, posterior: Posterior, survey: Survey, open: Open = "rows") -> Scores:
        """Compile a survey, and climb from the posterior mean to the mode.

        What was found is kept as long as the survey is, for the next check of the same model.

        Parameters
        ----------
        posterior : Posterior
        survey : Survey
        open : {"nothing", "levels", "effects", "rows"}
            What of tables that were given is estimated; of a fit its own parameters are.

        Raises
        ------
        QueryError
            If the survey was read for another graph or other sites, people were chosen by the
            outcome, or answers are impossible under the model.
        FitError
            If exact elimination is out of reach.
        """
        how: Open | None = None if posterior.given is None else open
        model, kept = _KEPT.get(survey, (None, {}))
        if model is None or model() is not posterior:
            kept = {}
            _KEPT[survey] = weakref.ref(posterior), kept
        if how not in kept:
            kept[how] = cls._of(posterior, survey, how, next(iter(kept.values()), None))
        return kept[how]

    @classmethod
    def _of(
        cls, posterior: Posterior, survey: Survey, open: Open | None, like: Scores | None
    ) -> Scores:
        demand_graph(posterior, survey)
        demand_moment(posterior.graph)
        design = survey.codebook.design
        if design is not None and design.by_outcome:
            raise QueryError(say("check.scores.by_outcome"))
        start: Parameters | Tilted = (
            Parameters.at_mean(posterior) if open is None else Tilted.at_mean(posterior, open)
        )
        if like is not None:  # the same people, compiled
            return cls(survey.graph, start, like.patterns, like.groups)._settled()
        patterns = tabulate(survey)
        if start.sites and start.sites != survey.sites:
            known, given = ", ".join(start.sites), ", ".join(survey.sites) or say("check.scores.no")
            raise QueryError(say("check.scores.other_sites", known=known, given=given))
        by_row = () if posterior.given is not None else posterior.layout.by_row
        parts = tuple(groups(survey.graph, patterns, len(start.sites), by_row))
        here = cls(survey.graph, start, patterns, parts)
        if any((t.plain.log_likelihood < _IMPOSSIBLE).any() for t in here.told):
            raise QueryError(say("check.scores.impossible"))
        return here._settled()

    def _settled(self) -> Scores:
        """Climb to the mode, with a prior that gives way to the data."""
        if not len(self.parameters.values):
            return self
        mode = self._at_mode()
        # A prior that the data contradict must not be taken for a fault of the graph.
        loosened = Loosened.of(mode.parameters, mode._own[2])
        loose = replace(mode.parameters, loosened=loosened)
        return replace(mode, parameters=loose)._at_mode()

    @cached_property
    def weights(self) -> Array:
        """Of the patterns, scaled to the effective number of people (Kish 1965), as in a fit."""
        found: Array = self.patterns.weights * self._scale
        return found

    @cached_property
    def _scale(self) -> float:
        squares = float(self.patterns.squares.sum())
        return float(self.patterns.weights.sum()) / squares if squares else 1.0

    @cached_property
    def _squares(self) -> Array:
        """The sum of the squared weights of each pattern's people."""
        found: Array = self.patterns.squares * self._scale**2
        return found

    @cached_property
    def _each(self) -> Array:
        """The weight of one person of each pattern."""
        return self._squares / np.maximum(self.weights, TINY)

    @cached_property
    def measured(self) -> tuple[str, ...]:
        """The nodes that anybody answered for."""
        seen = (self.patterns.codes >= 0).any(axis=0)
        return tuple(name for name, told in zip(self.graph.names, seen, strict=True) if told)

    @cached_property
    def answered(self) -> dict[str, float]:
        """The share of people who answered, by node."""
        people = self.patterns.people.astype(np.float64)
        shares = people @ (self.patterns.codes >= 0) / max(float(people.sum()), 1.0)
        return dict(zip(self.graph.names, shares.tolist(), strict=True))

    @cached_property
    def told(self) -> tuple[Told, ...]:
        """What is expected of each group."""
        return tuple(group.at(self.parameters) for group in self.groups)

    @cached_property
    def log_likelihood(self) -> float:
        """Of the survey, as weighted."""
        return sum(
            float(self.weights[t.group.patterns] @ t.plain.log_likelihood) for t in self.told
        )

    @cached_property
    def _own(self) -> tuple[Array, Array, Array]:
        """People's scores of the model's parameters: their sum, those seen, and the information.

        Where a person's answers tell a whole family, its score is a residual of the node given its
        causes: its variance is stated by the model, and it goes with no other family's score.
        The scores that are left, of families with something hidden, are taken as seen.
        """
        size = len(self.parameters.values)
        total, stated = np.zeros(size), np.zeros((size, size))
        seen = np.zeros((len(self.weights), size))
        for told, name, own, scores in self._of_families():
            here, weights, family = (
                told.group.patterns,
                self.weights[told.group.patterns],
                told.family(name),
            )
            total[own] += weights @ scores
            scores[family.known] = 0.0
            seen[np.ix_(here, own)] = scores
            count = np.bincount(family.known_row, weights[family.known], len(family.rows))
            stated[np.ix_(own, own)] += family.information(count)
        return total, seen, stated + seen.T @ (self.weights[:, None] * seen)

    @cached_property
    def of_parameters(self) -> Array:
        """Everybody's scores of the model's parameters, ``(pattern, parameter)``."""
        found = np.zeros((len(self.weights), len(self.parameters.values)))
        for told, _, own, scores in self._of_families():
            found[np.ix_(told.group.patterns, own)] = scores
        return found

    def _of_families(self) -> Iterator[tuple[Told, str, Ints, Array]]:
        """Yield everybody's scores of each family's parameters, by group."""
        for told in self.told if len(self.parameters.values) else ():
            for name in self.graph.names:
                own, family = self.parameters.of(name, told.group.site), told.family(name)
                yield told, name, own, told.plain.of(name, family.in_cells(family.slopes))

    @cached_property
    def _gradient(self) -> Array:
        return self._own[0] + self.parameters.prior_slope()

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.inv(self._own[2] + self.parameters.prior_curvature()))

    def _at_mode(self) -> Scores:
        """Climb by scoring: steps along the information that people's answers hold."""
        here = self
        for _ in range(_STEPS if len(self.parameters.values) else 0):
            height = here.log_likelihood + here.parameters.log_prior()
            move = here._inverse @ here._gradient
            if move @ here._gradient < _CLOSE:
                break
            length = min(1.0, _FAR / float(np.abs(move).max()))
            for _ in range(_HALVINGS):
                moved = here.parameters.moved(here.parameters.values + length * move)
                tried = Scores(self.graph, moved, self.patterns, self.groups)
                if tried.log_likelihood + moved.log_prior() > height:
                    here = tried
                    break
                length /= 2
            else:
                break
        return here

    def moments(self, terms: Terms) -> Moments:
        """Return what tests of omitted parameters rest on.

        Notes
        -----
        With s the scores of the model's parameters, I their information, L the curvature of
        their prior, and u the score of an omitted one, ``B = (I + L)^-1 sum(s u)`` and what is
        left is ``u - B s``. The prior, loosened where data speak (see `Loosened`), counts as what
        other people answered, so that the variance is ``sum (u - B s)^2 + B L B``. Of people whose
        answers tell the whole family, squares are averaged over what the node might have been; of
        others they are as seen, and divided by one minus the person's leverage, since a residual
        is smaller than what it estimates (MacKinnon
        and White 1985, doi:10.1016/0304-4076(85)90158-7).
        """
        (_, seen, information), name = self._own, terms.node
        hidden = terms.scores.copy()
        taken = np.zeros((len(information), hidden.shape[1]))
        for told, states in zip(self.told, terms.if_state, strict=True):
            family, own = told.family(name), self.parameters.of(name, told.group.site)
            people = told.group.patterns[family.known]
            hidden[people] = 0.0
            weighted = (
                states * (self.weights[people, None] * family.table[family.known_row])[..., None]
            )
            slopes = family.slopes[family.known_row]
            taken[own] += np.tensordot(slopes, weighted, axes=((0, 1), (0, 1)))
        taken = self._inverse @ (taken + seen.T @ (self.weights[:, None] * hidden))

        second = np.zeros((3, hidden.shape[1]))  # second to fourth moments that are stated
        raw = self._squares @ hidden**2
        for told, states in zip(self.told, terms.if_state, strict=True):
            family, own = told.family(name), self.parameters.of(name, told.group.site)
            people = told.group.patterns[family.known]
            chance = self._squares[people, None] * family.table[family.known_row]
            raw += np.einsum("ik,ikt->t", chance, states**2)
            left = states - family.slopes[family.known_row] @ taken[own]
            size = self._each[people, None]
            for power, at in ((2, 0), (3, 1), (4, 2)):
                second[at] += np.einsum("ik,ikt->t", chance * size**at, left**power)
        others = self._rest(name, taken)
        left = hidden - seen @ taken
        leverage = self._each * ((seen @ self._inverse) * seen).sum(axis=1)
        left /= np.sqrt(1.0 - np.minimum(leverage, _MOST_LEVERAGE))[:, None]
        as_seen = [
            (self._squares * self._each**at) @ left**power for power, at in ((2, 0), (3, 1), (4, 2))
        ]
        curvature = self.parameters.prior_curvature()
        variance = second[0] + as_seen[0] + others + (taken * (curvature @ taken)).sum(axis=0)
        safe = np.maximum(variance, TINY)
        return Moments(
            score=self.weights @ terms.scores - taken.T @ self._gradient,
            information=variance,
            stated=second[1] / safe**1.5,
            seen=as_seen[1] / safe**1.5,
            people=(second[0] + as_seen[0]) ** 2 / np.maximum(second[2] + as_seen[2], TINY),
            left=variance / np.maximum(raw, TINY),
        )

    def _rest(self, name: str, taken: Array) -> Array:
        """Return the variance that comes from other families that answers tell in whole."""
        found = np.zeros(taken.shape[1])
        for own, block in self._blocks:
            if own[0] != name:
                part = taken[own[1]]
                found += (part * (block @ part)).sum(axis=0)
        return found

    @cached_property
    def _blocks(self) -> list[tuple[tuple[str, Ints], Array]]:
        found = []
        for told in self.told:
            for name in self.graph.names:
                family, own = told.family(name), self.parameters.of(name, told.group.site)
                squares = self._squares[told.group.patterns[family.known]]
                count = np.bincount(family.known_row, squares, len(family.rows))
                found.append(((name, own), family.information(count)))
        return found

    def people(self, states: Array) -> Array:
        """Return how many people have each property, given ``(pattern, ...)``."""
        found: Array = np.tensordot(self.weights, states, axes=1)
        return found

    def by_family(self, name: str, functions: Functions) -> tuple[Array, list[Array]]:
        """Return expectations of functions of one family, given what each person answered.

        Parameters
        ----------
        name : str
        functions : callable
            See `Functions`.

        Returns
        -------
        expected : ndarray, shape (pattern, function)
            Zero where a person's answers do not depend on the family.
        if_state : list of ndarray, each (pattern that observes the whole family, state, function)
            By group.
        """
        parts, if_state = [], []
        for told in self.told:
            family = told.family(name)
            values = functions(family.rows, family.table)
            parts.append(told.plain.of(name, family.in_cells(values)))
            if_state.append(values[family.known_row])
        found = np.zeros((len(self.weights), parts[0].shape[1]))
        for told, part in zip(self.told, parts, strict=True):
            found[told.group.patterns] = part
        return found, if_state

    def with_other(self, name: str, nodes: list[str]) -> dict[str, WithOther]:
        """Return what is expected of some families together with the state of another node.

        Where a person did not answer for the other node, each of its states counts by its
        probability given all that the person did answer.

        Parameters
        ----------
        name : str
            The other node, for which somebody answered.
        nodes : list of str
            Whose families.
        """
        position = self.graph.names.index(name)
        states = len(self.graph.nodes[position].states)
        chance = np.zeros((len(self.weights), states))
        found = {node: self._blank(node, states) for node in nodes}
        for told in self.told:
            group = told.group
            codes = group.codes[:, position]
            known = np.flatnonzero(codes >= 0)
            chance[group.patterns[known], codes[known]] = 1.0
            for node in nodes:
                values = told.plain.of(node, self._columns(told.family(node), node))
                found[node][group.patterns[known], :, codes[known]] = values[known]
            filled = np.flatnonzero(group.node == position)
            for start in range(0, len(filled), _AT_ONCE):
                some = filled[start : start + _AT_ONCE]
                expected, likely = told.filled(some)
                at = group.patterns[group.owner[some]], group.state[some]
                chance[at] = likely
                for node in nodes:
                    values = expected.of(node, self._columns(told.family(node), node))
                    found[node][at[0], :, at[1]] = values * likely[:, None]
        return {
            node: WithOther(
                values[:, :-3],
                values[:, -3],
                values[:, -2],
                values[:, -1],
                [chance[t.group.patterns[t.family(node).known]] for t in self.told],
            )
            for node, values in found.items()
        }

    def _blank(self, node: str, states: int) -> Array:
        directions = pull(self.graph.node(node), np.ones((1, self.graph.shape(node)[-1])))
        return np.zeros((len(self.weights), directions.shape[-1] + 3, states))

    def _columns(self, family: Family, name: str) -> Array:
        own = pull(self.graph.node(name), family.table)
        away = departure(family.table)
        risk = np.broadcast_to(1.0 - family.table[:, :1], away.shape)
        every = [own, away[..., None], risk[..., None], np.ones((*away.shape, 1))]
        return family.in_cells(np.concatenate(every, axis=2))


@dataclass(frozen=True, eq=False)
class WithOther:
    """What is expected of a family together with the state of another node.

    Parameters
    ----------
    pulls : ndarray, shape (pattern, direction, state of the other)
        ``E[pull * 1(other = state) | answers]``; see `pull`.
    away, risk, present : ndarray, shape (pattern, state of the other)
        The same of whether the node is away from its reference less the probability of that given
        its causes; of that probability; and of 1, where answers depend on the family.
    chance : list of ndarray, each (pattern that observes the whole family, state of the other)
        ``P(other = state | answers)``, by group.
    """

    pulls: Array
    away: Array
    risk: Array
    present: Array
    chance: list[Array]


_Kept = tuple[weakref.ref[Posterior], dict[Open | None, Scores]]
_KEPT: weakref.WeakKeyDictionary[Survey, _Kept] = weakref.WeakKeyDictionary()
