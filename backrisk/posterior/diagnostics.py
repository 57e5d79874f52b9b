"""What tells whether a model can be trusted: its sampling, and what checks found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backrisk.posterior.conflict import Conflict
from backrisk.posterior.verdicts import Verdict
from backrisk.words import Names, from_plain, plain, printable, say, whole

R_HAT = 1.01  # at most, for sampling to be trusted (Vehtari et al. 2021, doi:10.1214/20-BA1221)
WORST = frozenset(("r_hat", "ess_bulk", "ess_tail", "e_bfmi", "divergences"))
ESS_PER_CHAIN = 100  # at least (the same)


@dataclass(frozen=True)
class Diagnostics:
    """What says whether a model may be trusted: how it was sampled, and how it fared when checked.

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
    verdicts : tuple of Verdict
        What checks against a survey found, one for each kind of check; empty where nobody has
        checked. What a survey contradicts is told with every answer.
    surveyed : mapping
        Of which survey all of these verdicts are: its ``people``, and the first digits of a
        ``digest`` of all its answers, by which the same survey is known again. Empty where that is
        not known.

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
    verdicts: tuple[Verdict, ...] = ()
    surveyed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every criterion of the sampling was met."""
        return not self.warnings

    @property
    def contradicted(self) -> tuple[Verdict, ...]:
        """What a survey contradicted."""
        return tuple(each for each in self.verdicts if each.contradicts)

    def doubts(self, names: Names) -> str:
        """Say in one sentence what a survey contradicted; empty where nothing is known."""
        if not self.contradicted:
            return ""
        what = say("phrases.semicolon").join(each.short(names) for each in self.contradicted)
        return say("posterior.checked.doubted", what=what)

    def checked(self, names: Names) -> tuple[str, ...]:
        """Say what every check found, one sentence each; that nobody checked, where that is so."""
        if not self.verdicts:
            return (say("posterior.checked.unchecked"),)
        told = tuple(each.sentence(names) for each in self.verdicts)
        if not self.surveyed:
            return told
        people = int(self.surveyed["people"])
        about = {"people": whole(people), "digest": self.surveyed["digest"]}
        return (*told, say("posterior.checked.surveyed", count=people, **about))

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
            "verdicts": [each.to_dict() for each in self.verdicts],
            **({"surveyed": dict(self.surveyed)} if self.surveyed else {}),
        }

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Diagnostics:
        """Return what `to_dict` gave; sentences are said in the language that is spoken now.

        Text that stands alone, as older files hold it, stays as it is.
        """
        warnings, cautions = (
            tuple(printable(from_plain(each)) for each in held.get(name, ()))
            for name in ("warnings", "cautions")
        )
        # Older files hold neither.
        conflicts = tuple(map(Conflict.from_dict, held.get("conflicts", ())))
        verdicts = tuple(map(Verdict.from_dict, held.get("verdicts", ())))
        method, surveyed = printable(held["method"]), dict(held.get("surveyed", {}))
        return cls(method, held["worst"], warnings, cautions, conflicts, verdicts, surveyed)
