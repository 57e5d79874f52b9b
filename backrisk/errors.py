"""The exceptions of backrisk.

::

    BackriskError
    ├── GraphError       a graph's file or definition; carries every problem found
    ├── SurveyError      a codebook or a table of answers; carries every problem found
    ├── FitError         a model that cannot be fitted
    ├── PosteriorError   a saved model that cannot be read or written
    ├── QueryError       a person, a piece of evidence, an intervention, a target
    └── ArgumentError    a call in Python with the wrong type of argument; a TypeError as well

Each message is one sentence that names what was wrong, where, and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable


class BackriskError(Exception):
    """Base of every error that backrisk raises on purpose."""


class _Listing(BackriskError):
    """An error that carries every problem that was found.

    Parameters
    ----------
    message : str
        The sentence a person reads.
    problems : iterable of str, optional
        Every single problem; the message alone where there is one.
    """

    def __init__(self, message: str, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems) or (message,)


class GraphError(_Listing):
    """A causal graph is not well formed; carries every problem found in ``problems``."""


class SurveyError(_Listing):
    """A codebook or a table of answers does not hold what it should.

    Parameters
    ----------
    message : str
        The sentence a person reads.
    problems : iterable of str, optional
        Every single problem; the message alone where there is one.
    """


class FitError(BackriskError):
    """A model cannot be built or fitted."""


class PosteriorError(BackriskError):
    """A saved model cannot be read, written or trusted."""


class QueryError(BackriskError):
    """A question cannot be asked as it was put."""


class ArgumentError(BackriskError, TypeError):
    """A function was called with the wrong type of argument, or with the wrong arguments."""
