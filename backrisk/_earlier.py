"""Folders of temporary files that an earlier version left: they had no lock to tell them by.

They are known by what may lie in them, and by their age.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"backrisk-[a-z0-9_]{8}")  # of `tempfile`
_FILES = re.compile(
    r"(rows|coded|selected|answers|profiles)\.parquet|utf8\.csv|unpacked"
    r"|duckdb_temp_[A-Za-z0-9_-]+\.(tmp|block)"
)
_FOLDERS = re.compile(r"file[0-9]+")  # of each file of a pattern
_DAY = 24 * 3600.0  # seconds


def sweep_earlier(parent: Path) -> None:
    """Remove what earlier versions left in a folder a day ago or longer, if it is surely theirs.

    Parameters
    ----------
    parent : Path
    """
    if sys.platform == "win32":
        return
    left: list[Path] = []
    with suppress(OSError), os.scandir(parent) as entries:
        left += [Path(each.path) for each in entries if _NAME.fullmatch(each.name)]
    for folder in left:
        with suppress(OSError):
            if stat.S_IMODE(os.lstat(folder).st_mode) == 0o700 and _is_theirs(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_theirs(folder: Path) -> bool:
    """Whether a folder, and all that is in it, is this user's, old, and of a name they gave."""
    if not (stat.S_ISDIR(os.lstat(folder).st_mode) and _is_old(os.lstat(folder))):
        return False
    with os.scandir(folder) as entries:
        inside = list(entries)
    return all(
        _is_theirs(Path(each.path))
        if _FOLDERS.fullmatch(each.name)
        else _FILES.fullmatch(each.name)
        and each.is_file(follow_symlinks=False)
        and _is_old(each.stat(follow_symlinks=False))
        for each in inside
    )


def _is_old(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and time.time() - found.st_mtime > _DAY
