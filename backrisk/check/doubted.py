"""For each doubted claim, the odds that its edge is there: Savage and Dickey's density ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import arviz as az
import numpy as np
import pandas as pd
from scipy.special import logsumexp
from scipy.stats import norm

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.pareto import good_k, pareto_smoothed
from backrisk.check.reweighting import prior_of, used_evidence
from backrisk.errors import QueryError
from backrisk.graph import GRADES, CausalGraph
from backrisk.posterior import Posterior
from backrisk.words import capital, decimal, listed, names_of, percent, say, suggest

DOUBTED = ("contradicted", "none")
WIDTHS = (0.5, 2.0)  # times the stated width of the prior, that the answer is tried with
_FEWEST_BEYOND = 20.0  # effective draws beyond zero, below which a density there is not told
_EVIDENCE = 3.0  # a Bayes factor from which on something is told (Kass and Raftery 1995)
_FEWEST = 100  # draws
_NARROWEST = 1e-9  # of a kernel, where all draws are one
_COLUMNS = (
    *("cause", "effect", "grade", "median", "bayes_factor", "error", "bound", "probability"),
    *("narrower", "wider", "narrower_k_hat", "wider_k_hat", "verdict", "why"),
)


@dataclass(frozen=True, eq=False)
class Claims:
    """The posterior odds of claims, each against its being false.

    Parameters
    ----------
    table : pandas.DataFrame
        One row an edge: ``cause``, ``effect``, ``grade``; ``median`` of its log odds ratio;
        ``bayes_factor``, for an effect as its prior has it against none at all; ``error``, the
        Monte Carlo standard error of its logarithm; ``bound``, ``"above"`` where the true one is
        larger than can be told; ``probability`` that the edge is there, with prior odds of 1:1;
        ``narrower`` and ``wider``, the Bayes factor with a prior half and twice as wide, and the
        Pareto k-hat of each; ``verdict``, ``there``, ``absent`` or ``open``; ``why`` where there is
        no number.
    graph : CausalGraph
    """

    table: pd.DataFrame
    graph: CausalGraph

    @property
    def text(self) -> str:
        """Which claims the data speak for, which against, and of how many they say nothing."""
        names, known = names_of(self.graph), self.table[self.table["why"] == ""]
        if self.table.empty:
            return say("check.doubted.no_claim")
        told: list[str] = []
        for verdict in ("there", "absent"):
            rows = known[known["verdict"] == verdict].sort_values(
                "probability", ascending=verdict == "absent"
            )
            if len(rows):
                claims = [
                    say(
                        f"check.doubted.claim{'_above' if row['bound'] else ''}",
                        cause=names.node(row["cause"]),
                        effect=names.node(row["effect"]),
                        probability=percent(row["probability"]),
                        factor=_factor(row["bayes_factor"]),
                    )
                    for row in rows.to_dict("records")
                ]
                told.append(say(f"check.doubted.{verdict}", claims=listed(claims)))
        open_ = int((known["verdict"] == "open").sum())
        if open_:
            told.append(say("check.doubted.open", count=open_, n=open_))
        if unknown := len(self.table) - len(known):
            told.append(say("check.doubted.unknown", count=unknown, n=unknown))
        told.append(say("check.doubted.odds"))
        if known[["narrower", "wider"]].isna().any(axis=None):
            told.append(say("check.doubted.weights"))
        return capital(" ".join(told))


@checked()
def claim_odds(posterior: Posterior, *, grades: str | Sequence[str] = DOUBTED) -> Claims:
    """Return the odds that an edge is there, for each edge whose evidence has some grade.

    Parameters
    ----------
    posterior : Posterior
        From `fit`.
    grades : str or sequence of str
        Of the edges asked about; a grade, or several.

    Returns
    -------
    Claims

    Raises
    ------
    QueryError
        If the posterior is not from a fit or has fewer than 100 draws, or a grade is unknown.

    Notes
    -----
    *Estimand.* The ratio of two marginal likelihoods: of the graph as it is, the effect having its
    prior, and of the same graph with the effect fixed at 0, the other parameters then having the
    prior that they have given that it is 0. Both are nested, so that it is the density of the prior
    at 0 over that of the posterior (Dickey 1971, doi:10.1214/aoms/1177693507). It takes the rest of
    the graph as right. One edge at a time: of two edges that can stand for each other, each may be
    spared while both cannot.

    The prior's density is known; where published figures condition the prior it is the conditioned
    one. The posterior's is a Gaussian kernel estimate, its error that of means over batches with
    the chains' own dependence. Where fewer than 20 effective draws lie beyond 0 the density there
    is beyond what draws can tell, and what is given is the factor at the farthest point that they
    do tell: as the density falls on towards 0, the true one is larger.

    *Width.* With another width of this one prior the posterior is reweighted: the Bayes factor is
    that of the stated width times the posterior mean of the ratio of the new prior to the old. A
    wide prior spreads over effects that nobody believes in, and speaks for none: factors depend on
    it (Lindley 1957, doi:10.1093/biomet/44.1-2.187), and both ends are shown, but where the weights
    are unusable. A verdict is given only where all that are shown agree: ``there`` or ``absent`` by
    a factor of 3 (Kass and Raftery 1995, doi:10.1080/01621459.1995.10476572), else ``open``.

    Examples
    --------
    >>> from backrisk import load_graph
    >>> from backrisk.check.prior import prior_model
    >>> prior = prior_model(load_graph("runner_core"))  # which no data have moved
    >>> found = claim_odds(prior, grades=["contradicted"])
    >>> found.table["verdict"].tolist()
    ['open', 'open', 'open']
    """
    if posterior.beta is None or posterior.fractions is None:
        raise QueryError(say("check.doubted.not_fitted"))
    if posterior.draws < _FEWEST:
        raise QueryError(say("check.doubted.few_draws", draws=posterior.draws, least=_FEWEST))
    grades = (grades,) if isinstance(grades, str) else grades
    for grade in grades:
        if grade not in GRADES:
            raise QueryError(
                say("check.doubted.no_grade", grade=grade, near=suggest(grade, GRADES))
            )
    graph, layout = posterior.graph, posterior.layout
    prior = prior_of(layout, used_evidence(posterior))
    places: dict[tuple[str, str], list[int]] = {}
    combined = set()
    for at, (effect, causes) in enumerate(layout.effect_terms):
        for cause, _ in causes:
            places.setdefault((cause, effect), []).append(at)
            if len(causes) > 1:
                combined.add((cause, effect))
    rows = []
    for edge in graph.edges:
        if edge.grade not in grades or edge.effect in graph.items:
            continue
        pair = edge.cause, edge.effect
        mine = places.get(pair, [])
        found: dict[str, object] = dict.fromkeys(_COLUMNS, np.nan)
        found |= {"cause": edge.cause, "effect": edge.effect, "grade": edge.grade}
        found |= {"bound": "", "verdict": "", "why": ""}
        if not mine:
            found["why"] = str(say("check.doubted.no_effect"))
        elif pair in combined or len(mine) > 1:
            found["why"] = str(say("check.doubted.several"))
        else:
            draws = posterior.beta[:, mine[0]].reshape(posterior.chains, -1)
            found |= _odds(draws, float(prior.mean[mine[0]]), float(prior.sd[mine[0]]))
        rows.append(found)
    return Claims(pd.DataFrame(rows, columns=list(_COLUMNS)), graph)


def _odds(chains: Array, mean: float, sd: float) -> dict[str, object]:
    """Return the columns of one effect, from its draws ``(chain, draw)`` and its normal prior."""
    draws = chains.ravel()
    told = float(az.ess(chains, method="mean")) if chains.shape[1] > 3 else math.nan
    effective = min(max(told, 2.0), float(len(draws))) if told == told else 2.0
    density, error, bound = _density_at_zero(draws, effective)
    log_factor = float(norm.logpdf(0.0, mean, sd)) - math.log(density)
    found: dict[str, object] = {
        "median": float(np.median(draws)),
        "bayes_factor": math.exp(log_factor),
        "error": error,
        "bound": bound,
        "probability": 1.0 / (1.0 + math.exp(-log_factor)),
    }
    factors = [log_factor]
    for name, width in zip(("narrower", "wider"), WIDTHS, strict=True):
        ratio = norm.logpdf(draws, mean, width * sd) - norm.logpdf(draws, mean, sd)
        _, k_hat = pareto_smoothed(ratio)
        # At 0 the prior grows by the ratio there, and the posterior by that over the mean ratio.
        changed = log_factor + float(logsumexp(ratio)) - math.log(len(ratio))
        found[f"{name}_k_hat"] = k_hat
        if k_hat <= good_k(len(draws)):
            found[name] = math.exp(changed)
            factors.append(changed)
    least = math.log(_EVIDENCE)
    sure = least + 2 * error
    found["verdict"] = (
        "there"
        if all(factor >= sure for factor in factors)
        else "absent"
        if all(factor <= -sure for factor in factors) and not bound
        else "open"
    )
    return found


def _density_at_zero(draws: Array, effective: float) -> tuple[float, float, str]:
    """Return the density at 0, the standard error of its logarithm, and whether it is a bound."""
    share = min((draws <= 0).mean(), (draws >= 0).mean())
    least = min(_FEWEST_BEYOND / effective, 0.5)
    at, bound = 0.0, ""
    if share < least:
        side = least if np.median(draws) > 0 else 1.0 - least
        at, bound = float(np.quantile(draws, side)), "above"
    # Silverman's rule, for as many draws as the chains are worth.
    quartiles = np.subtract(*np.quantile(draws, [0.75, 0.25])) / 1.349
    spread = min(float(draws.std()), float(quartiles) or float(draws.std()))
    width = max(0.9 * spread * effective**-0.2, _NARROWEST)
    kernel = norm.pdf((draws - at) / width) / width
    density = max(float(kernel.mean()), np.finfo(float).tiny)
    return density, float(kernel.std()) / math.sqrt(effective) / density, bound


def _factor(factor: float) -> str:
    return decimal(factor, 0 if factor >= 10 else 1 if factor >= 1 else 2)
