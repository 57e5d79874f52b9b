"""What says whether the sampling may be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass


Array = NDArray[np.float64]
R_HAT = 1.01  # at most, for sampling to be trusted
ESS_PER_CHAIN = 100  # at least


@dataclass(frozen=True)
class Diagnostics:
    """What says whether the sampling may be trusted.

    Parameters
    ----------
    method : str
        ``"exact"``, ``"nutpie"`` or ``"pymc"``; ``"given"`` for CPTs from elsewhere.
    worst : mapping
        ``r_hat``, ``ess_bulk``, ``ess_tail``, ``divergences``, ``e_bfmi``; empty where nothing
        was sampled by a chain.
    warnings : tuple of str
        One sentence for each failed criterion; repeated by every later output.
    cautions : tuple of str
        What the model leaves open though the sampling is sound, told where a fit is judged.
    """

    method: str
    worst: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every criterion was met."""
        return not self.warnings
