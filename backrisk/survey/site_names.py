"""What a site may not be called: the words that ask for no site of the survey in particular."""

from __future__ import annotations

NEW, AVERAGE = "new", "average"  # a site unseen so far; all sites pooled


def reserved(site: str) -> bool:
    """Return whether a site's name would be read as one of these words, by a person at least.

    Examples
    --------
    >>> reserved("Average "), reserved("new"), reserved("New York")
    (True, True, False)
    """
    return " ".join(site.split()).casefold() in (NEW, AVERAGE)
