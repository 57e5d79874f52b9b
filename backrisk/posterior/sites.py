"""How far the sites of a survey lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass


Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SiteEffects:
    """How far the intercepts of ordinal nodes lie from their pooled value, on the log odds scale.

    Parameters
    ----------
    names : tuple of str
        The sites of the survey.
    shift : ndarray, shape (draw, site, node)
        For each node of `Layout.pooled`.
    scale : ndarray, shape (draw, node)
        Standard deviation over the population of sites.
    """

    names: tuple[str, ...]
    shift: Array
    scale: Array
