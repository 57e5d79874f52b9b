"""Names that any tool takes, and the way back to those that they stand for.

Most formats want a letter first and then letters, digits and underscores: ``40_54`` is no name
there. What a name stands for is written beside it, in characters that no format has a meaning for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

from backrisk.graph import identifier

NODE, STATE = "n_", "s_"  # what stands before a name that begins with no letter
_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED = frozenset(
    (
        *("network", "variable", "probability", "property", "type", "discrete", "default"),
        *("table", "net", "node", "potential", "states", "data", "class", "label", "utility"),
        *("decision", "continuous", "function", "and", "or", "not", "if", "else"),
    )
)
_PLAIN = " _.-"  # beside letters and digits, what is written as it is


def safe_names(texts: Iterable[str], before: str) -> dict[str, str]:
    """Return an identifier for each of some different texts; those that are one stay.

    Parameters
    ----------
    texts : iterable of str
    before : str
        What stands before a text that begins with no letter.

    Returns
    -------
    dict of text to identifier

    Examples
    --------
    >>> safe_names(["under_40", "40_54", "55+", "55-"], STATE)
    {'under_40': 'under_40', '40_54': 's_40_54', '55+': 's_55', '55-': 's_55_2'}
    """
    texts = list(texts)
    found = {text: text for text in texts if _SAFE.fullmatch(text) and text not in _RESERVED}
    taken = set(found)
    for text in texts:
        if text not in found:
            plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
            plain = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_")
            first = plain if _SAFE.fullmatch(plain) and plain not in _RESERVED else before + plain
            found[text] = _free(first, taken)
            taken.add(found[text])
    return {text: found[text] for text in texts}


def node_names(texts: Iterable[str]) -> dict[str, str]:
    """Return the name of a node for each of some different texts; those that are one stay.

    Examples
    --------
    >>> node_names(["low back pain", "pain", "low-back-pain"])
    {'low back pain': 'low_back_pain', 'pain': 'pain', 'low-back-pain': 'low_back_pain_2'}
    """
    texts = list(texts)
    found = {text: text for text in texts if identifier(text) == text and text.isidentifier()}
    taken = set(found)
    for text in texts:
        if text not in found:
            name = identifier(text)
            found[text] = _free(name if name.isidentifier() else f"_{name}", taken)
            taken.add(found[text])
    return {text: found[text] for text in texts}


def _free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def escaped(texts: str | Sequence[str]) -> str:
    """Return a text, or several with ``|`` between them, in characters without a meaning.

    Examples
    --------
    >>> escaped(["a; b", "c|d"]), unescaped("a%3B b|c%7Cd")
    ('a%3B b|c%7Cd', ['a; b', 'c|d'])
    """
    many = [texts] if isinstance(texts, str) else texts
    return "|".join(quote(text, safe=_PLAIN) for text in many)


def unescaped(text: str) -> list[str]:
    """Return the texts that `escaped` was given."""
    return [unquote(part) for part in text.split("|")]


def stands_for(shown: Sequence[str], said: str | None, before: str) -> tuple[str, ...]:
    """Return the texts that some names of a file stand for, where it says so.

    Parameters
    ----------
    shown : sequence of str
        The names in the file.
    said : str, optional
        What stands beside them there. It counts only where they are what `safe_names` would make
        of it: who renamed a state in another tool meant what is shown.
    before : str
        As for `safe_names`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> stands_for(["s_40_54", "other"], "40_54|other", STATE)
    ('40_54', 'other')
    >>> stands_for(["middle", "other"], "40_54|other", STATE)
    ('middle', 'other')
    """
    texts = unescaped(said) if said else []
    if len(texts) != len(shown) or len(set(texts)) < len(texts):
        return tuple(shown)
    same = list(shown) in (texts, list(safe_names(texts, before).values()))
    return tuple(texts) if same else tuple(shown)


def notes(
    name: str, states: Sequence[str], label: str, labels: Sequence[str], *, nominal: bool
) -> Mapping[str, str]:
    """Return what a file says beside the names of a node and its states, by key.

    Parameters
    ----------
    name, states, label, labels, nominal
        See `Family`.

    Returns
    -------
    mapping of str to str
        Without what is empty, or as it is shown anyway.
    """
    found = {}
    if safe_names([name], NODE)[name] != name:
        found["backrisk_name"] = escaped(name)
    if list(safe_names(states, STATE).values()) != list(states):
        found["backrisk_states"] = escaped(states)
    if label:
        found["backrisk_label"] = escaped(label)
    if labels:
        found["backrisk_labels"] = escaped(labels)
    if nominal:
        found["backrisk_order"] = "none"
    return found
