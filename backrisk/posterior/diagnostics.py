"""The figures that tell whether the sampling can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backrisk.posterior.conflict import Conflict
from backrisk.words import from_plain, plain, say

R_HAT = 1.01  # at most, for sampling to be trusted (Vehtari et al. 2021, doi:10.1214/20-BA1221)
ESS_PER_CHAIN = 100  # at least (the same)


@dataclass(frozen=True)
class Diagnostics:
    """What says whether the sampling may be trusted.

    Parameters
    ----------
    method : str
        ``"exact"``, ``"nutpie"`` or ``"pymc"``; ``"given"`` for CPTs from elsewhere.
    worst : mapping
        The worst value over all parameters of ``r_hat``, ``ess_bulk``, ``ess_tail`` and
        ``e_bfmi``, and the number of ``divergences``; empty where nothing was sampled by a chain.
    warnings : tuple of str
        One sentence for each failed criterion; repeated by every later output.
    cautions : tuple of str
        What the model leaves open though the sampling is sound, told where a fit is judged.
    conflicts : tuple of Conflict
        Where prior and data disagree; repeated by every answer that rests on it.

    Examples
    --------
    >>> Diagnostics("exact").good
    True
    >>> found = Diagnostics("nutpie", {"divergences": 3}, ("3 transitions diverged.",))
    >>> found.good, found.worst["divergences"]
    (False, 3)
    """

    method: str
    worst: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every criterion was met."""
        return not self.warnings

    @property
    def made_by(self) -> str:
        """How a person reads the method: in words, or by the name of the program that sampled."""
        worded = self.method in ("exact", "given")
        return say(f"posterior.methods.{self.method}") if worded else self.method

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain values; sentences can be said again in another language."""
        return {
            "method": self.method,
            "worst": dict(self.worst),
            "warnings": [plain(each) for each in self.warnings],
            "cautions": [plain(each) for each in self.cautions],
            "conflicts": [each.to_dict() for each in self.conflicts],
        }

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Diagnostics:
        """Return what `to_dict` gave; sentences are said in the language that is spoken now.

        Text that stands alone, as older files hold it, stays as it is.
        """
        warnings, cautions = (
            tuple(from_plain(each) for each in held.get(name, ()))
            for name in ("warnings", "cautions")
        )
        conflicts = tuple(map(Conflict.from_dict, held.get("conflicts", ())))  # older files: none
        return cls(held["method"], held["worst"], warnings, cautions, conflicts)
