"""Files as someone makes them who knows the format: sealed, and not what the package writes."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from backrisk.posterior.storage import _AFTER_DIGEST, _MAGIC, _SEAL, VERSION


def parts(path: Path) -> tuple[bytes, Any]:
    """Return the netCDF part of a file and its index."""
    data = path.read_bytes()
    body, length, *_ = _SEAL.unpack(data[-_SEAL.size :])
    return data[:body], json.loads(data[body : body + length])


def sealed(body: bytes, index: bytes, version: int = VERSION) -> bytes:
    """Return the bytes of a file with a seal that fits them."""
    lengths = (len(body), len(index), version)
    told = body + index + _SEAL.pack(*lengths, b"", b"")[:-_AFTER_DIGEST]
    return told + hashlib.sha256(told).digest() + _MAGIC


def reseal(path: Path, change: Callable[[Any], object]) -> Path:
    """Change the index of a file, and seal it again."""
    body, index = parts(path)
    change(index)
    path.write_bytes(sealed(body, json.dumps(index).encode()))
    return path


def first_format(path: Path, arrays: dict[str, Any], record: Any = None) -> Path:
    """Write a file as version 0.1 did: netCDF alone, with a checksum of the numbers."""
    text = json.dumps(record)
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name], np.float64).tobytes())
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = np.asarray(values, np.float64)
        file.attrs.update(format="backrisk-posterior-1", record=text, checksum=digest.hexdigest())
    return path
