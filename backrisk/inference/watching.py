"""Looking up between the steps of a sum: whoever asked may have gone, or the time may be over.

A contraction of large tables cannot be broken off inside NumPy. Before each step of one, what was
given to `watched` is called; what it raises ends the question there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from backrisk.inference.twin_network import Variable

Look = Callable[[tuple[str, ...]], None]


def _go_on(nodes: tuple[str, ...]) -> None:
    """Let every step be taken."""


_look: ContextVar[Look] = ContextVar("look", default=_go_on)


@contextmanager
def watched(look: Look) -> Iterator[None]:
    """Call a function before each step of the sums that are made meanwhile, in this thread.

    Parameters
    ----------
    look : callable
        Of the nodes whose joint table the next step forms. What it raises ends the question, which
        leaves nothing half done behind.

    Examples
    --------
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.inference import World
    >>> from backrisk.posterior import Posterior
    >>> graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    >>> world = World(Posterior.from_cpts(graph, cpts), {}, {})
    >>> with watched(print):
    ...     world.joint([("y", 0)]).shape
    ('x', 'y')
    ('y',)
    (2, 1)
    """
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


def watcher() -> Callable[[Iterable[Variable]], None]:
    """Return what to call before a step with the variables of its table, from whatever thread."""
    look = _look.get()
    if look is _go_on:
        return lambda variables: None
    return lambda variables: look(tuple(dict.fromkeys(name for name, _ in variables)))
