"""Files written under a temporary name and then renamed, so that none is left half-written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from backrisk.errors import BackriskError
from backrisk.words import say


def no_file(path: str | Path) -> str:
    """Say why a path is no file that can be read, knowing that it is none."""
    return say("files.is_folder" if Path(path).is_dir() else "files.no_file", path=path)


@contextmanager
def written(path: str | Path, error: type[BackriskError] = BackriskError) -> Iterator[Path]:
    """Yield a new empty file beside a path; rename it to the path if all goes well.

    Whatever else happens, the file beside is removed and what stood at the path stays.

    Parameters
    ----------
    path : str or Path
        In a folder that exists.
    error : type of BackriskError
        What to raise.

    Yields
    ------
    Path
        In the same folder, so that the renaming is atomic, under a name of its own, so that two
        writers do not meet. It has the permissions that any new file gets.

    Raises
    ------
    BackriskError
        Of the kind `error`, in one sentence, if the file cannot be created, written or renamed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with written(f"{folder}/a.txt") as beside:
    ...         _ = beside.write_text("whole")
    ...     [each.name for each in Path(folder).iterdir()]
    ['a.txt']
    """
    path = Path(path)
    if path.is_dir():
        raise error(no_file(path))
    if not path.parent.is_dir():
        raise error(say("files.no_folder", path=path, folder=path.parent))
    beside = path.with_name(f"{path.name}.{token_hex(4)}.part")
    try:
        beside.touch(exist_ok=False)
        yield beside
        beside.replace(path)
    except OSError as failure:
        why = failure.strerror or failure
        raise error(say("files.not_written", path=path, why=why)) from failure
    finally:
        beside.unlink(missing_ok=True)
