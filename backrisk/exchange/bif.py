"""BIF, the Interchange Format for Bayesian Networks, as bnlearn, JavaBayes and others write it.

http://www.cs.cmu.edu/~fgcozman/Research/InterchangeFormat/Old/xmlbif02.html tells its grammar. The
numbers behind ``table`` have the node itself as their slowest axis, as in the example of that page;
a row has the states of the parents before it, and so only one reading.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from backrisk.exchange.network import Family, Network
from backrisk.exchange.reading import Reading
from backrisk.exchange.spelling import NODE, STATE, escaped, notes, safe_names
from backrisk.exchange.tokens import Tokens, pattern

_KIND = "discrete"  # the only kind of variable
_MARKS = "{}()[];,|"
_KINDS = pattern(r"//[^\n]*|/\*.*?\*/", _MARKS)


def write_bif(network: Network) -> str:
    """Return a network as BIF, in the digits that give the same numbers again."""
    return "".join(_parts(network))


def _parts(network: Network) -> Iterator[str]:
    names = safe_names((family.name for family in network.families), NODE)
    states = {family.name: safe_names(family.states, STATE) for family in network.families}
    (called,) = safe_names([network.name], NODE).values()
    yield f"network {called} {{\n"
    if network.outcome:
        yield _property("backrisk_outcome", escaped(network.outcome))
    yield "}\n"
    for family in network.families:
        labels = ", ".join(states[family.name].values())
        yield f"variable {names[family.name]} {{\n"
        yield f"  type {_KIND} [ {len(family.states)} ] {{ {labels} }};\n"
        yield from (_property(key, value) for key, value in _notes(family).items())
        yield "}\n"
    for family in network.families:
        if not family.parents:
            yield f"probability ( {names[family.name]} ) {{\n  table {_row(family.values)};\n}}\n"
            continue
        given = ", ".join(names[parent] for parent in family.parents)
        yield f"probability ( {names[family.name]} | {given} ) {{\n"
        above = [states[parent].values() for parent in family.parents]
        rows = family.values.reshape(-1, len(family.states))
        for at, row in zip(itertools.product(*above), rows, strict=True):
            yield f"  ({', '.join(at)}) {_row(row)};\n"
        yield "}\n"


def _property(key: str, value: str) -> str:
    return f"  property {key} = {value} ;\n"


def _notes(family: Family) -> dict[str, str]:
    return dict(
        notes(family.name, family.states, family.label, family.labels, nominal=family.nominal)
    )


def _row(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    return ", ".join(map(repr, values.tolist()))


def read_bif(text: str, source: str) -> Network:
    """Read BIF.

    Raises
    ------
    PosteriorError
        In one sentence, naming the line or the node.
    """
    reading, tokens = Reading(source), Tokens(text, source, _KINDS)
    name, said = "", {}
    while not tokens.ended:
        if tokens.passed("network"):
            name = "" if tokens.has("{") else tokens.word(_MARKS)
            tokens.demand("{")
            said = _properties(tokens)
        elif tokens.passed("variable"):
            _variable(tokens, reading)
        elif tokens.passed("probability"):
            _probability(tokens, reading)
        else:
            raise tokens.unfit("variable")
    return reading.network(name, said.get("backrisk_outcome", ""))


def _properties(tokens: Tokens) -> dict[str, str]:
    """Read what is said of something, up to its closing brace."""
    found = {}
    while not tokens.passed("}"):
        tokens.demand("property")
        key, _, value = tokens.until(";").strip('"').partition("=")
        found[key.strip()] = value.strip()
    return found


def _variable(tokens: Tokens, reading: Reading) -> None:
    name = tokens.word(_MARKS)
    tokens.demand("{")
    states: list[str] = []
    said: dict[str, str] = {}
    while not tokens.passed("}"):
        if tokens.passed("property"):
            key, _, value = tokens.until(";").strip('"').partition("=")
            said[key.strip()] = value.strip()
            continue
        tokens.demand("type", _KIND, "[")
        tokens.word(_MARKS)
        tokens.demand("]", "{")
        while not tokens.passed("}"):
            states.append(tokens.word(_MARKS))
            tokens.passed(",")
        tokens.demand(";")
    reading.variable(name, states, said)


def _probability(tokens: Tokens, reading: Reading) -> None:
    tokens.demand("(")
    family = []
    while not tokens.passed(")"):
        family.append(reading.known(tokens.word(_MARKS)))
        if not tokens.passed(","):
            tokens.passed("|")
    if not family:
        raise tokens.unfit("(")
    name, *parents = family
    shape = reading.shape(name, parents)
    tokens.demand("{")
    values = np.full(shape, np.nan)
    while not tokens.passed("}"):
        if tokens.passed("property"):
            tokens.until(";")
        elif tokens.passed("table"):
            numbers = _numbers(tokens, reading, name, math.prod(shape))
            values[...] = np.moveaxis(numbers.reshape(shape[-1], *shape[:-1]), 0, -1)
        elif tokens.passed("default"):
            row = _numbers(tokens, reading, name, shape[-1])
            values[np.isnan(values).all(axis=-1)] = row
        else:
            tokens.demand("(")
            at = []
            for parent in parents:
                at.append(reading.state(parent, tokens.word(_MARKS)))
                tokens.passed(",")
            tokens.demand(")")
            values[tuple(at)] = _numbers(tokens, reading, name, shape[-1])
    reading.table(name, parents, values)


def _numbers(
    tokens: Tokens, reading: Reading, name: str, expected: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    found = []
    while not tokens.passed(";"):
        found.append(tokens.word(_MARKS))
        tokens.passed(",")
    if len(found) != expected:
        told = {"found": f"{len(found):,}", "expected": f"{expected:,}"}
        raise reading.refuse("count", node=name, **told)
    return reading.floats(name, found)
