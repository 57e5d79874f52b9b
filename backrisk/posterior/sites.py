"""The sites of a survey: how much they differ, and the model of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.graph import SITE_SCALE
from backrisk.posterior.cpts import Variables
from backrisk.posterior.datatree import SITE_SCALES, SITE_SHIFTS
from backrisk.survey import AVERAGE, NEW, reserved
from backrisk.words import choices, say, suggest

_LOG_ROOT = 0.5 * math.log(2 * math.pi)  # of the normal density


@dataclass(frozen=True, eq=False)
class SiteEffects:
    """How far the intercepts of ordinal nodes lie from their pooled value, on the log odds scale.

    Site s shifts the linear predictor of node v by ``shift[:, s, v] ~ Normal(0, scale[:, v])``.

    Parameters
    ----------
    names : tuple of str
        The sites of the survey.
    shift : ndarray, shape (draw, site, node)
        For each node of `Layout.pooled`.
    scale : ndarray, shape (draw, node)
        Standard deviation over the population of sites.

    Raises
    ------
    PosteriorError
        If a site is called ``average`` or ``new``, which `at` could not tell from no site.

    Examples
    --------
    >>> import numpy as np
    >>> sites = SiteEffects(("north", "south"), np.array([[[-0.3], [0.4]]]), np.array([[0.5]]))
    >>> sites.at("south", np.random.default_rng(0))
    array([[0.4]])
    """

    names: tuple[str, ...]
    shift: Array
    scale: Array

    def __post_init__(self) -> None:
        """Refuse names that ask for something else."""
        for name in self.names:
            if reserved(name):
                said = say("posterior.reserved_site", site=name, new=NEW, average=AVERAGE)
                raise PosteriorError(said)

    def at(self, site: str, rng: np.random.Generator) -> Array:
        """Return how far one site lies from the average, ``(draw, node)``.

        Parameters
        ----------
        site : str
            A site of the survey, or ``"new"`` for one unseen so far.
        rng : numpy.random.Generator
            For a new site, of which one is drawn from the population for each posterior draw.

        Raises
        ------
        PosteriorError
            If there is no such site.
        """
        if site == NEW:
            return self.scale * rng.normal(size=self.scale.shape)
        if site not in self.names:
            known = choices((*self.names, NEW, AVERAGE))
            near = suggest(site, self.names)
            raise PosteriorError(say("posterior.no_site", site=site, near=near, known=known))
        return self.shift[:, self.names.index(site)]

    def log_prior(self) -> Array:
        """Return the log prior density of shifts and scales, ``(draw,)``.

        Scales are half-normal with the scale `backrisk.graph.SITE_SCALE`, shifts normal.
        """
        scale = self.scale[:, None]
        normal = -0.5 * (self.shift / scale) ** 2 - np.log(scale) - _LOG_ROOT
        away = self.scale / SITE_SCALE
        half_normal = math.log(2 / SITE_SCALE) - 0.5 * away**2 - _LOG_ROOT
        found: Array = normal.sum(axis=(1, 2)) + half_normal.sum(axis=1)
        return found

    def subset(self, keep: NDArray[np.intp]) -> SiteEffects:
        """Return some of the draws."""
        return SiteEffects(self.names, self.shift[keep], self.scale[keep])

    def variables(self) -> Variables:
        """Return what is stored, and the names of its axes after that of the draws."""
        return {
            SITE_SHIFTS: (self.shift, ("site", "pooled")),
            SITE_SCALES: (self.scale, ("pooled",)),
        }


def prior_of_new_site(draws: int, nodes: int, rng: np.random.Generator) -> Array:
    """Draw what the prior says of a site's distance from the average, ``(draw, node)``."""
    scale = np.abs(rng.normal(0.0, SITE_SCALE, size=(draws, nodes)))
    return scale * rng.normal(size=(draws, nodes))
