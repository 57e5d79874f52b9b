"""Answers of people over time as integer codes, and what they become for a model of all slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backrisk._arguments import checked, checked_class
from backrisk.errors import ArgumentError
from backrisk.graph import ANSWERED, STAYS, CausalGraph, constants, unroll
from backrisk.survey.answers import Survey
from backrisk.survey.census import Census
from backrisk.survey.codebook import Codebook
from backrisk.survey.followed import Followed
from backrisk.survey.shown import shown_answers
from backrisk.words import Said, say


@checked_class()
@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """Answers of people over time as integer codes; no names, no identifiers, no dates.

    A row is a person with a history, or where `people` is given all people of one history, site
    and reach. Made by `read_panel`; `fit` takes it in place of a survey.

    Parameters
    ----------
    graph : CausalGraph
        The template: the graph of one slice, extended by the codebook's items.
    codes : ndarray of int8, shape (rows, slices, nodes)
        State index in the order of ``graph.names``; -1 is missing, as in every slice without a
        visit. A constant has its one value in all slices.
    codebook : Codebook
    every : str
        The length of a slice: ``30D``, or a number.
    first, last : ndarray of int, shape (rows,)
        The slices of the first and of the last visit: a row that answers some column which may
        change. Of a person without any visit, 0 and -1.
    reach : ndarray of int, shape (rows,), optional
        The last slice of each person that had begun when the table ends: who has no visit in a
        later one has not dropped out, for nobody could have seen her there. By default all slices.
    weights : ndarray of float, shape (rows,), optional
        The sum of the weights of the people of the row.
    site : ndarray of int, shape (rows,), optional
        Index into `sites`.
    sites : tuple of str
    people : ndarray of int, shape (rows,), optional
        How many people each row stands for; left out, each stands for one.
    squares : ndarray of float, shape (rows,), optional
        The sum of the squared weights of the people of the row.
    blank_rows : int
        Rows of the table without any cell, which are left out.
    source : str
        The name of the file that was read; empty where it was a frame.
    not_asked : mapping of str to int
        In how many rows of the table a person was not asked, by node.
    cautions : tuple of str
        What bears on every answer that is drawn from the panel, though nothing is wrong: those of
        `Survey`, and answers to constants that change, identifiers that are nearly alike, rows of
        one person and time, visits far from all others.
    census : Census
        How often each label stands in the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk import CausalGraph, read_panel
    >>> graph = CausalGraph.from_edges([("load", "pain")], {"load": ["low", "high"],
    ...                                                     "pain": ["no", "yes"]})
    >>> frame = pd.DataFrame({"who": ["a", "a", "b"], "day": [0, 7, 3],
    ...                       "load": ["low", "high", "high"], "pain": ["no", "yes", None]})
    >>> panel = read_panel(frame, graph, id="who", time="day", every=7)
    >>> panel.n, panel.periods, panel.codes.tolist()
    (2, 2, [[[0, 0], [1, 1]], [[1, -1], [-1, -1]]])
    """

    graph: CausalGraph
    codes: NDArray[np.int8]
    codebook: Codebook
    every: str
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    reach: NDArray[np.intp] | None = None
    weights: NDArray[np.float64] | None = None
    site: NDArray[np.intp] | None = None
    sites: tuple[str, ...] = ()
    people: NDArray[np.int64] | None = None
    squares: NDArray[np.float64] | None = None
    blank_rows: int = 0
    source: str = ""
    not_asked: Mapping[str, int] = field(default_factory=dict)
    cautions: tuple[Said, ...] = ()
    census: Census = field(default_factory=Census)

    def __repr__(self) -> str:
        """Return the size, in a line; no answer."""
        size = f"n={self.n}, periods={self.periods}, every={self.every!r}"
        return f"{type(self).__name__}({self.graph.name!r}, {size})"

    def _repr_html_(self) -> str:
        """Return the size, what is answered least and most, and every caution; no person."""
        told = say(
            "survey.shown.panel",
            n=f"{self.n:,}",
            source=self.source,
            periods=self.periods,
            every=self.every,
        )
        return shown_answers(self.graph, told, self.answered.mean(axis=1), self.cautions)

    @property
    def n(self) -> int:
        """The number of people."""
        return len(self.codes) if self.people is None else int(self.people.sum())

    @property
    def periods(self) -> int:
        """The number of slices, from the first of anyone to the last of anyone."""
        return int(self.codes.shape[1])

    @property
    def answered(self) -> pd.DataFrame:
        """The share of people whose state is observed, by node (row) and slice (column)."""
        shares = np.average(self.codes >= 0, axis=0, weights=self.people)
        return pd.DataFrame(
            shares.T,
            index=pd.Index(self.graph.names, name="node"),
            columns=pd.RangeIndex(self.periods, name="period"),
        )

    @property
    def followed(self) -> Followed:
        """How many people reported each state in so many consecutive slices; see `Followed`."""
        return Followed.of(self.codes, self.graph, self.people)

    @checked()
    def history(self, row: int) -> list[dict[str, str]]:
        """Return what the people of a row answered, as questions over time take it.

        Parameters
        ----------
        row : int
            From 0; below 0 it counts from the end.

        Returns
        -------
        list of dict
            State label by node, a mapping for each slice up to that of the last visit, the oldest
            first; constants stand in the first. Of who was never seen, one mapping of constants.

        Raises
        ------
        ArgumentError
            There is no such row.

        Examples
        --------
        >>> import numpy as np
        >>> from backrisk import CausalGraph, Codebook, Panel
        >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
        >>> codes = np.array([[[0, 1], [-1, -1], [1, -1], [-1, -1]]], np.int8)
        >>> first, last = np.array([0]), np.array([2])
        >>> Panel(graph, codes, Codebook.plain(graph), "7D", first, last).history(0)
        [{'a': 'no', 'b': 'yes'}, {}, {'a': 'yes'}]
        """
        rows = len(self.codes)
        if not -rows <= row < rows:
            raise ArgumentError(say("survey.panel.no_row", row=row, rows=rows))
        once = constants(self.graph)
        return [
            {
                node.name: node.states[code]
                for node, code in zip(self.graph.nodes, codes, strict=True)
                if code >= 0 and not (period and node.name in once)
            }
            for period, codes in enumerate(self.codes[row, : max(self.last[row], 0) + 1].tolist())
        ]

    def tabulated(self) -> Panel:
        """Return the panel with each distinct history once.

        People of one history differ in nothing that a model sees: not in site, in the slices of
        their first and last visit, in how far the table reaches, nor in any answer.

        Returns
        -------
        Panel
            With `people`, and with the sums of weights and of their squares where there are
            weights; sorted by these in turn.

        Examples
        --------
        >>> import numpy as np
        >>> from backrisk import CausalGraph, Codebook, Panel
        >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
        >>> codes = np.array([[[0, 1]], [[0, 0]], [[0, 1]]], np.int8)
        >>> zero = np.zeros(3, int)
        >>> panel = Panel(graph, codes, Codebook.plain(graph), "1", zero, zero).tabulated()
        >>> panel.codes.tolist(), panel.people.tolist()
        ([[[0, 0]], [[0, 1]]], [1, 2])
        """
        reach = np.full(len(self.codes), self.periods - 1) if self.reach is None else self.reach
        site = np.zeros(len(self.codes), int) if self.site is None else self.site
        keys = np.column_stack([site, self.first, self.last, reach])
        whole = np.column_stack([keys, self.codes.reshape(len(self.codes), -1)])
        unique, index = np.unique(whole.astype(np.int32), axis=0, return_inverse=True)
        index, size = index.ravel(), len(unique)
        each = np.ones(len(whole), np.int64) if self.people is None else self.people
        weights, squares = self.weights, self.squares
        if weights is not None:
            squares = weights**2 if squares is None else squares
            squares = np.bincount(index, squares, size)
            weights = np.bincount(index, weights, size)
        codes = unique[:, keys.shape[1] :].reshape(size, *self.codes.shape[1:])
        return replace(
            self,
            codes=np.ascontiguousarray(codes, dtype=np.int8),
            first=unique[:, 1].astype(np.intp),
            last=unique[:, 2].astype(np.intp),
            reach=None if self.reach is None else unique[:, 3].astype(np.intp),
            site=None if self.site is None else unique[:, 0].astype(np.intp),
            people=np.bincount(index, each, size).astype(np.int64),
            weights=weights,
            squares=squares,
        )

    @checked()
    def to_survey(self, trait: bool = False, dropout: Sequence[str] = ()) -> Survey:
        """Return the answers of all slices as one survey of the unrolled graph.

        Parameters
        ----------
        trait : bool
            Whether a constant that nobody sees bears on the outcome in every slice; see
            `backrisk.unroll`.
        dropout : sequence of str
            The nodes whose states bear on who is still there one slice later. Then ``stays__1``,
            ``stays__2``, ... are observed: answered in every slice between a person's first and
            last visit, not answered in the one after the last, and missing before the first, in
            it, and from there on. So they are where the table ends before such a slice begins.

        Returns
        -------
        Survey
            A row for each row of the panel, with `Survey.graph` unrolled over `periods` slices.

        Raises
        ------
        GraphError
            As `backrisk.unroll`.

        Examples
        --------
        >>> import numpy as np
        >>> from backrisk import CausalGraph, Codebook, Panel
        >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
        >>> codes = np.array([[[0, 1], [1, -1]]], np.int8)
        >>> panel = Panel(graph, codes, Codebook.plain(graph), "30D", np.array([0]), np.array([1]))
        >>> survey = panel.to_survey()
        >>> dict(zip(survey.graph.names, survey.codes[0].tolist()))
        {'a': 0, 'b': 1, 'a__1': 1, 'b__1': -1}
        """
        unrolled = unroll(self.graph, self.periods, trait=trait, dropout=tuple(dropout))
        places = {name: place for place, name in enumerate(self.graph.names)}
        codes = np.full((len(self.codes), len(unrolled.names)), -1, np.int8)
        for at, name in enumerate(unrolled.names):
            node, period = unrolled.base(name)
            if node in places:
                codes[:, at] = self.codes[:, period, places[node]]
            elif node == STAYS:
                codes[:, at] = self._stays(period, unrolled.node(name).code(ANSWERED))
        return Survey(
            graph=unrolled,
            codes=codes,
            codebook=self.codebook,
            weights=self.weights,
            site=self.site,
            sites=self.sites,
            people=self.people,
            squares=self.squares,
            blank_rows=self.blank_rows,
            source=self.source,
            cautions=self.cautions,
            census=self.census,
        )

    def _stays(self, period: int, answered: int) -> NDArray[np.int8]:
        """Return who is still there in a slice, who has gone since the last, and of whom neither.

        Parameters
        ----------
        period : int
        answered : int
            The code of being there, 0 or 1.
        """
        reach = self.periods - 1 if self.reach is None else self.reach
        there = (self.first < period) & (period <= self.last)
        gone = (self.first < period) & (period == self.last + 1) & (period <= reach)
        found = np.where(there, answered, np.where(gone, 1 - answered, -1))
        return found.astype(np.int8)
