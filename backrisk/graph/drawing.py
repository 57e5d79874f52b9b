"""A graph as text that other programs draw: DOT of Graphviz, and Mermaid.

How well an edge is supported is told by its line and, in words, by what stands beside it; so
nothing is lost in black and white.
"""

from __future__ import annotations

from collections.abc import Iterator

from backrisk.graph.elements import Edge, Node, Stated
from backrisk.words import Names

# Pen width and style in DOT; the line of Mermaid has three kinds.
_PENS = {
    "strong": ("2.6", "solid"),
    "moderate": ("1.8", "solid"),
    "weak": ("1.2", "solid"),
    "none": ("1.0", "dashed"),
    "contradicted": ("1.0", "dotted"),
}
_ARROWS = {"strong": "==>", "moderate": "-->", "weak": "-->"}  # all others have dots


def to_dot(graph: Stated, names: Names) -> str:
    """Write a graph as DOT; see `CausalGraph.to_dot`."""
    return "".join(_dot(graph, names))


def _dot(graph: Stated, names: Names) -> Iterator[str]:
    yield f"digraph {_text(graph.name)} {{\n  rankdir=LR;\n"
    yield "  node [shape=box; style=rounded; fontname=Helvetica];\n"
    yield "  edge [fontname=Helvetica; fontsize=9];\n"
    for node in graph.nodes:
        outcome = ", peripheries=2" if node.name == graph.outcome else ""
        yield f"  {_text(node.name)} [label={_text(names.node(node.name))}{outcome}];\n"
    for edge in graph.edges:
        width, style = _PENS[edge.grade]
        told = f"label={_text(names.grade(edge.grade))}, penwidth={width}, style={style}"
        told += f", tooltip={_text(_claim(edge))}"
        yield f"  {_text(edge.cause)} -> {_text(edge.effect)} [{told}];\n"
    yield "}\n"


def to_mermaid(graph: Stated, names: Names) -> str:
    """Write a graph as Mermaid; see `CausalGraph.to_mermaid`."""
    return "".join(_mermaid(graph, names))


def _mermaid(graph: Stated, names: Names) -> Iterator[str]:
    places = {node.name: f"n{place}" for place, node in enumerate(graph.nodes)}
    yield "flowchart LR\n"
    for node in graph.nodes:
        yield f"  {places[node.name]}{_box(graph, node, names.node(node.name))}\n"
    for edge in graph.edges:
        arrow = _ARROWS.get(edge.grade, "-.->")
        told = _entities(names.grade(edge.grade))
        yield f'  {places[edge.cause]} {arrow}|"{told}"| {places[edge.effect]}\n'


def _box(graph: Stated, node: Node, label: str) -> str:
    """Return the box of a node; the outcome's has two lines at its sides."""
    inside = f'"{_entities(label)}"'
    return f"[[{inside}]]" if node.name == graph.outcome else f"[{inside}]"


def _claim(edge: Edge) -> str:
    cited = ", ".join(edge.citations)
    return f"{edge.claim} ({cited})" if cited else edge.claim


def _text(words: str) -> str:
    """Return words in the quotation marks of DOT, where a backslash begins an escape."""
    inside = " ".join(words.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def _entities(words: str) -> str:
    """Return words in which Mermaid finds no mark of its own."""
    return "".join(
        character if character.isalnum() or character in " ,.-_" else f"#{ord(character)};"
        for character in " ".join(words.split())
    )
