"""How something public goes: with a warning, and not before the version that the warning names."""

from __future__ import annotations

import warnings

from backrisk.words import say


def deprecated(old: str, new: str, gone: str, *, depth: int = 2) -> None:
    """Warn whoever uses something that is to go, at the line where it is used.

    Parameters
    ----------
    old : str
        What is used, as its user writes it.
    new : str
        What to write in its place.
    gone : str
        The version with which it goes, at least one minor version from now.
    depth : int
        Calls between this one and the user's line; 2 from the function that the user calls.

    Warns
    -----
    FutureWarning
        One sentence, shown by default.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     deprecated("risk(at=)", "risk(target=)", "0.4")
    >>> str(told[0].message)
    'risk(at=) is deprecated and goes with version 0.4: use risk(target=).'
    """
    told = say("phrases.deprecated", old=old, new=new, gone=gone)
    warnings.warn(told, FutureWarning, stacklevel=depth + 1)
