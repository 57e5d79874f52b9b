"""A file of named arrays and one record that describes them, sealed so that damage is found.

The container knows nothing of what it holds: arrays are called ``group/name``, the record is
anything that JSON holds. Its file, from the first byte to the last, is:

1. netCDF-4, so that ArviZ and other readers can open it. The package never reads this part as
   HDF5.
2. The index, JSON: the record, the labels of axes, and of each array its shape and where in the
   first part its numbers stand, little-endian doubles in one piece.
3. The seal, 68 bytes: the lengths of both parts, the version of the format, SHA-256 of all that
   comes before the digest, and 16 bytes that say what this is.

So the length and the checksum of all bytes are compared before any of them is interpreted, and
what is interpreted is JSON and numbers at places within the file. It is integrity, not
authenticity: whoever can write a file can seal it. Who made it is for a signature to tell.

Policy of versions: a version of the package opens every format that an earlier one wrote, and
refuses a later one by its number. The seal stays as it is in all of them. Format 2 is this one.
Format 1, of version 0.1, was netCDF-4 alone, whose checksum of the numbers could be compared only
once HDF5 had read them; where they stand is told by a process of its own, bounded in time and
memory, which damaged bytes may end. It is read and never written.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from backrisk._files import demand_file, output
from backrisk._types import Array
from backrisk.errors import PosteriorError
from backrisk.posterior.contents import contents
from backrisk.words import say

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

VERSION = 2
FORMAT = f"backrisk-posterior-{VERSION}"  # what a reader of netCDF finds as an attribute
_FIRST = "backrisk-posterior-1"
_MAGIC = b"\x89BACKRISK.SEAL\r\n"
_SEAL = struct.Struct("<QQI32s16s")
_AFTER_DIGEST = 32 + len(_MAGIC)
_HDF5 = b"\x89HDF\r\n\x1a\n\x00"  # with the version of the superblock, 0 in format 1
_AT_ONCE = 2**20
_HEAD = 4096  # bytes within which netCDF tells the format, an attribute of the root
_PROGRAM = Path(__file__).with_name("contents.py")
_WAIT = 60.0  # seconds for a process whose work takes one: a limit for a machine that hangs


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
    """Add the record to the attributes of a tree, and return it."""
    tree.attrs.update(format=FORMAT, record=json.dumps(record))
    return tree


def store(tree: DataTree, path: str | Path) -> Path:
    """Write what `seal` gave; nothing is left half-written.

    Raises
    ------
    PosteriorError
        If there is no such folder or it cannot be written to.
    """
    import xarray as xr

    groups = {name: _doubles(child.to_dataset()) for name, child in tree.children.items()}
    # The record stands in the index alone: what is told twice may be told differently.
    bare = xr.DataTree.from_dict(groups)
    bare.attrs["format"] = tree.attrs["format"]
    # In memory first: HDF5 does not survive a disk that fills under it.
    body = bytes(bare.to_netcdf(engine="h5netcdf"))
    held = contents(io.BytesIO(body))
    index = {
        "record": json.loads(tree.attrs["record"]),
        "arrays": held["arrays"],
        "labels": held["labels"],
    }
    told = json.dumps(index).encode()
    with output(path, PosteriorError) as file:
        for part in (body, told, _seal_of(body, told)):
            file.write(part)
    return Path(path)


def _doubles(group: Dataset) -> Dataset:
    """Return numbers in the one form that a file has; xarray reads a mask as a mask again."""
    for variable in group.data_vars.values():
        if variable.dtype == bool:
            variable.attrs["dtype"] = "bool"
    return group.astype(np.float64)


def _seal_of(body: bytes, index: bytes) -> bytes:
    """Return the seal of a file whose first two parts are these."""
    lengths = (len(body), len(index), VERSION)
    digest = hashlib.sha256(body)
    digest.update(index)
    digest.update(_SEAL.pack(*lengths, b"", b"")[:-_AFTER_DIGEST])
    return _SEAL.pack(*lengths, digest.digest(), _MAGIC)


def restore(path: str | Path) -> Stored:
    """Read what `store` wrote, in this version or an earlier one.

    Raises
    ------
    PosteriorError
        In one sentence, if there is no such file, it cannot be read, or it is foreign, truncated
        or altered.
    """
    path = Path(path)
    demand_file(path, PosteriorError)
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _SEAL.size, 0))
            last = file.read()
            if last.endswith(_MAGIC) and len(last) == _SEAL.size:
                return _sealed(path, file, size, last)
            return _of_version_1(path, file, size)
    except OSError as error:
        why = error.strerror or error
        raise PosteriorError(say("posterior.unreadable", path=path, why=why)) from error


def states_in(path: str | Path) -> dict[str, list[str]]:
    """Return the states of each node of a saved model, read without the rooms that ask it.

    Parameters
    ----------
    path : str or Path
        What `store` wrote.

    Returns
    -------
    dict of str to list of str
        By node, the reference first.

    Raises
    ------
    PosteriorError
        As `restore`.
    """
    nodes = restore(path).record["graph"]["nodes"]
    return {name: list(node["states"]) for name, node in nodes.items()}


def is_damaged(path: str | Path) -> bool:
    """Whether a file that `store` began as this format no longer ends as `store` ended it.

    Any other file is none that was damaged: another program's, a text, or a model that is whole,
    whatever this version can read of it.

    Parameters
    ----------
    path : str or Path
    """
    path = Path(path)
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _SEAL.size, 0))
            last = file.read()
            if not head.startswith(_HDF5[:-1]) or FORMAT.encode() not in head:
                return False
            if not last.endswith(_MAGIC) or len(last) < _SEAL.size:
                return True
            *_, digest, _ = _SEAL.unpack(last)
            return bool(_digest(file, size - _AFTER_DIGEST).digest() != digest)
    except OSError:  # of which nothing is known
        return False


def _sealed(path: Path, file: BinaryIO, size: int, last: bytes) -> Stored:
    """Read a file that ends with a seal."""
    body, length, version, digest, _ = _SEAL.unpack(last)
    if body + length + _SEAL.size != size:
        raise PosteriorError(say("posterior.damaged", path=path))
    if _digest(file, size - _AFTER_DIGEST).digest() != digest:
        raise PosteriorError(say("posterior.altered", path=path))
    if version != VERSION:
        told = {"found": version, "expected": VERSION}
        raise PosteriorError(say("posterior.other_format", path=path, **told))
    file.seek(body)
    try:
        index = json.loads(file.read(length))
        return _read(file, body, index["record"], index)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # Sealed, and yet not what `store` writes.
        raise PosteriorError(say("posterior.damaged", path=path)) from error


def _of_version_1(path: Path, file: BinaryIO, size: int) -> Stored:
    """Read a file without a seal, if it is one of the first format."""
    file.seek(0)
    head = file.read(48)
    # HDF5 itself knows where its file ends: one that was cut short, or lost its seal, needs no
    # closer look.
    if not head.startswith(_HDF5) or int.from_bytes(head[40:48], "little") != size:
        raise PosteriorError(say("posterior.damaged", path=path))
    held = _told_apart(path)
    found, record = held["format"], held["record"]
    if found is None:
        raise PosteriorError(say("posterior.foreign", path=path))
    if found != _FIRST or record is None:
        raise PosteriorError(say("posterior.damaged", path=path))
    try:
        stored = _read(file, size, json.loads(record), held)
        matches = held["checksum"] == _first_checksum(record, stored.arrays)
    except (ValueError, RecursionError) as error:
        raise PosteriorError(say("posterior.altered", path=path)) from error
    if not matches:
        raise PosteriorError(say("posterior.altered", path=path))
    return stored


def _told_apart(path: Path) -> Any:
    """Return the contents of a file as another process tells them."""
    # Whatever this process can import; not the folder of the program, whose names are others'.
    run = [sys.executable, "-P", str(_PROGRAM), str(path.absolute())]
    paths = os.pathsep.join(each for each in sys.path if each)
    env = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    try:
        told = subprocess.run(
            run,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WAIT,
            check=True,
        )
        return json.loads(told.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise PosteriorError(say("posterior.damaged", path=path)) from error


def _read(file: BinaryIO, size: int, record: Any, held: Mapping[str, Any]) -> Stored:
    """Read the arrays of an open file, all of which must stand before `size`.

    Raises
    ------
    LookupError, TypeError, ValueError
        If the index is not of the form that `contents` gives, or claims more than there is.
    """
    if not isinstance(record, dict):
        raise ValueError("record")
    left, places = size, []
    for name, (offset, shape) in held["arrays"].items():
        if not all(type(each) is int and each >= 0 for each in (offset, *shape)):
            raise ValueError(name)
        count = math.prod(shape)
        left -= 8 * count
        if offset + 8 * count > size or left < 0 or len(shape) < 2:
            raise ValueError(name)
        places.append((name, offset, tuple(shape), count))
    arrays: dict[str, Array] = {}
    for name, offset, shape, count in places:  # nothing is read before everything is bounded
        file.seek(offset)
        numbers = np.frombuffer(file.read(8 * count), "<f8").astype(np.float64)
        arrays[name] = numbers.reshape(shape)
    labels: dict[str, tuple[str, ...]] = {}
    for name, axis in held["labels"].items():
        if not all(isinstance(each, str) for each in axis):
            raise ValueError(name)
        labels[name] = tuple(axis)
    return Stored(record, arrays, labels)


def _digest(file: BinaryIO, length: int) -> Any:
    """Return SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    file.seek(0)
    while length > 0 and (part := file.read(min(_AT_ONCE, length))):
        digest.update(part)
        length -= len(part)
    return digest


def _first_checksum(record: str, arrays: Mapping[str, Array]) -> str:
    """Return the checksum of the first format, of numbers and not of bytes."""
    digest = hashlib.sha256(record.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
