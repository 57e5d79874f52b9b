"""XDSL, the format of GeNIe and SMILE.

The numbers have the first parent as their slowest axis and the node itself as their fastest. What
names stand for lies among the extensions, where other programs keep what is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from backrisk.exchange.elements import parse_xml, text_of
from backrisk.exchange.network import Family, Network
from backrisk.exchange.reading import Reading
from backrisk.exchange.spelling import NODE, STATE, escaped, notes, safe_names


def write_xdsl(network: Network) -> str:
    """Return a network as XDSL, in the digits that give the same numbers again."""
    return "".join(_parts(network))


def _parts(network: Network) -> Iterator[str]:
    names = safe_names((family.name for family in network.families), NODE)
    (called,) = safe_names([network.name], NODE).values()
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<smile version="1.0" id="{called}">\n  <nodes>\n'
    for family in _causes_first(network):
        yield f'    <cpt id="{names[family.name]}">\n'
        for state in safe_names(family.states, STATE).values():
            yield f'      <state id="{state}" />\n'
        if family.parents:
            given = " ".join(names[parent] for parent in family.parents)
            yield f"      <parents>{given}</parents>\n"
        numbers = " ".join(map(repr, family.values.ravel().tolist()))
        yield f"      <probabilities>{numbers}</probabilities>\n    </cpt>\n"
    yield "  </nodes>\n  <extensions>\n"
    yield f'    <genie version="1.0" app="backrisk" name={quoteattr(network.name)}>\n'
    for family in network.families:
        yield f'      <node id="{names[family.name]}">\n'
        yield f"        <name>{escape(family.label or family.name)}</name>\n      </node>\n"
    yield "    </genie>\n    <backrisk>\n"
    if network.outcome:
        yield f"      <outcome>{escaped(network.outcome)}</outcome>\n"
    for place, family in enumerate(network.families):
        said = notes(
            family.name, family.states, family.label, family.labels, nominal=family.nominal
        )
        told = "".join(f" {key}={quoteattr(value)}" for key, value in said.items())
        yield f'      <node id="{names[family.name]}" place="{place}"{told} />\n'
    yield "    </backrisk>\n  </extensions>\n</smile>\n"


def _causes_first(network: Network) -> Iterator[Family]:
    """Yield families so that parents come first, as GeNIe demands."""
    waiting = {family.name: family for family in network.families}
    while waiting:
        ready = [f for f in waiting.values() if waiting.keys().isdisjoint(f.parents)]
        for family in ready:
            yield waiting.pop(family.name)


def read_xdsl(data: bytes, source: str) -> Network:
    """Read XDSL.

    Raises
    ------
    PosteriorError
        In one sentence, naming the line or the node.
    """
    reading, root = Reading(source), parse_xml(data, source)
    nodes = root.find("nodes")
    if nodes is None:
        raise reading.refuse("no_element", element="nodes")
    said = _said(root)
    for node in sorted(nodes, key=lambda node: _place(said, node)):
        if node.tag != "cpt":
            raise reading.refuse("kind_of_node", kind=node.tag)
        name = node.get("id", "")
        states = [state.get("id", "") for state in node.findall("state")]
        reading.variable(name, states, said.get(name, {}))
    for node in nodes:
        name, parents = node.get("id", ""), text_of(node, "parents").split()
        numbers = text_of(node, "probabilities").split()
        reading.table(name, parents, reading.numbers(name, parents, numbers))
    outcome = root.findtext("extensions/backrisk/outcome") or ""
    genie = root.find("extensions/genie")
    called = root.get("id", "") if genie is None else genie.get("name", "")
    return reading.network(called, outcome)


def _said(root: Element) -> dict[str, dict[str, str]]:
    """Return what is said of each node beside its table."""
    found: dict[str, dict[str, str]] = {}
    for node in root.iterfind("extensions/genie//node"):
        name, label = node.get("id", ""), text_of(node, "name")
        found[name] = {"backrisk_label": escaped(label)} if label and label != name else {}
    for node in root.iterfind("extensions/backrisk/node"):
        found[node.get("id", "")] = dict(node.attrib)
    return found


def _place(said: dict[str, dict[str, str]], node: Element) -> int:
    """Return where a node stood before parents had to come first."""
    place = said.get(node.get("id", ""), {}).get("place", "0")
    return int(place) if place.isascii() and place.isdigit() and len(place) < 9 else 0
