"""Cohorts: the numbers of the single answers, joined back to every row; problems told apart."""

import csv
import os
import re
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from backrisk.cli import app
from backrisk.cohort import score, scorer, scoring
from backrisk.cohort.profiles import shares_of
from backrisk.errors import QueryError, SurveyError
from backrisk.graph import CausalGraph, Layout, load_graph
from backrisk.posterior import Diagnostics, Posterior, Verdict, simulate
from backrisk.queries import attribute, read_target, recommend, risk
from backrisk.queries.attribution import departures
from backrisk.summary import summarise
from backrisk.survey import Codebook, load_codebook, opened
from tests.benchmarks.common import in_child
from tests.benchmarks.score import write, write_each

BOOK = load_codebook("runner")
QUICK = 2e-4  # what shares of many may miss their value by: a hundredth of a point or so
RISKS = ["risk", "risk_low", "risk_high"]
REDUCTIONS = ["reduction", "reduction_low", "reduction_high"]


@pytest.fixture(scope="module")
def runner():
    """Thirty prior draws of the whole graph, with its questionnaire."""
    graph = BOOK.extend(load_graph("runner"))
    fractions, beta = Layout(graph).draw_prior(30, np.random.default_rng(4))
    return Posterior(graph, fractions, beta, codebook=BOOK)


@pytest.fixture(scope="module")
def people():
    """Synthetic runners, each answering some of the questions; text cells."""
    frame = simulate(load_graph("runner"), 12, 9, codebook=BOOK).astype(object)
    frame = frame.where(frame.notna(), "").map(str)
    frame.insert(0, "runner_id", [f"r{place}" for place in range(len(frame))])
    gaps = np.random.default_rng(5).random(frame.shape) < 0.35
    frame = frame.mask(gaps & ~frame.columns.isin(["runner_id"]), "")
    frame.loc[3] = ["who" if name == "runner_id" else "" for name in frame]
    return frame


def person(row):
    """Return a row's answers as a person's."""
    return {name: said for name, said in row.items() if name in BOOK.columns and said != ""}


def test_what_would_raise_the_risk_is_no_action_to_take(tmp_path):
    graph = CausalGraph.from_text("x -> y")
    cpts = {"x": [0.5, 0.5], "y": [[0.6, 0.4], [0.8, 0.2]]}  # x protects
    frame = pd.DataFrame({"x": ["yes", "no"]})
    done = score(Posterior.from_cpts(graph, cpts), frame, tmp_path / "s.csv", actions=["x"])
    found = pd.read_csv(done.out)
    assert found[["best_action", "best_probability", "reduction"]].isna().all(axis=None)


@pytest.mark.parametrize("level", ["proximal", "distal"])
def test_the_numbers_are_those_of_the_single_answers(tmp_path, runner, people, level):
    path = tmp_path / "cohort.csv"
    people.to_csv(path, index=False)
    out = tmp_path / "scored.parquet"
    done = score(runner, path, out, ids=["runner_id"], level=level, shares=True)
    assert (done.people, done.problems, done.listed, done.draws) == (12, 0, None, 30)
    found = pd.read_parquet(done.out)
    assert found["runner_id"].tolist() == people["runner_id"].tolist()
    assert found["row"].tolist() == list(range(2, 14))
    assert found["flags"].tolist() == ["no answers" if i == 3 else "" for i in range(12)]
    for (_, row), (_, said) in zip(people.iterrows(), found.iterrows(), strict=True):
        who = person(row)
        before = {name: answer for name, answer in who.items() if name != "back_pain"}
        answer = risk(runner, before).table.loc["this person"]
        assert said[RISKS].tolist() == pytest.approx(answer.tolist(), abs=1e-12)
        split = attribute(runner, before, method="shapley", level=level)
        shares = summarise(split.draws, split.causes).assign(leading=split.leading)
        shares = shares.sort_values("mean", ascending=False)  # a table shows those of the level
        for cause, values in shares.iterrows():
            columns = [f"share_{cause}{end}" for end in ("", "_low", "_high")]
            assert said[columns].tolist() == pytest.approx(
                values[["mean", "low", "high"]].tolist(), abs=QUICK
            )
        first, second = shares["mean"].iloc[:2]
        if first - second > 2 * QUICK and first > QUICK:
            assert said["leading_cause"] == shares.index[0]
            assert said["leading_probability"] == pytest.approx(shares["leading"].iloc[0], abs=0.05)
        advice = recommend(runner, who).table
        assert said["best_action"] == advice.index[0]
        assert said["best_probability"] == pytest.approx(advice["p_best"].iloc[0])
        assert said[REDUCTIONS].tolist() == pytest.approx(
            advice[["mean", "low", "high"]].iloc[0].tolist(), abs=1e-12
        )


def test_shares_are_worked_out_where_they_are_asked_for(tmp_path, runner, people):
    found = {}
    for name, asked in {
        "without": {},
        "with": {"shares": True},
        "named": {"causes": ["low_mood", "core_strength"]},
    }.items():
        done = score(runner, people, tmp_path / f"{name}.parquet", **asked)
        found[name] = pd.read_parquet(done.out)
    cheap = ["row", *RISKS, "reported", "best_action", "best_probability", *REDUCTIONS, "flags"]
    assert found["without"].columns.tolist() == cheap
    pd.testing.assert_frame_equal(found["without"], found["with"][cheap])
    dear = [name for name in found["named"].columns if name not in cheap]
    ends = ("", "_low", "_high")
    assert dear == [
        *("leading_cause", "leading_probability", "shares_sampled"),
        *(f"share_{cause}{end}" for cause in ("low_mood", "core_strength") for end in ends),
    ]
    assert set(dear) < set(found["with"].columns)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ""])
def test_every_file_tells_whose_shares_were_sampled(tmp_path, chain, monkeypatch, ending):
    """Of x and y unknown nothing plays and of y known something does; the last contradict."""
    monkeypatch.setattr(departures, "_CELLS", 0)
    frame = pd.DataFrame({"who": ["a", "b", "c"], "x": ["no", "", "no"], "y": ["", "yes", "yes"]})
    asked = {"target": "z", "causes": ["x", "y"], "ids": "who"}
    place = tmp_path / f"scored{ending}"
    score(chain, frame, place, **asked)
    found = pd.read_csv(place) if ending == ".csv" else pd.read_parquet(place)
    told = dict(zip(found["who"], found["shares_sampled"].astype(object), strict=True))
    assert (told["a"], told["b"], pd.isna(told["c"])) == (False, True, True)
    part = pa.RecordBatch.from_pandas(frame)
    ask = scorer(chain, **asked)
    assert [each for batch in ask([part]) for each in batch["shares_sampled"].to_pylist()] == [
        *(False, True, None)
    ]
    assert "`shares_sampled` boolean" in ask.ddl
    with pytest.raises(QueryError, match="'shares_sampled', which holds no texts"):
        score(chain, frame, tmp_path / "parts", partition_by="shares_sampled", **asked)


def test_progress_tells_of_people_and_of_rows(tmp_path, runner, people, capfd):
    score(runner, pd.concat([people] * 2), tmp_path / "a.csv", progress=True)
    assert not capfd.readouterr().out
    told = []

    @contextmanager
    def stages(show):
        def begun(stage, total):
            told.append((stage, total, []))
            return told[-1][2].append

        assert show is False
        yield begun

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scoring, "shown", stages)
        done = score(runner, pd.concat([people] * 2), tmp_path / "a.csv")
    assert [(stage, total) for stage, total, _ in told] == [
        ("answering", done.profiles),
        ("writing", done.people),
    ]
    assert [sum(counts) for *_, counts in told] == [done.profiles, done.people]


def test_the_targets_own_answer_is_kept_beside_the_risk(tmp_path, runner):
    path = tmp_path / "cohort.csv"
    path.write_text('back_pain,low_mood\nno,yes\n"",yes\n', encoding="utf-8")
    found = pd.read_csv(score(runner, path, tmp_path / "scored.csv").out)
    assert found["reported"].fillna("").tolist() == ["none", ""]
    assert found["risk"].nunique() == 1


def test_shares_of_many_are_those_of_each(runner):
    rng = np.random.default_rng(11)
    sizes = [len(node.states) for node in runner.graph.nodes]
    codes = np.array([[rng.integers(size) for size in sizes] for _ in range(6)])
    codes[rng.random(codes.shape) < 0.6] = -1
    codes[3:, runner.graph.names.index("core_strength")] = 2
    causes = ["core_strength", "glute_strength", "hip_flexor_tightness"]
    shares, _ = shares_of(runner, codes, causes, read_target(runner.graph, None))
    for row, many in zip(codes, shares, strict=True):
        who = {
            node.name: node.states[code]
            for node, code in zip(runner.graph.nodes, row, strict=True)
            if code >= 0
        }
        one = attribute(runner, who, causes, method="shapley").draws
        np.testing.assert_allclose(many.T, one, atol=QUICK)


CHAIN = CausalGraph.from_edges(
    [("x", "y"), ("y", "z")],
    {"x": ["no", "yes"], "y": ["no", "yes"], "z": ["no", "some", "much"]},
    name="chain",
)


@pytest.fixture
def chain():
    """A graph where y follows x exactly, so that some answers contradict each other."""
    return Posterior.from_cpts(
        CHAIN,
        {
            "x": [[0.5, 0.5], [0.4, 0.6]],
            "y": [[[1, 0], [0, 1]]] * 2,
            "z": [[[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], [[0.8, 0.1, 0.1], [0.1, 0.3, 0.6]]],
        },
    )


def test_contradicting_answers_are_flagged_and_the_rest_scored(tmp_path, chain):
    path = tmp_path / "cohort.csv"
    path.write_text("x,y\nno,yes\nyes,yes\n", encoding="utf-8")
    found = pd.read_csv(score(chain, path, tmp_path / "scored.csv", target="z").out)
    assert found["flags"].fillna("").tolist() == ["answers contradict", ""]
    assert np.isnan(found.loc[0, "risk"])
    assert found.loc[0].drop(["row", "flags"]).isna().all()
    assert found.loc[1, "risk"] == pytest.approx((0.8 + 0.9) / 2)


def test_what_contradicts_only_the_target_is_blank_too(tmp_path, chain):
    """As every question about that person refuses it."""
    path = tmp_path / "cohort.csv"
    path.write_text("x,y,z\nno,yes,no\nyes,yes,no\nno,no,no\n", encoding="utf-8")
    found = pd.read_csv(score(chain, path, tmp_path / "scored.csv", target="y").out)
    assert found["flags"].fillna("").tolist() == ["answers contradict", "", ""]
    assert found["reported"].tolist() == ["yes", "yes", "no"]
    assert found.loc[0].drop(["row", "flags", "reported"]).isna().all()
    assert found["risk"].tolist()[1:] == [1.0, 0.0]
    for answers, known in (("no", False), ("yes", True)):
        who = {"x": answers, "y": "yes", "z": "no"}
        if known:
            assert risk(chain, who, target="y").draws.tolist() == [1.0, 1.0]
        else:
            with pytest.raises(QueryError, match="contradict each other"):
                risk(chain, who, target="y")


def test_one_name_is_a_list_of_one(tmp_path, chain):
    path = tmp_path / "cohort.csv"
    path.write_text("id,x,y\nab,no,no\ncd,yes,\n", encoding="utf-8")
    one, many = (
        pd.read_csv(score(chain, path, tmp_path / "scored.csv", **asked).out)
        for asked in (
            {"ids": "id", "causes": "x", "actions": "y"},
            {"ids": ["id"], "causes": ["x"], "actions": ["y"]},
        )
    )
    pd.testing.assert_frame_equal(one, many)
    assert one["id"].tolist() == ["ab", "cd"]
    assert one["best_action"].fillna("").tolist() == ["", "y=no"]
    with pytest.raises(QueryError, match=r"has no column 'xy' .*, which was to be kept"):
        score(chain, path, tmp_path / "scored.csv", ids="xy")


def test_a_warned_fit_is_flagged_on_every_row(tmp_path, chain):
    told = Diagnostics("nutpie", {}, ("R-hat is 2.",))
    bad = Posterior(CHAIN, given=chain.given, diagnostics=told)
    path = tmp_path / "cohort.csv"
    path.write_text("x,y\nyes,\nNA,\n", encoding="utf-8")
    done = score(bad, path, tmp_path / "scored.csv", target="z")
    (said,) = done.warnings
    assert "did not pass its checks" in said
    assert pd.read_csv(done.out)["flags"].tolist() == ["fit warned", "no answers; fit warned"]


def test_what_a_survey_contradicts_is_flagged_on_every_row(tmp_path, chain):
    against = Verdict.of(
        "independences", "contradicted", [("x", "z")], against=1, tested=1, unseen=0
    )
    bad = Posterior(CHAIN, given=chain.given, diagnostics=Diagnostics("given", verdicts=(against,)))
    path = tmp_path / "cohort.csv"
    path.write_text("x,y\nyes,\n", encoding="utf-8")
    done = score(bad, path, tmp_path / "scored.csv", target="z")
    assert pd.read_csv(done.out)["flags"].tolist() == ["contradicted by a survey"]
    assert "contradicts what this model claims" in done.warnings[0]


def lines(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_problems_are_listed_and_the_rest_is_scored(tmp_path, runner):
    path = tmp_path / "cohort.csv"
    path.write_text(
        'code,plank_seconds,low_mood,low_moods,sex,sex\n'
        'a,30,yes,1,male,male\n'
        '"b, ""c""\nd",9000,maybe,1,male,male\n'
        'short,30\n'
        '\n'
        '=1+1,2011-12-24,no,1,male,male\n',
        encoding="utf-8",
    )  # fmt: skip
    done = score(runner, path, tmp_path / "scored.csv", ids=["code"])
    assert done.people == 3
    assert done.problems == 6
    assert done.listed == tmp_path / "scored.problems.csv"
    told = lines(done.listed)
    assert [each["row"] for each in told] == ["", "", "3", "3", "5", "7"]
    assert "'low_moods': unknown" in told[0]["problem"]
    assert "'sex': occurs 2 times" in told[1]["problem"]
    assert [each["column"] for each in told[2:4]] == ["low_mood", "plank_seconds"]
    assert "value '9000', expected a number from 0 to 1800" in told[3]["problem"]
    assert "2 values, expected 6" in told[4]["problem"]
    assert told[5]["value"] == "2011-12-24"
    found = pd.read_csv(done.out)
    assert found["row"].tolist() == [2, 3, 7]
    assert found["code"].tolist() == ["a", 'b, "c"\nd', "'=1+1"]
    assert found["flags"].fillna("").tolist() == [
        "",
        "refused: low_mood; refused: plank_seconds; no answers",
        "refused: plank_seconds",
    ]
    kept = {"plank_seconds": "30", "low_mood": "yes"}
    answer = risk(runner, kept).table.loc["this person"]
    assert found.loc[0, RISKS].tolist() == pytest.approx(answer.tolist(), abs=1e-12)
    answer = risk(runner, {"low_mood": "no"}).table.loc["this person"]
    assert found.loc[2, RISKS].tolist() == pytest.approx(answer.tolist(), abs=1e-12)


def test_a_column_of_dates_is_listed_up_to_a_limit(tmp_path, runner, monkeypatch):
    monkeypatch.setattr(scoring, "LISTED", 5)
    path = tmp_path / "cohort.csv"
    days = pd.date_range("2001-01-01", periods=40).strftime("%Y-%m-%d")
    pd.DataFrame({"low_mood": days, "sex": "male"}).to_csv(path, index=False)
    done = score(runner, path, tmp_path / "scored.parquet")
    assert (done.people, done.profiles, done.problems) == (40, 1, 40)
    told = lines(done.listed)
    assert len(told) == 6
    assert told[-1]["problem"] == "35 more cells were refused and are not listed."
    assert set(pd.read_parquet(done.out)["flags"]) == {"refused: low_mood"}


def test_a_clean_run_removes_the_list_of_an_earlier_one(tmp_path, runner):
    path = tmp_path / "cohort.csv"
    path.write_text("sex,low_mood\nmale,perhaps\n", encoding="utf-8")
    assert score(runner, path, tmp_path / "scored.csv").listed.exists()
    path.write_text("sex,low_mood\nmale,yes\n", encoding="utf-8")
    assert score(runner, path, tmp_path / "scored.csv").listed is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cohort.csv", "scored.csv"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"sex,low_mood\n", "no rows"),
        (b"height,colour\n1,2\n", "no column of codebook"),
        ("sex,low_mood\nmännlich,no\n".encode("latin-1"), "not encoded in UTF-8"),
        (b'sex,low_mood\nmale,"no\n', "not a CSV file"),
    ],
)
def test_what_cannot_be_scored_leaves_nothing(tmp_path, runner, content, words):
    path = tmp_path / "cohort.csv"
    path.write_bytes(content)
    with pytest.raises(SurveyError, match=words):
        score(runner, path, tmp_path / "scored.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.csv"]


def test_questions_and_places_are_checked_first(tmp_path, runner):
    path = tmp_path / "cohort.csv"
    path.write_text("who,sex,low_mood\n1,male,no\n", encoding="utf-8")

    def refused(words, out="scored.csv", **options):
        with pytest.raises(QueryError, match=words):
            score(runner, path, tmp_path / out, **options)
        assert [p.name for p in tmp_path.iterdir()] == ["cohort.csv"]

    refused("is not a node", target="pian")
    refused("is not a node", causes=["core"])
    refused("is not a cause of", actions=["pain"])
    refused("coupling", coupling="loose")
    refused(r"no column 'whom' \(did you mean 'who'", ids=["whom"])
    refused("draws=0", draws=0)
    refused("cannot be written: there is no folder", out="none/scored.csv")
    refused("files are there already", out=".")
    refused(r"as \.parquet or \.csv", out="scored.xlsx")
    refused("is read from; write to another file", out="cohort.csv")
    path.write_text("risk,sex,low_mood\n1,male,no\n", encoding="utf-8")
    refused("has the name of a column of the result", ids=["risk"])


@pytest.mark.parametrize("link", ["symbolic", "hard"])
@pytest.mark.parametrize("out", ["scored.csv", "scored.problems.csv"])
def test_no_name_of_the_cohort_is_written_to(tmp_path, chain, link, out):
    content = "x,w\nyes,1\n"
    path = tmp_path / "cohort.csv"
    path.write_text(content)
    other = tmp_path / out
    other.symlink_to(path) if link == "symbolic" else other.hardlink_to(path)
    with pytest.raises(QueryError, match="is read from; write to another file"):
        score(chain, path, tmp_path / "scored.csv", target="z")
    assert path.read_text() == other.read_text() == content
    assert len(list(tmp_path.iterdir())) == 2


def test_only_a_list_of_problems_is_replaced_by_one(tmp_path, chain):
    path, listed = tmp_path / "cohort.csv", tmp_path / "scored.problems.csv"
    path.write_text("x,w\nmaybe,1\nyes,2\n")
    listed.write_text("my own problems\n")
    with pytest.raises(QueryError, match="is no such list"):
        score(chain, path, tmp_path / "scored.csv", target="z")
    assert listed.read_text() == "my own problems\n"
    listed.unlink()
    for quote in (True, False):
        assert score(chain, path, tmp_path / "scored.csv", target="z", quote=quote).listed
    path.write_text("x\nyes\n")
    assert score(chain, path, tmp_path / "scored.csv", target="z").listed is None
    assert not listed.exists()


FORMULAS = ["=cmd|' /C calc'!A1", "+1", "-2+3", "@SUM(1)", "\t=1", " =1", "\uff1d1", "a\x07b", "é"]


NUMBERS = ("row", "risk", "share_", "reduction", "best_probability", "leading_probability")


def test_no_cell_of_a_csv_is_a_formula(tmp_path, chain):
    kept = {"=who": FORMULAS, "x": ["=yes()", *["yes"] * (len(FORMULAS) - 1)]}
    done = score(chain, pd.DataFrame(kept), tmp_path / "a.csv", target="z", ids=["=who"])
    for written in (done.out, done.listed):
        with written.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert not [text for text in rows[0] if re.match(r"\s*[=+\-@\uff1d]", text)]
        texts = [row[name] for row in rows for name in row if not name.startswith(NUMBERS)]
        assert not [text for text in texts if re.match(r"\s*[=+\-@\uff1d]", text)]
    found = pd.read_csv(done.out)["'=who"].tolist()
    assert found[:4] == [f"'{text}" for text in FORMULAS[:4]]
    assert found[-2:] == ["a\N{REPLACEMENT CHARACTER}b", "é"]
    assert pd.read_csv(done.listed)["value"].dropna().tolist() == ["'=yes()"]


def test_text_may_be_written_as_it_is_between_quotation_marks(tmp_path, chain):
    frame = pd.DataFrame({"=who": FORMULAS, "x": "yes"})
    done = score(chain, frame, tmp_path / "a.csv", target="z", ids=["=who"], quote=True)
    with done.out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, quoting=csv.QUOTE_STRINGS))
    place = rows[0].index("=who")
    # Spaces around an identifier are no part of it, whatever the table.
    assert [row[place] for row in rows[1:]] == [text.strip() for text in FORMULAS]
    assert all(isinstance(row[0], float) for row in rows[1:])


def test_every_kind_of_table_and_identifiers_as_text(tmp_path, chain):
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-02", None, "2021-05-06"]),
            "number": [3, 1, 2],
            "x": ["yes", "no", None],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE people AS FROM frame")
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        frame.to_sql("people", connection, index=False)
    frame.to_csv(tmp_path / "a.csv", index=False)
    found = {}
    for kind in ("parquet", "duckdb", "sqlite", "csv"):
        done = score(
            chain, tmp_path / f"a.{kind}", tmp_path / f"{kind}.parquet", target="z", ids=["number"]
        )
        found[kind] = pd.read_parquet(done.out)
        assert done.problems == 1  # the column 'when'
    done = score(chain, frame, tmp_path / "frame.parquet", target="z", ids=["number"])
    found["frame"] = pd.read_parquet(done.out)
    assert found["parquet"]["number"].tolist() == ["3", "1", "2"]
    assert found["csv"]["row"].tolist() == [2, 3, 4]
    assert found["frame"]["row"].tolist() == [0, 1, 2]
    for kind in ("duckdb", "sqlite", "csv", "frame"):
        for name in set(found[kind]) - {"row"}:
            pd.testing.assert_series_equal(found[kind][name], found["parquet"][name])
    done = score(
        chain, tmp_path / "a.duckdb", tmp_path / "t.parquet", target="z", ids=["when", "number"]
    )
    assert pd.read_parquet(done.out)["when"].isna().tolist() == [False, True, False]
    assert b"Decision support" in pq.read_schema(done.out).metadata[b"about"]


def test_fewer_draws_are_used_and_told(tmp_path, runner):
    path = tmp_path / "cohort.csv"
    path.write_text("sex,low_mood\nmale,no\n", encoding="utf-8")
    done = score(runner, path, tmp_path / "scored.parquet", draws=7)
    assert done.draws == 7
    assert b"7 draws" in pq.read_schema(done.out).metadata[b"about"]
    mean = risk(runner.subset(7), {"sex": "male", "low_mood": "no"}).draws.mean()
    assert pd.read_parquet(done.out)["risk"].tolist() == pytest.approx([mean])


def test_rows_and_profiles_pass_in_batches(tmp_path, chain, monkeypatch):
    monkeypatch.setattr(scoring, "_PROFILES", 2)
    monkeypatch.setattr(scoring, "_ROWS", 7)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "x": rng.choice(["yes", "no", ""], 100),
            "z": rng.choice(["no", "some", "much", "NA"], 100),
        }
    )
    frame.loc[[8, 9, 40]] = ""
    frame.to_csv(tmp_path / "a.csv", index=False)
    done = score(chain, tmp_path / "a.csv", tmp_path / "scored.csv", target="z")
    found = pd.read_csv(done.out)
    assert (done.profiles, done.people, done.blank_rows) == (12, 97, 3)
    frame = frame.drop(index=[8, 9, 40])  # in file and in answers, blank rows are no people
    assert found["row"].tolist() == [row + 2 for row in frame.index]
    assert found["reported"].fillna("NA").tolist() == frame["z"].tolist()
    expected = frame["x"].map({"yes": 0.85, "no": 0.25, "": (0.55 + (0.4 * 0.2 + 0.6 * 0.9)) / 2})
    np.testing.assert_allclose(found["risk"], expected)


def test_on_the_command_line(tmp_path, core_model):
    path = tmp_path / "cohort.csv"
    path.write_text("who,fatigue,core_strength\na,low,weak\nb,high,weak\n", encoding="utf-8")
    out = tmp_path / "scored.csv"

    def run(*more):
        command = ["score", str(core_model), str(path), "--out", str(out), "--id", "who", *more]
        return CliRunner().invoke(app, command)

    ran = run("--draws", "50")
    assert ran.exit_code == 0, ran.output
    for words in ("2 people", "2 distinct profiles", "50 draws", "not a diagnosis"):
        assert words in ran.output
    path.write_text("who,fatigue,core_strength\na,low,weak\nb,tired,weak\n", encoding="utf-8")
    ran = run()
    assert ran.exit_code == 1
    assert "One problem, listed in" in " ".join(ran.output.split())
    assert len(pd.read_csv(out)) == 2
    out.unlink()
    ran = run("--id", "nobody")
    assert ran.exit_code == 2
    assert "no column 'nobody'" in ran.output
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:The 'future.infer_string' option",  # Ibis asks pandas for it
    "ignore::ResourceWarning",  # py4j leaves its sockets to the collector
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::FutureWarning:pyspark",
    "ignore::DeprecationWarning:pyspark",
)
def test_spark_scores_as_duckdb_does(tmp_path, runner, people):
    """The same code on a real local Spark; needs Java."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path.")
    frame = pd.concat([people] * 3)
    frame.iloc[5, frame.columns.get_loc("plank_seconds")] = "long"
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    found = []
    for engine in ("duckdb", "spark"):
        done = score(
            runner,
            tmp_path / "cohort.csv",
            tmp_path / f"{engine}.parquet",
            ids=["runner_id"],
            engine=engine,
            shares=True,
        )
        found.append((pd.read_parquet(done.out), done.listed.read_text(), done.profiles))
    pd.testing.assert_frame_equal(found[0][0], found[1][0])
    assert found[0][1:] == found[1][1:]


@pytest.mark.slow
def test_memory_is_bounded_whatever_the_rows(tmp_path):
    """Ten million rows, gigabytes of results, take no more beside than what DuckDB may hold."""
    peaks = {}
    for rows in (100_000, 10_000_000):
        path = write(tmp_path, rows)
        child = in_child("score:scored", str(path), str(tmp_path / "scored.parquet"))
        assert child["answer"][1] == pq.ParquetFile(path).metadata.num_rows
        peaks[rows] = child["peak_mib"]
    assert peaks[10_000_000] < peaks[100_000] + 256


@pytest.mark.slow
def test_memory_does_not_grow_with_the_profiles(tmp_path):
    """A cohort of whom no two are alike takes the memory of a tenth of it."""
    peaks = {}
    for rows in (3_000, 30_000):
        path = write_each(tmp_path, rows, gaps=False)
        child = in_child("score:scored", str(path), str(tmp_path / "scored.parquet"))
        assert child["answer"][2] > 0.99 * rows
        peaks[rows] = child["peak_mib"]
    assert peaks[30_000] < peaks[3_000] * 1.2


def test_columns_are_read_by_what_knows_more_of_them(tmp_path, runner):
    """Raw answers through the model's codebook, labels of nodes as they are; it on a tie."""
    book, nodes = set(BOOK.known), {*runner.graph.names}
    raw, labels = sorted(book - nodes)[:2], sorted(nodes - book)[:3]

    def chosen(*columns):
        path = tmp_path / "c.csv"
        pd.DataFrame({name: ["1"] for name in columns}).to_csv(path, index=False)
        with opened(path, "duckdb", lenient=True) as table:
            return scoring._codebook(runner, table)

    assert chosen(*raw).name == BOOK.name
    assert chosen(*raw, *labels).name != BOOK.name  # two against three
    assert chosen(*raw, *labels[:2]).name == BOOK.name  # as many of each
    assert set(chosen(*labels).columns) == nodes


def test_what_only_a_fit_needs_is_no_answer(tmp_path, runner):
    one = {"column": "runner_id", "by": "day", "keep": "last"}
    told = BOOK.model_dump(by_alias=True, exclude_unset=True)
    told |= {"site": "club", "weight": "times", "one_row_per": one}
    book = type(BOOK).model_validate(told)
    path = tmp_path / "c.csv"
    path.write_text("runner_id,day,club,times,sex\n1,2026-01-01,Oslo,2,male\n")
    with opened(path, "duckdb", lenient=True) as table:
        found = scoring._codebook(replace(runner, codebook=book), table)
    assert (found.site, found.weight, found.one_row_per) == (None, None, None)
    assert {"club", "times", "runner_id", "day"} <= set(found.ignore)


def test_an_identifier_is_kept_once_and_under_its_name(tmp_path, runner):
    path = tmp_path / "cohort.csv"
    path.write_text("who,who,sex\n1,2,male\n", encoding="utf-8")
    with pytest.raises(QueryError, match="2 columns 'who'"):
        score(runner, path, tmp_path / "scored.csv", ids=["who"])
    path.write_text("who,sex\n1,male\n", encoding="utf-8")
    with pytest.raises(QueryError, match="'who' is given twice"):
        score(runner, path, tmp_path / "scored.csv", ids=["who", "who"])
    path.write_text("row,sex\n1,male\n", encoding="utf-8")
    with pytest.raises(QueryError, match="'row'"):
        score(runner, path, tmp_path / "scored.csv", ids=["row"])
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.csv"]


def test_a_row_that_was_not_asked_is_scored_as_that_person_is(tmp_path):
    states = {"injury": ["no", "yes"], "loss": ["none", "week"], "ache": ["no", "yes"]}
    graph = CausalGraph.from_edges([("injury", "loss"), ("loss", "ache")], states)
    asked_if = {"when": "[injury] = 'yes'", "else": "none"}
    columns = {"injury": {"node": "injury"}, "loss": {"node": "loss", "asked_if": asked_if}}
    data = {"name": "b", "graph": "graph", "columns": columns}
    cpts = {
        "injury": [[0.6, 0.4]],
        "loss": [[[0.9, 0.1], [0.5, 0.5]]],
        "ache": [[[0.8, 0.2], [0.3, 0.7]]],
    }
    posterior = replace(Posterior.from_cpts(graph, cpts), codebook=Codebook.from_dict(data, graph))
    people = [("no", ""), ("yes", ""), ("yes", "week"), ("", "week")]
    frame = pd.DataFrame(people, columns=["injury", "loss"])
    frame.to_csv(tmp_path / "people.csv", index=False)
    done = score(posterior, tmp_path / "people.csv", tmp_path / "out.csv")
    found = pd.read_csv(done.out)["risk"]
    # Not injured, so without loss: 0.2. Injured, loss not told: half and half. A week lost: 0.7.
    assert found.tolist() == pytest.approx([0.2, 0.45, 0.7, 0.7])


@pytest.mark.skipif(os.name == "nt", reason="such names are not allowed there")
@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a'b\"c", "*[?]", "a\udce9b"])
def test_a_folder_for_temporary_files_may_have_any_name_that_is_text(tmp_path, monkeypatch, name):
    two = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    model = Posterior.from_cpts(two, {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]})
    (tmp_path / "people.csv").write_text("x\nno\nyes\nyes\n")
    asked = (model, tmp_path / "people.csv", tmp_path / "scored.csv")
    (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / name))
    if name.isprintable() or "\n" in name:
        score(*asked, target="y")
        assert pd.read_csv(asked[2])["risk"].round(2).tolist() == [0.3, 0.8, 0.8]
    else:
        with pytest.raises(SurveyError, match="name is not UTF-8 text"):
            score(*asked, target="y")
    assert list((tmp_path / name).iterdir()) == []
