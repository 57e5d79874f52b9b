"""What a terminal shows: whole cells at any width."""

import re
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from backrisk import (
    CausalGraph,
    Posterior,
    ask_next,
    attribute,
    intervene,
    load_codebook,
    load_graph,
    queries,
    recommend,
    risk,
    simulate,
)
from backrisk.cli import app
from backrisk.cli.tables import Format
from backrisk.cli.terminal import show
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
    left = re.search(r"\((\d+) more causes?:", text)
    shown = [
        cause
        for cause in answer.causes
        if re.search(rf"^ ?{answer.row_label(cause)} .*%", text, re.M)
    ]
    assert len(shown) + (int(left[1]) if left else 0) == len(answer.causes)
    for cause in shown:
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
    narrow = printed(answer, 58)
    assert "also shows: " in narrow
    assert "effect above 0" in narrow
    assert "also shows" not in printed(answer, 160)


def test_an_estimate_is_shown_with_its_interval(core_posterior):
    answer = risk(core_posterior, {"fatigue": "high"})
    row = answer.table.loc["this person"]
    text = " ".join(printed(answer, 100).split())
    assert f"this person {percent(row['mean'])} ({percent(row['low'])[:-2]} to" in text


def contributing(*sizes):
    """Causes of y that add so much to its probability, and one that only passes on."""
    names = [f"c{place}" for place in range(len(sizes))]
    edges = [(name, "y") for name in names] + [("c0", "late")]
    graph = CausalGraph.from_edges(edges, dict.fromkeys([*names, "late", "y"], ("no", "yes")))
    table = np.full((2,) * len(sizes), 0.2)
    for axis, size in enumerate(sizes):
        table = table + np.array([0.0, size]).reshape(
            [1] * axis + [2] + [1] * (len(sizes) - axis - 1)
        )
    cpts = {name: [0.5, 0.5] for name in names} | {"late": [[0.5, 0.5], [0.2, 0.8]]}
    return Posterior.from_cpts(graph, cpts | {"y": np.stack([1 - table, table], axis=-1)})


def test_shares_and_falls_stand_in_points_and_their_heads_say_so():
    posterior, person = contributing(0.3, 0.062), {"c0": "yes", "c1": "yes"}
    shares = printed(attribute(posterior, person, target="y"), 120)
    assert "share (points, 90 % interval)" in shares
    assert re.search(r"c0 .* 30 \(30 to 30\)", shares)
    assert re.search(r"c1 .* 6\.2 \(6\.2 to 6\.2\)", shares)
    falls = printed(recommend(posterior, person, target="y"), 120)
    assert "fall in risk (points, 90 % interval)" in falls
    assert re.search(r"c1: no .* 6\.2 \(6\.2 to 6\.2\) .* 50 %", falls)
    change = printed(intervene(posterior, person, {"c0": "no"}, target="y"), 80)
    assert "change  -30 points (-30 to -30)" in change
    assert re.search(r"before +56 % \(56 to 56\)", change)


def test_rows_that_tell_nothing_are_folded_in_the_terminal_alone():
    posterior = contributing(0.3, 0.0008, 0.0)
    answer = attribute(posterior, {"c0": "yes", "c1": "no"}, target="y", baseline="average")
    text = printed(answer, 120)
    assert "\n c0 " in text
    assert "\n c2 " not in text
    assert "(2 more causes: none beyond 0.0 points, no interval beyond 0.0 points" in text
    assert set(answer.table.index) == {"c0", "c1", "c2"}
    assert len(answer.to_dict()["rows"]) == 3
    # Where there is nothing else to show, they stand, without a probability of an effect.
    nothing = printed(attribute(posterior, {}, "c2", target="y", baseline="average"), 120)
    assert re.search(r"c2 .*0\.0 \(0\.0 to 0\.0\) +- ", nothing)
    asked = printed(ask_next(posterior, {}, target="y", gain=False), 120)
    assert "of the uncertainty" in asked
    assert "(2 more questions that tell nothing to speak of" in asked
