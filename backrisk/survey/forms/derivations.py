"""What several columns of a form may say together: ticked boxes, and a height with a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from backrisk.graph import CausalGraph, Node
from backrisk.survey.forms.fields import Field
from backrisk.survey.forms.matching import Match, boxes_of, key, speaks_of
from backrisk.survey.schema import UNDECIDED
from backrisk.survey.units import names_of_units, unit_of
from backrisk.words import choices, names_of, say


@dataclass(frozen=True)
class Boxes:
    """Boxes of one question that speak of one node.

    Parameters
    ----------
    node : str
    fields : tuple of Field
    """

    node: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class BodyMass:
    """A weight and a height, from which a body mass index is computed.

    Parameters
    ----------
    node : Node
        Of the index.
    fields : tuple of Field
        The weight and the height.
    """

    node: Node
    fields: tuple[Field, Field]

    def unit(self, each: Field) -> tuple[str, str]:
        """Return the unit of one of them, empty where nobody says it, and which there may be."""
        quantity = "mass" if each is self.fields[0] else "length"
        found = unit_of(each.unit)
        known = each.unit if found is not None and found.quantity == quantity else ""
        return known, choices(names_of_units(quantity))


def ticked(fields: Sequence[Field]) -> dict[str, object]:
    """Return the rule that any of some boxes is ticked, of which the state is to be decided."""
    word = next(iter(fields[0].choices), "1")  # what the file has in a box that is ticked
    when = {"any": [each.name for each in fields], "contains": [word]}
    return {"state": UNDECIDED, "when": [when]}


def unread_boxes(fields: Sequence[Field]) -> dict[str, dict[str, object]]:
    """Return, by question, the derived value that its boxes would be read as."""
    groups: dict[str, list[Field]] = {}
    for each in fields:
        if each.group:
            groups.setdefault(each.group, []).append(each)
    return {
        group: {
            "node": UNDECIDED,
            "derive": "first_match",
            "from": [each.name for each in of],
            "rules": [ticked(of)],
            "otherwise": UNDECIDED,
        }
        for group, of in groups.items()
    }


def boxes(free: Sequence[Field], matched: Mapping[str, Match], graph: CausalGraph) -> list[Boxes]:
    """Return the questions of which several boxes speak of a node that no other column is for.

    Parameters
    ----------
    free : sequence of Field
    matched : mapping of str to Match
        The node of each column that may measure one.
    graph : CausalGraph
    """
    groups: dict[str, list[Field]] = {}
    for each in free:
        if each.box and each.group and each.kind == "choice":
            groups.setdefault(each.group, []).append(each)
    found: dict[str, Boxes] = {}
    for group in groups.values():
        named = {each.name for each in group}
        if (together := boxes_of(group, graph)) is None:
            continue
        node, fields = together
        others = {match.node for name, match in matched.items() if name not in named}
        if node not in others:
            found.setdefault(node, Boxes(node, fields))
    return list(found.values())


def body_mass(free: Sequence[Field], taken: Set[str], graph: CausalGraph) -> BodyMass | None:
    """Return the weight and the height among some columns, where a node wants their index.

    Parameters
    ----------
    free : sequence of Field
    taken : set of str
        Nodes that some column measures.
    graph : CausalGraph
    """
    names = names_of(graph)
    wanted = {key(word) for word in say("survey.forms.body_mass").split("|")}
    nodes = [n for n in graph.nodes if {key(n.name), key(names.node(n.name))} & wanted]
    numbers = [each for each in free if each.kind == "number" and not each.box]
    found = [
        next(
            (each for each in numbers if speaks_of(each, say(f"survey.forms.{what}").split())), None
        )
        for what in ("weight", "height")
    ]
    weight, height = found
    if not nodes or nodes[0].name in taken or weight is None or height is None or weight is height:
        return None
    return BodyMass(nodes[0], (weight, height))
