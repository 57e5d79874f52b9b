"""What a model claims, held against a survey: the test of each claim, and the verdict in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from backrisk._types import Array
from backrisk.check.answered import departure, pull, unordered
from backrisk.check.moments import Moments, Terms
from backrisk.check.scores import Scores, WithOther
from backrisk.errors import QueryError
from backrisk.graph import CausalGraph, Node
from backrisk.summary import INTERVAL
from backrisk.words import Said, decimal, listed, names_of, percent, say, whole

ERROR = 0.05  # chance that a report calls anything contradicted though the model holds
REPORTS = 2  # independences and residuals of families, which share it
RATIO = 2.0  # the odds ratio, reference to worst, that a test should notice
POWER = 0.8  # with at least this chance, to say that a claim agrees
_PEOPLE = 20.0  # equal contributions that a variance must be carried by, to be normal far out
_INFORMATION = 1.0  # about the log odds ratio: its standard error is at most 1
_LEAST_P = 1e-4  # a smaller p-value is not told more precisely
_SMALL = 1e-3  # a level below which a percentage has no digit for it
_LEFT = 0.01  # of a score's variance that the model's own parameters must leave

# The last three are of tables that were given: whether the numbers in them are right.
Kind = Literal[
    "independence", "other", "report", "interaction", "shape", "level", "effect", "together"
]


@dataclass(frozen=True)
class Claim:
    """One thing that a model says of its nodes.

    Parameters
    ----------
    kind : Kind
    node : str
        Whose residuals are looked at.
    others : tuple of str
        By which node, or which two causes, they should not differ.
    given : tuple of str
        What has to be known for them not to.
    state : str, optional
        The state of the node, where its states have no order; of a level, the state, or the one
        from which on it counts.
    other_state : str, optional
        The state of the other, where it is compared with all others.
    """

    kind: Kind
    node: str
    others: tuple[str, ...]
    given: tuple[str, ...] = ()
    state: str | None = None
    other_state: str | None = None


@dataclass(frozen=True, eq=False)
class Tested:
    """Some claims with what their tests rest on.

    Parameters
    ----------
    claims : tuple of Claim
    moments : Moments
        Of the scores of omitted parameters.
    departure : Moments
        Of the difference, as a share, in how often the node is away from its reference, between
        the groups that are compared, beyond what the model predicts.
    predicted : DataFrame
        Observed and predicted shares by group; see `Verdicts.predicted`.
    """

    claims: tuple[Claim, ...]
    moments: Moments
    departure: Moments
    predicted: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The claims of a model with their verdicts.

    Parameters
    ----------
    table : DataFrame
        One row a claim, the least probable first. ``claim``: in words. ``kind``, ``node``,
        ``others``, ``given``: its parts. ``points``, ``low``, ``high``: how far the difference in
        the share of people with the node away from its reference, between the worst and the
        reference state of the other, is from what the model predicts, in percentage points, with
        its interval. ``odds_ratio``: the omitted effect, reference to worst, in one step from
        none. ``z``, ``p``: the efficient score in standard errors, and its two-sided p-value.
        ``adjusted``: the p-value over all claims of both reports. ``power``: the chance that an
        odds ratio of 2 would be called contradicted in a survey like this one. ``verdict``.
    predicted : DataFrame
        What the survey shows beside what the model predicts, by group. ``node``, ``by``: in words.
        ``people``: how many, missing answers counted by their probabilities. ``observed``: the
        share of them with the node away from its reference. ``predicted``: the model's, for the
        same people's other answers; ``low``, ``high``: where the observed share lies in 90 of 100
        surveys if the model holds. ``points``: the difference, in percentage points.
    text : str
    """

    table: pd.DataFrame
    predicted: pd.DataFrame
    text: str = field(repr=False)

    @property
    def contradicted(self) -> pd.DataFrame:
        """The claims that the survey contradicts."""
        return self.table[self.table["verdict"] == say("check.verdict.contradicted")]


def holm(p: Array) -> Array:
    """Return p-values adjusted for how many there are (Holm 1979, jstor.org/stable/4615733).

    Whatever the tests have to do with each other, the chance that any true claim is contradicted
    is at most the level; and no claim fares worse than under Bonferroni's correction.

    Parameters
    ----------
    p : ndarray, shape (test,)

    Returns
    -------
    ndarray, shape (test,)

    Examples
    --------
    >>> holm(np.array([0.01, 0.5, 0.02])).tolist()
    [0.03, 0.5, 0.04]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty_like(p)
    found[order] = np.minimum(stepped, 1.0)
    return found


def demand_level(level: float) -> None:
    """Refuse what is no chance of a false alarm.

    Raises
    ------
    QueryError
    """
    if not 0.0 < level < 1.0:
        raise QueryError(say("check.outcome.level", level=level))


def judged(
    graph: CausalGraph, tested: Sequence[Tested], title: str, level: float = ERROR
) -> Verdicts:
    """Give each claim its verdict.

    Parameters
    ----------
    graph : CausalGraph
    tested : sequence of Tested
    title : str
        The key of the sentence that says what was tested.
    level : float
        The chance that this report and its companion contradict a model that holds; half of it
        is this report's, which is less than one.
    """
    claims = [claim for each in tested for claim in each.claims]
    moments = Moments.joined([each.moments for each in tested])
    departures = Moments.joined([each.departure for each in tested])
    sound = (
        (moments.people >= _PEOPLE)
        & (moments.information >= _INFORMATION)
        & (moments.left >= _LEFT)
    )
    p = np.where(sound, 2.0 * norm.sf(np.abs(moments.z)), np.nan)
    adjusted = np.full(len(p), np.nan)
    adjusted[sound] = holm(p[sound])
    against = adjusted < level / REPORTS
    adjusted = np.minimum(REPORTS * adjusted, 1.0)
    strict = norm.isf(level / (2 * REPORTS * max(int(sound.sum()), 1)))
    power = np.where(sound, norm.cdf(np.log(RATIO) * moments.error - strict), 0.0)
    keys = np.where(against, "contradicted", np.where(power < POWER, "too_little", "agrees"))
    verdicts = [_verdict(key) for key in keys.tolist()]
    reach = norm.isf((1.0 - INTERVAL) / 2.0) * departures.error
    step = moments.score / np.maximum(moments.information, np.finfo(float).tiny)
    table = pd.DataFrame(
        {
            "claim": [sentence(graph, claim) for claim in claims],
            "kind": [claim.kind for claim in claims],
            "node": [claim.node for claim in claims],
            "others": [", ".join(claim.others) for claim in claims],
            "given": [", ".join(claim.given) for claim in claims],
            "points": 100 * departures.score,
            "low": 100 * (departures.score - reach),
            "high": 100 * (departures.score + reach),
            "odds_ratio": np.where(sound, np.exp(np.clip(step, -10.0, 10.0)), np.nan),
            "z": np.where(sound, moments.z, np.nan),
            "p": p,
            "adjusted": adjusted,
            "power": power,
            "verdict": verdicts,
        }
    )
    rows = table.to_dict("records")
    order = np.lexsort([-power, np.nan_to_num(p, nan=2.0)])
    table = table.iloc[order].reset_index(drop=True)
    shown = [each.predicted for each in tested if len(each.predicted)]
    predicted = pd.concat(shown, ignore_index=True) if shown else no_rows()
    counts = {key: int((keys == key).sum()) for key in ("contradicted", "agrees", "too_little")}
    lines = [say(title, count=len(claims), **{k: whole(v) for k, v in counts.items()})]
    for at in order[against[order]]:
        row = rows[at]
        small = float(row["adjusted"]) < _LEAST_P
        p_value = decimal(max(float(row["adjusted"]), _LEAST_P), 4)
        about = {
            "claim": row["claim"],
            "points": decimal(float(row["points"]), 1, sign=True),
            "low": decimal(float(row["low"]), 1, sign=True),
            "high": decimal(float(row["high"]), 1, sign=True),
            "event": _event(graph, claims[at]),
            "ratio": decimal(float(row["odds_ratio"]), 1),
            "p": f"<{p_value}" if small else p_value,
        }
        lines.append(say("check.claims.contradicted", **about))
    if len(claims):
        told = {"error": chance(level), "ratio": decimal(RATIO, 0), "power": percent(POWER)}
        lines.append(say("check.claims.how", **told))
    return Verdicts(table, predicted, "\n".join(lines))


def chance(level: float) -> str:
    """Return a level in words, however small it is."""
    held = min(level, 1.0)
    return percent(held) if held >= _SMALL else say("phrases.percent", number=f"{100 * held:.0e}")


def _verdict(key: str) -> Said:
    return {
        "contradicted": say("check.verdict.contradicted"),
        "agrees": say("check.verdict.agrees"),
        "too_little": say("check.verdict.too_little"),
    }[key]


def sentence(graph: CausalGraph, claim: Claim) -> Said:
    """Return a claim in words."""
    names = names_of(graph)
    node = names.node(claim.node)
    if claim.state is not None:
        node = names.pair(claim.node, claim.state)
    if claim.kind == "level":
        return say("check.claims.level", event=_event(graph, claim))
    others = [names.node(other) for other in claim.others]
    if claim.other_state is not None:
        others[0] = names.pair(claim.others[0], claim.other_state)
    about = {"node": node, "other": others[0], "second": others[-1]}
    if claim.given:
        about["given"] = listed([names.node(each) for each in claim.given])
    elif claim.kind == "independence":
        return say("check.claims.alone", **about)
    return say(f"check.claims.{claim.kind}", **about)


def _event(graph: CausalGraph, claim: Claim) -> str:
    """Return of which event a claim's difference in shares is told."""
    names, node = names_of(graph), graph.node(claim.node)
    if claim.kind != "level" or claim.state is None:
        return str(names.event(node.name, node.states, 1))
    if unordered(node):
        return str(names.pair(node.name, claim.state))
    return str(names.event(node.name, node.states, node.code(claim.state)))


def contrasts(node: Node) -> list[tuple[str | None, Array]]:
    """Return what about another node is looked at: its order, or each state of those without one.

    Returns
    -------
    list of (state or None, ndarray of shape (state,))
        From 0 to 1: how far from the reference it is.
    """
    if unordered(node):
        each = np.eye(len(node.states))
        return [(node.states[at], each[at]) for at in range(1, len(node.states))]
    return [(None, np.linspace(0.0, 1.0, len(node.states)))]


def by_other(scores: Scores, other: str, asked: Sequence[Claim]) -> list[Tested]:
    """Test claims that residuals of nodes do not go with one other node.

    Parameters
    ----------
    scores : Scores
    other : str
        A node that somebody answered for, no descendant of the nodes of the claims.
    asked : sequence of Claim
        One for each node, of whatever state.
    """
    together = scores.with_other(other, [claim.node for claim in asked])
    return [
        _by_other(scores, claim, scores.graph.node(other), together[claim.node]) for claim in asked
    ]


def _by_other(scores: Scores, asked: Claim, other: Node, found: WithOther) -> Tested:
    graph, node = scores.graph, scores.graph.node(asked.node)
    people = scores.people(found.present)
    count_of = scores.people(found.risk) + scores.people(found.away)
    some = np.where(people > 0, people, np.inf)
    states: tuple[str | None, ...] = node.states[1:] if unordered(node) else (None,)
    claims: list[Claim] = []
    along: list[Array] = []
    gaps: list[Array] = []
    for state, line in contrasts(other):
        worst = line == line.max()
        best = ~worst if state is not None else line == line.min()
        shares_of = [
            np.where(these, 1.0, 0.0) / (float(people[these].sum()) or np.inf)
            for these in (worst, best)
        ]
        for each in states:
            claims.append(replace(asked, state=each, other_state=state))
            along.append(line)
            gaps.append(shares_of[0] - shares_of[1])
    lines, means = np.array(along), np.concatenate([np.array(gaps), np.diag(1.0 / some)])
    direction = np.arange(len(claims)) % len(states)
    away: list[Array] = []
    pulls: list[Array] = []
    for told, chance in zip(scores.told, found.chance, strict=True):
        family = told.family(node.name)
        own = pull(node, family.table)[family.known_row][..., direction]
        pulls.append(own * (chance @ lines.T)[:, None])
        away.append(
            departure(family.table)[family.known_row][..., None] * (chance @ means.T)[:, None]
        )
    pulled = (found.pulls[:, direction] * lines).sum(axis=2)
    moments = scores.moments(Terms(node.name, pulled, pulls))
    differ = scores.moments(Terms(node.name, found.away @ means.T, away))
    rows = [
        (((other.name, label),), count, share)
        for label, count, share in zip(other.states, people, count_of / some, strict=True)
    ]
    return Tested(
        tuple(claims),
        moments,
        differ.part(slice(0, len(claims))),
        shares(graph, node.name, rows, differ.part(slice(len(claims), None))),
    )


def shares(
    graph: CausalGraph,
    node: str,
    rows: Sequence[tuple[tuple[tuple[str, str], ...], float, float]],
    bands: Moments,
) -> pd.DataFrame:
    """Return observed and predicted shares of a node; see `Verdicts.predicted`.

    Parameters
    ----------
    graph : CausalGraph
    node : str
    rows : sequence of (group, people, observed share)
        A group is by which nodes it is in which states.
    bands : Moments
        Of the difference between observed and predicted share.
    """
    names = names_of(graph)
    reach = norm.isf((1.0 - INTERVAL) / 2.0) * bands.error
    found = [
        {
            "node": node,
            "by": listed([names.pair(*each) for each in group]),
            "people": people,
            "observed": share,
            "predicted": min(max(share - off, 0.0), 1.0),
            "low": min(max(share - off - most, 0.0), 1.0),
            "high": min(max(share - off + most, 0.0), 1.0),
            "points": 100 * off,
        }
        for (group, people, share), off, most in zip(
            rows, bands.score.tolist(), reach.tolist(), strict=True
        )
        if people > 0
    ]
    return pd.DataFrame(found, columns=list(_COLUMNS))


_COLUMNS = ("node", "by", "people", "observed", "predicted", "low", "high", "points")


def no_rows() -> pd.DataFrame:
    """Return the shares of no group."""
    return pd.DataFrame(columns=list(_COLUMNS))


def pairs(graph: CausalGraph) -> Iterator[tuple[str, str]]:
    """Yield every two nodes without an edge between them: whose residuals are looked at, by which.

    The second is no descendant of the first, which therefore does not depend on it given its
    causes (the local Markov property). An answer, which nothing depends on, comes first.
    """
    order = {name: at for at, name in enumerate(graph.topological)}
    for later in graph.topological:
        near = {*graph.parents(later), *graph.children(later)}
        for earlier in graph.topological[: order[later]]:
            if earlier in near:
                continue
            swap = earlier in graph.items and later not in graph.items
            yield (earlier, later) if swap else (later, earlier)
