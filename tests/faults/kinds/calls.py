"""Every call by which a file is written fails once, in turn, with each error that a disk can give.

A file stands at the place before. Afterwards it holds either what it held or all that was to be
written, the error is one sentence, and nothing else lies beside it.
"""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np

from backrisk import _files
from backrisk.errors import BackriskError
from tests.faults.outcome import LEFT, LOST, TRACEBACK, Budget, Outcome, Tally

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES)
METHODS = ("touch", "replace")


def run(rng: np.random.Generator, budget: Budget) -> Outcome:
    """Fail each call with each error."""
    tally = Tally()
    place = budget.folder / "out.txt"
    for name in METHODS:
        for code in ERRORS:
            place.write_text("old")
            kind, where = _tried(place, name, OSError(code, "made up"))
            tally.count(name, kind, f"{errno.errorcode[code]}: {where}")
    return tally.outcome()


def _tried(place: Path, name: str, error: OSError) -> tuple[str | None, str]:
    def fail(*_: object, **__: object) -> None:
        raise error

    kept = getattr(Path, name)
    setattr(Path, name, fail)
    try:
        with _files.written(place) as beside, beside.open("w") as file:
            file.write("new")
    except BackriskError:
        pass
    except Exception as other:
        return TRACEBACK, repr(other)
    finally:
        setattr(Path, name, kept)
    if place.read_text() not in ("old", "new"):
        return LOST, place.read_text()
    left = [each.name for each in place.parent.iterdir() if each != place]
    return (LEFT, ", ".join(left)) if left else (None, "")
