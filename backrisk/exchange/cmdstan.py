"""Draws that CmdStan wrote: one CSV a chain, a column for each element of a variable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backrisk._arguments import checked, refuse
from backrisk._files import demand_file
from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.words import say

_ELEMENT = re.compile(r"(?P<name>.+?)(?P<at>(?:\.[0-9]+)*)")
_ADAPTED = "# Adaptation"  # what stands between warm-up and the draws
_SAVED = re.compile(r"#\s*save_warmup\s*=\s*(?:1|true)\b")
_DIVERGENT = "divergent__"


@checked()
def from_cmdstan_csv(
    paths: str | Path | Sequence[str | Path],
    graph: CausalGraph,
    variables: Mapping[str, str] | None = None,
) -> Posterior:
    r"""Read the draws of a model in Stan as a posterior.

    *Assumptions*: as for `Posterior.from_datatree`.

    Parameters
    ----------
    paths : str, Path or sequence of these
        The CSV of each chain. Saved warm-up is left out.
    graph : CausalGraph
    variables : mapping of node to name of variable, optional
        The variable in Stan that holds a node's table: an array with an index for each parent in
        the graph's order and one for the node's states, such as ``array[3, 2] simplex[3] pain``;
        of a node of two states the last may be left out, and then the numbers are of its second
        state. Default ``cpt_node``, else the node's own name.

    Returns
    -------
    Posterior
        How many transitions diverged is told where a fit is judged.

    Raises
    ------
    PosteriorError
        In one sentence that names the file and the line: if it cannot be read, has no draws, is
        cut short, or has other columns than the first; or as for `Posterior.from_datatree`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from backrisk import CausalGraph, from_cmdstan_csv
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "chain_1.csv"
    ...     _ = path.write_text("lp__,x,p.1,p.2\n-7.1,0.5,0.3,0.8\n-7.4,0.4,0.2,0.7\n")
    ...     posterior = from_cmdstan_csv(path, g, {"y": "p"})
    >>> posterior.draws, posterior.cpt("y")[0].round(12).tolist()
    (2, [[0.7, 0.3], [0.2, 0.8]])
    """
    import xarray as xr

    each = [paths] if isinstance(paths, str | Path) else list(paths)
    for path in each:
        if not isinstance(path, str | Path):
            refuse("from_cmdstan_csv", "paths", path, str | Path)
    if not each:
        raise PosteriorError(say("exchange.stan.no_files"))
    read = [_chain(Path(path)) for path in each]
    head = read[0][0]
    for path, (columns, values) in zip(each, read, strict=True):
        if columns != head or len(values) != len(read[0][1]):
            told = {"file": Path(path).name, "first": Path(each[0]).name}
            raise PosteriorError(say("exchange.stan.other_chain", **told))
    draws = np.stack([values for _, values in read])
    found = {
        name: (("chain", "draw", *(f"{name}_{axis}" for axis in range(array.ndim - 2))), array)
        for name, array in _arrays(Path(each[0]).name, head, draws).items()
    }
    posterior = Posterior.from_datatree(xr.Dataset(found), graph, variables)
    diverged = int((draws[..., head.index(_DIVERGENT)] > 0).sum()) if _DIVERGENT in head else 0
    if not diverged:
        return posterior
    caution = say("exchange.stan.diverged", count=diverged, n=f"{diverged:,}")
    judged = posterior.diagnostics
    return replace(posterior, diagnostics=replace(judged, cautions=(*judged.cautions, caution)))


def _chain(path: Path) -> tuple[list[str], Array]:
    """Return the columns of a file and its draws, ``(draw, column)``."""
    demand_file(path, PosteriorError)
    columns: list[str] = []
    rows: list[list[float]] = []
    saved = False
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.startswith("#") or not line.strip():
                    saved = saved or bool(_SAVED.match(line))
                    if saved and line.startswith(_ADAPTED):
                        rows.clear()  # what was drawn before is warm-up
                    continue
                cells = line.strip().split(",")
                if not columns:
                    columns = cells
                    continue
                try:
                    rows.append([float(cell) for cell in cells])
                except ValueError:
                    cells = []
                if len(cells) != len(columns):
                    told = {"file": path.name, "line": number, "columns": len(columns)}
                    raise PosteriorError(say("exchange.stan.row", **told))
    except (OSError, UnicodeDecodeError) as error:
        raise PosteriorError(say("posterior.unreadable", path=path, why=error)) from error
    if not rows:
        raise PosteriorError(say("exchange.stan.empty", file=path.name))
    return columns, np.array(rows)


def _arrays(file: str, columns: Sequence[str], draws: Array) -> dict[str, Array]:
    """Return each variable as an array, ``(chain, draw, *indices)``."""
    places: dict[str, dict[tuple[int, ...], int]] = {}
    for place, column in enumerate(columns):
        found = _ELEMENT.fullmatch(column)
        if found is not None and not column.endswith("__"):
            at = tuple(int(index) - 1 for index in found["at"].split(".")[1:])
            places.setdefault(found["name"], {})[at] = place
    arrays = {}
    for name, held in places.items():
        shape = tuple(max(at) + 1 for at in zip(*held, strict=True)) if () not in held else ()
        array = np.full((*draws.shape[:2], *shape), np.nan)
        if array[0, 0].size != len(held) or any(len(at) != len(shape) for at in held):
            raise PosteriorError(say("exchange.stan.elements", file=file, variable=name))
        for at, place in held.items():
            cell: tuple[Any, ...] = (..., *at)
            array[cell] = draws[..., place]
        arrays[name] = array
    return arrays
