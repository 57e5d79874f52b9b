"""Folders of Parquet files that are one table, as engines write them.

Where an engine parted the rows by a column, its values are in the names of the folders:
``people/sex=female/part-0.parquet``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from backrisk._addresses import is_aside
from backrisk._spelling import spell
from backrisk.survey.kinds import ENDINGS
from backrisk.survey.staging import TEXT, Table

NOBODY = "__HIVE_DEFAULT_PARTITION__"  # what engines call the folder of rows without a value


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder, in order; those that engines keep aside left out.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     for each in ("sex=f/a.parquet", "sex=f/_log.parquet", "_SUCCESS"):
    ...         (Path(name) / each).parent.mkdir(exist_ok=True)
    ...         (Path(name) / each).touch()
    ...     [str(each.relative_to(name)) for each in parquet_files(Path(name))]
    ['sex=f/a.parquet']
    """
    return sorted(
        each
        for each in folder.rglob("*")
        if each.suffix.lower() in ENDINGS["parquet"]
        and not is_aside(each.relative_to(folder).parts)
        and each.is_file()
    )


def keys_of(file: Path, folder: Path) -> dict[str, str | None]:
    """Return what the folders between a folder and a file of it say, by column.

    Examples
    --------
    >>> keys_of(Path("people/site=St.%20John/sex=f/a.parquet"), Path("people"))
    {'site': 'St. John', 'sex': 'f'}
    """
    pairs = [part.partition("=") for part in file.relative_to(folder).parts[:-1] if "=" in part]
    return {unquote(name): None if text == NOBODY else unquote(text) for name, _, text in pairs}


def with_keys(table: Table, keys: Mapping[str, str | None]) -> Table:
    """Return a table with columns whose cells are the same in every row.

    A column that the table has itself stays as it is there.
    """
    own = [spell(name) for name in table.columns]
    added = {name: text for name, text in keys.items() if spell(name) not in own}

    def batches() -> Iterator[Sequence[pa.Array]]:
        for batch in table.batches:
            size = len(batch[0]) if batch else 0
            yield [*batch, *(_repeated(text, size) for text in added.values())]

    return replace(table, columns=[*table.columns, *added], batches=batches())


def _repeated(text: str | None, size: int) -> pa.Array:
    if text is None:
        return pa.nulls(size, pa.string()).dictionary_encode()
    index = pa.array([0], pa.int32()).take(pa.array([0] * size, pa.int64()))
    return pa.DictionaryArray.from_arrays(index, pa.array([text])).cast(TEXT)
