"""Files at an address: an object store, a web server, whatever the package fsspec speaks to.

What is read is copied to a folder of this process first, and what is written is copied whole from
one: a store shows an object when it is complete, and not before.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import has_magic
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backrisk.errors import BackriskError
from backrisk.words import say

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ASIDE = ("_", ".")  # how engines begin the names of what is no part of a table
_OWN = ("file://", "local://")
_WEB = ("http://", "https://")  # where what is asked for stands behind a question mark
_MAGIC = re.compile(r"[*?\[]")  # from which on a path is a pattern


def is_address(place: object) -> bool:
    """Whether a place is an address with a scheme, and no path.

    Examples
    --------
    >>> is_address("s3://bucket/people.parquet"), is_address("people.parquet"), is_address(None)
    (True, False, False)
    """
    return isinstance(place, str) and _SCHEME.match(place) is not None


def is_aside(parts: tuple[str, ...]) -> bool:
    """Whether a file below a folder, by the parts of its path, is no part of what lies there."""
    return any(part.startswith(_ASIDE) for part in parts)


def name_at(address: str) -> str:
    """Return the last part of an address.

    Examples
    --------
    >>> name_at("s3://bucket/people/"), name_at("https://host/people.csv?token=a/b")
    ('people', 'people.csv')
    """
    plain = address.partition("?")[0] if address.startswith(_WEB) else address
    return posixpath.basename(plain.rstrip("/"))


def own_path(place: Any, error: type[BackriskError]) -> Any:
    """Return the path of what an address of this machine names; any other place as it is.

    Raises
    ------
    BackriskError
        Of the kind `error`, if the package that reads addresses is missing.
    """
    if not (is_address(place) and place.startswith(_OWN)):
        return place
    with _store(place, error) as (_, path):
        return path


def demand_address(address: str, error: type[BackriskError]) -> None:
    """Refuse an address that this machine cannot speak to, before any work is done.

    Raises
    ------
    BackriskError
        Of the kind `error`.
    """
    with _store(address, error):
        pass


def fetched(address: str, folder: Path, error: type[BackriskError]) -> Path:
    """Copy a file, or a folder with all that is in it, from an address.

    Parameters
    ----------
    address : str
        Of a file, a folder, or a pattern of files.
    folder : Path
        Where it is copied to.
    error : type of BackriskError

    Returns
    -------
    Path
        The file; or a folder, in which files lie as they lie below the address.

    Raises
    ------
    BackriskError
        Of the kind `error`: there is nothing, it cannot be read, or a package is missing.
    """
    with _store(address, error) as (store, path):
        if store.isfile(path):  # whatever signs its name holds
            place = folder / name_at(address)
            store.get_file(path, str(place))
            return place
        if has_magic(path):
            below = posixpath.dirname(_MAGIC.split(path)[0])
            found = sorted({file for each in store.glob(path) for file in store.find(each)})
        else:
            below, found = path.rstrip("/"), store.find(path)
        inside = [(each, tuple(posixpath.relpath(each, below).split("/"))) for each in found]
        inside = [(each, parts) for each, parts in inside if not is_aside(parts)]
        if not inside:
            raise error(say("files.nothing_at", address=address))
        whole = folder / (name_at(below) or "fetched")
        for each, parts in inside:
            place = whole.joinpath(*parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            store.get_file(each, str(place))
        return whole


def deliver(place: Path, address: str, error: type[BackriskError]) -> None:
    """Copy a finished file, or a folder with all that is in it, to an address.

    Of a folder nothing stays there if a file of it cannot be written.

    Raises
    ------
    BackriskError
        Of the kind `error`: it cannot be written, or a package is missing.
    """
    with _store(address, error) as (store, path):
        if place.is_file():
            _put(store, place, path)
            return
        done: list[str] = []
        try:
            for each in sorted(each for each in place.rglob("*") if each.is_file()):
                there = posixpath.join(path.rstrip("/"), *each.relative_to(place).parts)
                done.append(there)
                _put(store, each, there)
        except BaseException:
            for there in done:
                if store.exists(there):
                    store.rm_file(there)
            raise


def withdraw(address: str, error: type[BackriskError]) -> None:
    """Remove a file at an address, where there is one.

    Raises
    ------
    BackriskError
        Of the kind `error`, if it cannot be removed.
    """
    with _store(address, error) as (store, path):
        if store.exists(path):
            store.rm_file(path)


def holds_something(address: str, error: type[BackriskError]) -> bool:
    """Whether any file lies at an address, or below it.

    Raises
    ------
    BackriskError
        Of the kind `error`, if that cannot be told.
    """
    with _store(address, error) as (store, path):
        try:
            return bool(store.find(path))
        except FileNotFoundError:
            return False


def _put(store: Any, place: Path, path: str) -> None:
    store.makedirs(posixpath.dirname(path), exist_ok=True)
    store.put_file(str(place), path)


@contextmanager
def _store(address: str, error: type[BackriskError]) -> Iterator[tuple[Any, str]]:
    """Yield the file system of an address, and the path in it, and word what goes wrong."""
    if find_spec("fsspec") is None:
        raise error(say("files.no_fsspec", address=address))
    from fsspec.core import url_to_fs

    try:
        store, path = url_to_fs(address)
    except (ImportError, ValueError) as failure:  # no package, no such scheme
        raise error(say("files.no_store", address=address, why=_why(failure))) from failure
    try:
        yield store, path
    except BackriskError:
        raise
    except FileNotFoundError as failure:
        raise error(say("files.nothing_at", address=address)) from failure
    except Exception as failure:  # each store has errors of its own: no right, no host, no bucket
        raise error(say("files.store_failed", address=address, why=_why(failure))) from failure


def _why(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0].rstrip(".")
