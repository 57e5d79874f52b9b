"""Folders that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backrisk._files import BESIDE, private, sync, told_of
from backrisk.errors import BackriskError
from backrisk.words import say


@contextmanager
def folder_output(path: str | Path, error: type[BackriskError] = BackriskError) -> Iterator[Path]:
    """Yield a new empty folder, which takes its place at a path if all goes well.

    Whatever else happens, nothing lies at the path or beside it.

    Parameters
    ----------
    path : str or Path
        Of a folder that is not there, or that is empty, in one that exists.
    error : type of BackriskError
        What to raise.

    Yields
    ------
    Path

    Raises
    ------
    BackriskError
        Of the kind `error`, in one sentence.
    """
    place = Path(os.path.abspath(path))
    demand_folder(place, error)
    with told_of(path, error), private(place.parent, BESIDE) as folder:
        part = folder / "part"
        part.mkdir()
        yield part
        for each in sorted(part.rglob("*")):  # on the disk before it takes its place
            if each.is_file():
                with each.open("rb") as file:
                    os.fsync(file.fileno())
            else:
                sync(each)
        os.replace(part, place)
        sync(place.parent)


def demand_folder(path: str | Path, error: type[BackriskError] = BackriskError) -> None:
    """Refuse a place where no new folder can be made, before any work is done.

    Raises
    ------
    BackriskError
        Of the kind `error`, in one sentence.
    """
    place = Path(os.path.abspath(path))
    with told_of(path, error):
        if place.is_dir() and any(place.iterdir()):
            raise error(say("files.not_empty", path=path))
        if place.exists() and not place.is_dir():
            raise error(say("files.not_folder", path=path))
        if not place.parent.is_dir():
            raise error(say("files.no_folder", path=path, folder=place.parent))
        with private(place.parent, BESIDE):
            pass
