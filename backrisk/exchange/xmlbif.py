"""XMLBIF 0.3, as WEKA, SamIam and others read it.

The numbers of a table have the first ``GIVEN`` as their slowest axis and the node itself as their
fastest: http://www.cs.cmu.edu/~fgcozman/Research/InterchangeFormat/.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from backrisk.exchange.elements import parse_xml, text_of
from backrisk.exchange.network import Network
from backrisk.exchange.reading import Reading
from backrisk.exchange.spelling import NODE, STATE, escaped, notes, safe_names


def write_xmlbif(network: Network) -> str:
    """Return a network as XMLBIF, in the digits that give the same numbers again."""
    return "".join(_parts(network))


def _parts(network: Network) -> Iterator[str]:
    names = safe_names((family.name for family in network.families), NODE)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<BIF VERSION="0.3">\n<NETWORK>\n'
    yield f"<NAME>{escape(network.name)}</NAME>\n"
    if network.outcome:
        yield f"<PROPERTY>backrisk_outcome = {escaped(network.outcome)}</PROPERTY>\n"
    for family in network.families:
        yield f'<VARIABLE TYPE="nature">\n  <NAME>{names[family.name]}</NAME>\n'
        for state in safe_names(family.states, STATE).values():
            yield f"  <OUTCOME>{state}</OUTCOME>\n"
        said = notes(
            family.name, family.states, family.label, family.labels, nominal=family.nominal
        )
        yield from (f"  <PROPERTY>{key} = {value}</PROPERTY>\n" for key, value in said.items())
        yield "</VARIABLE>\n"
    for family in network.families:
        yield f"<DEFINITION>\n  <FOR>{names[family.name]}</FOR>\n"
        yield from (f"  <GIVEN>{names[parent]}</GIVEN>\n" for parent in family.parents)
        rows = family.values.reshape(-1, len(family.states)).tolist()
        numbers = "\n    ".join(" ".join(map(repr, row)) for row in rows)
        yield f"  <TABLE>\n    {numbers}\n  </TABLE>\n</DEFINITION>\n"
    yield "</NETWORK>\n</BIF>\n"


def read_xmlbif(data: bytes, source: str) -> Network:
    """Read XMLBIF.

    Raises
    ------
    PosteriorError
        In one sentence, naming the line or the node.
    """
    reading, root = Reading(source), parse_xml(data, source)
    network = root.find("NETWORK")
    if network is None:
        raise reading.refuse("no_element", element="NETWORK")
    for variable in network.iter("VARIABLE"):
        kind = variable.get("TYPE", "nature")
        if kind != "nature":
            raise reading.refuse("kind_of_node", kind=kind)
        states = [(outcome.text or "").strip() for outcome in variable.iter("OUTCOME")]
        reading.variable(text_of(variable, "NAME"), states, _properties(variable))
    for definition in network.iter("DEFINITION"):
        parents = [(given.text or "").strip() for given in definition.iter("GIVEN")]
        name = text_of(definition, "FOR")
        numbers = text_of(definition, "TABLE").split()
        reading.table(name, parents, reading.numbers(name, parents, numbers))
    outcome = _properties(network).get("backrisk_outcome", "")
    return reading.network(text_of(network, "NAME"), outcome)


def _properties(element: Element) -> dict[str, str]:
    found = {}
    for each in element.findall("PROPERTY"):
        key, _, value = (each.text or "").partition("=")
        found[key.strip()] = value.strip()
    return found
