"""NET, the language of Hugin: nodes with their states, and a table for each.

The numbers have the first parent as their slowest axis and the node itself as their fastest; the
parentheses around them follow the axes and may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from backrisk._types import Array
from backrisk.exchange.network import Network
from backrisk.exchange.reading import Reading
from backrisk.exchange.spelling import NODE, STATE, escaped, notes, safe_names
from backrisk.exchange.tokens import Tokens, pattern

_MARKS = "{}()=;|"
_KINDS = pattern(r"%[^\n]*", _MARKS)


def write_net(network: Network) -> str:
    """Return a network as NET, in the digits that give the same numbers again."""
    return "".join(_parts(network))


def _parts(network: Network) -> Iterator[str]:
    names = safe_names((family.name for family in network.families), NODE)
    yield "net\n{\n"
    yield f'  name = "{safe_names([network.name], NODE)[network.name]}";\n'
    if network.outcome:
        yield f'  backrisk_outcome = "{escaped(network.outcome)}";\n'
    yield "}\n"
    for family in network.families:
        labels = " ".join(f'"{state}"' for state in safe_names(family.states, STATE).values())
        yield f"node {names[family.name]}\n{{\n  states = ({labels});\n"
        if family.label:
            yield f'  label = "{_bare(family.label)}";\n'
        said = notes(
            family.name, family.states, family.label, family.labels, nominal=family.nominal
        )
        yield from (f'  {key} = "{value}";\n' for key, value in said.items())
        yield "}\n"
    for family in network.families:
        given = " ".join(names[parent] for parent in family.parents)
        head = f"{names[family.name]} | {given}" if given else names[family.name]
        yield f"potential ({head})\n{{\n  data = {_nested(family.values)};\n}}\n"


def _bare(text: str) -> str:
    """Return a label for other programs, which do not all read an escaped quotation mark."""
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def _nested(values: Array) -> str:
    """Return numbers with parentheses around each row, and around the rows of each parent."""
    if values.ndim == 1:
        return f"({' '.join(map(repr, values.tolist()))})"
    return f"({'\n    '.join(map(_nested, values))})"


def read_net(text: str, source: str) -> Network:
    """Read NET.

    Raises
    ------
    PosteriorError
        In one sentence, naming the line or the node.
    """
    reading, tokens = Reading(source), Tokens(text, source, _KINDS)
    about: dict[str, list[str]] = {}
    while not tokens.ended:
        if tokens.passed("net"):
            about = _attributes(tokens)
        elif tokens.passed("potential"):
            _potential(tokens, reading)
        else:
            tokens.passed("discrete")
            if not tokens.passed("node"):
                raise reading.refuse("kind_of_node", kind=tokens.word(_MARKS))
            name = tokens.word(_MARKS)
            found = _attributes(tokens)
            said = {key: " ".join(value) for key, value in found.items()}
            label = said.get("label", "")
            if label and label != name:
                said.setdefault("backrisk_label", escaped(label))
            reading.variable(name, found.get("states", ()), said)
    outcome = about.get("backrisk_outcome", [""])
    return reading.network(" ".join(about.get("name", ())), outcome[0] if outcome else "")


def _attributes(tokens: Tokens) -> dict[str, list[str]]:
    """Read what is said of something, in braces: words by name, without their parentheses."""
    found: dict[str, list[str]] = {}
    tokens.demand("{")
    while not tokens.passed("}"):
        key = tokens.word(_MARKS)
        tokens.demand("=")
        found[key] = []
        while not tokens.passed(";"):
            if not tokens.passed("(") and not tokens.passed(")"):
                found[key].append(tokens.word(_MARKS))
    return found


def _potential(tokens: Tokens, reading: Reading) -> None:
    tokens.demand("(")
    family = []
    while not tokens.passed(")"):
        family.append(reading.known(tokens.word(_MARKS)))
        tokens.passed("|")
    if not family:
        raise tokens.unfit("(")
    name, *parents = family
    found = _attributes(tokens)
    if "data" not in found:
        raise reading.refuse("no_table", node=name)
    reading.table(name, parents, reading.numbers(name, parents, found["data"]))
