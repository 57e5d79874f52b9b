"""A small graph and its codebook, which several tests of the room read answers with."""

from itertools import count

import pyarrow.parquet as pq

from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, Source
from backrisk.survey.formats import frame_table
from backrisk.survey.staging import stage

GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("bmi", "pain"), ("load", "pain"), ("warm_up", "pain")],
    {
        "core": ["strong", "moderate", "weak"],
        "bmi": ["under_25", "25_plus"],
        "load": ["gradual", "spike"],
        "warm_up": ["dynamic", "none"],
        "pain": ["none", "not_limiting", "limiting"],
    },
)


def contents():
    number = {"type": "number"}
    return {
        "name": "small",
        "graph": "graph",
        "missing": ["", "NA"],
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "unit": "s", "range": [0, 600],
                      "cuts": [41, 75], "states": ["weak", "moderate", "strong"], **number},
            "warm_up": {"node": "warm_up", "labels": {"drills": "dynamic", "no": "none"}},
            "kg": {"role": "input", "range": [30, 200], "typical": [45, 115], **number},
            "cm": {"role": "input", "range": [120, 220], "outside": "missing",
                   "typical": [150, 195], **number},
            "week": {"role": "input", "typical": [1, 40], "decimals": 1, **number},
            "month": {"role": "input", "typical": [5, 30], "decimals": 1, **number},
        },
        "derived": {
            "bmi_value": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]},
            "ratio": {"node": "load", "derive": "ratio", "from": ["week", "month"], "cuts": [1.3]},
        },
    }  # fmt: skip


def changed(path, value):
    """Return the contents with one key changed."""
    data = contents()
    *parents, last = path.split(".")
    part = data
    for key in parents:
        part = part[key]
    part[last] = value
    return data


def book(**keys):
    """Return the codebook, with other keys where they are given."""
    return Codebook.from_dict({**contents(), **keys}, GRAPH)


def staged(frame, folder, name="t", **options):
    """Return a frame as a source of canonical text in a folder."""
    table = stage(frame_table(frame), folder / "rows.parquet")
    return Source(
        name, table.path, table.columns, table.fields, table.blank, lambda: count(1),
        commas=table.commas, **options,
    )  # fmt: skip


def rows_of(table, folder):
    """Return the columns of a table, and its rows of canonical text."""
    found = stage(table, folder / "staged.parquet")
    held = pq.read_table(found.path, columns=list(found.fields))
    return found.columns, [tuple(row.values()) for row in held.to_pylist()]
