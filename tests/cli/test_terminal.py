"""What a terminal shows: whole cells at any width."""

import re
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from backrisk import attribute, intervene, load_codebook, load_graph, queries, risk, simulate
from backrisk.cli import app
from backrisk.cli.terminal import Format, show
from backrisk.queries import Answer
from backrisk.words import ENGLISH, language, percent

PERSON = {"fatigue": "high", "pain": "limiting"}


def printed(answer, width):
    console = Console(file=StringIO(), width=width, highlight=False)
    show(answer, Format.table, console)
    return console.file.getvalue()


def test_every_kind_of_answer_has_a_title():
    exported = [getattr(queries, name) for name in queries.__all__]
    answers = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Answer)]
    kinds = {kind.__name__.lower() for kind in answers if kind is not Answer}
    assert kinds >= {"risk", "attribution"}
    assert kinds <= set(language(ENGLISH).raw("cli.tables"))


@pytest.mark.parametrize("width", [70, 80, 120])
def test_no_cell_is_broken_or_cut(core_posterior, width):
    answer = attribute(core_posterior, PERSON, target="pain>=limiting", method="necessity")
    text = printed(answer, width)
    assert "…" not in text
    for cause in answer.causes:
        row = rf"^ ?{answer.row_label(cause)} .*% \(\S+ to \S+\).* to "
        assert re.search(row, text, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        (["check", "MODEL"], {"answered": 1, "reading": 1}),
        (
            ["prior", "--draws", "100"],
            {"inside  ": 1, " ratio  ": 1, " before  ": 1, " after  ": 1},
        ),
        (["validate", "SURVEY"], {" read as   ": 1, " missing ": 1}),
    ],
)
def test_tables_fit_eighty_columns(core_model, tmp_path, monkeypatch, arguments, headers):
    survey = tmp_path / "s.csv"
    simulate(load_graph("runner"), 30, seed=1, codebook=load_codebook("runner")).to_csv(
        survey, index=False
    )
    monkeypatch.setattr("backrisk.cli.console.out", Console(width=80, highlight=False))
    given = {"MODEL": str(core_model), "SURVEY": str(survey)}
    text = CliRunner().invoke(app, [given.get(a, a) for a in arguments]).output
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    for header, times in headers.items():
        assert text.count(header) == times


def test_a_header_is_whole_where_there_is_room(core_posterior):
    assert "mean (90 % interval)" in printed(risk(core_posterior, {}), 80)


def test_a_change_is_named_in_the_title(core_posterior):
    text = printed(intervene(core_posterior, {}, {"fatigue": "low"}), 80)
    assert text.startswith("Current low back pain, with fatigue: low\n")


def test_a_narrow_terminal_names_what_it_leaves_out(core_posterior):
    answer = attribute(core_posterior, PERSON, method="necessity")
    narrow = printed(answer, 75)
    assert "also shows: " in narrow
    assert "effect above 0" in narrow
    assert "also shows" not in printed(answer, 160)


def test_an_estimate_is_shown_with_its_interval(core_posterior):
    answer = risk(core_posterior, {"fatigue": "high"})
    row = answer.table.loc["this person"]
    text = " ".join(printed(answer, 100).split())
    assert f"this person {percent(row['mean'])} ({percent(row['low'])[:-2]} to" in text
