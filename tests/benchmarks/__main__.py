"""Run the benchmarks: all, or those named. One JSON line each; a run of all writes the report."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tests.benchmarks
from tests.benchmarks.common import ROOT, commit, machine

RECORDS = ROOT / "reports" / "benchmarks.jsonl"
REPORT = ROOT / "reports" / "benchmarks.md"
_COLUMNS = {"name", "ratio", "ours_s", "theirs_s", "peer", "bar", "limit", "of", "met", "profile"}
_COLUMNS |= {"versions", "module", "machine", "date", "commit", "load"}


def found() -> list[str]:
    """Return the names of the benchmark modules."""
    names = [module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__)]
    return sorted(set(names) - {"__main__", "common"} - {n for n in names if n.startswith("_")})


def run_here(name: str) -> None:
    """Run one module in this process and print its records."""
    module = importlib.import_module(f"tests.benchmarks.{name}")
    for record in module.run():
        stamp = {
            "module": name,
            "machine": machine(),
            "date": time.strftime("%Y-%m-%d"),
            "commit": commit(),
            "load": round(os.getloadavg()[0], 1),
        }
        print(json.dumps({**record, **stamp}), flush=True)


def run_apart(name: str) -> list[dict[str, Any]]:
    """Run one module in a process of its own, so that no peer's state weighs on the next."""
    command = [sys.executable, "-m", "tests.benchmarks", "--here", name]
    records = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith('{"name"'):
                print(line, end="", flush=True)
                records.append(json.loads(line))
    if child.returncode:
        raise SystemExit(f"benchmark {name} failed; does the environment have the extra 'bench'?")
    return records


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:,.3g} {unit}"
    return f"{value / 1e-6:,.3g} µs"


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _table(records: Sequence[Mapping[str, Any]]) -> list[str]:
    extra = list(dict.fromkeys(k for r in records for k in r if k not in _COLUMNS))
    head = ["benchmark", "backrisk", "peer", "peer's time", "ratio", "bar", "", *extra]
    lines = ["| " + " | ".join(head).replace("_", " ") + " |", "|" + "---|" * len(head)]
    for record in records:
        bar = ""
        if record["bar"] is not None:
            of = {"ratio": "", "ours_s": " s"}.get(
                record["of"], f" {record['of']}".replace("_", " ")
            )
            bar = f"{record['limit']} {_number(record['bar'])}{of}"
        cells = [
            record["name"],
            _seconds(record["ours_s"]),
            record["peer"],
            _seconds(record["theirs_s"]),
            "" if record["ratio"] is None else f"{record['ratio']:,.3g}",
            bar,
            "" if record["bar"] is None else ("met" if record["met"] else "**missed**"),
            *(_number(record.get(key, "")) for key in extra),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def report(records: Iterable[Mapping[str, Any]]) -> str:
    """Return the report as Markdown."""
    records = list(records)
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Times are medians of repeats taken in turn with the peer's in",
        "one process, everything compiled and warm unless a row says otherwise; where both compute",
        "the same number, it was compared before the clock started. Ratios are the peer's time by",
        "ours. On a machine that others share, trust the ratios, not the milliseconds.",
        "",
    ]
    for place in dict.fromkeys((record["machine"], record["date"]) for record in records):
        lines.append(f"- Machine: {place[0]} ({place[1]})")
    loads = [record["load"] for record in records if record["load"] is not None]
    lines.append(
        f"- Processes that wanted a core after each benchmark (load average, 1 min): "
        f"{min(loads):.1f} to {max(loads):.1f}"
    )
    versions = {k: v for record in records for k, v in record["versions"].items()}
    lines.append("- Versions: " + ", ".join(f"{k} {v}" for k, v in sorted(versions.items())))
    missed = [record for record in records if not record["met"]]
    bars = sum(record["bar"] is not None for record in records)
    lines += ["", f"{bars - len(missed)} of {bars} bars met."]
    for record in missed:
        lines += [
            "",
            f"**Missed: {record['name']}**: {_number(record[record['of']])}, expected "
            f"{record['limit']} {_number(record['bar'])}. {record['profile']}",
        ]
    for name in dict.fromkeys(record["module"] for record in records):
        own = [record for record in records if record["module"] == name]
        when = dict.fromkeys((record["date"], record.get("commit", "")) for record in own)
        about = (importlib.import_module(f"tests.benchmarks.{name}").__doc__ or name).strip()
        title, _, body = about.partition("\n")
        lines += ["", f"## {title.removesuffix('.')} (`{name}`)", ""]
        lines += [body.strip(), ""] if body.strip() else []
        lines += _table(own)
        measured = " and ".join(f"{date} at {at}" if at else date for date, at in when)
        lines += ["", f"Measured {measured}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print, and write the report where all were run or ``--report`` asks for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of: {', '.join(found())}")
    parser.add_argument(
        "--report",
        action="store_true",
        help="write the report after a run of some, keeping the last records of the others",
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = set(given.names) - set(found())
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(found())}")
    if given.here:
        for name in given.names:
            run_here(name)
        return
    names = given.names or found()
    kept: list[dict[str, Any]] = []
    if given.names and RECORDS.exists():
        kept = [json.loads(line) for line in RECORDS.read_text().splitlines()]
        kept = [record for record in kept if record["module"] not in names]
    records = kept + [record for name in names for record in run_apart(name)]
    if given.names and not given.report:
        return
    records.sort(key=lambda record: record["module"])
    REPORT.parent.mkdir(exist_ok=True)
    for path, text in (
        (RECORDS, "".join(json.dumps(record) + "\n" for record in records)),
        (REPORT, report(records)),
    ):
        beside = path.with_suffix(path.suffix + ".part")
        beside.write_text(text)
        os.replace(beside, path)


if __name__ == "__main__":
    main()
