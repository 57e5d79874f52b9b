"""Which people share the answers that a table depends on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backrisk.inference.twin_network import Variable

Codes = NDArray[np.intp]  # states by code, one for each person, or one for all of them
Indices = NDArray[np.intp]  # positions among people, rows or places

_ALONE = np.zeros(1, np.intp)  # who is asked about alone
_LARGEST_KEY = 2**62  # distinct rows of answers are told apart by one integer


class AnswerRows:
    """Which people share the answers that a table depends on.

    A table that depends on few answers has a row for each combination that occurs, not one for
    each person: most of the work is shared.

    Parameters
    ----------
    codes : mapping of variable to ndarray of int
        What is known: a code for each person, or one for all of them.
    """

    def __init__(self, codes: Mapping[Variable, Codes]) -> None:
        self.codes = codes
        self.people = max((len(code) for code in codes.values()), default=1)
        self._found: dict[tuple[Variable, ...], tuple[Indices, Indices]] = {}

    def many(self, variable: Variable) -> bool:
        """Return whether people differ in a variable at all."""
        return len(self.codes[variable]) > 1

    def of(self, known: tuple[Variable, ...]) -> tuple[Indices, Indices]:
        """Return one person for each distinct row of answers, and each person's row."""
        if self.people == 1:
            return _ALONE, _ALONE
        if known not in self._found:
            key, size = np.zeros(self.people, dtype=np.intp), 1
            for v in known:  # mixed radix: one digit for each answer
                states = int(self.codes[v].max()) + 1
                if size * states > _LARGEST_KEY:
                    key, size = np.unique(key, return_inverse=True)[1], self.people
                key, size = key * states + self.codes[v], size * states
            _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
            self._found[known] = first, inverse
        return self._found[known]

    def codes_of(self, known: tuple[Variable, ...]) -> dict[Variable, Codes]:
        """Return what is known of some variables, an entry for each distinct row."""
        if self.people == 1:
            return {v: self.codes[v] for v in known}
        first, _ = self.of(known)
        return {v: self.codes[v][first if self.many(v) else [0]] for v in known}

    def count(self, known: tuple[Variable, ...]) -> int:
        """Return the number of distinct rows."""
        return len(self.of(known)[0])


def some_people(codes: Mapping[Variable, Codes], start: int, stop: int) -> dict[Variable, Codes]:
    """Return what is known of the people from one place to another."""
    return {v: code[start:stop] if len(code) > 1 else code for v, code in codes.items()}
