"""What is written of the mutants: raw records beside, and reports/mutants.md from them."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mutants.running import LENIENT, ROOT

RECORDS = ROOT / "out" / "mutants"
REPORT = ROOT / "reports" / "mutants.md"
HEAD = """
| room | mutants there are | tried | noticed | timed out | survived | equivalent | score | 95 % | \
sample and seed | code of |
|---|---|---|---|---|---|---|---|---|---|---|
"""
Record = dict[str, Any]


def interval(noticed: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share.

    Parameters
    ----------
    noticed, of : int
    """
    if not of:
        return 0.0, 1.0
    z, share = 1.959964, noticed / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def read(room: str, folder: Path = RECORDS) -> list[Record]:
    """Return a room's records, the last of each mutant."""
    path = folder / f"{room}.jsonl"
    if not path.exists():
        return []
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return list({record["key"]: record for record in records}.values())


def append(room: str, record: Mapping[str, Any], folder: Path = RECORDS) -> None:
    """Add one record, at once, so that a run that is stopped goes on where it was."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{room}.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")


def row(room: str, about: Mapping[str, Any], records: Sequence[Record]) -> str:
    """Return a room's line of the table."""
    counts = Counter(record["outcome"] for record in records)
    noticed, judged = counts["noticed"] + counts["timed out"], len(records) - counts["equivalent"]
    low, high = interval(noticed, judged)
    cells = [
        room,
        f"{about['mutants']:,}",
        str(len(records)),
        *(str(counts[what]) for what in ("noticed", "timed out", "survived", "equivalent")),
        f"**{noticed / judged:.0%}**" if judged else "",
        f"{low:.0%} to {high:.0%}" if judged else "",
        f"{about['sample']}, {about['seed']}",
        about["commit"],
    ]
    return "| " + " | ".join(cells) + " |"


def section(room: str, about: Mapping[str, Any], records: Sequence[Record]) -> str:
    """Return a room's survivors and equivalents."""
    lines = [f"## {room}", "", f"Judged by {about['tests']}.", ""]
    modules = {record["file"] for record in records}
    for file in sorted(modules):
        counts = Counter(record["outcome"] for record in records if record["file"] == file)
        told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        lines.append(f"- `{file}`: {told}")
    kinds = sorted({record["operator"] for record in records})
    shares = []
    for kind in kinds:
        of = [record["outcome"] for record in records if record["operator"] == kind]
        of = [what for what in of if what != "equivalent"]
        if of:
            shares.append(f"{kind.replace('_', ' ')} {len(of) - of.count('survived')} of {len(of)}")
    lines.append(f"- noticed by kind of fault: {', '.join(shares)}")
    for what, title in (("survived", "Survived"), ("equivalent", "Equivalent, by hand")):
        found = sorted(
            (record for record in records if record["outcome"] == what),
            key=lambda record: (record["file"], record["line"], record["after"]),
        )
        if found:
            lines += ["", f"### {title}: {room}", ""]
        for record in found:
            lines += [f"{record['file']}:{record['line']} ({record['operator']})", "", "```diff"]
            lines += [f"- {record['before']}", f"+ {record['after']}", "```", ""]
            lines += [record["why"], ""] if record.get("why") else []
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()


def kept(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the table's lines and the sections of a report by room."""
    sections = {part.split("\n")[0]: "## " + part.strip() for part in text.split("\n## ")[1:]}
    rows = {}
    for line in text.splitlines():
        name = line.split("|")[1].strip() if line.startswith("| ") else ""
        if name in sections:
            rows[name] = line
    return rows, sections


def report(rows: Mapping[str, str], sections: Mapping[str, str], rooms: Iterable[str]) -> str:
    """Return the report as Markdown."""
    order = [room for room in rooms if room in rows]
    order += sorted(set(rows) - set(order))
    head = f"""# Mutants

Written by `make mutants`. A mutant is a module with one small fault; it is noticed where a test of
the module's own room fails (`tests/<room>`, and the module's doctests), and by no other test. The
faults are those of mutmut {importlib.metadata.version("mutmut")}: operators, comparisons and their
limits, numbers, conditions, arguments and assignments. Left out are strings, since a test of every
word would be noise, whatever stands in a `raise` or a warning, annotations, type aliases,
decorators, docstrings, `if TYPE_CHECKING` and `__init__` files.

The sample is drawn by seed within each module, in proportion to its places that can be mutated,
and one fault at each place: a call has two for each argument. The score is what was
noticed or ran into its limit ({LENIENT} times the processor time of the test without a mutant),
of those tried that are not equivalent; the interval is Wilson's, as if drawn from the whole room.
Equivalent mutants are judged by hand, in `tests/mutants/equivalent.tsv`.
"""
    table = HEAD + "\n".join(rows[room] for room in order)
    return "\n".join([head + table, *("\n" + sections[room] for room in order)]) + "\n"


def write(room: str, about: Mapping[str, Any], records: Sequence[Record], rooms: list[str]) -> None:
    """Put one room into the report and keep the others as they are."""
    rows, sections = kept(REPORT.read_text() if REPORT.exists() else "")
    rows[room] = row(room, about, records)
    sections[room] = section(room, about, records)
    beside = REPORT.with_suffix(".md.part")
    beside.write_text(report(rows, sections, rooms))
    os.replace(beside, REPORT)
