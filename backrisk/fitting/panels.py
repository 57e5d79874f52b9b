"""What a fit of a panel needs beside that of a survey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from backrisk.errors import FitError
from backrisk.graph import WAVES_FOR_TRAIT, constants
from backrisk.survey import Panel
from backrisk.words import say


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
