"""A graph as DAGitty reads it: nodes with their roles, and edges.

DAGitty keeps what it does not know of a node, so that labels and states survive a visit to it.
"""

from __future__ import annotations

import re

from backrisk.graph.arrows import ROLES, TWO_STATES
from backrisk.graph.elements import Node, Stated

_BARE = re.compile(r"[0-9A-Za-z_.]+")
_ESCAPED = '%|"\\\n'  # in the labels of states, which stand in one text with | between them


def to_dagitty(graph: Stated) -> str:
    """Write a graph as DAGitty's text; see `CausalGraph.to_dagitty`."""
    name = f" {graph.name}" if _BARE.fullmatch(graph.name) and "." not in graph.name else ""
    lines = [f"dag{name} {{"]
    for node in graph.nodes:
        said = ", ".join(_said(graph, node))
        lines.append(f"{_quoted(node.name)} [{said}]" if said else _quoted(node.name))
    lines += [f"{_quoted(edge.cause)} -> {_quoted(edge.effect)}" for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _said(graph: Stated, node: Node) -> list[str]:
    said = ["outcome"] if node.name == graph.outcome else []
    said += [
        role for role in ROLES if role != "outcome" and node.name in getattr(graph.roles, role)
    ]
    if node.label:
        said.append(f"label={_text(node.label)}")
    if node.states != TWO_STATES:
        said.append(f'states="{"|".join(map(_escaped, node.states))}"')
    return said


def _escaped(state: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in state)


def _quoted(name: str) -> str:
    return name if _BARE.fullmatch(name) else f'"{name}"'


def _text(label: str) -> str:
    inside = " ".join(label.split()).replace("\\", "/").replace('"', '\\"')
    return f'"{inside}"'
