"""A language to look through: English, lengthened and accented, so that what is left plain shows.

``python -m tests.pseudo FOLDER`` writes it to ``FOLDER/en-XA``, a folder that `--lang`, `lang=` and
``languages=`` take. Whatever a person then reads in plain letters was not taken from `words`; what
is cut off has no room for languages that are longer than English.
"""

import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from backrisk import _yaml
from backrisk.words import ENGLISH

CODE = "en-XA"  # the code that browsers and Android know for it
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALIKE = "áƀçðéƒĝĥíĵķļɱñóþɋŕšťúṽŵẋýžÁƁÇÐÉƑĜĤÍĴĶĻṀÑÓÞɊŔŠŤÚṼŴẊÝŽ"
_ACCENTS = str.maketrans(_PLAIN, _ALIKE)
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
# What a program reads, or a person types as it stands.
_KEPT = re.compile(
    r"(\{[^{}]*\}"  # a place
    r"|<[^<>]+>|&\w+;"  # markup
    r"|`[^`]*`"  # code
    r"|--[a-z][a-z-]*"  # an option
    r"|https?://\S+"
    r"|backrisk)"
)


def accented(text: str) -> str:
    """Lengthen a sentence by about two fifths, doubling its vowels, and accent its letters.

    >>> accented("Chance of {target}: <b>{share}</b>")
    'Çĥááñçéé óóƒ {target}: <b>{share}</b>'
    """
    return "".join(
        _counted(piece) if kept else _VOWEL.sub(_twice, piece).translate(_ACCENTS)
        for kept, piece in ((place % 2, piece) for place, piece in enumerate(_KEPT.split(text)))
    )


def _counted(kept: str) -> str:
    """Return what is kept, with the words accented that a number chooses between."""
    if not (kept.startswith("{") and "|" in kept):
        return kept
    place, _, words = kept.strip("{}").partition(":")
    return f"{{{place}:{'|'.join(accented(word) for word in words.split('|'))}}}"


def _twice(vowel: re.Match[str]) -> str:
    return vowel[0] + vowel[0].lower()


def reworded(tree: Any) -> Any:
    """Return a tree of sentences with every text accented; keys and numbers stay."""
    if isinstance(tree, Mapping):
        return {key: reworded(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [reworded(value) for value in tree]
    return accented(tree) if isinstance(tree, str) else tree


def reworded_graph(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a graph's plain form with its own words accented: every text that it shows.

    Nodes, states and groups that have no words of their own get them.
    """
    nodes = {}
    for name, node in data["nodes"].items():
        words = {key: reworded(node[key]) for key in ("description",) if key in node}
        words["label"] = accented(node.get("label") or name.replace("_", " "))
        labels = node.get("labels") or [str(state).replace("_", " ") for state in node["states"]]
        nodes[name] = {**node, **words, "labels": reworded(list(labels))}
    groups = {node.get("group", ""): node.get("group", "") for node in data["nodes"].values()}
    return {
        **data,
        **{key: accented(data[key]) for key in ("title", "description") if key in data},
        "nodes": nodes,
        "edges": [{**edge, **_claim(edge)} for edge in data.get("edges", [])],
        "lagged": [{**edge, **_claim(edge)} for edge in data.get("lagged", [])],
        "groups": reworded({**groups, **data.get("groups", {})}),
    }


def _claim(edge: Mapping[str, Any]) -> dict[str, str]:
    return {"claim": accented(edge["claim"])} if "claim" in edge else {}


def reworded_codebook(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a codebook's plain form with its titles, questions, units and labels accented.

    The units of what a body mass index is computed from stay: they are converted.
    """
    derived = data.get("derived", {}).values()
    converted = {name for each in derived if each["derive"] == "bmi" for name in each["from"]}
    columns = {}
    for name, column in data["columns"].items():
        columns[name] = {
            **column,
            **{
                key: accented(column[key])
                for key in ("question", "unit")
                if key in column and not (key == "unit" and name in converted)
            },
        }
        if column.get("labels"):
            labels = {accented(label): state for label, state in column["labels"].items()}
            columns[name]["labels"] = labels
    told = {key: accented(data[key]) for key in ("title", "description") if key in data}
    return {**data, **told, "columns": columns}


def write(folder: Path) -> Path:
    """Write the language into a folder of its code, and return that."""
    place = folder / CODE
    place.mkdir(parents=True, exist_ok=True)
    for file in (files("backrisk.words") / ENGLISH).iterdir():
        if file.name.endswith(".yaml"):
            tree = reworded(_yaml.parse(file.read_text(encoding="utf-8")))
            text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=100)
            (place / file.name).write_text(text, encoding="utf-8")
    return place


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
