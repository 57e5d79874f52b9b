"""How strong measured causes are, and how far a hidden one changes the law of what is observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from backrisk._types import Array, Codes
from backrisk.posterior import Confounded, Posterior, odds_ratios

_EVIDENCE = 3.0  # a log likelihood ratio from which on data speak plainly: 20 to 1
_SAMPLES, _DRAWS = 256, 50
_LEAST = 1e-9  # nats for each person, below which nothing is told apart


@dataclass(frozen=True, eq=False)
class Discrepancy:
    """How far a model with a hidden cause departs from the graph without it, in what is observed.

    Parameters
    ----------
    nats : ndarray, shape (draw,)
        The Kullback-Leibler divergence for each person, all nodes but the hidden cause being
        observed: the information that the first of the two nodes and its causes have on the
        second one beyond what the graph says the second hears of.
    """

    nats: Array

    @property
    def people(self) -> float | None:
        """About how many people it takes until the data are expected to favour one by 20 to 1.

        With every node observed; with fewer it takes more. None where no number would do.
        """
        mean = float(self.nats.mean())
        return _EVIDENCE / mean if mean > _LEAST else None


def discrepancy(posterior: Confounded, *, seed: int = 0) -> Discrepancy:
    """Return how far a hidden cause changes the law of what is observed.

    Parameters
    ----------
    posterior : Confounded
        From `backrisk.confounded`.
    seed : int
        People are simulated, from 50 draws.

    Returns
    -------
    Discrepancy
        Zero, to rounding, where `Confounded` says that the law is kept.

    Examples
    --------
    >>> from backrisk import CausalGraph, Posterior, confounded
    >>> three = {"z": ["no", "yes"], "x": ["no", "yes"], "y": ["no", "yes"]}
    >>> g = CausalGraph.from_edges([("z", "x"), ("x", "y")], three)
    >>> rows = [[0.7, 0.3], [0.4, 0.6]]
    >>> p = Posterior.from_cpts(g, {"z": [0.5, 0.5], "x": rows, "y": rows})
    >>> bool(discrepancy(confounded(p, "x", "y", odds_ratio=4.0)).people > 100)
    True
    """
    few = posterior.subset(_DRAWS)
    assert isinstance(few, Confounded)
    hidden, graph, rng = few.hidden, few.source.graph, np.random.default_rng(seed)
    above = graph.ancestors(hidden.second) | graph.ancestors(hidden.first) | {hidden.first}
    states: dict[str, Codes] = {}
    there = _drawn(np.full((1, 1, 1), 1.0 - hidden.prevalence), few.draws, rng)
    for name in graph.topological:
        if name in above:
            causes = [states[parent] for parent in graph.parents(name)]
            if name == hidden.first:
                causes.append(there)
                states[name] = _drawn(few.levels(name, causes), few.draws, rng)
            else:
                states[name] = _drawn(few.source.levels(name, causes), few.draws, rng)
    no, yes = np.zeros((1, 1), np.intp), np.ones((1, 1), np.intp)
    first = [states[parent] for parent in graph.parents(hidden.first)]
    own = states[hidden.first]
    # P(U | x, pa_X), by Bayes' rule from the two rows of the first node.
    absent, present = (
        np.take_along_axis(_shares(few.levels(hidden.first, [*first, side])), own[None], axis=0)[0]
        for side in (no, yes)
    )
    odds = hidden.prevalence * present
    chance = odds / (odds + (1.0 - hidden.prevalence) * absent)
    second = [states[parent] for parent in graph.parents(hidden.second)]
    without, with_u = (_shares(few.levels(hidden.second, [*second, side])) for side in (no, yes))
    told = (1.0 - chance) * without + chance * with_u
    before = _shares(few.source.levels(hidden.second, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(told > 0, told * np.log(told / before), 0.0)
    return Discrepancy(np.broadcast_to(each.sum(axis=0).mean(axis=0), (few.draws,)))


def _drawn(levels: Array, draws: int, rng: np.random.Generator) -> Codes:
    """Draw states from CDFs without their last level, ``(state - 1, sample, draw)``."""
    noise = rng.random((_SAMPLES, draws))
    found: Codes = (levels < noise).sum(axis=0, dtype=np.intp)
    return found


def _shares(levels: Array) -> Array:
    return np.diff(levels, axis=0, prepend=0.0, append=1.0)


def observed_strengths(posterior: Posterior, shared: tuple[str, str]) -> pd.DataFrame:
    """Return how strong the measured causes of two nodes are, to compare a hidden one with.

    Parameters
    ----------
    posterior : Posterior
    shared : pair of str

    Returns
    -------
    pandas.DataFrame
        A row for each direct cause of either node, but for the nodes themselves: ``cause``, its
        worst ``state`` (of a nominal cause, the one with the largest odds ratio), the median odds
        ratios of that state against its reference, ``into_first`` and ``into_second``, the other
        causes at theirs (NaN where there is no edge), and whether it is ``common`` to both. As for
        a hidden cause, the event is that the node is not at its reference. Common causes first, by
        the smaller of the two.

    Examples
    --------
    >>> from backrisk import example_posterior
    >>> found = observed_strengths(example_posterior(), ("strength_training", "pain"))
    >>> sorted(found[found["common"]]["cause"])
    ['age', 'low_mood', 'previous_back_pain', 'sex']
    """
    graph = posterior.graph
    found: dict[str, dict[str, object]] = {}
    for side, node in zip(("into_first", "into_second"), shared, strict=True):
        if not graph.parents(node):
            continue
        with np.errstate(divide="ignore", invalid="ignore"):  # where something never happens
            table = odds_ratios(posterior, node)
        table = table[np.isfinite(table["median"]) & (table["median"] > 0)]
        for name, rows in table.groupby("cause", sort=False):
            if name in shared:
                continue
            row = rows.iloc[-1]
            if graph.node(str(name)).nominal and name not in found:
                row = rows.loc[np.log(rows["median"]).abs().idxmax()]
            known = found.setdefault(str(name), {"cause": str(name), "state": row["state"]})
            for state, ratio in zip(rows["state"], rows["median"], strict=True):
                if state == known["state"]:
                    known[side] = float(ratio)
    columns = ["cause", "state", "into_first", "into_second"]
    frame = pd.DataFrame(list(found.values()), columns=columns)
    sides = frame[["into_first", "into_second"]].to_numpy(dtype=float)
    frame[["into_first", "into_second"]] = sides
    common = ~np.isnan(sides).any(axis=1)
    frame["common"] = common
    size = np.where(np.isnan(sides), np.inf, np.abs(np.log(sides))).min(axis=1, initial=np.inf)
    return frame.iloc[np.lexsort((-size, ~common))].reset_index(drop=True)
