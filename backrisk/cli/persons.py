"""Person files that a model understands: what is wrong with one is told by the name of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backrisk.cli.options import model_at
from backrisk.cli.terminal import read_saved
from backrisk.errors import QueryError
from backrisk.words import say

if TYPE_CHECKING:
    from backrisk.posterior import Posterior


def person_at(posterior: Posterior, path: Path) -> Mapping[str, Any]:
    """Read the answers of a person file that a model is asked about.

    Raises
    ------
    QueryError
        As `saved_at`.
    """
    from backrisk.queries import opened

    return opened(saved_at(posterior, path)).person


def saved_at(posterior: Posterior, path: Path) -> Mapping[str, Any]:
    """Read a person file, as it was saved, that a model is asked about.

    Raises
    ------
    QueryError
        As `backrisk.cli.terminal.read_saved`; if the model does not understand an answer.
    """
    saved = read_saved(path)
    demand_understood(posterior, path, saved)
    return saved


def files_at(
    posterior: Posterior, before: Path, after: Path, earlier: Path | None, site: str | None
) -> tuple[Mapping[str, Any], Mapping[str, Any], Posterior | None]:
    """Read two person files that are compared, and the model that the earlier one was saved with.

    Raises
    ------
    QueryError
        As `backrisk.follow_up`, by the names of the files.
    """
    from backrisk.queries import opened

    first, second = read_saved(before), saved_at(posterior, after)
    then, now = opened(first), opened(second)
    if then.date is not None and now.date is not None and then.date > now.date:
        days = {"day": then.date, "later_day": now.date}
        raise QueryError(say("cli.follow_up.order", before=before, after=after, **days))
    old = None if earlier is None else model_at(earlier, site)
    if old is not None and then.model not in (None, old.checksum):
        told = {"before": before, "named": then.model, "model": earlier, "given": old.checksum}
        raise QueryError(say("cli.follow_up.other_model", **told))
    own = posterior if old is None else old
    if then.model in (None, own.checksum):  # another model reads of it what it understands
        demand_understood(own, before, first)
    return first, second, old


def demand_understood(posterior: Posterior, path: Path, saved: Mapping[str, Any]) -> None:
    """Refuse answers that a model does not understand, by the name of their file.

    Raises
    ------
    QueryError
    """
    from backrisk.graph import UnrolledGraph
    from backrisk.queries import read_answers

    if isinstance(posterior.graph, UnrolledGraph):  # a person is a history there, told by period
        return
    try:
        read_answers(posterior.graph, posterior.codebook, saved)
    except QueryError as error:
        lines = (str(say("cli.person.saved", path=path, problem=p)) for p in str(error).split("\n"))
        raise QueryError("\n".join(lines)) from error
