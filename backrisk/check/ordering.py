"""Who of each two people has the larger risk when both are left out, however many they are.

Left out one by one, who had the event is told less than who did not and gave the same answers: the
order of two risks needs both people left out (Airola et al. 2011, doi:10.1016/j.csda.2010.11.018).
To first order that moves the difference of their log odds by how much each moves the other. Two
risks that lie farther apart than any two people could move them are in order as they are, which
sorting tells; only of the others is each pair looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from backrisk._types import Array
from backrisk.check.reliability import TIED, auc, share_of

_AT_ONCE = 256  # people with the event whose pairs are looked at together


@dataclass(frozen=True, eq=False)
class Influence:
    """By how much a person of each group moves the log odds of each group, as a product.

    Parameters
    ----------
    moved : ndarray, shape (group, rank)
    by : ndarray, shape (group, rank)
        A person of group j moves group i by ``moved[i] @ by[j]``.
    """

    moved: Array
    by: Array

    @property
    def own(self) -> Array:
        """By how much a person of each group moves their own, ``(group,)``."""
        found: Array = np.einsum("ir,ir->i", self.moved, self.by)
        return found


@dataclass(frozen=True, eq=False)
class Order:
    """The order of every two risks, of one person with the event and one without.

    Parameters
    ----------
    odds : ndarray, shape (group,)
        The log odds of the event from a fit to all.
    influence : Influence
    event : ndarray of bool, shape (group,)
    """

    odds: Array
    influence: Influence
    event: NDArray[np.bool_]

    @cached_property
    def seen(self) -> Array:
        """The log odds from the fit to all, the same number where they are the same."""
        found: Array = np.round(self.odds / TIED) * TIED
        return found

    @cached_property
    def beyond(self) -> csr_array:
        """What the order of two is beyond that of `seen`, ``(with the event, without)``.

        The order is 1 where who had the event has the larger risk, one half where both are the
        same, else 0.
        """
        moved, by, seen = self.influence.moved, self.influence.by, self.seen
        own = self.influence.own
        left = self.odds - own
        ill, well = (
            these[np.argsort(seen[these], kind="stable")]
            for these in (np.flatnonzero(self.event), np.flatnonzero(~self.event))
        )
        # By Cauchy and Schwarz, no two people move two risks towards each other by more.
        reach_moved, reach_by = (np.sqrt(np.einsum("ir,ir->i", e, e)) for e in (moved, by))
        most = reach_by[ill] * reach_moved[well].max(initial=0.0)
        most += reach_moved[ill] * reach_by[well].max(initial=0.0)
        most += np.abs(own)[ill] + np.abs(own)[well].max(initial=0.0) + 3.0 * TIED
        firsts, seconds, values = [], [], []
        for start in range(0, len(ill), _AT_ONCE):
            some, far = ill[start : start + _AT_ONCE], most[start : start + _AT_ONCE].max()
            ends = seen[some[[0, -1]]] + [-far, far]
            low, high = np.searchsorted(seen[well], ends)
            near = well[low:high]
            gap = left[some][:, None] - left[near]
            gap += by[some] @ moved[near].T - moved[some] @ by[near].T
            order = np.where(np.abs(gap) < TIED, 0.5, gap > 0.0)
            away = order - 0.5 * (1.0 + np.sign(seen[some][:, None] - seen[near]))
            first, second = np.nonzero(away)
            firsts.append(some[first])
            seconds.append(near[second])
            values.append(away[first, second])
        place = np.empty(len(seen), np.intp)
        for these in (self.event, ~self.event):
            place[these] = np.arange(int(these.sum()))
        none = np.empty(0, np.intp)
        at = tuple(place[np.concatenate([none, *part])] for part in (firsts, seconds))
        shape = (len(ill), len(well))
        return csr_array((np.concatenate([np.empty(0), *values]), at), shape=shape)

    def auc(self, weights: Array) -> Array:
        """Return how often who had the event had the larger risk, ``(sample,)``.

        Parameters
        ----------
        weights : ndarray, shape (sample, group)
        """
        ill, well = weights[:, self.event], weights[:, ~self.event]
        pairs = ill.sum(axis=1) * well.sum(axis=1)
        beyond = ((self.beyond.T @ ill.T) * well.T).sum(axis=0)
        found = auc(self.seen, self.event, weights) + share_of(beyond, pairs)
        # Rounding in sums of many terms must not lead outside of what a share is.
        return np.clip(found, 0.0, 1.0)
