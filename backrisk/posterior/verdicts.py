"""What checks against a survey found of a model, kept with it and told with its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backrisk.words import Names, decimal, listed, say, whole

Finding = Literal["contradicted", "agrees", "too_little"]
_CLAIMS = ("against", "tested", "unseen")
_RISKS = ("slope", "low", "high", "large", "large_low", "large_high")
# What each check's sentence is filled with.
NUMBERS: Mapping[str, tuple[str, ...]] = {
    "independences": _CLAIMS,
    "families": _CLAIMS,
    "items": _CLAIMS,
    "levels": _CLAIMS,
    "pairwise": _CLAIMS,
    "calibration": _RISKS,
    "standing": ("graphs", "kept", "drawn"),
}
_DIGITS = 2  # of a number that is kept: enough to read, too few to solve for a count of people


@dataclass(frozen=True)
class Verdict:
    """What one kind of check found, in as little as a later reader needs.

    It holds no person's row and no count of people: only how many claims were compared and how
    many of them stand, the nodes of those that do not, and figures of two digits.

    Parameters
    ----------
    check : str
        Which check: a key of `NUMBERS`.
    finding : {"contradicted", "agrees", "too_little"}
        Whether the survey contradicts what the model claims, agrees with it, or is too small to
        tell.
    numbers : mapping of str to float
        What the sentence is filled with, as `NUMBERS` has it: whole numbers count claims.
    about : tuple of tuple of str
        The nodes of what is contradicted, the clearest first.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.words import names_of
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> found = Verdict("families", "agrees", {"against": 0, "tested": 4, "unseen": 1})
    >>> found.sentence(names_of(graph))
    "What each node's causes predict of it: the survey contradicts none of 4 claims; ..."
    """

    check: str
    finding: Finding
    numbers: Mapping[str, float] = field(default_factory=dict)
    about: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(
        cls,
        check: str,
        finding: Finding,
        about: Sequence[Sequence[str]] = (),
        **numbers: float,
    ) -> Verdict:
        """Return a verdict of figures of any precision, rounded as they are kept."""
        kept = {
            name: value if isinstance(value, int) else round(float(value), _DIGITS)
            for name, value in numbers.items()
        }
        return cls(check, finding, kept, tuple(tuple(each) for each in about))

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Verdict:
        """Return what `to_dict` gave."""
        about = tuple(tuple(each) for each in held["about"])
        return cls(held["check"], held["finding"], dict(held["numbers"]), about)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {
            "check": self.check,
            "finding": self.finding,
            "numbers": dict(self.numbers),
            "about": [list(each) for each in self.about],
        }

    @property
    def contradicts(self) -> bool:
        """Whether the survey contradicts the model."""
        return self.finding == "contradicted"

    def sentence(self, names: Names) -> str:
        """Say what was compared and what came of it."""
        return say(f"posterior.checked.{self.check}.{self.finding}", **self._worded(names))

    def short(self, names: Names) -> str:
        """Say the same in a few words, for the one line that goes with answers."""
        return say(f"posterior.checked.{self.check}.short", **self._worded(names))

    def _worded(self, names: Names) -> dict[str, str]:
        """Return what fills the places of a sentence."""
        numbers = {
            name: whole(value) if isinstance(value, int) else decimal(value, _DIGITS)
            for name, value in self.numbers.items()
        }
        told = [_told(names, self.check, each) for each in self.about]
        return {**numbers, "about": say("phrases.semicolon").join(told)}


def _told(names: Names, check: str, nodes: Sequence[str]) -> str:
    """Word the nodes of a claim: two that are at odds, and others that matter."""
    first, *others = map(names.node, nodes)
    if not others:
        return first
    if check not in ("independences", "pairwise"):
        return say("posterior.checked.by", first=first, others=listed(others))
    second, *given = others
    key = "posterior.checked.given" if given else "posterior.checked.pair"
    return say(key, first=first, second=second, given=listed(given) if given else "")
