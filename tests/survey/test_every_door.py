"""One table, written in every way, is one survey, or one refusal."""

import csv
import datetime
import re
import sqlite3
from contextlib import closing

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from strategies import seeds

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Codebook, read_survey

polars = pytest.importorskip("polars")
pyreadstat = pytest.importorskip("pyreadstat")

DAY = datetime.date(2024, 1, 1)
WORDS = [
    "not at all", "sch\u00e4big", "caf\u00e9", 'say "x"', "a,b", "a;b", "x\ty", "two\nlines", "007",
    "0.5 ", "1.50", "yes", "TRUE", "=1+1", "'quoted'", "日本", "3 000", "-", "NaN", "null", "1e3",
    "a|b", " padded ", "\u200bmarked", "N/A", "#N/A", "1,5,7", "2024-02-30", "::", "{}", "$5",
]  # fmt: skip
KINDS = {  # of a question whose answers are labels: from a place to its label
    "words": None,
    "floats": float,
    "whole": int,
    "halves": lambda k: k + 0.5,
    "truth": lambda k: k == 1,
    "days": lambda k: DAY + datetime.timedelta(days=40 * k),
    "times": lambda k: datetime.datetime(2024, 1, 1 + k, 9, 30 * (k % 2)),
}


def numbers(rng, rows, low, high, decimals):
    return [round(float(x), decimals) for x in rng.uniform(low, high, rows)]


def made(rng):
    """Return a graph, a codebook, and the cells of a table by column, in the types they have."""
    rows, questions = int(rng.integers(1, 25)), int(rng.integers(1, 5))
    missing = [["", "NA"], [-99], [-99.0, "refused"], ["-99.00", ""], []][rng.integers(5)]
    wrong = rng.random() < 0.2
    columns, asked, states = {}, {}, {}
    for place in range(questions):
        name, node = f"q{place}", f"n{place}"
        if rng.random() < 0.35:
            cells = numbers(rng, rows, 0, 100, int(rng.integers(4)))
            if -99 in missing and rng.random() < 0.5:
                cells = [-99.0 if rng.random() < 0.2 else cell for cell in cells]
            if rng.random() < 0.3:
                cells = [int(cell) for cell in cells]
            states[node] = ["low", "middle", "high"]
            asked[name] = {"node": node, "type": "number", "cuts": [20, 60.5]}
            asked[name]["range"] = [0, 80] if wrong else [0, 100]
        else:
            kind = list(KINDS)[rng.integers(len(KINDS))]
            size = 2 if kind == "truth" else int(rng.integers(2, 5))
            labels = [KINDS[kind](k) if KINDS[kind] else None for k in range(size)]
            if kind == "words":
                labels = [WORDS[k] for k in rng.choice(len(WORDS), size, replace=False)]
            cells = [labels[k] for k in rng.integers(size, size=rows)]
            if wrong and kind == "words" and rng.random() < 0.5:
                cells[int(rng.integers(rows))] = "someone else's answer"
            states[node] = [f"s{k}" for k in range(size)]
            said = {str(each): f"s{k}" for k, each in enumerate(labels)}
            asked[name] = {"node": node, "labels": said}
        gaps = rng.random(rows) < 0.2
        columns[name] = [None if gap else cell for gap, cell in zip(gaps, cells, strict=True)]
    data = {"name": "random", "graph": "random", "missing": missing, "columns": asked}
    if rng.random() < 0.3:
        columns["club"] = [f"club {k}" for k in rng.integers(1, 4, rows)]
        data["site"] = "club"
    if rng.random() < 0.3:
        columns["w"] = numbers(rng, rows, 0.1, 3, 2)
        data["weight"] = "w"
    if rng.random() < 0.4:
        columns["id"] = [
            None if rng.random() < 0.1 else f"p{k}" for k in rng.integers(9, size=rows)
        ]
        visits = rng.integers(12, size=rows)
        columns["visit"] = [
            [f"visit {k}" for k in visits],
            [float(k) for k in visits],
            [DAY + datetime.timedelta(days=20 * int(k)) for k in visits],
        ][rng.integers(3)]
        data["one_row_per"] = {"column": "id", "by": "visit", "keep": ["first", "last"][rows % 2]}
    else:
        columns["id"] = list(range(rows))
        data["ignore"] = ["id"]
    if rng.random() < 0.4:
        for cells in columns.values():
            cells[rows // 2 : rows // 2] = [None] * 2
    edges = [("n0", f"n{k}") for k in range(1, questions)] + [("n0", "other")]
    graph = CausalGraph.from_edges(edges, states | {"other": ["no", "yes"]}, name="random")
    return graph, Codebook.from_dict(data, graph), columns


def written(cell, decimal="."):
    """Return a cell as a program writes it into a text file."""
    if cell is None:
        return ""
    return str(cell).replace(".", decimal) if isinstance(cell, float) else str(cell)


def arrow(columns):
    return pa.table({name: pa.array(cells) for name, cells in columns.items()})


def text(path, columns, encoding="utf-8", first="", decimal=".", **dialect):
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(first)
        writer = csv.writer(file, **dialect)
        writer.writerow(columns)
        rows = zip(*columns.values(), strict=True)
        writer.writerows([written(cell, decimal) for cell in row] for row in rows)
    return path


def database(folder, columns):
    path = folder / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.register("given", arrow(columns))
        connection.execute("CREATE TABLE answers AS FROM given")
    return path


def lite(folder, columns):
    path = folder / "t.sqlite"
    plain = int | float | str | None
    with closing(sqlite3.connect(path)) as connection:
        names = ", ".join(f'"{name}"' for name in columns)
        connection.execute(f"CREATE TABLE answers ({names})")
        rows = [
            [cell if isinstance(cell, plain) and not isinstance(cell, bool) else str(cell)
             for cell in row]
            for row in zip(*columns.values(), strict=True)
        ]  # fmt: skip
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO answers VALUES ({marks})", rows)
        connection.commit()
    return path


def workbook(folder, columns):
    path = folder / "t.xlsx"
    with xlsxwriter.Workbook(path) as book:
        date, time = (
            book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm")
        )
        sheet = book.add_worksheet()
        for j, (name, cells) in enumerate(columns.items()):
            sheet.write_string(0, j, name)
            for i, cell in enumerate(cells, 1):
                if isinstance(cell, str):
                    sheet.write_string(i, j, cell)
                elif isinstance(cell, datetime.date):
                    kind = time if isinstance(cell, datetime.datetime) else date
                    sheet.write_datetime(i, j, cell, kind)
                elif cell is not None:
                    sheet.write(i, j, cell)
    return path


def spss(folder, columns):
    path = folder / "t.sav"
    frame = pandas(columns)
    for name, cells in columns.items():
        if any(isinstance(cell, bool) for cell in cells):
            frame[name] = [None if cell is None else str(cell) for cell in cells]
        elif all(cell is None for cell in cells):
            frame[name] = np.nan
    pyreadstat.write_sav(frame, str(path))
    return path


def pandas(columns):
    return pd.DataFrame(
        {name: pd.Series(cells, dtype=object).infer_objects() for name, cells in columns.items()}
    )


def parquet(folder, columns):
    path = folder / "t.parquet"
    pq.write_table(arrow(columns), path)
    return path


DOORS = {
    "commas": lambda folder, c: text(folder / "a.csv", {f" {n} ": v for n, v in c.items()}),
    "semicolons": lambda folder, c: text(folder / "b.csv", c, "utf-8-sig", decimal=",",
                                         delimiter=";"),
    "tabs": lambda folder, c: text(folder / "c.txt", c, "utf-16", "sep=\t\r\n", delimiter="\t"),
    "parquet": parquet,
    "duckdb": database,
    "sqlite": lite,
    "xlsx": workbook,
    "sav": spss,
    "pandas": lambda folder, c: pandas(c),
    "objects": lambda folder, c: pd.DataFrame(c, dtype=object),
    "polars": lambda folder, c: polars.DataFrame(c, strict=False),
    "arrow": lambda folder, c: arrow(c),
}  # fmt: skip


def plain(found):
    return f"value {float(found[1].replace(',', '.'))}"


def outcome(table, graph, codebook, **options):
    """Return all that a survey says, or what is wrong: file, rows and decimals are called alike."""
    try:
        found = read_survey(table, graph, codebook, **options)
    except SurveyError as error:
        told = [re.sub(r"^(frame|\w[.]\w+)(, row \d+)?", "", problem) for problem in error.problems]
        return [re.sub(r"value '(-?\d+[.,]?\d*)'", plain, problem) for problem in told]
    assert found.people is None
    weights = None if found.weights is None else found.weights.tolist()
    site = None if found.site is None else found.site.tolist()
    return found.codes.tolist(), weights, site, found.sites, found.blank_rows, found.codebook


@pytest.mark.parametrize("seed", seeds(60, 1000))
def test_every_door_gives_the_same_survey(tmp_path, seed):
    graph, codebook, columns = made(np.random.default_rng(seed))
    found = {}
    for door, write in DOORS.items():
        options = {"decimal": ","} if door == "semicolons" else {}
        found[door] = outcome(write(tmp_path, columns), graph, codebook, **options)
    first = found.pop("arrow")
    for door, told in found.items():
        assert told == first, door


def test_random_tables_are_mostly_read_and_sometimes_refused():
    told = [
        outcome(arrow(columns), graph, codebook)
        for graph, codebook, columns in (made(np.random.default_rng(seed)) for seed in range(40))
    ]
    refused = [each for each in told if isinstance(each, list)]
    assert 2 < len(refused) < 20
    assert any(each[4] for each in told if isinstance(each, tuple))
