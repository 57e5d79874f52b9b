"""Every pair of answers: the association that a model predicts beside the one in the survey.

*The test.* Give the answers ``a`` and ``b`` scores from 0, the reference, to 1. A log odds ratio
``g`` between them that the model lacks would tilt the distribution of a person's answers by
``exp(g s_a s_b)``. The score of ``g`` at 0 is, summed over people,
``u = E[(s_a - m_a)(s_b - m_b) | answers] - E[(s_a - m_a)(s_b - m_b)]``, with the model's means
``m`` at the person's site: a missing answer counts as what the person's other answers say of it.

A posterior predictive p-value of this sum is conservative, since the parameters have learned from
the same people: what they could adapt to is found to fit (Robins, van der Vaart and Ventura 2000,
doi:10.1080/01621459.2000.10474310). Here that part is taken out. By how much the sum varies once
the parameters are fitted is ``u'u - u'Ku``, where ``K`` is the posterior covariance of the log
likelihoods of each two people: it is the projection on the scores of the parameters under the
prior, with the information written as products of scores. A pair of which nearly nothing is left
has a parameter of its own; it is reproduced whatever the truth, and is not tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm, pearson3

from backrisk._arguments import checked
from backrisk._types import Array
from backrisk.check.expected import Expected, tables_of
from backrisk.check.left_out import is_external
from backrisk.check.moment import demand_moment
from backrisk.check.rows import at_the_mean, by_site, demand_people, log_likelihoods
from backrisk.check.scores import Scores
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.summary import INTERVAL
from backrisk.survey import Patterns, Survey, tabulate
from backrisk.words import Names, decimal, names_of, say, whole

Verdict = Literal["contradicted", "agrees", "too_little", "fitted"]

_LEAST = 100  # draws that a covariance is estimated from
_DRAWS = 2000  # at most
_HELD = 2**25  # log likelihoods that are held at once
_LEFT = 0.1  # of the variance of the score: below it, a parameter reproduces the pair
_NOTICED = 1.0  # a log odds ratio, from reference to worst, that a test should notice
_POWER = 0.8  # how often it should
_ADAPTED = 0.5  # effective parameters a person beyond which no test is to be trusted
_CELLS = 20_000  # of all tables of a fit, beyond which their levels are not left open
_SHOWN = 5  # pairs that a text names
_LINE = 88


@dataclass(frozen=True, eq=False)
class Pairwise:
    """Associations of every two answers, as predicted and as observed.

    Parameters
    ----------
    graph : CausalGraph
    pairs : pandas.DataFrame
        A row for each pair of nodes that people reported, the least p-value first: ``node``,
        ``other``; whether they are ``joined`` by an arrow; ``people`` who reported both;
        ``observed`` and ``predicted``, Goodman and Kruskal's gamma in the table of all people,
        whose missing answers are as the model expects them, and in the model's (not a number where
        a node has no order); ``log_odds``, the log odds ratio from reference to worst that the
        model lacks between the two, with ``low`` and ``high``; ``points``, the largest difference
        of a cell of the table, observed less predicted, in percentage points, and the states of
        the two there, ``state`` and ``other_state``; ``left``, the share of the score's variance
        that the fit leaves to be tested; ``p``, and ``p_adjusted`` for the number of pairs (Holm);
        and ``verdict``: ``contradicted``, ``agrees``, ``too_little`` or ``fitted``.
    level : float
        The chance that any pair is called contradicted though the model is right.
    parameters : float
        The effective number of parameters that the people's answers inform.
    effective : float
        The effective number of people.
    """

    graph: CausalGraph
    pairs: pd.DataFrame
    level: float
    parameters: float
    effective: float

    @property
    def table(self) -> pd.DataFrame:
        """The same with the verdict in words."""
        words = {
            name: say(f"check.pairwise.verdict.{name}") if name == "fitted" else _verdict(name)
            for name in self.pairs["verdict"].unique()
        }
        return self.pairs.assign(verdict=self.pairs["verdict"].map(words))

    @property
    def contradicted(self) -> pd.DataFrame:
        """The pairs that the survey contradicts."""
        return self.pairs[self.pairs["verdict"] == "contradicted"]

    @property
    def text(self) -> str:
        """What the table says, in words."""
        return " ".join(self._sentences())

    def __str__(self) -> str:
        """Return the text in lines that a terminal holds."""
        return fill(self.text, _LINE)

    def _sentences(self) -> Iterator[str]:
        count = self.pairs["verdict"].value_counts()
        about = {name: whole(count.get(name, 0)) for name in ("agrees", "too_little", "fitted")}
        worst = self.contradicted
        yield say("check.pairwise.told", count=len(self.pairs), **about)
        if worst.empty:
            yield say("check.pairwise.none", level=f"{self.level:.2g}")
        else:
            yield say("check.pairwise.some", count=len(worst), level=f"{self.level:.2g}")
        names = names_of(self.graph)
        for row in worst.head(_SHOWN).to_dict("records"):
            yield self._named(names, {str(key): value for key, value in row.items()})
        if len(worst) > _SHOWN:
            yield say("check.pairwise.more", count=len(worst) - _SHOWN)

    def _named(self, names: Names, row: dict[str, float | str]) -> str:
        node, other = str(row["node"]), str(row["other"])
        ordered = np.isfinite(float(row["observed"]))
        return say(
            f"check.pairwise.pair.{'ordered' if ordered else 'unordered'}",
            joined=say(f"check.pairwise.joined.{'yes' if row['joined'] else 'no'}"),
            node=names.node(node),
            other=names.node(other),
            state=names.state(node, str(row["state"])),
            other_state=names.state(other, str(row["other_state"])),
            observed=decimal(float(row["observed"]), 2, sign=True),
            predicted=decimal(float(row["predicted"]), 2, sign=True),
            log_odds=decimal(float(row["log_odds"]), 2, sign=True),
            points=decimal(float(row["points"]), 1, sign=True),
            p=f"{float(row['p_adjusted']):.2g}",
        )


def _verdict(name: str) -> str:
    return say(f"check.verdict.{name}")


@checked()
def pairwise(
    posterior: Posterior, survey: Survey, *, external: bool = False, level: float = 0.05
) -> Pairwise:
    """Compare the association of every two answers with the model's, by calibrated tests.

    Parameters
    ----------
    posterior : Posterior
    survey : Survey
        The one that the model was fitted to, unless it is `external`.
    external : bool
        The model was fitted to other people: what it is unsure of adds to the variance, instead
        of being taken out of it.
    level : float
        The chance that any pair at all is called contradicted though the model is right.

    Returns
    -------
    Pairwise

    Raises
    ------
    QueryError
        If the survey was read for another graph or has sites that the model does not know; people
        were chosen by the outcome, or several rows are visits of one person; nobody, or only one
        node, was reported; or the posterior has fewer than 100 draws to tell what it adapted to.

    Notes
    -----
    *Estimand* of ``log_odds``: the log odds ratio between the worst and the reference of both
    nodes, in the whole population, by which the joint distribution of all nodes would have to be
    tilted; one step of Newton's method from none, which is rough where it is large. Nodes without
    an order have one for each state, of which the least likely is told, its p-value multiplied by
    how many there are.

    *Levels*: of a model that has learned from nobody here, or from others, how common each state is
    given its causes is estimated from the survey first, and what that could take up is taken out:
    a rate that is off looks like no association (`family_residuals` and `outcome_calibration` tell
    it). Not so of a fit by sites, or with tables of more than 20,000 cells in all, where a pair may
    also show two rates that are off.

    *Assumptions*: answers are missing at random, given a person's other answers and the model.
    People are independent. The posterior is near normal; of the sum of scores over people, the
    skewness is allowed for. Scores are taken at the posterior mean of the parameters. Truths come
    from the prior as often as it says: where prior and data disagree, a pair shows that too.

    *False alarms* at a level of 0.05, of surveys that the model had made from its prior: 11 of 200
    with exact posteriors (300 people), 11 of 167 with a hidden node, missing answers and chains
    shorter than is sound (400 people).

    *Verdicts*: ``too_little`` where a log odds ratio of 1 would be noticed in less than 80 % of
    surveys of this size; ``fitted`` where the fit leaves less than a tenth of the variance.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, Posterior, Survey
    >>> states = {"x": ["no", "yes"], "y": ["no", "yes"]}
    >>> g = CausalGraph("apart", CausalGraph.from_edges([("x", "y")], states).nodes, ())
    >>> p = Posterior.from_cpts(g, {"x": [[0.5, 0.5]], "y": [[0.5, 0.5]]})
    >>> frame = pd.DataFrame({"x": ["no", "yes"] * 50})
    >>> frame["y"] = ["no", "yes"] * 40 + ["yes", "no"] * 10
    >>> found = pairwise(p, Survey.from_frame(frame, g)).pairs
    >>> found[["observed", "predicted", "verdict"]].round(2)
       observed  predicted       verdict
    0      0.88        0.0  contradicted
    """
    demand_people(posterior, survey)
    demand_moment(posterior.graph)
    if not 0.0 < level < 1.0:
        raise QueryError(say("check.outcome.level", level=level))
    known = is_external(posterior, external)
    if not known and posterior.draws < _LEAST:
        raise QueryError(say("check.pairwise.few_draws", draws=posterior.draws, least=_LEAST))
    patterns = tabulate(survey)
    asked = np.flatnonzero((patterns.codes >= 0).any(axis=0))
    if len(asked) < 2:
        raise QueryError(say("check.pairwise.one_node"))
    point, levels = at_the_mean(posterior), None
    if known and (tables := _tables(posterior, point)) is not None:
        # How common states are is a matter of its own: it must not look like an association.
        scores = Scores.of(tables, survey, "levels")
        point, levels = scores.parameters.posterior, scores.of_parameters
    expected = Expected.of(point, survey, patterns, asked)
    tests = _tested(posterior, survey, patterns, expected, known, levels)
    rows = [_row(survey.graph, patterns, expected, tests, pair) for pair in expected.pairs]
    pairs = _judged(pd.DataFrame(rows), level, tests)
    return Pairwise(posterior.graph, pairs, level, tests.parameters, tests.effective)


def _tables(posterior: Posterior, point: Posterior) -> Posterior | None:
    """Return a model as tables whose levels can be left open; None where they are too large."""
    if posterior.given is not None:
        return posterior
    graph = posterior.graph
    if (
        posterior.sites is not None
        or sum(math.prod(map(int, graph.shape(n))) for n in graph.names) > _CELLS
    ):
        return None
    return Posterior.from_cpts(graph, {name: point.mean_cpt(name) for name in graph.names})


@dataclass(frozen=True, eq=False)
class _Tests:
    """The score of every product of two nodes' scores, and what the fit leaves of it.

    Parameters
    ----------
    place : mapping of pair to list of int
        The columns of each pair.
    total : ndarray, shape (column,)
    variance : ndarray, shape (column,)
        Of the total, once the parameters are fitted.
    left : ndarray, shape (column,)
        Its share of the variance, had the parameters been known.
    p : ndarray, shape (column,)
        Not a number where too little is left.
    parameters, effective : float
        As in `Pairwise`.
    """

    place: dict[tuple[int, int], list[int]]
    total: Array
    variance: Array
    left: Array
    p: Array
    parameters: float
    effective: float


def _tested(
    posterior: Posterior,
    survey: Survey,
    patterns: Patterns,
    expected: Expected,
    external: bool,
    levels: Array | None,
) -> _Tests:
    scale = patterns.weights.sum() / patterns.squares.sum()
    weights, squares = scale * patterns.weights, scale**2 * patterns.squares
    effective = float(weights.sum())
    u, place = scores_of(expected)
    modelled, third = _moments(expected, squares, u, place)
    if levels is not None:  # what open levels take up of each score, and of how draws differ
        part = np.linalg.pinv(levels.T @ (weights[:, None] * levels), hermitian=True)
        taken_up = part @ (levels.T @ (weights[:, None] * u))
        u = u - levels @ taken_up
        modelled = modelled - ((levels @ taken_up) ** 2 * squares[:, None]).sum(axis=0)
    total = weights @ u
    draws = max(min(_DRAWS, _HELD // len(weights)), _LEAST)
    logs = np.empty((min(posterior.draws, draws), len(weights)))
    thinned = posterior.subset(draws)
    for local, rows in by_site(thinned, survey, patterns.site):
        logs[:, rows] = log_likelihoods(local, patterns.codes[rows])
    logs -= logs.mean(axis=0)
    if levels is not None:
        logs -= ((logs * weights) @ levels @ part) @ levels.T
    degrees = max(len(logs) - 1, 1)
    moved = logs @ (weights[:, None] * u)  # of each draw, (draw, column)
    parameters = float(weights @ (logs**2).sum(axis=0)) / degrees
    # Where nearly nobody has a state, people's own scores do not show how far they may vary.
    known = np.maximum(squares @ u**2, modelled)
    taken = (moved**2).sum(axis=0) / degrees
    if external:
        variance = known + taken
    else:
        robust = squares @ (u - logs.T @ moved / degrees) ** 2
        # Scores of people that are unrelated to the parameters' seem a little related.
        variance = np.maximum(known - taken, robust) / max(1.0 - parameters / effective, _LEFT)
    left = np.divide(variance, known, out=np.zeros_like(known), where=known > 0)
    tested = left >= _LEFT
    held = np.where(tested, variance, 1.0)
    skew = np.divide(third, known**1.5, out=np.zeros_like(known), where=known > 0)
    return _Tests(
        place,
        total,
        variance,
        left,
        np.where(tested, _p_values(total / np.sqrt(held), skew), np.nan),
        parameters,
        effective,
    )


def _p_values(z: Array, skew: Array) -> Array:
    """Return two-sided p-values of sums that are a little skewed: a gamma's tails (Pearson III)."""
    smaller = np.minimum(pearson3.sf(z, skew), pearson3.cdf(z, skew))
    found: Array = np.minimum(1.0, 2.0 * smaller)
    return found


def _moments(
    expected: Expected, squares: Array, u: Array, place: dict[tuple[int, int], list[int]]
) -> tuple[Array, Array]:
    """Return variance and third moment of each score as the model has them, ``(column,)``.

    The model's for people who answered both, their own for the others.
    """
    variance, third = np.zeros((2, u.shape[1]))
    known = expected.answered
    for (one, two), columns in place.items():
        both = known[:, one] & known[:, two]
        first, second = expected.columns[one], expected.columns[two]
        grids = [
            (a, b)
            for a in expected.scores[first, expected.score_slices[one]].T
            for b in expected.scores[second, expected.score_slices[two]].T
        ]
        for site in range(len(expected.model_both)):
            mass = squares[both & (expected.site == site)].sum()
            table = expected.table_of_site(site, one, two)
            for at, (a, b) in zip(columns, grids, strict=True):
                left, right = np.append(0.0, a), np.append(0.0, b)
                left = left - table.sum(axis=1) @ left
                right = right - table.sum(axis=0) @ right
                score = np.outer(left, right)
                score -= (table * score).sum()
                variance[at] += mass * (table * score**2).sum()
                third[at] += mass * (table * score**3).sum()
        variance[columns] += squares[~both] @ u[np.ix_(~both, columns)] ** 2
    return variance, third


def scores_of(expected: Expected) -> tuple[Array, dict[tuple[int, int], list[int]]]:
    """Return the score of each product of two nodes' scores, ``(pattern, column)``."""
    scores = expected.scores
    model = expected.model @ scores
    away = expected.answers @ scores - model
    left: list[int] = []
    right: list[int] = []
    place: dict[tuple[int, int], list[int]] = {}
    for pair in expected.pairs:
        first, second = (expected.score_slices[node] for node in pair)
        place[pair] = []
        for a in range(first.start, first.stop):
            for b in range(second.start, second.stop):
                place[pair].append(len(left))
                left.append(a)
                right.append(b)
    u = away[:, left] * away[:, right]
    # Two answers that are both missing go together as the model has it.
    pattern, state, other, covariance = expected.both
    for pair, some in expected.lacking:
        for at in place[pair]:
            one, two = scores[state[some], left[at]], scores[other[some], right[at]]
            u[:, at] += np.bincount(pattern[some], covariance[some] * one * two, len(u))
    for site, joint in enumerate(expected.model_both):
        here = expected.site == site
        together = (scores.T @ joint @ scores)[left, right]
        u[here] -= together - model[here][:, left] * model[here][:, right]
    return u, place


def _row(
    graph: CausalGraph,
    patterns: Patterns,
    expected: Expected,
    tests: _Tests,
    pair: tuple[int, int],
) -> dict[str, object]:
    one, two = (graph.nodes[expected.nodes[node]] for node in pair)
    codes = patterns.codes[:, expected.nodes[list(pair)]]
    observed, predicted = tables_of(expected, patterns.weights, pair)
    gap = observed - predicted
    worst = np.unravel_index(np.abs(gap).argmax(), gap.shape)
    ordered = all(len(node.states) == 2 or not node.nominal for node in (one, two))
    at = np.array(tests.place[pair])
    p = tests.p[at]
    tested = np.isfinite(p)
    first = at[int(np.where(tested, p, np.inf).argmin())]
    error = 1.0 / np.sqrt(tests.variance[first]) if tested.any() else np.nan
    lacks = float(tests.total[first]) * error**2
    reach = float(norm.isf((1.0 - INTERVAL) / 2.0)) * error
    return {
        "node": one.name,
        "other": two.name,
        "joined": two.name in (*graph.parents(one.name), *graph.children(one.name)),
        "people": int(patterns.people[(codes >= 0).all(axis=1)].sum()),
        "observed": gamma(observed) if ordered else np.nan,
        "predicted": gamma(predicted) if ordered else np.nan,
        "log_odds": lacks,
        "low": lacks - reach,
        "high": lacks + reach,
        "points": 100.0 * float(gap[worst]),
        "state": one.states[int(worst[0])],
        "other_state": two.states[int(worst[1])],
        "left": float(tests.left[at].max()),
        "p": min(1.0, tested.sum() * float(np.nanmin(p))) if tested.any() else np.nan,
        "error": error,
    }


def gamma(table: Array) -> float:
    """Return Goodman and Kruskal's gamma of a table of two ordered nodes.

    Examples
    --------
    >>> round(gamma(np.array([[30.0, 10.0], [20.0, 40.0]])), 3)
    0.714
    """
    above = np.cumsum(np.cumsum(table[::-1, ::-1], axis=0), axis=1)[::-1, ::-1]
    beside = np.cumsum(np.cumsum(table[::-1], axis=0), axis=1)[::-1]
    alike = float((table[:-1, :-1] * above[1:, 1:]).sum())
    unlike = float((table[:-1, 1:] * beside[1:, :-1]).sum())
    return (alike - unlike) / (alike + unlike) if alike + unlike > 0 else 0.0


def _judged(rows: pd.DataFrame, level: float, tests: _Tests) -> pd.DataFrame:
    """Adjust p-values for the number of pairs (Holm 1979), and give each its verdict."""
    found = rows.sort_values("p", kind="stable", na_position="last").reset_index(drop=True)
    p = found["p"].to_numpy()
    count = int(np.isfinite(p).sum())
    adjusted = np.full(len(p), np.nan)
    steps = p[:count] * (count - np.arange(count))
    adjusted[:count] = np.minimum(np.maximum.accumulate(steps), 1.0)
    reach = norm.isf(level / max(2 * count, 1)) + norm.ppf(_POWER)
    trusted = tests.parameters <= _ADAPTED * tests.effective
    verdicts = np.where(reach * found.pop("error").to_numpy() <= _NOTICED, "agrees", "too_little")
    verdicts = np.where(adjusted < level, "contradicted", verdicts)
    verdicts = np.where(np.isfinite(p), verdicts, "fitted")
    if not trusted:
        verdicts[:] = "too_little"
    return found.assign(p_adjusted=adjusted, verdict=verdicts)
