"""What an editor needs to complete and check a codebook while it is written."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def codebook_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a codebook's YAML.

    It says of every key what it means and what it takes. Whether a codebook fits its graph is
    checked by `load_codebook`.

    Returns
    -------
    dict
        As it stands in ``backrisk/survey/codebooks/codebook.schema.json``.

    Examples
    --------
    >>> schema = codebook_schema()
    >>> schema["required"], schema["properties"]["site"]["description"][:36]
    (['graph', 'columns'], 'The column that names the site or ce')
    """
    path = files("backrisk.survey") / "codebooks" / "codebook.schema.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
