"""Why a fit failed, in terms of this model, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from backrisk._types import Array
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import ESS_PER_CHAIN, R_HAT, Posterior, hidden_nodes, r_hat
from backrisk.words import say

_APART = 3.0  # standard deviations within chains between two chains' means: different modes
_RIDGE = 0.8  # correlation of two parameters that trade off
_COLUMNS = ("parameter", "node", "r_hat", "ess", "why", "what_to_do")


def explain(posterior: Posterior) -> pd.DataFrame:
    """Say which parameters were sampled badly, why that happens in this model, and what to do.

    Parameters
    ----------
    posterior : Posterior
        From a fit by chains.

    Returns
    -------
    pandas.DataFrame
        One row a parameter that fails, the worst R-hat first: ``parameter``, ``node``, ``r_hat``,
        ``ess`` (the lesser of bulk and tail), ``why``, ``what_to_do``. Empty where all is well.

    Raises
    ------
    QueryError
        If nothing was sampled by chains.

    Notes
    -----
    *Label switching*: chains that agree on the likelihood and disagree on which state of a
    hidden node is which sit in modes apart. *Ridge*: how common a state is and how often an
    item is wrong about it trade off, so that the two are correlated along a narrow valley. What
    fits neither is called slow mixing.
    """
    if posterior.fractions is None or posterior.beta is None or not posterior.diagnostics.worst:
        raise QueryError(say("check.not_sampled"))
    import arviz as az

    answered = dict(posterior.meta.get("answered", {}))
    sampled = _Sampled(
        graph=posterior.graph,
        hidden=frozenset(hidden_nodes(posterior.graph, answered)),
        values=np.concatenate([posterior.fractions, posterior.beta], axis=1),
        chains=posterior.chains,
        labels=(*posterior.layout.fraction_labels, *posterior.layout.effect_labels),
        owners=_owners(posterior),
    )
    data = az.from_dict({"posterior": {"x": sampled.by_chain}})["posterior"].to_dataset()
    apart = r_hat(data)["x"].to_numpy()
    bulk, tail = (az.ess(data, method=method)["x"].to_numpy() for method in ("bulk", "tail"))
    ess = np.minimum(bulk, tail)
    failing = np.flatnonzero((apart > R_HAT) | (ess < ESS_PER_CHAIN * posterior.chains))
    rows = []
    for at in failing[np.argsort(-apart[failing], kind="stable")]:
        why, remedy = sampled.reason(int(at))
        about = (sampled.labels[at], sampled.owners[at], float(apart[at]), float(ess[at]))
        rows.append(dict(zip(_COLUMNS, (*about, why, remedy), strict=True)))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _owners(posterior: Posterior) -> tuple[str, ...]:
    """Return the node that each parameter belongs to."""
    layout = posterior.layout
    return tuple(
        name
        for slices in (layout.fraction_slices, layout.effect_slices)
        for name, part in slices.items()
        for _ in range(part.start, part.stop)
    )


@dataclass(frozen=True, eq=False)
class _Sampled:
    """The draws of every parameter, and what each belongs to.

    Parameters
    ----------
    graph : CausalGraph
    hidden : frozenset of str
        Nodes that are hidden in most people.
    values : ndarray, shape (draw, parameter)
        One chain after the other.
    chains : int
    labels, owners : tuple of str
        Of each parameter: what it is, and its node.
    """

    graph: CausalGraph
    hidden: frozenset[str]
    values: Array
    chains: int
    labels: tuple[str, ...]
    owners: tuple[str, ...]

    @cached_property
    def by_chain(self) -> Array:
        """The same, ``(chain, draw, parameter)``."""
        return self.values.reshape(self.chains, -1, self.values.shape[1])

    def reason(self, at: int) -> tuple[str, str]:
        """Return why a parameter was sampled badly, and what to do."""
        if node := self.switched(at):
            return say("check.switching.why", node=node), say("check.switching.remedy", node=node)
        if found := self.ridge(at):
            node, item, other, correlation = found
            why = say(
                "check.ridge.why",
                node=node,
                item=item,
                parameter=self.labels[other],
                correlation=correlation,
            )
            return why, say("check.ridge.remedy", node=node, item=item)
        return say("check.slow.why"), say("check.slow.remedy")

    def switched(self, at: int) -> str | None:
        """Return the hidden node, at or beside a parameter's, whose states were swapped.

        Two chains of which each sits in a mirror image of the other have means far apart for how
        little each moves.
        """
        means = self.by_chain[:, :, at].mean(axis=1)
        within = self.by_chain[:, :, at].std(axis=1).mean()
        if np.ptp(means) <= _APART * within:
            return None
        node = self.owners[at]
        beside = (node, *self.graph.parents(node), *self.graph.children(node))
        return next((name for name in beside if name in self.hidden), None)

    def ridge(self, at: int) -> tuple[str, str, int, float] | None:
        """Return construct, item, parameter and correlation of what a parameter trades off with."""
        correlation = self.correlation(at)
        for other in np.argsort(-np.abs(correlation)):
            if abs(correlation[other]) < _RIDGE:
                return None
            pair = (self.owners[at], self.owners[other])
            for item in pair:
                construct = next((n for n in pair if n in self.graph.parents(item)), None)
                if item in self.graph.items and construct is not None:
                    return construct, item, int(other), float(correlation[other])
        return None

    def correlation(self, at: int) -> Array:
        """Return the correlation of one parameter with each.

        A parameter that does not vary has none, and is no ridge: 0.
        """
        centred = self.values - self.values.mean(axis=0)
        size = np.linalg.norm(centred, axis=0)
        size = size * size[at]
        product = centred[:, at] @ centred
        found: Array = np.divide(product, size, out=np.zeros_like(product), where=size > 0)
        return found
