"""What a public function demands of its arguments: a sentence in place of an error from inside.

The annotations of a function already say what it takes. `checked` holds a call to them, as far as
a mistake is told by the type alone; what a name or a number must be, the function says itself.
"""

from __future__ import annotations

import functools
import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from numbers import Integral, Real
from textwrap import shorten
from typing import Any, Literal, NoReturn, TypeAliasType, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as hints_of

import numpy as np

from backrisk.errors import ArgumentError
from backrisk.words import say

_WIDE = 60  # characters of a wrong value that are shown
_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool, np.bool_), "truth"),
    int: ((Integral,), "whole"),
    float: ((Real,), "number"),
    str: ((str,), "text"),
}
_UNKNOWN = (Any, object, inspect.Parameter.empty)


def checked[**P, R](*own: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a function that refuses an argument of a type that its annotation does not name.

    Checked are truth values, numbers, text, paths, mappings, lists of names and classes; a list
    may also be one name. Annotations of another kind are taken on trust.

    Parameters
    ----------
    *own : str
        Arguments of which the function itself says what is wrong with them.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    ArgumentError
        When the function is called: one sentence that names the argument, what it should be and
        what was given.

    Examples
    --------
    >>> @checked()
    ... def half(number: float) -> float:
    ...     return number / 2
    >>> half(3)
    1.5
    >>> half("3")
    Traceback (most recent call last):
    backrisk.errors.ArgumentError: half: 'number' should be a number, not '3' (str).
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        check = _check_of(function.__name__, function, function, own)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            check(*args, **kwargs)
            return function(*args, **kwargs)

        return call

    return decorate


def checked_class[C: type](*own: str) -> Callable[[C], C]:
    """Return what holds the arguments of a dataclass to the annotations of its fields.

    See `checked`.
    """

    def decorate(made: C) -> C:
        init = made.__init__  # type: ignore[misc]
        check = _check_of(made.__name__, init, made, own)

        @functools.wraps(init)
        def call(self: Any, *args: Any, **kwargs: Any) -> None:
            check(self, *args, **kwargs)
            init(self, *args, **kwargs)

        made.__init__ = call  # type: ignore[misc]
        return made

    return decorate


def _check_of(
    name: str, function: Callable[..., Any], annotated: Any, own: tuple[str, ...]
) -> Callable[..., None]:
    """Return what checks the arguments of a call."""
    signature = inspect.signature(function)
    parameters = signature.parameters

    @functools.cache
    def hints() -> dict[str, Any]:  # at the first call: a module may not be whole before
        if isinstance(annotated, type):
            return hints_of(annotated)
        every = annotated.__annotations__  # whose names may be known to type checkers alone
        mine = {key: hint for key, hint in every.items() if key not in ("return", *own)}
        return hints_of(types.SimpleNamespace(__annotations__=mine), annotated.__globals__)

    def check(*args: Any, **kwargs: Any) -> None:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise ArgumentError(say("phrases.call", function=name, why=str(error))) from None
        known = hints()
        for argument, value in given.items():
            if argument in own:
                continue
            hint, kind = known.get(argument, Any), parameters[argument].kind
            each = (value,)
            if kind is inspect.Parameter.VAR_POSITIONAL:
                each = value
            elif kind is inspect.Parameter.VAR_KEYWORD:
                each = tuple(value.values())
            for one in each:
                if not _is(one, hint):
                    refuse(name, argument, one, hint)
                if argument == "seed" and isinstance(one, Integral) and int(one) < 0:
                    _refuse(name, argument, one, say("phrases.kinds.seed"))

    return check


def shown(value: object) -> str:
    """Return what a wrong argument looks like, in one short line.

    Examples
    --------
    >>> shown([1, 2]), shown("a " * 99)
    ('[1, 2]', "'a a a a a a a a a a a a a a a a a a a a a a a a a a a a...")
    """
    return shorten(" ".join(repr(value).split()), _WIDE, placeholder="...")


def refuse(function: str, argument: str, value: object, hint: Any) -> NoReturn:
    """Raise what tells of an argument of the wrong type."""
    _refuse(function, argument, value, _expected(hint))


def _refuse(function: str, argument: str, value: object, expected: str) -> NoReturn:
    raise ArgumentError(
        say(
            "phrases.argument",
            function=function,
            argument=argument,
            expected=expected,
            value=shown(value),
            kind=type(value).__name__,
        )
    )


@functools.cache
def _parts(hint: Any) -> tuple[Any, ...]:
    """Return the alternatives of an annotation, each once."""
    alias = get_origin(hint) or hint
    if isinstance(alias, TypeAliasType):
        given = get_args(hint)
        return _parts(alias.__value__[given] if given else alias.__value__)
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(dict.fromkeys(part for arg in get_args(hint) for part in _parts(arg)))
    return (hint,)


def _is(value: object, hint: Any) -> bool:
    return any(_is_one(value, part) for part in _parts(hint))


def _is_one(value: object, hint: Any) -> bool:
    if hint in _UNKNOWN or isinstance(hint, TypeVar):
        return True
    if hint is None or hint is type(None):
        return value is None
    if hint in _PLAIN:
        return isinstance(value, _PLAIN[hint][0]) and (hint is bool or not isinstance(value, bool))
    origin = get_origin(hint) or hint
    if origin is Literal:
        return isinstance(value, tuple({type(each) for each in get_args(hint)}))
    if not isinstance(origin, type):
        return True
    protocol = getattr(origin, "_is_protocol", False)
    if protocol and not getattr(origin, "_is_runtime_protocol", False):
        return True  # of frames: whoever opens them says what they are not
    if issubclass(origin, os.PathLike):
        return isinstance(value, os.PathLike)
    if issubclass(origin, np.ndarray):  # lists become arrays
        given = isinstance(value, np.ndarray | list | tuple) or hasattr(value, "__array__")
        return given and (not isinstance(value, np.ndarray) or _holds(value, hint))
    held = get_args(hint)
    if origin is tuple and held and held[-1] is not ...:  # of so many
        return isinstance(value, tuple | list) and len(value) == len(held)
    if issubclass(origin, Iterable) and not issubclass(origin, Mapping) and held:
        return _is_many(value, origin, get_args(hint)[0])
    if origin is tuple:
        return isinstance(value, tuple | list)
    return isinstance(value, origin)


def _holds(array: np.ndarray[Any, Any], hint: Any) -> bool:
    """Whether NumPy would read an array as what is named without dropping a part of it.

    Parts are the imaginary one, the mask, and what stands after a decimal point.
    """
    scalar = _scalar(hint)
    if not issubclass(scalar, np.integer | np.floating):
        return True
    if np.ma.is_masked(array):
        return False
    if issubclass(scalar, np.integer) and array.dtype.kind == "f":
        return bool(np.array_equal(array, np.trunc(array)))
    return array.dtype.kind in "biufO"


def _scalar(hint: Any) -> type:
    """Return the type of the numbers that an annotated array holds."""
    held = get_args(get_args(hint)[1]) if len(get_args(hint)) > 1 else ()
    scalar = (get_origin(held[0]) or held[0]) if held else object
    return scalar if isinstance(scalar, type) else object


def real(given: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return real numbers as an array, refusing what NumPy would drop a part of, or guess.

    Raises
    ------
    TypeError, ValueError
        If they are complex, masked, text or dates; if they are no array.

    Examples
    --------
    >>> real([[0.25, 0.75]])
    array([[0.25, 0.75]])
    """
    array = np.asanyarray(given)
    if np.ma.is_masked(array):
        raise TypeError(say("phrases.parts.masked"))
    if array.dtype.kind not in "biufO":
        value = shown(array.flat[0].item() if array.size else array)
        raise TypeError(say("phrases.parts.not_real", value=value, kind=array.dtype))
    return np.asarray(array, dtype=np.float64)


def _is_many(value: object, origin: type, each: Any) -> bool:
    if isinstance(value, str | bytes):  # one name is a list of one
        return isinstance(value, str) and str in _parts(each)
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return False
    if origin is tuple and not isinstance(value, Sequence | Set):
        return False
    if (isinstance(each, type) or get_origin(each) is tuple) and isinstance(value, Sequence | Set):
        return all(_is_one(one, each) for one in value)
    return True


def _expected(hint: Any) -> str:
    """Word what an annotation names."""
    words = dict.fromkeys(word for part in _parts(hint) if (word := _word(part)))
    return say("phrases.or").join(words)


def _word(hint: Any) -> str:
    if hint is None or hint is type(None):
        return str(say("phrases.kinds.nothing"))
    if hint in _PLAIN:
        return str(say(f"phrases.kinds.{_PLAIN[hint][1]}"))
    origin = get_origin(hint) or hint
    if origin is Literal:
        return say("phrases.one_of", labels=say("phrases.comma").join(map(repr, get_args(hint))))
    if isinstance(origin, type):
        for kind, key in ((os.PathLike, "path"), (Mapping, "mapping"), (np.ndarray, "array")):
            if issubclass(origin, kind):
                if key == "array" and issubclass(_scalar(hint), np.integer):
                    key = "array_of_whole"
                return str(say(f"phrases.kinds.{key}"))
        if issubclass(origin, Iterable) and get_args(hint):
            key = "names" if get_args(hint)[0] is str else "many"
            return str(say(f"phrases.kinds.{key}"))
        ways = {"CausalGraph", "Posterior", "Survey", "Panel", "Codebook"}
        if origin.__name__ in ways:
            return str(say(f"phrases.made.{origin.__name__}"))
        return str(say("phrases.kinds.object", name=origin.__name__))
    return ""
