"""What a test of an omitted parameter rests on: people's scores, their sum, and its moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backrisk._types import Array

TINY = 1e-100  # in place of a zero that is divided by
_PARTS = ("score", "information", "stated", "seen", "people", "left")


@dataclass(frozen=True, eq=False)
class Moments:
    """What tests of omitted parameters rest on, one entry a test.

    Parameters
    ----------
    score : ndarray
        The sum of people's scores, with what the model's own parameters could take up taken off.
    information : ndarray
        Its variance if the model holds: also the information about the omitted parameter that is
        left when all others are estimated.
    stated, seen : ndarray
        Third moments, by the same variance to the power 1.5: of terms whose distribution the
        model states, and of terms whose moments are those that were seen.
    people : ndarray
        By how many people the variance is carried: the effective number of equal contributions.
    left : ndarray
        The share of the scores' variance that the model's own parameters cannot take up.
    """

    score: Array
    information: Array
    stated: Array
    seen: Array
    people: Array
    left: Array

    @classmethod
    def joined(cls, parts: list[Moments]) -> Moments:
        """Return several one after the other."""
        none = np.empty(0)
        return cls(*(np.concatenate([none, *(getattr(p, name) for p in parts)]) for name in _PARTS))

    def part(self, some: slice) -> Moments:
        """Return those of some tests."""
        return Moments(*(getattr(self, name)[some] for name in _PARTS))

    @property
    def error(self) -> Array:
        """The standard deviation of the score if the model holds."""
        found: Array = np.sqrt(np.maximum(self.information, 0.0))
        return found

    @property
    def z(self) -> Array:
        """The score in standard errors, corrected for skewness.

        Far out, where many tests are looked at, a sum of skewed terms is not normal. The first
        term of Edgeworth's expansion is undone, differently where the variance is stated and where
        it is estimated from the same terms, by a cubic that stays monotone (Hall 1992,
        doi:10.1111/j.2517-6161.1992.tb01872.x).
        """
        t = self.score / np.sqrt(np.maximum(self.information, TINY))
        c = self.seen / 3.0 - self.stated / 6.0
        found: Array = t + c * t**2 + c**2 * t**3 / 3.0 + (self.stated + self.seen) / 6.0
        return found


@dataclass(frozen=True, eq=False)
class Terms:
    """Everybody's scores of omitted parameters of one family.

    Parameters
    ----------
    node : str
    scores : ndarray, shape (pattern, test)
    if_state : list of ndarray, each (pattern that observes the whole family, state, test)
        By group: what a person's score would be in each state of the node.
    """

    node: str
    scores: Array
    if_state: list[Array]
