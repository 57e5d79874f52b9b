"""What comes with the package for trying it: a fitted model, and people to ask about."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import Any

from backrisk._arguments import checked
from backrisk.errors import QueryError
from backrisk.posterior.loading import load_posterior
from backrisk.posterior.posterior import Posterior
from backrisk.words import listed, say

_DATA = files("backrisk.posterior") / "data"


def example_posterior() -> Posterior:
    """Return the packaged example: the graph ``runner`` fitted to the packaged synthetic survey.

    Returns
    -------
    Posterior
        400 of the 4,000 draws of `backrisk.fit`; an interval's ends move by more from seed to seed
        than those of a fit of your own. Its people are invented: nothing it says is a finding.

    Examples
    --------
    >>> import backrisk as br
    >>> br.risk(br.example_posterior(), br.example_person("weak_core")).draws.shape
    (400,)
    """
    with as_file(_DATA / "example.nc") as path:
        return load_posterior(path)


def example_people() -> tuple[str, ...]:
    """Return the names that `example_person` takes.

    Examples
    --------
    >>> "in_pain" in example_people()
    True
    """
    found = (each.name for each in (_DATA / "persons").iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


@checked()
def example_person(name: str = "weak_core") -> dict[str, Any]:
    """Return the answers of an invented person, to ask the example about.

    Parameters
    ----------
    name : str
        One of `example_people`.

    Returns
    -------
    dict
        State labels by node, or raw answers of the codebook.

    Raises
    ------
    QueryError
        If there is nobody of that name.

    Examples
    --------
    >>> example_person("in_pain")["pain"]
    'limiting'
    """
    people = example_people()
    if name not in people:
        raise QueryError(say("posterior.no_example", name=name, known=listed(people)))
    found: dict[str, Any] = json.loads((_DATA / "persons" / f"{name}.json").read_text())
    return found
