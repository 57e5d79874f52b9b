"""Options of commands that read a table."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from backrisk.cli import app
from backrisk.graph import load_graph
from backrisk.posterior import simulate

COMMANDS = {
    "validate": lambda model, table, out: ["validate", table, "--graph", "runner_core"],
    "check": lambda model, table, out: ["check", model, table],
    "score": lambda model, table, out: ["score", model, table, "--out", out / "scored.csv"],
    "report": lambda model, table, out: [
        "report", model, "--cohort", table, "--draws", "3", "--out", out / "report.html",
    ],
    "card": lambda model, table, out: [
        "report", model, "--card", "--cohort", table, "--out", out / "card.md",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The people of the core graph, in a file that only one who is told of it can read."""
    frame = simulate(load_graph("runner_core"), 12, seed=2)
    frame.columns = [f"{name} " for name in frame]
    frame.loc[len(frame)] = ""
    path = tmp_path_factory.mktemp("tables") / "people.csv"
    frame.to_csv(path, sep="~", index=False, encoding="utf-16-le")
    return path


def run(command, *options):
    return CliRunner().invoke(app, [*map(str, command), *options])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_table_is_read_as_it_is_said_to_be(core_model, table, tmp_path, command):
    asked = COMMANDS[command](core_model, table, tmp_path)
    found = run(asked, "--delimiter", "~", "--encoding", "utf-16-le")
    assert found.exit_code == 0, found.output
    if command != "check":
        assert "1 row without any answer was left out." in found.output
    found = run(asked)
    assert isinstance(found.exception, Exception | SystemExit)
    assert "people.csv is no text" in str(found.exception) + found.output


@pytest.mark.parametrize("command", COMMANDS)
def test_files_are_read_together_only_where_that_is_asked(core_model, tmp_path, command):
    for part in range(2):
        frame = simulate(load_graph("runner_core"), 6, seed=part)
        frame.to_csv(tmp_path / f"p{part}.csv", index=False, sep=";")
    asked = COMMANDS[command](core_model, tmp_path / "p*.csv", tmp_path)
    found = run(asked, "--glob", "--delimiter", ";")
    assert found.exit_code == 0, found.output
    if command == "score":
        scored = pd.read_csv(tmp_path / "scored.csv")
        assert scored["row"].tolist() == [*range(2, 8)] * 2
    found = run(asked)
    assert found.exit_code != 0


def test_a_tab_is_named_and_a_comma_may_come_before_decimals(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("age_years\tweight_kg\theight_cm\n30\t72,5\t180\n50\t1,250\t170\n")
    for tab in ("tab", "\\t", "\t"):
        found = run(["validate", path], "--delimiter", tab)
        assert "'1,250', expected a number" in str(found.exception) + found.output
    path.write_text("age_years\tweight_kg\theight_cm\n30\t72,5\t180\n50\t80,000\t170\n")
    assert run(["validate", path], "--delimiter", "tab", "--decimal", ",").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["risk", "m.nc", "--person", "a.json", "--person", "b.json"], "--person is given more"),
        (["score", "m.nc", "t.csv", "--out", "a", "--draws", "1", "--draws=1"], "--draws is given"),
        (["fhir", "assess", "m.nc", "--response", "a", "--response", "b"], "--response is given"),
    ],
)
def test_an_option_of_one_value_is_given_once(arguments, told):
    """Of two values, the first would be lost without a word."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert told in done.output


def test_an_option_of_many_values_is_given_as_often_as_there_are_values(core_model, tmp_path):
    person = tmp_path / "p.json"
    person.write_text("{}")
    done = CliRunner().invoke(
        app,
        ["intervene", str(core_model), "--person", str(person), "--do", "core_strength=strong",
         "--do", "fatigue=low"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
