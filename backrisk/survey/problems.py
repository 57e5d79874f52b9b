"""All problems of a codebook or a table as one error, and what a key of a codebook expects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from textwrap import shorten
from typing import Any

from pydantic import BaseModel, ValidationError

from backrisk.errors import SurveyError
from backrisk.survey.schema import (
    LISTED,
    UNDECIDED,
    AskedIf,
    Column,
    Condition,
    Contents,
    Derived,
    Design,
    Nonresponse,
    OneRowPer,
    Rule,
    Visits,
)
from backrisk.words import Said, choices, say, suggest

_MOST = 1000  # problems of a codebook that are looked at: whoever has more has made one often
_SHOWN = 20  # problems that the message of an error prints
_NAMED = 5  # keys that are named where a model's are missing
_WIDE = 60  # characters of a wrong value that are shown
_MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        *(Contents, AskedIf, Design, Column, Derived),
        *(Nonresponse, OneRowPer, Rule, Condition, Visits),
    )
}
_KEYS = sorted(
    {
        field.alias or name
        for model in _MODELS.values()
        for name, field in model.model_fields.items()
    }
)
# What the schema wanted, by pydantic's type of error. `limit` is the bound it broke.
_EXPECTED = {
    "bool_type": "survey.expected.true_or_false",
    "bool_parsing": "survey.expected.true_or_false",
    "float_type": "survey.expected.number",
    "finite_number": "survey.expected.number",
    "float_parsing": "survey.expected.number",
    "int_type": "survey.expected.whole_number",
    "int_parsing": "survey.expected.whole_number",
    "int_from_float": "survey.expected.whole_number",
    "string_type": "survey.expected.text",
    "tuple_type": "survey.expected.list",
    "dict_type": "survey.expected.mapping",
    "model_type": "survey.expected.mapping",
    "greater_than": "survey.expected.above",
    "greater_than_equal": "survey.expected.at_least",
    "less_than": "survey.expected.below",
    "less_than_equal": "survey.expected.at_most",
    "too_short": "survey.expected.at_least_entries",
    "too_long": "survey.expected.at_most_entries",
}
_LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length")


def failure(source: str, problems: Iterable[str], hint: str = "") -> SurveyError:
    """Return one error that carries all problems and prints the first twenty, then a hint."""
    told = tuple(problems)
    if len(told) == 1:
        return SurveyError(f"{told[0]}\n{hint}", problems=told) if hint else SurveyError(told[0])
    lines = [say("survey.problems", source=source, count=len(told)), *told[:_SHOWN]]
    if len(told) > _SHOWN:
        lines.append(say("survey.more", count=len(told) - _SHOWN))
    return SurveyError("\n".join(filter(None, ("\n  ".join(lines), hint))), problems=told)


def undecided(data: object, source: str, path: tuple[str, ...] = ()) -> list[Said]:
    """Return a sentence for everything in a codebook's contents that a draft left to a person."""
    if isinstance(data, Mapping):
        parts = [(str(key), value) for key, value in data.items()]
    elif isinstance(data, list | tuple):
        parts = [("", value) for value in data]
    else:
        key = ".".join(each for each in path if each)
        said = say("survey.codebook.undecided", source=source, key=key)
        return [said] if isinstance(data, str) and data == UNDECIDED else []
    found = [each for key, value in parts for each in undecided(value, source, (*path, key))]
    return list(dict.fromkeys(found))


def schema_problems(error: ValidationError, source: str) -> list[Said]:
    """Return a sentence for everything that keeps a codebook's contents from being read.

    Parameters
    ----------
    error : ValidationError
    source : str
        The codebook or its file, as sentences call it.
    """
    found: list[Any] = [
        {**each, "loc": tuple(part for part in each["loc"] if part != LISTED)}
        for each in error.errors(include_url=False)
    ]
    # A list whose entry is refused counts as one entry short to pydantic: that is no other mistake.
    paths = {each["loc"][:length] for each in found for length in range(len(each["loc"]))}
    told = [each for each in found if each["type"] != "too_short" or each["loc"] not in paths]
    return [_schema_problem(each, source) for each in told[:_MOST]]


def _schema_problem(found: Mapping[str, Any], source: str) -> Said:
    kind, context, path = found["type"], found.get("ctx", {}), found["loc"]
    if kind == "missing" and isinstance(path[-1], int):  # an entry of a list, told of the list
        kind, context, path = "too_short", {"min_length": path[-1] + 1}, path[:-1]
    where = {"source": source, "key": ".".join(map(str, path))}
    if kind == "value_error":  # a rule of the schema, which words itself
        return say("survey.codebook.rule", **where, rule=context["error"].args[0])
    if kind == "missing":
        return say("survey.codebook.required", **where)
    if kind == "extra_forbidden":
        return say("survey.codebook.unknown_key", **where, near=suggest(path[-1], _KEYS))
    value = shorten(str(found["input"]), _WIDE, placeholder="...")
    bound = next((context[name] for name in _LIMITS if name in context), 0)
    if kind == "literal_error":
        expected: str = choices(re.findall("'([^']*)'", context["expected"]))
    elif "when" in path[-2:] and kind in ("tuple_type", "model_type", "string_type"):
        key = "condition" if kind == "string_type" else "rule"
        expected = say(f"survey.expected.{key}")
    elif kind == "model_type" and (made := _MODELS.get(str(context.get("class_name")))):
        keys = [field.alias or name for name, field in made.model_fields.items()][:_NAMED]
        expected = say("survey.expected.keys", keys=", ".join(keys))
    elif kind in _EXPECTED:
        expected = say(_EXPECTED[kind], limit=f"{bound:g}", count=bound)
    else:
        return say("survey.codebook.invalid", **where, value=value)
    return say("survey.codebook.value", **where, value=value, expected=expected)
