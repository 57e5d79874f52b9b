"""A small table over time and its codebook, which several tests of the room read."""

import pandas as pd

from backrisk.graph import CausalGraph
from backrisk.survey import Codebook

NODES = {
    "sex": ["f", "m"],
    "load": ["low", "middle", "high"],
    "mood": ["good", "bad"],
    "pain": ["no", "yes"],
}


EDGES = [("sex", "pain"), ("load", "pain"), ("mood", "pain")]


GRAPH = CausalGraph.from_edges(EDGES, NODES)


def book(panel=None, columns=None, graph=GRAPH, **keys):
    own = {
        "sex": {"node": "sex"},
        "minutes": {"node": "load", "type": "number", "cuts": [30, 60], "range": [0, 900]},
        "mood": {"node": "mood"},
        "pain": {"node": "pain"},
    }
    panel = {"id": "who", "time": "day", "every": 7, "constant": ["sex"], **(panel or {})}
    data = {"name": "b", "graph": "graph", "columns": {**own, **(columns or {})}, "panel": panel}
    return Codebook.from_dict({**data, **keys}, graph)


def frame(*rows, columns=("who", "day", "sex", "minutes", "mood", "pain")):
    return pd.DataFrame(rows, columns=list(columns), dtype=object)


FRAME = frame(
    ["a", 0, "f", 20, "good", "no"],
    ["a", 3, None, 50, "bad", None],
    ["a", 15, None, None, "good", "yes"],
    ["b", 100, "m", 70, None, "no"],
)
