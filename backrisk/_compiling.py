"""Compiled loops, kept on disk where there is a place for them.

Numba refuses to compile what it is asked to keep and cannot: where neither the package's folder nor
the user's can be written, as in a container that is read only, or where the disk is full. There a
loop is compiled by each process anew.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import cfunc, njit

Decorator = Callable[[Callable[..., Any]], Any]


def loop(**options: Any) -> Decorator:
    """Return a decorator that compiles a function when it is called.

    Parameters
    ----------
    **options
        Of `numba.njit`.

    Examples
    --------
    >>> @loop(error_model="numpy")
    ... def half(x):
    ...     return x / 2
    >>> half(3.0)
    1.5
    """
    return _kept(lambda kept: njit(cache=kept, **options))


def callback(signature: Any) -> Decorator:
    """Return a decorator that compiles a function now, for C to call.

    Parameters
    ----------
    signature
        Of `numba.cfunc`.
    """
    return _kept(lambda kept: cfunc(signature, cache=kept))


def _kept(decorator: Callable[[bool], Decorator]) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Any:
        try:
            found = decorator(True)(function)
        except (RuntimeError, OSError):  # nowhere to keep it
            return decorator(False)(function)
        cache = found._cache
        save = cache.save_overload

        def save_if_there_is_room(*compiled: Any) -> None:
            with suppress(OSError):
                save(*compiled)

        cache.save_overload = save_if_there_is_room
        return found

    return decorate
