"""Addresses and codes: of FHIR's extensions, of units, of questions and of their answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from uuid import NAMESPACE_OID, uuid5

UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
HIDDEN = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden"
LEAST = "http://hl7.org/fhir/StructureDefinition/minValue"
MOST = "http://hl7.org/fhir/StructureDefinition/maxValue"
UCUM = "http://unitsofmeasure.org"

# All of ours hang on one name, so that whoever serves the same form serves it under one address.
_OURS = uuid5(NAMESPACE_OID, "backrisk")
_CODE = re.compile(r"[^\s]+( [^\s]+)*")
# Units whose UCUM code is beyond doubt; of any other only its words are sent.
_UCUM = {
    "years": "a",
    "months": "mo",
    "weeks": "wk",
    "days": "d",
    "h": "h",
    "min": "min",
    "s": "s",
    "kg": "kg",
    "g": "g",
    "lb": "[lb_av]",
    "km": "km",
    "m": "m",
    "cm": "cm",
    "mm": "mm",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "mi": "[mi_i]",
    "%": "%",
    "degrees": "deg",
    "rad": "rad",
    "kg/m2": "kg/m2",
    "min/km": "min/km",
}


def address(*names: str) -> str:
    """Return an address that depends on names alone.

    Examples
    --------
    >>> address("Questionnaire", "a") == address("Questionnaire", "a")
    True
    >>> address("Questionnaire", "a")[:9]
    'urn:uuid:'
    """
    return uuid5(_OURS, json.dumps(names)).urn


def unit_coding(unit: str) -> dict[str, str]:
    """Return a unit as a Coding, of UCUM where that surely has it.

    Examples
    --------
    >>> unit_coding("kg")
    {'system': 'http://unitsofmeasure.org', 'code': 'kg', 'display': 'kg'}
    >>> unit_coding("points")
    {'display': 'points'}
    """
    code = _UCUM.get(unit)
    return {"display": unit} if code is None else {"system": UCUM, "code": code, "display": unit}


def codes_of(labels: Iterable[str]) -> tuple[str, ...]:
    """Return a code for each label: the label itself, where FHIR lets it be one.

    Examples
    --------
    >>> codes_of(["yes, at times", " two  blanks"])
    ('yes, at times', '2')
    """
    known = tuple(labels)
    taken = {label for label in known if _CODE.fullmatch(label)}
    codes = []
    for place, label in enumerate(known, 1):
        code = label if label in taken else str(place)
        while label not in taken and code in taken:
            code += "'"
        codes.append(code)
        taken.add(code)
    return tuple(codes)


@cache
def coding_of(book: str, question: str) -> dict[str, str] | None:
    """Return the code of a terminology that surely means a codebook's question, None without one.

    Parameters
    ----------
    book : str
        The codebook's name.
    question : str
    """
    place = files("backrisk.fhir") / "codings.json"
    known: dict[str, dict[str, dict[str, str]]] = json.loads(place.read_text(encoding="utf-8"))
    return known.get(book, {}).get(question)
