"""What a fit of a panel needs beside that of a survey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from backrisk.errors import FitError
from backrisk.graph import TRAIT, WAVES_FOR_TRAIT, constants
from backrisk.survey import Panel
from backrisk.words import Said, listed, percent, say

_OFTEN = 0.1  # share of visits without an answer from which a node is told as often missing


def with_trait(panel: Panel, asked: bool | None) -> bool:
    """Return whether people differ in a susceptibility that nobody measures.

    Parameters
    ----------
    panel : Panel
    asked : bool, optional
        Where it is left to the data: if these can tell it from what the outcome did before.

    Returns
    -------
    bool

    Raises
    ------
    FitError
        If it is asked for and cannot be told: the outcome is known in fewer than three periods of
        everybody, or there is none that changes.
    """
    outcome = panel.graph.outcome
    moves = outcome is not None and outcome not in constants(panel.graph)
    waves = 0
    if moves and len(panel.codes):
        known = panel.codes[:, :, panel.graph.names.index(str(outcome))] >= 0
        waves = int(known.sum(axis=1).max())
    if asked is None:
        return waves >= WAVES_FOR_TRAIT
    if asked and moves and waves < WAVES_FOR_TRAIT:
        raise FitError(say("fitting.panel.waves", waves=waves, least=WAVES_FOR_TRAIT))
    return asked


def about(panel: Panel, trait: bool, dropout: Sequence[str]) -> dict[str, Any]:
    """Return what a model tells of the panel it learned from, as plain values.

    How many people held to a state for so many periods is kept coarsened: fewer than five are not
    counted.
    """
    few = str(say("fitting.panel.few"))
    return {
        "panel": {
            "periods": panel.periods,
            "every": panel.every,
            "trait": trait,
            "dropout": list(dropout),
        },
        "followed": [
            {**row, "people": few if pd.isna(row["people"]) else int(row["people"])}
            for row in panel.followed.coarse().table.to_dict("records")
        ],
    }


def carried(panel: Panel) -> dict[str, float]:
    """Return what exact sums hold from one period to the next: the interface of the model.

    Of what is always answered each person has one state, which cuts the periods apart. What is not
    and has an effect one period later (its own next state among them), or is constant, is in the
    tables of every period.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    dict of str to float
        By node of the template, in its order: the share of periods, from a person's first visit to
        the last, in which the state is not known. Those never missing are left out.
    """
    graph = panel.graph
    causes = {edge.cause for edge in graph.lagged} | constants(graph)
    causes |= {node.name for node in graph.nodes if node.persist}
    periods = np.arange(panel.periods)
    there = (panel.first[:, None] <= periods) & (periods <= panel.last[:, None])
    people = np.ones(len(panel.codes)) if panel.people is None else panel.people
    each = there * people[:, None]
    total = max(float(each.sum()), 1.0)
    missing = ((panel.codes < 0) * each[:, :, None]).sum(axis=(0, 1)) / total
    return {n: float(m) for n, m in zip(graph.names, missing, strict=True) if n in causes and m > 0}


def skipping(panel: Panel) -> int:
    """Return how many people have a period without any answer that moves, between two visits.

    Nothing of such a period is known but what is constant, so that all that persists or acts one
    period later is carried through it: by far the largest tables.
    """
    moving = [i for i, n in enumerate(panel.graph.names) if n not in constants(panel.graph)]
    periods = np.arange(panel.periods)
    there = (panel.first[:, None] <= periods) & (periods <= panel.last[:, None])
    empty = there & (panel.codes[:, :, moving] < 0).all(axis=2)
    people = np.ones(len(panel.codes)) if panel.people is None else panel.people
    return int((empty.any(axis=1) * people).sum())


@contextmanager
def told_over_time(panel: Panel | None, trait: bool) -> Iterator[None]:
    """Say what has to be carried from period to period, where exact sums are out of reach."""
    try:
        yield
    except FitError as error:
        said = error.args[0]
        if panel is None or not isinstance(said, Said) or not said.key.startswith("likelihood."):
            raise
        found = carried(panel)
        often = {name: share for name, share in found.items() if share >= _OFTEN} or found
        told = [
            say("fitting.panel.unmeasured", node=name)
            if share == 1
            else say("fitting.panel.missing", node=name, share=percent(share))
            for name, share in sorted(often.items(), key=lambda pair: -pair[1])
        ]
        if trait:
            told.append(say("fitting.panel.unmeasured", node=TRAIT))
        size = said.values.get("cells")
        why = said if size is None else say("fitting.panel.table", **_only(said, "cells", "limit"))
        if not told:
            raise
        nodes, periods = listed(told), panel.periods
        out = say("fitting.panel.out_of_reach", why=why, nodes=nodes, periods=periods)
        if empty := skipping(panel):
            counted = {"count": empty, "people": f"{empty:,}", "periods": periods}
            out = say("fitting.panel.out_of_reach_empty", why=why, nodes=nodes, **counted)
        raise FitError(out) from error


def _only(said: Said, *names: str) -> dict[str, Any]:
    return {name: said.values[name] for name in names}
