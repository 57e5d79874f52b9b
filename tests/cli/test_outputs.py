"""Where commands write: never over what they read, and nothing is lost where they cannot."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import arviz as az
import numpy as np
import pytest
from typer.testing import CliRunner

from backrisk import CausalGraph, Posterior, _files, fitting, load_posterior
from backrisk.cli import app, demo
from backrisk.fitting.chains import Kept
from backrisk.graph import Layout
from backrisk.posterior import Diagnostics

ROWS = "id,x,y\n" + "".join(
    f"{i},{'no' if i % 3 else 'yes'},{'no' if i % 2 else 'yes'}\n" for i in range(40)
)


@pytest.fixture
def place(tmp_path):
    """A folder with one of everything that a command reads."""
    graph = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    Posterior.from_cpts(graph, cpts).save(tmp_path / "model.nc")
    (tmp_path / "graph.yaml").write_text(graph.to_yaml())
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "people.csv").write_text("\n".join(line.partition(",")[2] for line in ROWS.split()))
    (tmp_path / "book.yaml").write_text(
        "name: own\ngraph: graph\nignore: rest\ncolumns: {x: {node: x}, y: {node: y}}\n"
    )
    (tmp_path / "person.json").write_text(json.dumps({"x": "yes"}))
    (tmp_path / "there.yaml").write_text("{name: there, differs: [y], shares: {y: 0.4}}")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "style.css").write_text("p {}")
    return tmp_path


FIT = ["fit", "rows.csv", "--graph", "graph.yaml", "--codebook", "book.yaml", "--draws", "20"]
COMMANDS = [
    (FIT, ("rows.csv", "graph.yaml", "book.yaml")),
    (["simulate", "--graph", "graph.yaml", "--codebook", "book.yaml"], ("graph.yaml", "book.yaml")),
    (["graph", "graph.yaml"], ("graph.yaml",)),
    (["codebook", "rows.csv", "--graph", "graph.yaml"], ("rows.csv", "graph.yaml")),
    (["score", "model.nc", "rows.csv"], ("rows.csv",)),
    (
        ["transport", "model.nc", "--to", "there.yaml", "--person", "person.json"],
        ("model.nc", "there.yaml", "person.json"),
    ),
    (["report", "model.nc", "--person", "person.json", "--templates", "own"], ()),
    (["report", "model.nc", "--cohort", "people.csv"], ("people.csv",)),
]
# Files whose ending the command would refuse anyway stand under another name for the same file.
LINKED = [
    (["score", "model.nc", "rows.csv"], "model.nc", ".csv"),
    (["score", "model.nc", "rows.csv"], "model.nc", ".problems.csv"),
    (["report", "model.nc", "--person", "person.json", "--templates", "own"], "model.nc", ".html"),
    (
        ["report", "model.nc", "--person", "person.json", "--templates", "own"],
        "person.json",
        ".pdf",
    ),
    (
        ["report", "model.nc", "--person", "person.json", "--templates", "own"],
        "own/style.css",
        ".html",
    ),
    (["report", "model.nc", "--cohort", "people.csv"], "people.csv", ".html"),
    (["report", "model.nc", "--card"], "model.nc", ".md"),
    (["confounding", "model.nc", "--person", "person.json", "--cause", "x"], "model.nc", ".png"),
    (["confounding", "model.nc", "--person", "person.json", "--cause", "x"], "person.json", ".svg"),
]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(arguments):
    done = CliRunner().invoke(app, arguments)
    said = " ".join(done.output.split())
    assert done.exit_code == 2, said
    return said


@pytest.mark.parametrize(
    ("command", "read"), [(command, read) for command, reads in COMMANDS for read in reads]
)
def test_no_command_writes_over_what_it_reads(place, monkeypatch, command, read):
    monkeypatch.chdir(place)
    before = contents(place)
    assert "is read from; write to another file" in refused([*command, "--out", read])
    assert contents(place) == before


@pytest.mark.parametrize(("command", "read", "ending"), LINKED)
def test_nor_under_another_name_of_it(place, monkeypatch, command, read, ending):
    monkeypatch.chdir(place)
    (place / f"out{ending}").hardlink_to(place / read)
    before = contents(place)
    out = "out" + ending.replace(".problems", "")
    assert "is read from; write to another file" in refused([*command, "--out", out])
    assert contents(place) == before


@pytest.mark.parametrize("command", [command for command, _ in COMMANDS])
@pytest.mark.parametrize("call", ["mkdir", "open", "write", "fsync", "replace"])
def test_what_stood_there_stays_where_a_call_fails(place, monkeypatch, command, call):
    monkeypatch.chdir(place)
    out = place / ("out.html" if command[0] == "report" else "out.csv")
    if command[0] != "codebook":  # a draft replaces nothing at all
        out.write_text("old")
    before = contents(place)
    real = getattr(os, call)

    def full(*arguments, **options):
        of_ours = call != "open" or arguments[1] & os.O_CREAT
        return _full() if of_ours else real(*arguments, **options)

    # Only what `_files` calls fails: the rest of the process goes on.
    faulty = type(
        "Faulty", (), {"__getattr__": lambda _, name: full if name == call else getattr(os, name)}
    )
    monkeypatch.setattr(_files, "os", faulty())
    said = refused([*command, "--out", str(out)])
    assert "No space left on device" in said
    monkeypatch.undo()
    assert contents(place) == before


def test_chains_go_only_once_the_model_is_saved(place, monkeypatch):
    monkeypatch.chdir(place)
    layout = Layout(load_posterior("model.nc").graph)
    drawn = layout.draw_prior(8, np.random.default_rng(0))
    posterior = Posterior(
        layout.graph, *drawn, chains=4, diagnostics=Diagnostics("nutpie", warnings=("Few draws.",))
    )
    for chain, part in enumerate(np.split(posterior.fractions, 4)):
        tree = az.from_dict({"posterior": {"continuation": part[None]}})
        Kept(place / "made", "ours").save(chain, tree)

    def sampled(*_, keep, **__):
        shutil.copytree("made", keep)
        return posterior

    monkeypatch.setattr(fitting, "fit", sampled)
    command = [*FIT, "--out", "m.nc"]
    with monkeypatch.context() as full:
        full.setattr(_files.os, "replace", lambda *_: _full())
        said = refused(command)
    assert "m.nc cannot be written: No space left on device." in said
    assert "The finished chains are kept in m.nc.chains: the same command goes on from them" in said
    assert len(list((place / "m.nc.chains").iterdir())) == 4
    shutil.rmtree("m.nc.chains")
    assert CliRunner().invoke(app, command).exit_code == 0
    assert not (place / "m.nc.chains").exists()
    assert (place / "m.nc").exists()


@pytest.fixture(scope="module")
def demonstrated():
    """The survey of a demonstration."""
    return demo.packaged_survey()


@pytest.mark.parametrize("name", ["survey.csv", "model.nc", "runner.json", "risk.png"])
def test_a_demonstration_replaces_nothing_but_an_earlier_one(
    tmp_path, name, demonstrated, core_prior, monkeypatch
):
    monkeypatch.setattr(demo, "packaged_survey", lambda: demonstrated)
    if name != "survey.csv":
        (tmp_path / "survey.csv").write_text(demonstrated.to_csv(index=False))
    before = contents(tmp_path)
    if name == "model.nc":  # a sound model that somebody fitted to the very survey
        core_prior.save(tmp_path / name)
        said = refused(["demo", "--out", str(tmp_path)])
        assert f"{name} is not of an earlier demonstration" in said
    (tmp_path / name).write_text("my own")
    said = refused(["demo", "--out", str(tmp_path)])
    assert f"{name} is not of an earlier demonstration" in said
    assert contents(tmp_path) == {**before, tmp_path / name: b"my own"}


def test_an_earlier_demonstration_says_that_it_is_one(tmp_path, core_prior):
    figures = pytest.importorskip("matplotlib.figure")
    demo._draw(figures.Figure(), tmp_path / "risk.png")
    replace(core_prior, meta={"made_by": demo._MARK}).save(tmp_path / "model.nc")
    (tmp_path / "survey.csv").write_text("ours")
    assert demo._is_earlier(tmp_path / "risk.png", None)
    assert demo._is_earlier(tmp_path / "model.nc", None)
    assert demo._is_earlier(tmp_path / "survey.csv", "ours")
    assert not demo._is_earlier(tmp_path / "survey.csv", "others")
    figures.Figure().savefig(tmp_path / "risk.png")
    assert not demo._is_earlier(tmp_path / "risk.png", None)


def _full():
    raise OSError(28, "No space left on device")


def run(arguments, **options):
    command = [sys.executable, "-c", "from backrisk.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, check=False, stderr=subprocess.PIPE, **options)


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="no such device")
def test_the_standard_output_gets_the_file_and_nothing_else(tmp_path):
    command = ["simulate", "--graph", "runner_core", "--n", 3, "--out"]
    piped = run([*command, "/dev/stdout"], stdout=subprocess.PIPE)
    assert piped.returncode == 0
    assert len(piped.stdout.decode().splitlines()) == 4
    assert b"3 synthetic people" in piped.stderr
    with (tmp_path / "s.csv").open("w") as file:
        assert run([*command, "/dev/fd/1"], stdout=file).returncode == 0
    assert (tmp_path / "s.csv").read_bytes() == piped.stdout


mounting = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="mounting takes root",
)


@pytest.fixture
def disk(tmp_path):
    """Mount a small disk, and unmount it."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        if "remount" not in options:
            mounted.append(place)
        return place

    yield mount
    for each in mounted:
        subprocess.run(["umount", str(each)], check=True)


@mounting
def test_a_disk_that_fills_and_one_that_is_read_only(disk, place, monkeypatch):
    monkeypatch.chdir(place)
    small = disk("size=64k")
    (small / "m.nc").write_text("old")
    said = refused([*FIT[:-1], "9000", "--out", str(small / "m.nc")])
    assert "m.nc cannot be written: No space left on device." in said
    assert [(path.name, path.read_text()) for path in small.iterdir()] == [("m.nc", "old")]
    disk("remount,ro")
    said = refused(["simulate", "--n", "3", "--out", str(small / "s.csv")])
    assert "s.csv cannot be written: Read-only file system." in said
    assert [(path.name, path.read_text()) for path in small.iterdir()] == [("m.nc", "old")]


@pytest.mark.parametrize("out", [".", "/"])
def test_a_folder_is_no_place_for_a_scored_cohort(place, monkeypatch, out):
    monkeypatch.chdir(place)
    run = CliRunner().invoke(app, ["score", "model.nc", "rows.csv", "--out", out])
    assert run.exit_code == 2
    assert run.exception is None or isinstance(run.exception, SystemExit)
