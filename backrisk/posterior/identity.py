"""By what a model is known again: a checksum of what its answers follow from.

It is of numbers and names, not of a file's bytes: the same before and after a model is saved, in
every format. Fewer of a model's draws, or the model at one of its sites, are known as the model
that they were taken from. Like the seal of a file it is integrity, not authenticity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from backrisk._types import Array
from backrisk.graph import CausalGraph
from backrisk.posterior.sites import SiteEffects
from backrisk.survey import Codebook

_PART = "part_of"  # of `Posterior.meta`
_DIGITS = 16


def digest(
    graph: CausalGraph,
    book: Codebook | None,
    sites: SiteEffects | None,
    drawn: Mapping[str, Array | None],
) -> str:
    """Return the checksum of nodes, codebook and draws, whatever they are a part of."""
    told = {
        "nodes": [[each.name, each.states, graph.parents(each.name)] for each in graph.nodes],
        "codebook": None if book is None else book.to_dict(),
        "sites": None if sites is None else sites.names,
    }
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    shifts = {} if sites is None else {"shift": sites.shift, "scale": sites.scale}
    for name, numbers in {**drawn, **shifts}.items():
        if numbers is not None:
            found.update(f"{name}{numbers.shape}".encode())
            found.update(np.ascontiguousarray(numbers, "<f8").tobytes())
    return found.hexdigest()[:_DIGITS]


def known_as(meta: Mapping[str, Any], own: str) -> str:
    """Return the checksum of the model that one of this checksum is a part of, or its own."""
    whole = meta.get(_PART)
    # A part that was changed since it was taken is a part no longer.
    if isinstance(whole, Mapping) and whole.get("part") == own:
        return str(whole.get("model"))
    return own


def part_of(model: str, own: str) -> dict[str, Any]:
    """Return what a part of a model records in `Posterior.meta`."""
    return {_PART: {"model": model, "part": own}}
