"""UAI, the format of the competitions on inference: numbers alone, names in a file beside it.

The scope of each table ends with its node, and its numbers have the first parent as their slowest
axis and the node itself as their fastest, as the evaluation of 2008 has it and
http://www.hlt.utdallas.edu/~vgogate/uai16-evaluation/uaiformat.html. Not all libraries do:
pyAgrum has the first parent as the fastest axis, pgmpy the node as the slowest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from backrisk import _json, _yaml
from backrisk.exchange.network import Network
from backrisk.exchange.reading import MOST_NODES, Reading
from backrisk.exchange.spelling import escaped
from backrisk.words import unreadable

_LONGEST = 10_000_000  # characters of the names


def write_uai(network: Network) -> str:
    """Return the numbers of a network, in the digits that give the same ones again."""
    return "".join(_parts(network))


def _parts(network: Network) -> Iterator[str]:
    places = {family.name: place for place, family in enumerate(network.families)}
    yield f"BAYES\n{len(places)}\n"
    yield " ".join(str(len(family.states)) for family in network.families) + "\n"
    yield f"{len(places)}\n"
    for family in network.families:
        scope = [places[parent] for parent in family.parents] + [places[family.name]]
        yield " ".join(map(str, (len(scope), *scope))) + "\n"
    for family in network.families:
        yield f"\n{family.values.size}\n"
        for row in family.values.reshape(-1, len(family.states)).tolist():
            yield " ".join(map(repr, row)) + "\n"


def names_of_uai(network: Network) -> str:
    """Return the names of a network, as JSON."""
    nodes = [
        {
            "name": family.name,
            "states": list(family.states),
            "label": family.label,
            "labels": list(family.labels),
            "nominal": family.nominal,
        }
        for family in network.families
    ]
    told = {"name": network.name, "outcome": network.outcome, "nodes": nodes}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def names_beside(path: Path) -> Path:
    """Return where the names of a file stand."""
    return path.with_name(f"{path.name}.json")


def read_uai(
    text: str, source: str, beside: Path, names: Mapping[str, Sequence[str]] | None
) -> Network:
    """Read UAI.

    Parameters
    ----------
    text, source : str
    beside : Path
        Where the names stand, if anywhere.
    names : mapping of node to states, optional
        In place of what stands there, in the order of the variables.

    Raises
    ------
    PosteriorError
        In one sentence.
    """
    reading = Reading(source)
    words = iter(re.sub(r"#[^\n]*|^c\b[^\n]*", "", text, flags=re.MULTILINE).split())

    def count(most: int) -> int:
        found = next(words, "")
        if not (found.isascii() and found.isdigit() and len(found) < 10 and int(found) <= most):
            raise reading.refuse("no_count", value=found[:40], most=f"{most:,}")
        return int(found)

    if (kind := next(words, "")) != "BAYES":
        raise reading.refuse("no_bayes", kind=kind[:40])
    sizes = [count(MOST_NODES) for _ in range(count(MOST_NODES))]
    if names is not None:
        told: dict[str, Any] = {
            "nodes": [{"name": str(n), "states": list(states)} for n, states in names.items()]
        }
    elif beside.is_file():
        told = _told(reading, beside)
    else:
        told = {
            "nodes": [
                {"name": f"x{place}", "states": [f"s{code}" for code in range(size)]}
                for place, size in enumerate(sizes)
            ]
        }
    nodes = told["nodes"]
    if [len(node["states"]) for node in nodes] != sizes:
        raise reading.refuse("other_names", file=beside.name)
    for node in nodes:
        said = {"backrisk_order": "none" if node.get("nominal") else ""}
        if node.get("label"):
            said["backrisk_label"] = escaped(str(node["label"]))
        if node.get("labels"):
            said["backrisk_labels"] = escaped([str(label) for label in node["labels"]])
        reading.variable(str(node["name"]), map(str, node["states"]), said)
    known = list(reading.states)
    scopes = []
    for _ in range(count(MOST_NODES)):
        places = [count(len(known) - 1) for _ in range(count(len(known)))]
        if not places:
            raise reading.refuse("no_count", value="0", most=f"{len(known):,}")
        scopes.append([known[place] for place in places])
    for *parents, name in scopes:
        size = count(10**9)
        shape = reading.shape(name, parents)
        numbers = [next(words, "") for _ in range(min(size, reading.cells))]
        reading.table(name, parents, reading.shaped(name, shape, numbers))
    return reading.network(str(told.get("name") or ""), escaped(str(told.get("outcome") or "")))


def _told(reading: Reading, beside: Path) -> dict[str, Any]:
    """Read the names that stand beside a file."""
    try:
        told = _json.parse(beside.read_text(encoding="utf-8"), _LONGEST)
    except _yaml.Unreadable as error:
        raise reading.refuse(
            "names", file=beside.name, why=unreadable(error, beside.name)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise reading.refuse("names", file=beside.name, why=str(error)) from error
    nodes = told.get("nodes") if isinstance(told, dict) else None
    sound = isinstance(nodes, list) and all(
        isinstance(node, dict)
        and isinstance(node.get("states"), list)
        and "name" in node
        and isinstance(node.get("labels") or [], list)
        for node in nodes
    )
    if not sound:
        raise reading.refuse("other_names", file=beside.name)
    return dict(told)
