"""Commands that write, what they read, and how to see that what they wrote is whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backrisk import load_graph, simulate
from backrisk.errors import BackriskError
from backrisk.graph import CausalGraph, Layout
from backrisk.posterior import Posterior, load_posterior
from backrisk.survey import load_codebook

OLD = b"what stood here before"
DAY = "2026-01-31"


@dataclass(frozen=True)
class Command:
    """A command that writes one file.

    Parameters
    ----------
    name : str
    words : tuple of str
        All but ``--out`` and the file.
    file : str
        What it writes is called.
    whole : callable
        Whether the content of a file is all that it should be.
    beside : tuple of str
        What else may lie in the file's folder afterwards.
    """

    name: str
    words: tuple[str, ...]
    file: str
    whole: Callable[[Path], bool]
    beside: tuple[str, ...] = ()

    def at(self, folder: Path) -> list[str]:
        """Return the arguments that write into a folder."""
        return [*self.words, "--out", str(folder / self.file)]

    def prepare(self, folder: Path) -> Path:
        """Make a folder anew in which an older file stands; return the file."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        path = folder / self.file
        path.write_bytes(OLD)
        return path

    def left(self, folder: Path) -> list[str]:
        """Return what lies in the folder and should not."""
        known = {self.file, *self.beside}
        return sorted(path.name for path in folder.iterdir() if path.name not in known)


def commands(folder: Path) -> list[Command]:
    """Make what the commands read in a folder, and return the commands.

    A model of prior draws, a cohort with a refused cell, and two surveys of small graphs: one that
    is fitted exactly, and one with a node that nobody measured.
    """
    import numpy as np

    graph = load_graph("runner_core")
    fractions, beta = Layout(graph).draw_prior(40, np.random.default_rng(1))
    Posterior(graph, fractions, beta).save(folder / "model.nc")
    people = simulate(graph, 400, 1).to_csv(index=False)
    (folder / "cohort.csv").write_text(people.replace("high", "hihg", 1))
    (folder / "people.csv").write_text(people)
    (folder / "person.json").write_text('{"fatigue": "high"}')
    (folder / "there.yaml").write_text("{name: there, differs: [pain], shares: {pain: 0.2}}")
    states = {name: ["no", "yes"] for name in "xyz"}
    plain = CausalGraph.from_edges([("x", "y"), ("y", "z")], states)
    (folder / "plain.yaml").write_text(plain.to_yaml())
    rows = simulate(plain, 400, 2)
    rows = rows[(rows != "").all(axis="columns")]
    (folder / "complete.csv").write_text(rows.to_csv(index=False))
    (folder / "hidden.csv").write_text(rows.drop(columns="y").to_csv(index=False))
    given = {name: str(folder / name) for name in (path.name for path in folder.iterdir())}
    fit = ("--graph", given["plain.yaml"], "--chains", "2")
    answers = load_codebook("runner", load_graph("runner"))
    columns = len(simulate(load_graph("runner"), 1, 1, codebook=answers).columns)
    return [
        Command(
            "simulate",
            ("simulate", "--n", "3000"),
            "s.csv",
            lambda path: _rows(path, 3001, columns),
        ),
        Command(
            "score to .csv",
            ("score", given["model.nc"], given["cohort.csv"]),
            "scored.csv",
            lambda path: _rows(path, 401),
            ("scored.problems.csv",),
        ),
        Command(
            "score to .parquet",
            ("score", given["model.nc"], given["cohort.csv"]),
            "scored.parquet",
            lambda path: _parquet(path, 400),
            ("scored.problems.csv",),
        ),
        Command(
            "report to .html",
            ("report", given["model.nc"], "--cohort", given["people.csv"], "--date", DAY),
            "r.html",
            lambda path: path.read_bytes().rstrip().endswith(b"</html>"),
        ),
        Command(
            "report to .pdf",
            ("report", given["model.nc"], "--person", given["person.json"], "--date", DAY),
            "r.pdf",
            lambda path: path.read_bytes().rstrip().endswith(b"%%EOF"),
        ),
        Command(
            "confounding to .png",
            (
                *("confounding", given["model.nc"], "--person", given["person.json"]),
                *("--cause", "fatigue", "--draws", "5"),
            ),
            "c.png",
            lambda path: path.read_bytes().rstrip().endswith(b"IEND\xaeB`\x82"),
        ),
        Command(
            "transport",
            ("transport", given["model.nc"], "--to", given["there.yaml"]),
            "there.nc",
            _model,
        ),
        Command(
            "fit, exact",
            ("fit", given["complete.csv"], *fit, "--draws", "2000"),
            "m.nc",
            _model,
        ),
        Command(
            "fit, sampled",
            ("fit", given["hidden.csv"], *fit, "--draws", "200", "--tune", "300"),
            "m.nc",
            _model,
            ("m.nc.chains",),
        ),
    ]


def _rows(path: Path, count: int, columns: int | None = None) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines()
    wide = columns is None or all(line.count(",") == columns - 1 for line in (lines[0], lines[-1]))
    return len(lines) == count and wide and path.read_bytes().endswith(b"\n")


def _parquet(path: Path, count: int) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).num_rows == count
    except (OSError, pa.ArrowException):
        return False


def _model(path: Path) -> bool:
    try:
        load_posterior(path)
    except BackriskError:
        return False
    return True
