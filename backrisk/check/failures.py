"""Why a fit failed, in terms of this model, and what to do about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk.errors import QueryError
from backrisk.posterior import ESS_PER_CHAIN, R_HAT, Posterior

Array = NDArray[np.float64]

_APART = 3.0  # standard deviations within chains between two chains' means: different modes
_RIDGE = 0.8  # correlation of two parameters that trade off


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
    *Label switching*: chains that agree on the likelihood and disagree on which state of an
    unobserved node is which sit in modes apart. *Ridge*: how common a state is and how often an
    item is wrong about it trade off, so that the two are correlated along a narrow valley. What
    fits neither is called slow mixing.
    """
    if posterior.fractions is None or posterior.beta is None or not posterior.diagnostics.worst:
        raise QueryError("This posterior was not sampled by chains: there is nothing to explain.")
    import arviz as az

    values = np.concatenate([posterior.fractions, posterior.beta], axis=1)
    labels = [*posterior.layout.fraction_labels, *posterior.layout.effect_labels]
    owners = _owners(posterior)
    by_chain = values.reshape(posterior.chains, -1, values.shape[1])
    data = az.from_dict({"posterior": {"x": by_chain}})["posterior"].to_dataset()
    r_hat = az.rhat(data)["x"].to_numpy()
    ess = np.minimum(
        az.ess(data, method="bulk")["x"].to_numpy(), az.ess(data, method="tail")["x"].to_numpy()
    )
    failing = np.flatnonzero((r_hat > R_HAT) | (ess < ESS_PER_CHAIN * posterior.chains))
    rows = []
    for at in failing[np.argsort(-r_hat[failing], kind="stable")]:
        why, remedy = _reason(posterior, values, by_chain, owners, labels, int(at))
        rows.append(
            {
                "parameter": labels[at],
                "node": owners[at],
                "r_hat": float(r_hat[at]),
                "ess": float(ess[at]),
                "why": why,
                "what_to_do": remedy,
            }
        )
    columns = ["parameter", "node", "r_hat", "ess", "why", "what_to_do"]
    return pd.DataFrame(rows, columns=columns)


def _owners(posterior: Posterior) -> list[str]:
    """Return the node that each parameter belongs to."""
    layout = posterior.layout
    found = []
    for slices in (layout.fraction_slices, layout.effect_slices):
        for name, part in slices.items():
            found += [name] * (part.stop - part.start)
    return found


def _reason(
    posterior: Posterior,
    values: Array,
    by_chain: Array,
    owners: list[str],
    labels: list[str],
    at: int,
) -> tuple[str, str]:
    graph = posterior.graph
    node = owners[at]
    answered = posterior.meta.get("answered", {})
    nearby = [node, *graph.parents(node), *graph.children(node)]
    hidden = [n for n in nearby if not answered.get(n, 1.0) and n not in graph.items]
    means = by_chain[:, :, at].mean(axis=1)
    within = by_chain[:, :, at].std(axis=1).mean()
    if hidden and np.ptp(means) > _APART * within:
        return (
            f"Label switching: the chains disagree about which state of '{hidden[0]}', which "
            "nobody observed, is which.",
            f"Give '{hidden[0]}' an item whose reliability is stated, or one of its edges a prior "
            "with a clear sign, or observe it for some people.",
        )
    # A parameter that does not vary has no correlation, and is no ridge.
    spread = values.std(axis=0) > 0
    correlation = np.zeros(values.shape[1])
    centred = values - values.mean(axis=0)
    correlation[spread] = (centred[:, at] @ centred[:, spread]) / (
        len(values) * values[:, at].std() * values[:, spread].std(axis=0)
    )
    for other in np.argsort(-np.abs(correlation)):
        pair = {node, owners[other]}
        items = [n for n in pair if n in graph.items]
        constructs = [n for n in pair if any(n in graph.parents(item) for item in items)]
        if abs(correlation[other]) >= _RIDGE and items and constructs:
            return (
                f"A ridge: how common the states of '{constructs[0]}' are trades off against the "
                f"error of its item '{items[0]}' ({labels[other]}, correlation "
                f"{correlation[other]:+.2f}).",
                f"State the reliability of '{items[0]}' from more people, fix it, add a second "
                f"item, or observe '{constructs[0]}' for some people.",
            )
    return (
        "Slow mixing: neighbouring draws are alike.",
        "Take more draws; if divergences were reported, raise the target acceptance too.",
    )
