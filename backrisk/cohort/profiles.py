"""The columns of a scored file: what is asked of everyone, answered for many profiles at once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.inference import Kept
from backrisk.posterior import Posterior
from backrisk.queries import (
    Departures,
    Target,
    attribute,
    check_coupling,
    downstream,
    possible,
    probabilities,
    read_target,
    recommend,
)
from backrisk.summary import interval, largest
from backrisk.words import ENGLISH, language

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.int32]

SHARE_DRAWS = 48  # draws that shares are worked out for
_THREADS = min(os.cpu_count() or 1, 4)
_A_THREAD = 4  # groups of people that one thread has at least, as far as there are people
_DRAWS = 2**18  # held at once, of all actions or all causes
_LEAST = 128  # people at once, however many draws
_SEARCH = 0  # a plan serves few people of few draws: a better one would take longer to find
_ROUNDING = 1e-12  # that sums leave where a share is exactly zero


def flag(name: str, **values: str) -> str:
    """Return a flag of a scored row.

    In English whatever is spoken: files are filtered by it.

    Examples
    --------
    >>> flag("refused", column="sex")
    'refused: sex'
    """
    return str(language(ENGLISH).raw(f"cohort.flags.{name}")).format(**values)


@dataclass(frozen=True)
class Questions:
    """What is asked about everyone.

    Parameters
    ----------
    target : Target
    causes : tuple of str
        That share the excess risk; none where shares are not asked for.
    actions : tuple of str
    settings : tuple of mapping of node to state code
        What each action sets.
    coupling : str
    """

    target: Target
    causes: tuple[str, ...]
    actions: tuple[str, ...]
    settings: tuple[Mapping[str, int], ...]
    coupling: str

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        target: str | None,
        causes: str | Sequence[str] | None,
        level: Any,
        actions: str | Sequence[str] | None,
        coupling: str,
        *,
        shares: bool,
    ) -> Questions:
        """Read and check them, as the questions about one person do.

        Without `shares`, causes are read and checked, and nothing is asked about them.

        Raises
        ------
        QueryError
            If the target, a cause, an action or the coupling is not understood.
        """
        graph = posterior.graph
        check_coupling(coupling)
        event = read_target(graph, target)
        few = posterior.subset(2)
        split = attribute(few, {}, causes, method="shapley", level=level, target=target)
        advice = recommend(few, {}, actions=actions, target=target, coupling=coupling)
        settings = tuple(
            {node: graph.node(node).states.index(state) for node, state in setting.items()}
            for setting in advice.settings
        )
        named = split.causes if shares else ()
        return cls(event, named, advice.actions, settings, coupling)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of the answers, and the kinds of their values."""
        ends = ("", "_low", "_high")
        leading = {
            "leading_cause": "string",
            "leading_probability": "double",
            "shares_sampled": "boolean",
        }
        return {
            **{f"risk{end}": "double" for end in ends},
            "reported": "string",
            **(leading if self.causes else {}),
            **{f"share_{cause}{end}": "double" for cause in self.causes for end in ends},
            "best_action": "string",
            "best_probability": "double",
            **{f"reduction{end}": "double" for end in ends},
            "flags": "string",
        }


def arrow_fields(columns: Mapping[str, str]) -> list[pa.Field]:
    """Return columns of the answers as Arrow has them.

    Parameters
    ----------
    columns : mapping of str to {"double", "string", "boolean"}
        As `Questions.columns` names the kinds of their values, and Spark too.
    """
    import pyarrow as pa

    kinds = {"double": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
    return [pa.field(name, kinds[kind]) for name, kind in columns.items()]


def answer(
    posterior: Posterior,
    asked: Questions,
    codes: Codes,
    tell: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Answer for people given as codes.

    Parameters
    ----------
    posterior : Posterior
    asked : Questions
    codes : ndarray of int, shape (person, node)
        -1 where not seen.
    tell : callable
        Is told of people who are done: how many.

    Returns
    -------
    dict
        A value for each person, by column.
    """
    graph, target, people = posterior.graph, asked.target, len(codes)
    reported = codes[:, graph.names.index(target.node)]
    apart = [graph.names.index(name) for name in downstream(graph, target.node)]
    before = codes.copy()
    before[:, apart] = -1
    choices = max(len(asked.actions), len(asked.causes), 1)
    size = max(_LEAST, _DRAWS // (posterior.draws * choices))
    order = np.arange(people)
    if asked.causes:  # people of one plan follow each other
        order = np.lexsort(_plan_of(graph, before, asked.causes).T)
    parts = []
    for start in range(0, people, size):
        some = order[start : start + size]
        parts.append(_answer_some(posterior, asked, codes[some], before[some]))
        tell(len(some))
    place = np.argsort(order)
    found: dict[str, Any] = {}
    for name in parts[0]:
        values = [value for part in parts for value in part[name]]
        found[name] = [values[k] for k in place]
    states = graph.node(target.node).states
    found["reported"] = [states[code] if code >= 0 else None for code in reported]
    always = [flag("warned")] if posterior.diagnostics.warnings else []
    always += [flag("contradicted")] if posterior.diagnostics.contradicted else []
    flags = []
    for row, risk in zip(codes, found["risk"], strict=True):
        said = [flag("contradict")] if risk is None else []
        said += [flag("silent")] if (row < 0).all() else []
        flags.append("; ".join([*said, *always]))
    return {**found, "flags": flags}


def _plan_of(graph: CausalGraph, codes: Codes, causes: Sequence[str]) -> Codes:
    """Return what the plan of a person's shares depends on, ``(person, node)``.

    It is what was answered, and which of the causes are at their reference.
    """
    return np.where(np.isin(graph.names, causes), np.minimum(codes, 1), np.minimum(codes, 0))


def _answer_some(
    posterior: Posterior, asked: Questions, codes: Codes, before: Codes
) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}

    def put(name: str, draws: Array) -> None:
        """Keep mean and interval over the last axis."""
        for end, values in zip(("", "_low", "_high"), (draws.mean(-1), *_ends(draws)), strict=True):
            found[f"{name}{end}"] = _plain(values)

    risk = probabilities(posterior, before, asked.target, strict=False)
    risk[~possible(posterior, codes)] = np.nan
    put("risk", risk)
    known = ~np.isnan(risk).any(axis=1)
    if asked.causes:
        shares = np.full((len(codes), len(asked.causes), min(SHARE_DRAWS, risk.shape[1])), np.nan)
        drawn = np.full(len(codes), None, object)  # nothing is said of who has no shares
        if known.any():
            shares[known], drawn[known] = shares_of(
                posterior, before[known], asked.causes, asked.target
            )
        for k, cause in enumerate(asked.causes):
            put(f"share_{cause}", shares[:, k])
        first, often = _leading(shares)
        found["leading_cause"] = [asked.causes[k] if k >= 0 else None for k in first]
        found["leading_probability"] = _plain(often)
        found["shares_sampled"] = drawn.tolist()

    people = len(codes)
    reduction = np.full((people, len(asked.actions), risk.shape[1]), np.nan)
    for k, setting in enumerate(asked.settings):
        places = [posterior.graph.names.index(node) for node in setting]
        left = np.flatnonzero((before[:, places] != list(setting.values())).any(axis=1))
        after = probabilities(
            posterior, before[left], asked.target, setting, asked.coupling, strict=False
        )
        reduction[left, k] = risk[left] - after
    best, often = _leading(reduction, above=-np.inf)
    found["best_action"] = [asked.actions[k] if k >= 0 else None for k in best]
    found["best_probability"] = _plain(often)
    put("reduction", reduction[np.arange(people), best])
    for name in ("reduction", "reduction_low", "reduction_high"):
        found[name] = [
            value if k >= 0 else None for value, k in zip(found[name], best, strict=True)
        ]
    return found


def _ends(draws: Array) -> tuple[Array, Array]:
    return interval(np.moveaxis(draws, -1, 0))


def _plain(values: Array) -> list[float | None]:
    """Return numbers for a file: none where there is none, and no rounding where there is zero."""
    return [
        None if value != value else 0.0 if abs(value) < _ROUNDING else float(value)
        for value in values
    ]


def _leading(draws: Array, above: float = 0.0) -> tuple[NDArray[np.intp], Array]:
    """Return the choice of largest mean and how often it is the largest.

    It is -1 where no mean is above 0 by more than rounding.

    Parameters
    ----------
    draws : ndarray, shape (person, choice, draw)
        NaN where a person has not this choice.
    above : float
        What the largest of a draw must exceed to count.
    """
    filled = np.where(np.isnan(draws), -np.inf, draws)
    mean = filled.mean(axis=-1)
    first = mean.argmax(axis=1)
    often = np.take_along_axis(largest(filled.swapaxes(1, 2), above), first[:, None], axis=1)[:, 0]
    none = ~(mean.max(axis=1) > _ROUNDING)
    return np.where(none, -1, first), np.where(none, np.nan, often)


def shares_of(
    posterior: Posterior, codes: Codes, causes: Sequence[str], target: Target
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the Shapley shares of many people: ``attribute(method="shapley")`` for each.

    Parameters
    ----------
    posterior : Posterior
    codes : ndarray of int, shape (person, node)
        -1 where not seen. No one's answers contradict each other.
    causes : sequence of str
    target : Target

    Returns
    -------
    shares : ndarray, shape (person, cause, draw)
        Of at most `SHARE_DRAWS` draws, each to a hundredth of a percentage point or so; sampled
        where exact sums would be too large, with means to some tenths of a percentage point.
    sampled : ndarray of bool, shape (person,)
        Whose are: by causes that join in random orders, as `backrisk.attribute` samples them.
    """
    few = posterior.subset(SHARE_DRAWS)
    names, kept = posterior.graph.names, Kept()

    def shares(rows: Codes) -> tuple[Array, NDArray[np.bool_]]:
        """Return those of people who have one plan."""
        people = ({n: int(k) for n, k in zip(names, row, strict=True) if k >= 0} for row in rows)
        game = Departures(few, next(people), causes, target, search=_SEARCH, kept=kept)
        games = itertools.chain([game], map(game.another, people))
        played = [each.shares(quick=True) for each in games]
        return (
            np.stack([each.draws.T for each in played]),
            np.array([each.error is not None for each in played]),
        )

    plans = _plan_of(posterior.graph, codes, causes)
    order = np.lexsort(plans.T)
    plans = plans[order]
    new = np.concatenate([[True], (plans[1:] != plans[:-1]).any(axis=1)])
    new[:: -(-len(codes) // (_A_THREAD * _THREADS))] = True  # a large group is shared out
    groups = np.split(codes[order], np.flatnonzero(new)[1:])
    with ThreadPoolExecutor(_THREADS) as threads:  # NumPy lets go of Python's lock
        found, sampled = map(np.concatenate, zip(*threads.map(shares, groups), strict=True))
    place = np.argsort(order)
    return found[place], sampled[place]
