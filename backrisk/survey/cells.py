"""The cells of a staged table, a column at a time: each distinct text once, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backrisk.survey.readers import Source

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


def column_of(source: Source, field: str) -> pa.Array:
    """Return the cells of a field, as one array of whatever the file has of it."""
    return pq.read_table(source.path, columns=[field]).unify_dictionaries()[field].combine_chunks()


def places_of(cells: pa.DictionaryArray) -> Places:
    """Return the place of each cell in the dictionary; the one past its end where there is none."""
    blank = len(cells.dictionary)
    found: Places = cells.indices.fill_null(blank).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def texts_of(cells: pa.DictionaryArray) -> list[str | None]:
    """Return the texts that `places_of` are the places of; the last one is no text."""
    return [*cells.dictionary.to_pylist(), None]


def numbered(means: Sequence[object]) -> Places:
    """Return a number for each distinct meaning, in their order; -1 for none."""
    numbers = {mean: at for at, mean in enumerate(dict.fromkeys(m for m in means if m is not None))}
    return np.array([-1 if mean is None else numbers[mean] for mean in means], np.int64)
