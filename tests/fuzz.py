"""Damaged files, read as if a user had given them: nothing but a sentence may come of it.

``python -m tests.fuzz KIND FIRST LAST`` reads the damaged files of these numbers, each made from
its number alone, and prints a line of JSON for each that was no sentence. It limits its memory,
and the processor time of each file, which it is given more of where the machine is slow.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from backrisk import _yaml
from backrisk.cli.terminal import read_json
from backrisk.errors import BackriskError
from backrisk.graph import CausalGraph, load_graph
from backrisk.posterior import Posterior, simulate
from backrisk.queries import risk
from backrisk.survey import Codebook, load_codebook, read_panel, read_survey

ROOT = Path(__file__).parents[1]
MEMORY = 2**30  # bytes above what the libraries take
SECONDS = 2.0  # of processor time for one file, or more where reading a sound one takes long
SLOWER = 25  # how much longer than the largest sound graph any file may take

CODEBOOK = """
graph: small
title: A codebook with every kind of key
missing: ["", NA, -99, 010]
columns:
  hours: {node: sleep, type: number, unit: h, range: [0, 24], cuts: [7], states: [bad, good]}
  says: {item: load, reliability: 0.7, labels: {1: low, 2.0: mid, 03: high}}
  guess: {item: load, misclassification: {low: {low: 0.9, mid: 0.1, high: 0},
    mid: {low: 0.1, mid: 0.8, high: 0.1}, high: {low: 0, mid: 0.2, high: 0.8}}}
  pain: {node: pain, nonresponse: {mean: 0.5, sd: 0.5}}
  weight: {role: input, type: number, range: [30, 200], outside: missing}
  height: {role: input, type: number}
  words: {role: input, type: text}
derived:
  bmi: {node: heavy, derive: bmi, from: [weight, height], cuts: [25]}
  sport: {node: sport, derive: first_match, from: [words], otherwise: no,
    rules: [{state: yes, when: [{any: [words], contains: ["run*", gym]}]}]}
site: clinic
weight: w
ignore: [id]
one_row_per: {column: id, by: date, keep: last}
panel: {id: id, time: date, every: 1M, dates: iso, combine: {hours: mean, rest: worst},
  constant: [height], events: {}}
"""
OTHER = """
name: other
graph: small
ignore: rest
missing: [refused]
columns:
  hurt: {node: pain, labels: {"yes, badly": yes, no: no}}
  weeks: {node: load, type: number, cuts: [2, 6], asked_if: {when: "[hurt] = 'yes, badly' or
    ([pounds] > 150 and not ([inches] <> ''))", else: low}}
  pounds: {role: input, type: number, unit: lb, range: [60, 500]}
  inches: {role: input, type: number, unit: in, decimals: 1}
  snores: {item: sleep, answers: [no, yes], row_people: {good: 50, bad: 20},
    misclassification: {good: {no: 0.9, yes: 0.1}, bad: {no: 0.3, yes: 0.7}},
    error: learned}
derived:
  bmi: {node: heavy, derive: bmi, from: [pounds, inches], cuts: [25]}
design: {kind: case_control, outcome: pain, cases: yes, prevalence: 0.14}
leaves_out: {sport: Nobody was asked.}
"""
THEIRS = """hurt,weeks,pounds,inches,snores,anything
"yes, badly",3.5,170,70,no,x
no,,160,65.5,yes,y
no,1,refused,72,,
"""
SMALL = """
sleep: good, bad
load: low, mid, high
sleep + heavy + sport -> load -> pain
"""
ROWS = """id,date,clinic,w,hours,says,guess,pain,weight,height,words
1,2024-01-02,A,1,6.5,1,low,no,70,180,gym
1,2024-02-01,A,1.0,8,2.0,mid,yes,70.5,180,
2,2024-01-03,B,0.5,NA,03,high,,-99,170,"I run, often"
3,2024-01-05,B,2,7,1,low,no,90,165,none
"""
# What breaks a file of text, and what looks like something else.
TOKENS = [
    *("010", "08", "0x1f", "1e999", "-99.0", ".nan", ".inf", "1.50", "1_000", "9" * 400, "-0"),
    *("no", "yes", "true", "null", "~", "2002-02-30", "12:30:45", "<<", "=", "!!set", "!x"),
    *("!!int", "&a", "*a", "&a [*a]", "<<: *a", "? ", ": ", "- ", "[", "]", "{", "}", "{}", "[]"),
    *(",", "|", ">", "'", '"', "#", "%", "@", "`", "\t", "\n", "\r", " ", "\\", "\x00", "\x1b"),
    *("\ufeff", "\u0301", "\u200b", "\u2028", "ä", "\U0001f600", "---", "...", "%YAML 1.1", "->"),
    *("<->", "--", "dag {", "Infinity", "NaN", ";", "__class__", "nodes", "states", "columns"),
    *("graph", "\\ud800"),
]
OPEN = ["[", "{", "{a: ", "- ", "? ", "a -> ", '{"a":', "(", "not ", "[hurt] = 1 and "]  # to nest
ODD: list[Any] = [
    *(float("nan"), set(), {"a", "b"}, ("a", "b"), b"no", object(), range(3), {1: 2}, {None: 3}),
    *(np.int64(1), np.array(["a", "b"]), np.array(2.0), np.datetime64("NaT", "ns"), 1j, type, len),
]  # of Python, for who calls it from there
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 10**400, 1.5, -0.0, 1e308, "", " ", "no", "010", "x", "ä"),
    *([], {}, [[]], [None], {"": ""}, {"a": {}}, ["x", "x"], [1, 1.0, "1"], "x" * 5000, [0] * 2000),
]


def words_of(text: str) -> list[str]:
    """Return text in pieces that can be swapped and put together again."""
    pieces, last = [], ""
    for mark in text:
        if last and (mark.isalnum() or mark in "_.") != (last[-1].isalnum() or last[-1] in "_."):
            pieces.append(last)
            last = ""
        last += mark
    return [*pieces, last]


def damaged_bytes(raw: bytes, rng: np.random.Generator) -> bytes:
    """Flip bits, cut, double, or move a part of a file."""
    made = bytearray(raw)
    for _ in range(int(rng.integers(1, 6))):
        at, size = int(rng.integers(len(made) + 1)), int(rng.integers(1, 30))
        kind = rng.integers(5)
        if kind == 0 and at < len(made):
            made[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del made[at : at + size]
        elif kind == 2:
            made[at:at] = made[at : at + size]
        elif kind == 3:
            made[at:at] = rng.bytes(size)
        elif rng.random() < 0.3:
            del made[at:]
    return bytes(made)


def damaged_inside(raw: bytes, rng: np.random.Generator) -> bytes:
    """Damage one of the files that a zipped file holds."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as held, zipfile.ZipFile(made, "w") as new:
        names = held.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            part = held.read(name)
            if name == chosen and rng.random() < 0.5:
                part = damaged_bytes(part, rng)
            elif name == chosen:
                part = damaged_text(part.decode("utf-8", "replace"), rng)
            new.writestr(name, part)
    return made.getvalue()


def damaged_text(text: str, rng: np.random.Generator) -> bytes:
    """Swap, lose, double or put in words; nest deeply; write in another encoding."""
    pieces = words_of(text)
    for _ in range(int(rng.integers(1, 5))):
        at, other = (int(rng.integers(len(pieces))) for _ in range(2))
        kind = rng.integers(7)
        if kind == 0:
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif kind == 1:
            pieces[at] = ""
        elif kind == 2:
            pieces[at] = str(rng.choice(TOKENS))
        elif kind == 3:
            pieces[at] += str(rng.choice(TOKENS))
        elif kind == 4:
            pieces[at] = pieces[other]
        elif kind == 5:
            pieces[at] += str(rng.choice(OPEN)) * int(rng.choice([30, 3000, 100_000]))
        elif rng.random() < 0.3:
            pieces[at] = "9" * int(rng.choice([20, 400, 5000]))
    encoding = rng.choice(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "utf-32", "latin-1", "utf-16-le"])
    return "".join(pieces).encode(str(encoding), "replace")


def damaged_tree(data: Any, rng: np.random.Generator, odd: float = 0) -> Any:
    """Put another value, of another type, somewhere into plain data."""
    data = json.loads(json.dumps(data))
    for _ in range(int(rng.integers(1, 4))):
        held = data
        while isinstance(held, dict | list) and held:
            keys = list(held) if isinstance(held, dict) else list(range(len(held)))
            key = keys[int(rng.integers(len(keys)))]
            if not (isinstance(held[key], dict | list) and held[key]) or rng.random() < 0.25:
                if rng.random() < 0.15 and isinstance(held, dict):
                    held[str(rng.choice(TOKENS))] = held.pop(key)
                elif rng.random() < 0.15:
                    del held[key]
                else:
                    chosen = VALUES if rng.random() > odd else ODD
                    held[key] = deepcopy(chosen[int(rng.integers(len(chosen)))])
                break
            held = held[key]
    return data


def as_json(data: Any) -> bytes:
    """Return plain data as a file of JSON."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")


class Fuzz:
    """Sound files, and what reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.small = CausalGraph.from_text(SMALL, name="small")
        self.core = load_graph("runner_core")
        rng = np.random.default_rng(0)
        cpts = {
            name: rng.dirichlet(np.ones(shape[-1]), size=(2, *shape[:-1]))
            for name in self.core.names
            for shape in [self.core.shape(name)]
        }
        self.posterior = Posterior.from_cpts(self.core, cpts)
        book = self.put("sound.yaml", CODEBOOK.encode())
        self.book = load_codebook(book, self.small)
        frame = simulate(self.core, 20, seed=1)
        other = load_codebook(self.put("other.yaml", OTHER.encode()), self.small)
        self.tables = [
            (ROWS, self.small, self.book),
            (THEIRS, self.small, other),
            (frame.to_csv(index=False), self.core, None),
        ]
        self.binary = list(self.sound_binary(frame))
        packaged = ROOT / "backrisk"
        self.graphs = [
            path.read_text(encoding="utf-8")
            for path in (
                packaged / "graph" / "data" / "runner_core.yaml",
                ROOT / "tests" / "foreign" / "bees.yaml",
            )
        ]
        self.codebooks = [
            CODEBOOK,
            OTHER,
            (ROOT / "tests" / "foreign" / "bees_codebook.yaml").read_text(encoding="utf-8"),
            (packaged / "survey" / "codebooks" / "clinic.yaml").read_text(encoding="utf-8"),
        ]
        self.bees = load_graph(ROOT / "tests" / "foreign" / "bees.yaml")
        self.runner = load_graph("runner")
        self.persons = [
            path.read_text(encoding="utf-8") for path in (ROOT / "data" / "persons").glob("*.json")
        ]
        about = {"date": "2026-11-27", "model": self.posterior.checksum, "version": "0.1.0"}
        self.persons += [
            json.dumps({"backrisk": about, "person": json.loads(each)}) for each in self.persons
        ]
        self.of_core = {"fatigue": "high", "core_strength": None, "pain": "limiting"}
        self.of_book = {"hours": 6.5, "says": 1, "guess": "low", "pain": "no", "weight": 70,
                        "height": "180", "words": "I run", "sleep": "bad"}  # fmt: skip

    def sound_binary(self, frame: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
        """Yield a table as files of every kind that is no text, by their names."""
        path = self.folder / "sound"
        frame.to_parquet(path)
        yield "a.parquet", path.read_bytes()
        frame.to_excel(path, engine="openpyxl", index=False)
        yield "a.xlsx", path.read_bytes()
        for ending, write in ((".sav", pyreadstat.write_sav), (".dta", pyreadstat.write_dta)):
            write(frame.astype(object), path.with_suffix(ending))
            yield f"a{ending}", path.with_suffix(ending).read_bytes()
        database = path.with_suffix(".sqlite")
        with sqlite3.connect(database) as connection:
            frame.to_sql("people", connection, index=False)
        yield "a.sqlite", database.read_bytes()
        yield "a.csv.gz", gzip.compress(frame.to_csv(index=False).encode())

    def put(self, name: str, raw: bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(raw)
        return path

    def damaged(self, text: str, rng: np.random.Generator) -> bytes:
        """Damage a text as bytes or as words."""
        return damaged_bytes(text.encode(), rng) if rng.random() < 0.5 else damaged_text(text, rng)

    def any_of(self, texts: list[str], rng: np.random.Generator, suffix: str) -> Path:
        """Write one of these texts, damaged in one of three ways."""
        text = texts[int(rng.integers(len(texts)))]
        kind = rng.integers(3)
        if kind == 0:
            return self.put(f"a{suffix}", damaged_bytes(text.encode(), rng))
        if kind == 1:
            return self.put(f"a{suffix}", damaged_text(text, rng))
        tree = damaged_tree(_yaml.parse(text), rng)
        if rng.random() < 0.5 and suffix == ".yaml":
            return self.put("a.yaml", _yaml.dump(tree).encode("utf-8", "replace"))
        return self.put(f"a{suffix}", as_json(tree))

    def graph(self, rng: np.random.Generator) -> None:
        """Read a damaged graph; write what could be read, and read it again."""
        if rng.random() < 0.3:
            drawn = [SMALL, self.core.to_dagitty(), self.small.to_dagitty()]
            text = drawn[int(rng.integers(3))]
            path = self.put("a.dag", self.damaged(text, rng))
        else:
            path = self.any_of(self.graphs, rng, str(rng.choice([".yaml", ".yaml", ".json"])))
        if rng.random() < 0.3:
            text = self.graphs[int(rng.integers(len(self.graphs)))]
            read = CausalGraph.from_dict(damaged_tree(_yaml.parse(text), rng, 0.5))
        else:
            read = load_graph(path)
        again = CausalGraph.from_dict(_yaml.parse(read.to_yaml()))
        assert again == read
        read.to_networkx()

    def codebook(self, rng: np.random.Generator) -> None:
        """Read a damaged codebook, and with it single answers and a sound survey."""
        place = int(rng.integers(4))
        path = self.any_of([self.codebooks[place]], rng, ".yaml")
        graph = (self.small, self.small, self.bees, self.runner)[place]
        if rng.random() < 0.3:
            tree = {"name": "a", **_yaml.parse(self.codebooks[place])}
            book = Codebook.from_dict(damaged_tree(tree, rng, 0.5), graph)
        else:
            book = load_codebook(path, graph)
        json.dumps(book.to_dict())
        book.extend(graph)
        for name in book.columns:
            with suppress(BackriskError):
                book.encode_answer(name, VALUES[int(rng.integers(len(VALUES)))])
        if place < 2:
            rows = self.put("rows.csv", (ROWS, THEIRS)[place].encode())
            read_survey(rows, graph, book)
            if place == 0:
                read_panel(rows, graph, book)

    def survey(self, rng: np.random.Generator) -> None:
        """Read a damaged table."""
        place = int(rng.integers(4))
        if place == 3:
            name, raw = self.binary[int(rng.integers(len(self.binary)))]
            inside = name == "a.xlsx" and rng.random() < 0.8
            raw = damaged_inside(raw, rng) if inside else damaged_bytes(raw, rng)
            read_survey(self.put(name, raw), self.core)
            return
        text, graph, book = self.tables[place]
        path = self.put("a.csv", self.damaged(text, rng))
        if isinstance(book, Codebook) and book.panel is not None:
            with suppress(BackriskError):
                read_panel(path, graph, book)
        read_survey(path, graph, book)

    def person(self, rng: np.random.Generator) -> None:
        """Read a damaged person, and ask about the one who could be read."""
        asked, kind = (self.of_core, self.of_book)[int(rng.integers(2))], rng.integers(3)
        if kind == 0:
            person = read_json(self.any_of(self.persons, rng, ".json"))
        elif kind == 1:
            made = damaged_tree(asked, rng)
            person = read_json(self.put("a.json", as_json(made)))
        else:
            person = damaged_tree(asked, rng, 0.6)
        if asked is self.of_book:
            self.book.encode_person(person, self.book.extend(self.small))
        else:
            risk(self.posterior, person)


KINDS = ("graph", "codebook", "survey", "person")


class Hang(BaseException):
    """One file took too much processor time."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Stop the work after so much processor time; from outside, if it does not listen."""

    def stop(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    used = resource.getrusage(resource.RUSAGE_SELF)
    deaf = int(used.ru_utime + used.ru_stime + 10 * seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (deaf, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def patience() -> float:
    """Return the processor time that one file may take on this machine."""
    sound = []
    for _ in range(3):
        start = time.process_time()
        load_graph("runner")
        sound.append(time.process_time() - start)
    return max(SECONDS, SLOWER * min(sound))


def bound_memory() -> None:
    """Let this process take no more than `MEMORY` beyond what it has taken."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def attempt(read: Callable[[np.random.Generator], None], seed: int, seconds: float) -> str:
    """Read one damaged file; return what went wrong, empty where all went well."""
    try:
        with limited(seconds):
            read(np.random.default_rng(seed))
    except BackriskError as error:
        return "" if str(error).strip() else f"{type(error).__name__} without a sentence"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "".join(traceback.format_exception(error)[-6:])
    return ""


def main(kind: str, first: int, last: int) -> None:
    """Read the damaged files of these numbers; say on standard output what was no sentence."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # nothing that a file names may be found by chance
        fuzz = Fuzz(Path(folder))
        read: Callable[[np.random.Generator], None] = getattr(fuzz, kind)
        seconds = patience()
        for seed in range(3):
            attempt(read, seed, 60 * seconds)  # imports, compiles
        bound_memory()
        for seed in range(first, last):
            print(json.dumps({"reading": seed}), flush=True)
            if wrong := attempt(read, seed, seconds):
                print(json.dumps({"kind": kind, "seed": seed, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
