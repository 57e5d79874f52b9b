"""Where the numbers of a netCDF-4 file stand, told without reading them.

HDF5 follows whatever its bytes say: to another file, to a size that no memory holds, in circles,
or beyond its own buffers. Here a file is asked for its names and places alone, and whatever these
files never need is refused. Run as a program with the path of a file, this module prints the
same as JSON: damaged bytes then end that process, and not the one that asked. So it may import
nothing of the package.
"""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CPU = 0.2  # seconds for each thing that is asked of a file, which are milliseconds' work
_MEMORY = 4 * 2**30  # bytes of address space, most of them of the libraries


def contents(
    path: str | Path | io.BytesIO, step: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Return what a netCDF-4 file of ours holds, and where.

    Parameters
    ----------
    path : str, Path, or BytesIO
    step : callable
        Called before each thing that HDF5 is asked for.

    Returns
    -------
    dict
        ``format``, ``record`` and ``checksum``, text or None; ``arrays``, by ``group/name`` the
        offset and the shape; ``labels``, by ``group/axis`` a list of text.

    Raises
    ------
    ValueError
        If the file has links to elsewhere, arrays that are not of doubles in one piece within
        it, or more in it than its size allows.
    Exception
        Whatever h5py raises on broken bytes.
    """
    import h5py  # netCDF-4 files are HDF5

    size = len(path.getbuffer()) if isinstance(path, io.BytesIO) else Path(path).stat().st_size
    found: dict[str, Any] = {"arrays": {}, "labels": {}}
    left = size  # bytes that arrays and labels may still claim
    with h5py.File(path, "r") as file:
        for key in ("format", "record", "checksum"):
            step()
            value = file.attrs.get(key)
            found[key] = value if value is None or isinstance(value, str) else None
        if found["format"] is None:
            return found  # a file of another kind, which may hold anything
        for group in _members(file, h5py):
            for name in _members(file[group], h5py):
                step()
                values = file[group][name]
                if not isinstance(values, h5py.Dataset):
                    raise ValueError(name)
                # netCDF's dimensions and coordinates are HDF5's dimension scales.
                if not h5py.h5ds.is_scale(values.id):
                    offset = _place(values, size)
                    found["arrays"][f"{group}/{name}"] = [offset, list(values.shape)]
                    left -= values.size * 8
                elif values.dtype.kind == "O":  # text
                    if values.size * 16 > size:  # the bytes of one reference to text
                        raise ValueError(name)
                    labels = values.asstr()[:].tolist()
                    found["labels"][f"{group}/{name}"] = labels
                    left -= sum(map(len, labels))
                if left < 0:
                    raise ValueError(name)
    return found


def _members(group: Any, h5py: Any) -> list[str]:
    """Return the names in a group, none of which may lead out of the file."""
    names = list(group)
    for name in names:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(name)
    return names


def _place(values: Any, size: int) -> int:
    """Return where the doubles of a dataset start: in one piece, and in this file."""
    if values.dtype != "<f8" or values.is_virtual or values.external:
        raise ValueError(values.name)
    if not values.size:
        return 0
    offset = values.id.get_offset()  # None where they are in pieces, compressed or not laid out
    if offset is None or values.chunks is not None or offset + values.size * 8 > size:
        raise ValueError(values.name)
    return int(offset)


def _limited() -> Callable[[], None]:
    """Bound this process, and return what grants it the time for one more step."""
    try:
        import resource
    except ImportError:  # Windows, where whoever asked waits for so long and no longer
        return lambda: None
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    # Processor time, so that a busy machine is not taken for a circle; the signal is not handled
    # in Python, which would wait for the very call that does not return.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    return lambda: signal.setitimer(signal.ITIMER_PROF, _CPU) and None


if __name__ == "__main__":
    import h5py  # noqa: F401  # before the clock runs

    try:
        told = json.dumps(contents(sys.argv[1], _limited()))
        signal.setitimer(signal.ITIMER_PROF, 0) if hasattr(signal, "setitimer") else None
    except Exception:  # h5py raises whatever the broken bytes lead it to
        sys.exit(1)
    sys.stdout.write(told)
