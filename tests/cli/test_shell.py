"""What every command shares: help, completion, forms of printing, exit codes, colour."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from histories import chain
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

from backrisk import CausalGraph, fit, load_graph, simulate
from backrisk.check import plan_study
from backrisk.cli import app
from backrisk.cli.commands import COMMANDS
from backrisk.cli.completing import joined
from backrisk.cli.tables import Format, show_table

MAIN = "from backrisk.cli import main; main()"
NAMES = [name for held in COMMANDS.values() for name in held]
HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "networkx",
    "pymc",
    "pyarrow",
    "duckdb",
    "xarray",
    "matplotlib",
)


def options(name):
    return get_command(app).commands[name]


def shell(*arguments, code=MAIN, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=kept | environment,
    )


def test_no_help_imports_what_only_an_answer_needs():
    code = f"""
import sys
from typer.testing import CliRunner
from backrisk.cli import app
for name in {NAMES!r}:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0, (name, done.output)
    found = [each for each in {HEAVY!r} if each in sys.modules]
    assert not found, (name, found)
"""
    done = shell(code=code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_help_ends_with_an_example_that_the_command_reads(name):
    command = options(name)
    example = command.epilog.partition(": ")[2].split()
    assert example[:2] == ["backrisk", name]
    group = get_command(app)
    context = group.make_context("backrisk", example[1:2], resilient_parsing=True)
    _, found, rest = group.resolve_command(context, example[1:])
    if hasattr(found, "commands"):  # of commands of its own
        _, found, rest = found.resolve_command(context, rest)
    found.make_context(name, rest, parent=context)  # an option that is not there is refused


def test_commands_stand_in_panels():
    text = CliRunner().invoke(app, ["--help"]).output
    shown = re.findall(r"^│ ([a-z][a-z-]+) ", text, re.MULTILINE)
    assert shown == NAMES
    assert len(re.findall(r"^╭─ (?!Options)", text, re.MULTILINE)) == len(COMMANDS)


def completed(tmp_path, *words, shell_name="bash"):
    """Ask for completions as a shell asks; Bash breaks words at equals signs."""
    if shell_name == "bash":
        asked = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    else:
        asked = {"_TYPER_COMPLETE_ARGS": " ".join(words)}
        asked["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    code = f"import os; os.chdir({str(tmp_path)!r}); {MAIN}"
    done = shell(code=code, _BACKRISK_COMPLETE=f"complete_{shell_name}", **asked)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def folder(tmp_path, core_model):
    shutil.copy(core_model, tmp_path / "model.nc")
    (tmp_path / "p.json").write_text("{}")
    (tmp_path / "s.csv").write_text("a\n")
    (tmp_path / "people").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ris"], ["risk"]),
        (["risk", ""], ["model.nc", "people/"]),
        (["risk", "model.nc", "--person", "p"], ["p.json", "people/"]),
        (["risk", "model.nc", "--person", "=", "p."], ["p.json"]),
        (["risk", "model.nc", "--target", "pai"], ["pain", "pain>=not_limiting", "pain>=limiting"]),
        (["intervene", "model.nc", "--do", "fatigue", "=", "hi"], ["high"]),
        (["intervene", "model.nc", "--do", "fatigue", "="], ["low", "moderate", "high"]),
        (["attribute", "model.nc", "--cause", "fat"], ["fatigue"]),
        (["fit", "s.csv", "--graph", "runner"], ["runner", "runner_core"]),
        (["risk", "model.nc", "--format", "j"], ["json"]),
        (["risk", "none.nc", "--target", "p"], []),
        (["graph", "s.csv", "--to", "dag"], ["dagitty"]),
    ],
)
def test_bash_completes(folder, words, expected):
    assert completed(folder, "backrisk", *words).split() == expected


def test_other_shells_complete(folder):
    words = ["backrisk", "intervene", "model.nc", "--do", "fatigue=m"]
    assert completed(folder, *words, shell_name="fish").split() == ["fatigue=moderate"]
    assert '"fatigue=moderate"' in completed(folder, *words, shell_name="zsh")
    assert completed(folder, "backrisk", "fit", "s", shell_name="zsh").strip() == "_files"


def test_words_that_bash_breaks_are_joined():
    assert joined(["backrisk", "a", "--do", "x", "=", "y", "--do", "z"], 7) == (
        ["backrisk", "a", "--do", "x=y", "--do", "z"],
        5,
        "",
    )


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_is_shown_and_installed(tmp_path, shell_name):
    code = f"""
import shellingham
shellingham.detect_shell = lambda *_: ({shell_name!r}, "/bin/{shell_name}")
{MAIN}
"""
    shown = shell("--show-completion", code=code, HOME=str(tmp_path))
    assert shown.returncode == 0
    assert "_BACKRISK_COMPLETE" in shown.stdout
    done = shell("--install-completion", code=code, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(f"complete_{shell_name}" in text for text in written)


ASKED = {
    "risk": ["MODEL", "--person", "p.json"],
    "consult": ["MODEL", "--person", "hurting.json"],
    "diagnose": ["MODEL", "--person", "p.json"],
    "attribute": ["MODEL", "--person", "p.json"],
    "intervene": ["MODEL", "--do", "fatigue=low", "--person", "p.json"],
    "counterfactual": ["MODEL", "--do", "fatigue=low", "--person", "hurting.json"],
    "mediate": [
        *("MODEL", "--person", "hurting.json"),
        *("--cause", "core_strength", "--mediator", "pelvic_tilt"),
    ],
    "recommend": ["MODEL", "--person", "p.json"],
    "ask-next": ["MODEL", "--person", "p.json"],
    "follow-up": ["MODEL", "p.json", "hurting.json"],
    "forecast": ["chain.nc", "--history", "h.json", "--target", "y", "--periods", "2"],
    "effects": ["MODEL"],
    "check": ["MODEL"],
    "claims": ["MODEL"],
    "compare": ["two.csv", "--model", "tied.nc", "--model", "free.nc"],
    "standing": ["two.csv", "--model", "tied.nc", "--person", "two.json"],
    "power-scaling": ["MODEL", "--person", "p.json"],
    "confounding": ["tied.nc", "--person", "two.json", "--cause", "a", "--draws", "20"],
    "transport": [
        *("tied.nc", "--to", "there.yaml", "--out", "carried.nc"),
        *("--person", "two.json", "--cause", "a"),
    ],
    "plan": ["two.txt", "20", "--quick", "--fits", "1", "--draws", "50", "--effect", "a"],
    "prior": ["--graph", "runner_core", "--draws", "100"],
    "validate": ["s.csv", "--graph", "runner_core"],
    "flags": [],
}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Return a folder of small files that commands read: answers, graphs, fits of two nodes."""
    place = tmp_path_factory.mktemp("read")
    simulate(load_graph("runner_core"), 40, seed=1).to_csv(place / "s.csv", index=False)
    (place / "p.json").write_text('{"fatigue": "high"}')
    (place / "hurting.json").write_text('{"fatigue": "high", "pain": "limiting"}')
    chain().save(place / "chain.nc")
    (place / "h.json").write_text('[{"x": "yes", "y": "no"}, {"y": "yes"}]')
    tied, free = (CausalGraph.from_text(text, outcome="b") for text in ("a -> b", "a; b"))
    answers = simulate(tied, 60, seed=1, gaps=False)
    answers.to_csv(place / "two.csv", index=False)
    for name, graph in (("tied", tied), ("free", free)):
        fit(graph, answers, seed=1, draws=60).save(place / f"{name}.nc")
    (place / "two.txt").write_text("a -> b\nb [outcome]\n")
    (place / "two.json").write_text('{"a": "yes"}')
    (place / "there.yaml").write_text("name: there\ndiffers: [a]\nshares: {a: 0.2}\n")
    return place


@pytest.fixture(scope="module")
def planned():
    """Return what plans a study as `plan_study` does, once: what follows only prints it."""
    made = []

    def plan_once(*given, **how):
        made[:] = made or [plan_study(*given, **how)]
        return made[0]

    return plan_once


@pytest.fixture
def asked(read, planned, tmp_path, core_model, monkeypatch):
    """Return a function that runs a command where the files that it reads lie."""
    shutil.copytree(read, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("backrisk.check.plan_study", planned)

    def run(name, *more, width=80):
        console = type(cli_console().out)(width=width, highlight=False)
        monkeypatch.setattr("backrisk.cli.console.out", console)
        given = [str(core_model) if each == "MODEL" else each for each in ASKED[name]]
        done = CliRunner().invoke(app, [name, *given, *more])
        assert done.exit_code == 0, done.output
        return done

    return run


def cli_console():
    from backrisk.cli import console

    return console


@pytest.mark.parametrize("name", ASKED)
def test_every_table_holds_its_words_at_any_width(asked, name):
    wide = set(asked(name, width=1000).stdout.split())
    for width in (80, 60, 40):
        text = asked(name, width=width).stdout
        assert max(len(line) for line in text.splitlines() if "https://" not in line) <= width
        broken = {word.strip("─") for word in text.split()} - {word.strip("─") for word in wide}
        # A list says "heading: cell"; what a narrow terminal leaves out is said in a sentence.
        told = {word for word in broken if not word.endswith((":", ",", ".")) and word}
        assert told <= {"A", "wider", "terminal", "or", "--format", "json", "also", "shows", *wide}


@pytest.mark.parametrize("name", ASKED)
def test_csv_holds_the_rows_of_json_and_nothing_else(asked, name):
    told = json.loads(asked(name, "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(asked(name, "--format", "csv").stdout)))
    held = [value for value in told.values() if isinstance(value, list) and value]
    numbers = {
        value
        for table in held
        for row in table
        if isinstance(row, dict)
        for value in row.values()
        if isinstance(value, float)
    }
    assert rows
    assert {float(cell) for row in rows for cell in row.values() if is_number(cell)} >= numbers


def is_number(cell):
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("name", ASKED)
def test_markdown_is_tables_and_paragraphs(asked, name):
    lines = asked(name, "--format", "md").stdout.splitlines()
    tables = [line for line in lines if line.startswith("|")]
    rules = [line for line in tables if re.fullmatch(r"\|( -+:? \|)+", line)]
    assert rules
    for rule in rules:
        place = lines.index(rule)
        assert lines[place - 2] == ""  # a table is a block of its own
        assert len(lines[place - 1].split(" | ")) == len(rule.split(" | "))
    assert asked(name).stdout.count("**") == 0  # and the next command prints as ever


def test_every_command_that_prints_answers_knows_every_form():
    known = {
        name
        for name in NAMES
        if any(each.name == "format" for each in getattr(options(name), "params", ()))
    }
    assert known == set(ASKED)  # and is asked above
    for name in known:
        usage = CliRunner().invoke(app, [name, "--help"]).output
        assert f"<{'|'.join(Format)}>" in usage


def test_marks_of_markdown_in_a_name_are_told_as_they_are():
    console = type(cli_console().out)(file=io.StringIO(), width=80)
    console.markdown = True
    show_table("a|b", {"": ["x|y*", "z\nw"]}, console)
    assert console.file.getvalue().splitlines() == [
        r"**a\|b**",
        "",
        "|  |",
        "| --- |",
        r"| x\|y\* |",
        "| z w |",
        "",
    ]


def test_an_interval_goes_below_its_estimate_before_a_table_becomes_a_list():
    cells = {"": ["a name"]}
    cells |= {key: ["1.66 (1.13 to 2.91)"] for key in ("prior", "before", "after")}
    shown = {}
    for width in (80, 60, 40):
        console = Console(file=io.StringIO(), width=width)
        show_table("t", cells, console)
        shown[width] = console.file.getvalue()
    assert re.search(r"1\.66 \(1\.13 to 2\.91\) +1\.66", shown[80])
    assert re.search(r"^ +\(1\.13 to 2\.91\) +\(1\.13", shown[60], re.MULTILINE)
    assert "\n  prior: 1.66 (1.13 to 2.91)\n" in shown[40]


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour_is_as_the_environment_asks(tmp_path, environment, coloured):
    done = shell("risk", tmp_path / "none.nc", "--person", "p", TERM="xterm", **environment)
    assert done.returncode == 2
    assert ("\x1b[31m" in done.stderr) == coloured


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["risk"], 2),
        (["nothing"], 2),
        (["risk", "none.nc", "--person", "p"], 2),
    ],
)
def test_exit_codes(arguments, code):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code


def test_exit_codes_are_told_at_the_shell_and_in_readme():
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    with open("README.md", encoding="utf-8") as file:
        readme = file.read()
    for code in ("0", "1", "2", "129", "130", "141", "143"):
        assert re.search(rf"\b{code}\b", text.partition("Exit codes")[2])
        assert re.search(rf"^\| {code} \|", readme, re.MULTILINE)
