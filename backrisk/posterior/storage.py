"""A file of named arrays and one record that describes them, sealed with a checksum.

The container knows nothing of what it holds: arrays are called ``group/name``, the record is
anything that JSON holds. It is netCDF, so that ArviZ and other readers can open it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backrisk._files import no_file, output
from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.words import say

if TYPE_CHECKING:
    from xarray import DataTree

FORMAT = "backrisk-posterior-1"


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file holds.

    Parameters
    ----------
    record : mapping
    arrays : mapping of ``group/name`` to ndarray, shape (chain, draw, ...)
    labels : mapping of ``group/axis`` to tuple of str
        Of the axes that have labels.
    """

    record: Mapping[str, Any]
    arrays: Mapping[str, Array]
    labels: Mapping[str, tuple[str, ...]]


def seal(tree: DataTree, record: Mapping[str, Any]) -> DataTree:
    """Add the record and the checksum of record and arrays to a tree, and return it."""
    text = json.dumps(record)
    arrays = {
        f"{group}/{name}": values.to_numpy()
        for group, child in tree.children.items()
        for name, values in child.data_vars.items()
    }
    tree.attrs.update(format=FORMAT, record=text, checksum=_checksum(text, arrays))
    return tree


def store(tree: DataTree, path: str | Path) -> Path:
    """Write a sealed tree; nothing is left half-written.

    Raises
    ------
    PosteriorError
        If there is no such folder or it cannot be written to.
    """
    with output(path, PosteriorError) as file:
        # In memory first: HDF5 does not survive a disk that fills under it.
        file.write(tree.to_netcdf(engine="h5netcdf"))
    return Path(path)


def restore(path: str | Path) -> Stored:
    """Read what `store` wrote.

    Raises
    ------
    PosteriorError
        In one sentence, if there is no such file, or it is foreign, truncated or altered.
    """
    import h5py  # netCDF-4 files are HDF5: reading them so spares the import of xarray

    path = Path(path)
    if not path.is_file():
        raise PosteriorError(no_file(path))
    try:
        with h5py.File(path, "r") as file:
            found, record, checksum = map(file.attrs.get, ("format", "record", "checksum"))
            arrays, labels = _read(file) if found == FORMAT else ({}, {})
    except Exception as error:  # h5py raises whatever the broken bytes lead it to
        raise PosteriorError(say("posterior.damaged", path=path)) from error
    if found is None:
        raise PosteriorError(say("posterior.foreign", path=path))
    if found != FORMAT:
        said = say("posterior.other_format", path=path, found=found, expected=FORMAT)
        raise PosteriorError(said)
    if checksum != _checksum(str(record), arrays):
        raise PosteriorError(say("posterior.altered", path=path))
    return Stored(json.loads(str(record)), arrays, labels)


def _read(file: Any) -> tuple[dict[str, Array], dict[str, tuple[str, ...]]]:
    """Return the arrays of an open file, and the labels of their axes."""
    arrays: dict[str, Array] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for group, members in file.items():
        for name, values in members.items():
            # netCDF's dimensions and coordinates are HDF5's dimension scales.
            if values.attrs.get("CLASS") != b"DIMENSION_SCALE":
                arrays[f"{group}/{name}"] = np.asarray(values, dtype=np.float64)
            elif values.dtype.kind == "O":  # text
                labels[f"{group}/{name}"] = tuple(values.asstr()[:])
    return arrays, labels


def _checksum(record: str, arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256(record.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name], np.float64).tobytes())
    return digest.hexdigest()
