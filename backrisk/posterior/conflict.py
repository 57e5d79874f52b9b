"""Where prior and data disagree: what each says, for a person to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backrisk.words import Names, decimal, percent, say

Range = tuple[float, float, float]


@dataclass(frozen=True)
class Conflict:
    """A parameter of which the data say something else than the prior does.

    Parameters
    ----------
    kind : {"edge", "margin", "margin_rest", "average", "average_rest", "row"}
        An effect; how common a state is, or is among those beyond the states before it; the same
        where the node's causes are average; any other share, by its label.
    node : str
        The node whose distribution the parameter belongs to: for an edge, the effect.
    about : str
        For an edge, the cause; for a share, the state; for ``row``, the parameter's label.
    prior, data : tuple of float
        Middle, low and high end of the interval (`backrisk.summary.INTERVAL`) of the prior, and
        of what the data say without it: an odds ratio for an edge, else a share.
    tail : float
        The probability, were the prior right, of data that lie at least as far from it.
    state : str
        For an edge whose cause is nominal, the state that the effect is of.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.words import names_of
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> found = Conflict("edge", "y", "x", (1.4, 1.1, 1.8), (0.46, 0.34, 0.62), 1e-6)
    >>> found.sentence(names_of(graph))
    'Prior and data disagree about the effect of x on y: the prior says an odds ratio of 1.40 ...'
    """

    kind: str
    node: str
    about: str
    prior: Range
    data: Range
    tail: float
    state: str = ""

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Conflict:
        """Return what `to_dict` gave."""
        return cls(**{**held, "prior": tuple(held["prior"]), "data": tuple(held["data"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {**asdict(self), "prior": list(self.prior), "data": list(self.data)}

    def range(self, of: Range) -> str:
        """Word what the prior or the data say."""
        middle, low, high = (
            decimal(value, 2) if self.kind == "edge" else percent(value) for value in of
        )
        return say("phrases.estimate", mean=middle, low=low, high=high)

    def sentence(self, names: Names) -> str:
        """Say which parameter it is, and what prior and data say of it."""
        what = self.about
        if self.kind == "edge":
            what = names.pair(what, self.state) if self.state else names.node(what)
        elif self.kind != "row":
            what = names.state(self.node, what)
        return say(
            f"posterior.conflict.{self.kind}",
            node=names.node(self.node),
            about=what,
            prior=self.range(self.prior),
            data=self.range(self.data),
        )
