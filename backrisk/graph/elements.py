"""What a causal graph is made of: nodes with ordered states, edges with their evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from backrisk.errors import GraphError, suggest

if TYPE_CHECKING:
    pass


GRADES = ("strong", "moderate", "weak", "none", "contradicted")
ORIGINS = ("described", "literature", "measurement", "stated")
MECHANISMS = ("saturated", "ordinal_logit", "noisy_max", "item", "response")
ANSWERED, NOT_ANSWERED = "answered", "not_answered"  # the states of a response node


@dataclass(frozen=True)
class Prior:
    """A normal prior for the log odds ratio of an effect, reference to worst state of the cause.

    Parameters
    ----------
    mean, sd : float
        On the log odds scale; ``sd`` is positive.
    """

    mean: float
    sd: float

    @classmethod
    def from_odds_ratio(cls, low: float, high: float, probability: float = 0.90) -> Prior:
        """Turn "I believe that the odds ratio lies between a and b" into a prior.

        Parameters
        ----------
        low, high : float
            Of the odds ratio, both above 0.
        probability : float
            Of lying between them, with equal tails outside.

        Returns
        -------
        Prior

        Raises
        ------
        GraphError
            If the limits are not above 0 and in order, or the probability is not in (0, 1).

        Examples
        --------
        >>> prior = Prior.from_odds_ratio(1.0, 4.0)
        >>> round(prior.mean, 3), round(prior.sd, 3)
        (0.693, 0.421)
        """
        if not 0 < low < high < math.inf:
            raise GraphError(
                f"An odds ratio between {low} and {high} is no belief: expected 0 < low < high."
            )
        if not 0 < probability < 1:
            raise GraphError(f"The probability {probability} should lie between 0 and 1.")
        reach = NormalDist().inv_cdf(0.5 + probability / 2)
        bottom, top = math.log(low), math.log(high)
        return cls((bottom + top) / 2, (top - bottom) / (2 * reach))


@dataclass(frozen=True)
class Node:
    """A discrete variable with ordered states; state 0 is the reference (healthiest).

    Parameters
    ----------
    name : str
    states : tuple of str
        At least two labels, from reference to worst.
    description, group : str
    modifiable : bool
        Whether a person could change it.
    margin : tuple of float, optional
        Prior guess of the population's shares, one for each state, summing to 1.
    margin_source : str
        Where the margin comes from.
    concentration : float
        Prior pseudo-observations behind the margin.
    mechanism : str, optional
        One of ``saturated``, ``ordinal_logit``, ``noisy_max``, ``item``, ``response``; chosen
        when left out.
    interactions : tuple of pairs of parent names
        Products that an ``ordinal_logit`` adds to its main effects.
    reliability : float, optional
        For an item: how far an answer tells the state, 0 (nothing) to 1 (the state itself).
        Without it and without `misclassification`, nothing is known and the prior is flat.
    misclassification : tuple of tuple of float, optional
        For an item, in place of a reliability: the probability of each answer, one row for each
        state of the construct.
    fixed : bool
        For an item: the error is known, and not learned from the data.
    label : str
        How a person reads the node; made readable from its name where it is empty.
    labels : tuple of str
        How a person reads its states, one for each; made readable where it is empty.
    """

    name: str
    states: tuple[str, ...]
    description: str = ""
    group: str = ""
    modifiable: bool = False
    margin: tuple[float, ...] | None = None
    margin_source: str = ""
    concentration: float = 10.0
    mechanism: str | None = None
    interactions: tuple[tuple[str, str], ...] = ()
    reliability: float | None = None
    misclassification: tuple[tuple[float, ...], ...] | None = None
    fixed: bool = False
    label: str = ""
    labels: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The label of state 0."""
        return self.states[0]

    def code(self, label: str) -> int:
        """Return the position of a state's label.

        Raises
        ------
        GraphError
            If the node has no such state.
        """
        if label not in self.states:
            raise GraphError(
                f"Node '{self.name}' has no state '{label}'{suggest(label, self.states)}; "
                f"expected one of {', '.join(self.states)}."
            )
        return self.states.index(label)


@dataclass(frozen=True)
class Edge:
    """A direct causal claim, with its evidence.

    Parameters
    ----------
    cause, effect : str
    claim : str
        The claim in words.
    origin : str
        ``described`` (the described cascade), ``literature``, ``measurement`` or ``stated``.
    grade : str
        ``strong``, ``moderate``, ``weak``, ``none`` or ``contradicted``.
    prior : Prior, optional
        For the log odds ratio; none where a graph states no belief.
    citations : tuple of str
    """

    cause: str
    effect: str
    claim: str
    origin: str
    grade: str
    prior: Prior | None = None
    citations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lagged:
    """A described feedback: the cause now, the effect in the next period. Unused when static."""

    cause: str
    effect: str
    claim: str


@dataclass(frozen=True)
class Roles:
    """Which nodes play which part in answers and reports; each entry names a node or a group.

    Parameters
    ----------
    proximal, distal : tuple of str
        The two levels that causes are asked about: near the outcome, and habits and history far
        from it. Where a graph states neither, every ancestor of the target belongs to both.
    passing : tuple of str
        Nodes that pass on what reaches them: routes into the target end where they enter these.
    advised : tuple of str
        What is advised on where nothing else is asked; every modifiable node where it is empty.
    compared : tuple of str
        What a cohort is parted by where nothing else is asked.
    answered : tuple of str
        What a simulated person always answers.
    skipped_by : tuple of str
        Simulated people away from the reference of these leave tests out more often.
    """

    proximal: tuple[str, ...] = ()
    distal: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    advised: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    skipped_by: tuple[str, ...] = ()
