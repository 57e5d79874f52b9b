"""What an attribution shows: its table and its sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.queries.answer import Answer, row_name
from backrisk.queries.attribution.causes import GAMES, players_of, reported_adverse
from backrisk.queries.attribution.necessity import at_least, limits, uninformative
from backrisk.queries.attribution.pathways import direct_route
from backrisk.queries.paths import Studied, downstream
from backrisk.queries.support import Support
from backrisk.queries.wording import evidence_words, support_words
from backrisk.summary import DIGITS, SURE, Estimate, interval, largest, summarise
from backrisk.words import TOGETHER, estimate, listed, percent, points, say

_TOLD = 6  # causes that sentences tell of; the table holds all
_WAYS = 3  # chains that are told one by one
_SEEN = 0.0005  # a mean below it rounds to no tenth of a point


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Answer):
    """What causes account for; ``draws`` is ``(draw, cause)`` in the order of ``causes``.

    Parameters
    ----------
    causes : tuple of str
        Nodes; sets of nodes as ``"a + b"``; for ``pathways`` the routes.
    method : str
    grades : tuple of str
        Of the weakest edge on each cause's strongest path to the target; of a set, the worst.
    studied : tuple of Studied
        How well the effect of each cause as a whole was studied, by whatever path.
    support : Support
        Of each number, how far the data narrowed it, what moves it, and what nobody measured.
    coupling : str, optional
        How the noise of each node is shared between two worlds, where there are two.
    baseline : str, optional
        For ``shapley``: ``healthy`` or ``average``, what the risk is compared with.
    bounds : pair of ndarray, each (draw, cause), optional
        Limits that need no coupling.
    effects : ndarray, shape (draw, cause), optional
        What the cause does to the probability of the target in someone like this; its sign tells
        a cause from none. For a game, the shares themselves; for ``necessity`` what being as the
        person is does, against the reference; none for ``diagnostic``.
    total : ndarray, shape (draw,), optional
        For ``shapley`` and ``pathways``: the difference in risk that the shares sum to.
    before : ndarray, shape (draw, cause), optional
        For ``diagnostic``: the probability without any answer.
    error : ndarray, shape (cause,), optional
        Monte Carlo standard error of the means, where the orders of a game were sampled.
    evaluations : int
        How many second worlds were sampled for each draw; 0 where all is exact.
    level : str, optional
        The causes that `table` and the sentences show together; all of them by default.
    shown : tuple of str, optional
        Those causes; by default all.
    """

    causes: tuple[str, ...]
    method: str
    grades: tuple[str, ...]
    studied: tuple[Studied, ...]
    support: Support
    coupling: str | None = None
    baseline: str | None = None
    bounds: tuple[Array, Array] | None = None
    effects: Array | None = None
    total: Array | None = None
    before: Array | None = None
    error: Array | None = None
    evaluations: int = 0
    shown: tuple[str, ...] | None = None

    @property
    def leading(self) -> Array | None:
        """The probability of each cause having the largest share, ``(cause,)``; for ``shapley``.

        None leads where no share is above 0; equal shares lead together. Other methods have
        none: what they give overlaps along a chain of causes, so that ranks mean nothing.
        """
        return largest(self.draws, above=0.0) if self.method == "shapley" else None

    @property
    def p_effect(self) -> Array | None:
        """The probability of an effect above zero, ``(cause,)``."""
        return None if self.effects is None else (self.effects.round(DIGITS) > 0).mean(axis=0)

    @property
    def signs(self) -> tuple[int, ...]:
        """Of each cause, 1 or -1 where its effect can be told to raise or lower the risk, else 0.

        An effect is told apart from zero where its sign has a probability of 0.95 or more: its
        equal-tailed 90 % interval then lies on one side. For ``diagnostic`` nothing is told.
        """
        if self.effects is None:
            return (0,) * len(self.causes)
        rounded = self.effects.round(DIGITS)
        above, below = ((side > 0).mean(axis=0) >= SURE for side in (rounded, -rounded))
        return tuple((above.astype(int) - below).tolist())

    @property
    def playing(self) -> NDArray[np.bool_]:
        """Which causes have any effect in any draw, or none is judged, ``(cause,)``."""
        if self.effects is None:
            return np.ones(len(self.causes), dtype=bool)
        some: NDArray[np.bool_] = self.effects.round(DIGITS).any(axis=0)
        return some

    @property
    def told(self) -> NDArray[np.bool_]:
        """Which causes sentences tell of as causes, ``(cause,)``.

        Those whose effect has a sign, where one is judged, and whose number does not round to
        nothing. A probability of causation is told only where the effect raises the risk: the
        other way it asks about something that the cause prevents.
        """
        if self.effects is None:
            return np.ones(len(self.causes), dtype=bool)
        signs = np.array(self.signs)
        some = signs != 0 if self.method in GAMES else signs > 0
        told: NDArray[np.bool_] = some & (np.abs(self.draws.mean(axis=0)) >= _SEEN)
        return told

    @property
    def kept(self) -> tuple[str, ...]:
        """The traits that the baseline shares with the person, causes first."""
        above = self.graph.ancestors(self.target.node)
        return tuple(name for name in self.graph.playing("traits") if name in above)

    @property
    def measure(self) -> str:
        """What the means of `table` are, in words of the command line."""
        return "share_of_risk" if self.method in GAMES else "mean"

    def in_points(self, name: str) -> bool:
        """Return whether a row's number is a difference of probabilities."""
        return self.method in GAMES

    @property
    def limits(self) -> tuple[Array, Array] | None:
        """What is sure without a coupling: the bounds' low and high ends, each ``(cause,)``."""
        return self.bounds and limits(self.bounds)

    @property
    def at_least(self) -> NDArray[np.bool_]:
        """Which shares are their lower bound in every draw, ``(cause,)``: none gives less."""
        if self.bounds is None:
            return np.zeros(len(self.causes), dtype=bool)
        return at_least(self.draws, self.bounds)

    @property
    def uninformative(self) -> NDArray[np.bool_]:
        """Which shares rest on the coupling alone, ``(cause,)``: bounds leave 0 to 100 % open."""
        if self.bounds is None:
            return np.zeros(len(self.causes), dtype=bool)
        return uninformative(self.bounds)

    @property
    def table(self) -> pd.DataFrame:
        """One row a cause that is shown.

        Shares and routes, and what is likely, stand with the largest mean first. Probabilities of
        causation stand in the order of the graph, causes before effects: they overlap along a
        chain, so that their sizes rank nothing. ``p_effect`` is the probability of an effect above
        zero; ``grade`` that of the path, ``total_grade`` that of the published effect as a whole
        (empty if it was not studied) on ``total_outcome`` (empty if on the target). Neither grade
        nor support stands beside a number whose bounds exclude nothing.
        """
        table = summarise(self.draws, self.causes)
        table.insert(0, "state", [self._state(cause) for cause in self.causes])
        if (chances := self.p_effect) is not None:
            table["p_effect"] = chances
        if (leading := self.leading) is not None:
            table["leading"] = leading
        if self.error is not None:
            table["monte_carlo_error"] = self.error
        if self.bounds is not None:
            table["at_least"] = self.at_least
            table["lower_bound"] = self.bounds[0].mean(axis=0)
            table["lower_bound_low"] = interval(self.bounds[0])[0]
            table["upper_bound"] = self.bounds[1].mean(axis=0)
            table["upper_bound_high"] = interval(self.bounds[1])[1]
        if self.before is not None:
            table["without_answers"] = self.before.mean(axis=0)
        blank = self.uninformative
        known = {
            "grade": self.grades,
            "total_grade": [each.grade for each in self.studied],
            "total_outcome": [each.outcome for each in self.studied],
        }
        for name, words in known.items():
            table[name] = np.where(blank, "", words)
        for name, facts in self.support.columns().items():
            shut = [None if none else fact for none, fact in zip(blank, facts, strict=True)]
            table[name] = pd.Series(shut, index=table.index, dtype=object).infer_objects()
        if self.method in GAMES or self.before is not None:
            table = table.sort_values("mean", ascending=False, kind="stable")
        return table if self.shown is None else table.loc[table.index.isin(self.shown)]

    def _state(self, cause: str) -> str:
        if cause == direct_route(self.target.node):
            return ""
        unreported = row_name("not_reported")
        return TOGETHER.join(self.evidence.get(n, unreported) for n in cause.split(TOGETHER))

    def row_label(self, name: str) -> str:
        """Return how a person reads the name of a row of `table`."""
        if name == direct_route(self.target.node):
            return say("queries.rows.straight", target=self.names.node(self.target.node))
        return self.names.node(name)

    def state_label(self, name: str) -> str:
        """Return a cause with the person's state of it, as a list shows it."""
        if name == direct_route(self.target.node):
            return self.row_label(name)
        nodes = name.split(TOGETHER)
        unreported = say("queries.rows.not_reported")
        states = TOGETHER.join(
            self.names.state(node, self.evidence[node]) if node in self.evidence else unreported
            for node in nodes
        )
        return say("phrases.pair", node=self.row_label(name), state=states)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values: the JSON that the command line prints.

        Beside what every answer has: ``method``, ``baseline`` and ``total`` (mean and interval;
        None where there is none), and of each row its ``sign`` (see `signs`), whether it is
        `playing` and `uninformative`, and its ``evidence`` and ``support`` in words.
        """
        found = super().to_dict()
        total = None if self.total is None else asdict(Estimate.of(self.total))
        rows = [{**row, **self._worded(row["name"])} for row in found["rows"]]
        return {
            **found,
            "method": self.method,
            "baseline": self.baseline,
            "total": total,
            "rows": rows,
        }

    def _worded(self, cause: str) -> dict[str, Any]:
        row = self.causes.index(cause)
        blank = bool(self.uninformative[row])
        told = {"sign": self.signs[row], "playing": bool(self.playing[row]), "uninformative": blank}
        if blank:
            return {**told, "evidence": "", "support": []}
        return {
            **told,
            "evidence": evidence_words(self.names, self.grades[row], self.studied[row]),
            "support": support_words(self.names, self.support, row),
        }

    def sentences(self) -> list[str]:
        """Return what the answer says: of causes whose effect can be told apart from zero."""
        said: list[str] = []
        if self.total is not None:
            said += self._compared(self.total)
        told = self._told
        said += [self._sentence(row) for row in told[:_TOLD]]
        if (left := len(told) - _TOLD) > 0:
            said.append(say("queries.attribute.more", count=left, n=left))
        return said + self.asides()

    def _compared(self, draws: Array) -> list[str]:
        """Say what the numbers sum to: the person's risk, less which other one."""
        words = {"target": self.target.label, "total": points(draws)}
        if self.method != "shapley":
            return [say("queries.attribute.pathways.total", **words)]
        credited = say("queries.attribute.shapley.credited")
        traits = list(map(self.names.node, self.kept))
        below = downstream(self.graph, self.target.node)
        if set(self.causes) != set(players_of(self.graph, self.target)):
            kind, words["causes"] = "named", listed(map(self.row_label, self.causes))
        elif not below.isdisjoint(self.evidence):
            # What is reported of the outcome tells of its own noise, which the baseline shares.
            kind, words["node"] = "reported", self.names.node(self.target.node)
            words["kept"] = listed([*traits, say("queries.attribute.shapley.chance")])
        else:
            kind, words["alike"] = "asked", ""
            if traits:
                alike = f"queries.attribute.shapley.alike.{self.baseline}"
                words["alike"] = say(alike, traits=listed(traits))
        key = f"queries.attribute.shapley.total.{kind}.{self.baseline}"
        return [say(key, **words), credited]

    @cached_property
    def _rows(self) -> list[int]:
        return [self.causes.index(str(cause)) for cause in self.table.index]

    @property
    def _told(self) -> list[int]:
        """The causes that are shown and told of, by their places."""
        return [row for row in self._rows if self.told[row]]

    def asides(self) -> list[str]:
        """Return which causes lie on one chain, and which have no effect to be told of."""
        said: list[str] = []
        if self.method == "necessity" and self._at_best:
            said.append(say("queries.consult.took.healthy"))
        if self.bounds is not None:
            said += self._chained()
        if self.method == "shapley":
            said += self._inferred()
        if self.effects is not None:
            unclear = [row for row in self._rows if self.playing[row] and not self.signs[row]]
            signed = [row for row in self._rows if self.signs[row] and not self.told[row]]
            other_way = [row for row in signed if self.method not in GAMES and self.signs[row] < 0]
            slight = [row for row in signed if row not in other_way]
            for kind, rows in (("unclear", unclear), ("other_way", other_way), ("slight", slight)):
                if rows:
                    nodes = listed(self.row_label(self.causes[row]) for row in rows)
                    said.append(say(f"queries.attribute.{kind}", nodes=nodes))
        return said

    def _inferred(self) -> list[str]:
        """Say which causes that are told of were inferred, with the outcome among what is known."""
        causes = [self.causes[row] for row in self._told if self.causes[row] not in self.evidence]
        if not causes or self.target.node not in self.evidence:
            return []
        return [say("queries.attribute.inferred", nodes=listed(map(self.row_label, causes)))]

    @property
    def _at_best(self) -> bool:
        """Whether causes were reported and none of them, nor a sign of one, is adverse."""
        codes = {
            name: self.graph.node(name).states.index(state) for name, state in self.evidence.items()
        }
        asked = set(codes).intersection(players_of(self.graph, self.target))
        return bool(asked) and not reported_adverse(self.graph, codes, self.target)

    def _chained(self) -> list[str]:
        """Say which of the causes told of lie on the way from others of them."""
        single = [self.causes[row] for row in self._told if TOGETHER not in self.causes[row]]
        above = {name: self.graph.ancestors(name) & set(single) for name in single}
        ways = {name: causes for name, causes in above.items() if causes}
        if not ways:
            return []
        nodes = listed(map(self.names.node, ways))
        if len(ways) > _WAYS:
            return [say("queries.attribute.chains", nodes=nodes)]
        told = (
            say(
                "queries.attribute.way",
                node=self.names.node(name),
                causes=listed(self.names.node(cause) for cause in single if cause in causes),
            )
            for name, causes in ways.items()
        )
        return [say("queries.attribute.chain", ways=listed(told))]

    def _worded_cause(self, node: str) -> str:
        """Word a cause with the person's state of it, where that is reported."""
        if node in self.evidence:
            return self.names.phrase(node, self.evidence[node])
        return self.names.node(node)

    def _sentence(self, row: int) -> str:
        cause, draws = self.causes[row], self.draws[:, row]
        nodes = cause.split(TOGETHER)
        straight = cause == direct_route(self.target.node)
        words: dict[str, str] = {
            "target": self.target.label,
            "share": points(draws) if self.method in GAMES else estimate(draws),
            "evidence": evidence_words(self.names, self.grades[row], self.studied[row]),
            "nodes": "" if straight else listed(map(self.row_label, nodes)),
        }
        kind = "straight" if straight else "cause"
        if (leading := self.leading) is not None:
            words["leading"] = percent(float(leading[row]))
            words["causes"] = listed(map(self._worded_cause, nodes))
            if self.signs[row] < 0:
                kind = "protects"
            elif row == int(self.draws.mean(axis=0).argmax()):
                kind = "first"
        if self.limits is not None:
            low, high = (percent(float(end[row])) for end in self.limits)
            words["limits"] = say("queries.attribute.limits", low=low, high=high)
            if self.uninformative[row]:
                kind = "open"
            elif self.at_least[row]:
                kind = "at_least"
        return say(f"queries.attribute.{self.method}.{kind}", **words)
