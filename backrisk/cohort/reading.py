"""How people that a model is asked about are read: by its codebook, or as labels of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backrisk.posterior import Posterior
from backrisk.survey import Codebook, Frame, Survey, read_by_header


def codebook_for(posterior: Posterior, columns: Sequence[str]) -> Codebook:
    """Return what reads a table of people: the model's codebook or its plain nodes and labels.

    Parameters
    ----------
    posterior : Posterior
    columns : sequence of str
        Of the table.

    Returns
    -------
    Codebook
        The one that knows more of the columns; of two that know as many, the model's. It demands
        nothing that only a fit needs of its people.
    """
    plain = Codebook.plain(posterior.graph)
    own = plain if posterior.codebook is None else posterior.codebook.of_anybody()
    names = set(columns)
    return own if len(names & set(own.known)) >= len(names & set(plain.known)) else plain


def read_cohort(posterior: Posterior, cohort: str | Path | Frame, **reading: Any) -> Survey:
    """Read people to ask a model about, by the codebook that knows more of their columns.

    Parameters
    ----------
    posterior : Posterior
    cohort : str, Path or frame
        As for `backrisk.read_survey`.
    **reading
        How to read it, as for `backrisk.read_survey`.

    Returns
    -------
    Survey

    Raises
    ------
    SurveyError
        As for `backrisk.read_survey`.
    """
    return read_by_header(
        cohort, posterior.graph, lambda columns: codebook_for(posterior, columns), **reading
    )
