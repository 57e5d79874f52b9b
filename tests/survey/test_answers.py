"""Surveys: files read or refused, with weights and sites."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, load_graph
from backrisk.survey import Codebook, Survey, read_survey

REAL = Path(__file__).parents[3] / "shared" / "data" / "ric_run_data_meta.csv"
GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("bmi", "pain")],
    {"core": ["strong", "weak"], "bmi": ["low", "high"], "pain": ["no", "yes"]},
    name="mine",
)
CODEBOOK = Codebook.from_dict(
    {
        "name": "small",
        "graph": "mine",
        "missing": ["", "NA"],
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "type": "number", "range": [0, 600],
                      "cuts": [60], "states": ["weak", "strong"]},
            "ache": {"node": "pain", "labels": {"never": "no", "often": "yes"}},
            "kg": {"role": "input", "type": "number"},
            "cm": {"role": "input", "type": "number"},
        },
        "derived": {"b": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]}},
        "weight": "w",
        "site": "club",
        "ignore": ["id", "day"],
        "one_row_per": {"column": "id", "by": "day", "keep": "first"},
    },
    GRAPH,
)  # fmt: skip


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "answers.csv"
    path.write_bytes(text.encode(encoding))
    return read_survey(path, GRAPH, CODEBOOK)


def column(survey, node):
    return survey.codes[:, survey.graph.names.index(node)].tolist()


def test_a_file_becomes_codes(tmp_path):
    text = ' plank ,ache,kg,cm\n30,often,80,170\n"60",never,,170\n\nNA,,60,170\n'
    survey = read(tmp_path, text)
    assert survey.graph.names == ("core", "bmi", "pain", "plank")
    assert column(survey, "plank") == [1, 0, -1]
    assert column(survey, "pain") == [1, 0, -1]
    assert column(survey, "bmi") == [1, -1, 0]
    assert column(survey, "core") == [-1, -1, -1]
    assert survey.codes.dtype == np.int8
    assert survey.codebook == CODEBOOK
    assert (survey.weights, survey.site, survey.sites, survey.people) == (None, None, (), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plnk,ache\n30,often\n", ["'plnk'", "did you mean 'plank'?"]),
        ("plank,ache\n30,offen\n", ["row 2", "'ache'", "'offen'", "did you mean 'often'?"]),
        ('plank,ache\n30,"\n"\n700,often\n', ["row 4", "'plank'", "'700'", "0 to 600"]),
        ("plank,ache\n30,often\nlong,often\n", ["row 3", "'plank'", "'long'", "a number"]),
        ("", ["is empty"]),
        ("plank,ache\n", ["no rows"]),
        ("plank,ache\n1,often\n2\n3,often,4\n", ["row 3", "1 value, expected 2", "row 4"]),
        ("plank,ache\n,NA\n,\nNA,\n", ["no answers", "2 rows"]),
        ("plank,ache\n,\n,\n", ["no rows"]),
        ("plank,plank\n1,2\n", ["'plank'", "2 times", "once"]),
        ("plank,w\n1,-1\n", ["row 2", "'w'", "'-1'", "a weight"]),
        ("plank,w\n1,0\n", ["'w'", "no weight is above 0"]),
        ("plank,club\n1,\n", ["row 2", "'club'", "name of a site"]),
        ("plank,club\n1,a\n1,average\n", ["row 3", "'club'", "'average'", "other than 'new'"]),
        ("plank,club\n1,NEW\n", ["row 2", "'NEW'", "other than 'new' and 'average'"]),
        ("id,day\n1,2\n", ["no column of codebook 'small'"]),
        ('plank,ache\n1,"often\n', ["not a CSV file"]),
        ("\n\n", ["no header in its first line"]),
    ],
)
def test_bad_input_is_named(tmp_path, text, words):
    with pytest.raises(SurveyError) as caught:
        read(tmp_path, text)
    for word in ["answers.csv", *words]:
        assert word in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SurveyError, match=r"none\.csv: there is no such file\.$"):
        read_survey(tmp_path / "none.csv", GRAPH)
    with pytest.raises(SurveyError, match="is a folder, expected a file"):
        read_survey(tmp_path, GRAPH)


def test_all_problems_are_told_together(tmp_path):
    with pytest.raises(SurveyError) as caught:
        read(tmp_path, "plank,ache,x\n-1,offen,1\n30,often,1\n900,often,1\n")
    starts = [problem.partition(": value")[0] for problem in caught.value.problems]
    assert starts == [
        "answers.csv, column 'x': unknown, expected a column of codebook 'small'; or list it under "
        "'ignore' in the codebook's file ('ignore: rest' there stands for all others).",
        "answers.csv, row 2, column 'plank'",
        "answers.csv, row 2, column 'ache'",
        "answers.csv, row 4, column 'plank'",
    ]
    assert str(caught.value).startswith("answers.csv has 4 problems:\n  answers.csv, column 'x'")


def test_weights_and_sites_are_kept(tmp_path):
    survey = read(tmp_path, "plank,w,club\n30,0.5, north\n90,0,south\n30,2, north \n")
    assert survey.weights.tolist() == [0.5, 0.0, 2.0]
    assert survey.site.tolist() == [0, 1, 0]
    assert survey.sites == ("north", "south")


@pytest.mark.parametrize("suffix", [".parquet", ".pq", ".PARQUET"])
def test_parquet_reads_as_csv_does(tmp_path, suffix):
    frame = pd.DataFrame({"plank": [30.0, np.nan], "ache": ["often", None], "club": ["a", "b"]})
    frame.to_parquet(tmp_path / f"answers{suffix}")
    frame.to_csv(tmp_path / "answers.csv", index=False)
    one, other = (
        read_survey(tmp_path / name, GRAPH, CODEBOOK)
        for name in ("answers.csv", f"answers{suffix}")
    )
    assert one.codes.tolist() == other.codes.tolist()
    assert one.sites == other.sites == ("a", "b")


def test_the_first_row_of_a_person_by_date_stands(tmp_path):
    rows = ["7,2012-03-01,30", "8,2011-01-01,90", "7,2011-12-24,90", *[",2010-01-01,30"] * 2]
    text = "\n".join(["id,day,plank", *rows])
    assert column(read(tmp_path, text), "plank") == [0, 0, 1, 1]


def test_without_a_codebook_columns_are_nodes():
    frame = pd.DataFrame({"core": ["weak", None], "pain": ["no", "yes"], "weight": [1.5, 2]})
    survey = Survey.from_frame(frame, GRAPH)
    assert column(survey, "core") == [1, -1]
    assert survey.weights is None
    (caution,) = survey.cautions
    assert "'weight' is not read" in caution
    survey = Survey.from_frame(frame, GRAPH, weight="weight")
    assert not survey.cautions
    assert survey.weights.tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("index", "row"),
    [([5, 7], "row 7"), ([5, 5], "row 1"), (["x", "y"], "row 1"), ([5.0, 7.0], "row 1")],
)
def test_a_frame_names_its_rows_by_an_index_of_distinct_integers(index, row):
    frame = pd.DataFrame({"core": ["weak", "week"]}, index=index)
    with pytest.raises(SurveyError, match=f"^frame, {row}, column 'core': value 'week'"):
        Survey.from_frame(frame, GRAPH)
    with pytest.raises(SurveyError, match=f"^mine, {row}, "):
        Survey.from_frame(frame, GRAPH, source="mine")


def test_every_kind_of_missing_cell_is_missing():
    frame = pd.DataFrame({"plank": pd.array([30, None], "Int64"), "ache": [pd.NA, "often"]})
    survey = Survey.from_frame(frame, GRAPH, CODEBOOK)
    assert column(survey, "plank") == [1, -1]
    assert column(survey, "pain") == [-1, 1]


def test_whether_a_question_was_answered_is_kept_where_that_is_modelled():
    data = CODEBOOK.to_dict()
    data["columns"]["ache"]["nonresponse"] = {"mean": 0, "sd": 1}
    frame = pd.DataFrame({"ache": ["often", None], "plank": [1, 2]})
    survey = Survey.from_frame(frame, GRAPH, Codebook.from_dict(data, GRAPH))
    assert column(survey, "ache_response") == [0, 1]
    survey = Survey.from_frame(frame[["plank"]], GRAPH, Codebook.from_dict(data, GRAPH))
    assert column(survey, "ache_response") == [-1, -1]


@pytest.mark.skipif(not REAL.is_file(), reason="the clinic's file is not beside the project")
def test_the_clinic_file_reads_as_counted_by_hand():
    survey = read_survey(REAL, load_graph("runner"), "clinic")
    first = (
        pd.read_csv(REAL)
        .sort_values("datestring", kind="stable")
        .drop_duplicates("sub_id")
        .sort_index()
    )
    assert survey.n == len(first) == 1402
    spine = first[["InjJoint", "InjJoint2"]].isin(["Lumbar Spine", "Sacroiliac Joint"]).any(axis=1)
    limits = first["InjDefn"].isin(
        ["2 workouts missed in a row", "Training volume/intensity affected"]
    )
    pain = np.array(column(survey, "pain"))
    assert ((pain == 2) == (spine & limits)).all()
    assert ((pain == 1) == (spine & (first["InjDefn"] == "Continuing to train in pain"))).all()
    age = first["age"].where(first["age"].between(12, 100))
    assert ((np.array(column(survey, "age")) == 2) == (age >= 55)).all()


def test_answered_is_the_share_of_people_who_answered_each_node():
    graph = CausalGraph.from_edges([("a", "b")], {n: ["no", "yes"] for n in "abc"}, outcome="b")
    frame = pd.DataFrame({"a": ["no", "yes"], "b": ["no", ""]})
    answered = Survey.from_frame(frame, graph).answered
    assert answered.to_dict() == {"a": 1.0, "b": 0.5, "c": 0.0}


@pytest.mark.parametrize("engine", [None, "duckdb"])
def test_rows_without_any_cell_are_left_out_and_counted(tmp_path, engine):
    path = tmp_path / "t.csv"
    path.write_text("plank,ache,id\n,,\n30,often,1\n , ,\n,,2\n90,never,3\n,,\n")
    data = CODEBOOK.to_dict()
    data["columns"]["ache"]["nonresponse"] = {"mean": 0, "sd": 1}
    survey = read_survey(path, GRAPH, Codebook.from_dict(data, GRAPH), engine=engine)
    assert (survey.n, survey.blank_rows) == (3, 3)
    responses = survey.codes[:, survey.graph.names.index("ache_response")]
    assert np.repeat(responses, survey.people if engine else 1).tolist().count(1) == 1


def test_rows_keep_their_numbers_below_blank_ones(tmp_path):
    with pytest.raises(SurveyError) as caught:
        read(tmp_path, "plank,ache\n,\n30,often\n,\n1,x\n")
    assert str(caught.value).startswith("answers.csv, row 5, column 'ache': value 'x'")
    frame = pd.DataFrame({"core": [None, "weak", None, "week"]}, index=[3, 5, 7, 9])
    with pytest.raises(SurveyError, match=r"^frame, row 9, column 'core'"):
        Survey.from_frame(frame, GRAPH)


def test_a_node_of_more_states_than_a_byte_counts_is_refused_and_sites_are_not(tmp_path):
    for states, many in ((128, False), (129, True)):
        labels = [f"c{i}" for i in range(states)]
        graph = CausalGraph.from_edges([("c", "p")], {"c": labels, "p": ["no", "yes"]})
        frame = pd.DataFrame({"c": labels, "p": "no"})
        if many:
            with pytest.raises(SurveyError, match=r"'c' has 129 states; .* at most 128"):
                Survey.from_frame(frame, graph)
        else:
            assert Survey.from_frame(frame, graph).codes[:, 0].tolist() == list(range(128))
    sites = [f"s{i:05}" for i in range(40_000)]
    frame = pd.DataFrame({"core": "weak", "pain": "no", "clinic": sites})
    book = Codebook.plain(GRAPH).model_copy(update={"site": "clinic"})
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    for engine in (None, "duckdb"):
        survey = read_survey(path, GRAPH, book, engine=engine)
        assert survey.site.tolist() == list(range(40_000))
        assert survey.sites == tuple(sites)


def test_one_answer_is_one_answer_however_it_is_spelled():
    graph = CausalGraph.from_edges(
        [("a", "b")], {"a": [0.0, 1.0], "b": ["gut", "sch\u00e4big"]}, name="mine"
    )
    frame = pd.DataFrame({" a": [0.0, 1, None], "b": ["scha\u0308big ", "gut", "gut"]})
    for table in (frame, frame.astype(object), frame.map(str).replace("nan", "")):
        assert Survey.from_frame(table, graph).codes.tolist() == [[0, 1], [1, 0], [-1, 0]]
    labels = {"not at all ": 0, "x": "1.0"}
    data = {"name": "n", "graph": "mine", "columns": {" A ": {"node": "a", "labels": labels}}}
    book = Codebook.from_dict(data, graph)
    frame = pd.DataFrame({"A": ["x", " not at all"]})
    assert Survey.from_frame(frame, graph, book).codes[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize("missing", [[-99, ""], [-99.0], ["-99"], ["-99.00"]])
@pytest.mark.parametrize("cell", ["-99", "-99.0", "-99.00", " -99"])
def test_a_missing_code_is_missing_by_value(tmp_path, missing, cell):
    data = CODEBOOK.to_dict() | {"missing": missing}
    book = Codebook.from_dict(data, GRAPH)
    path = tmp_path / "t.csv"
    path.write_text(f"plank,ache,kg,cm\n{cell},often,80,170\n20,{cell},80,{cell}\n")
    for table in (path, pd.read_csv(path)):
        survey = read_survey(table, GRAPH, book)
        assert column(survey, "plank") == [-1, 1]
        assert column(survey, "pain") == [1, -1]
        assert column(survey, "bmi") == [1, -1]


def test_labels_that_tables_cannot_tell_apart_are_refused():
    data = CODEBOOK.to_dict()
    data["columns"]["ache"]["labels"] = {"1": "no", "1.0": "yes"}
    with pytest.raises(SurveyError, match="spelled alike after the first: 1"):
        Codebook.from_dict(data, GRAPH)


def test_what_is_no_table_is_refused():
    for table, kind in (({"core": ["weak"]}, "dict"), (7, "int"), (None, "NoneType")):
        with pytest.raises(SurveyError, match=f"a path or a frame .* not a value of type {kind}"):
            read_survey(table, GRAPH)


def test_rows_stay_rows_where_pandas_is_asked_for(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("a,b\nno,yes\nno,yes\nyes,\n")
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    assert read_survey(path, graph, engine="pandas").codes.tolist() == [[0, 1], [0, 1], [1, -1]]
    assert read_survey(path, graph, engine="duckdb").codes.tolist() == [[0, 1], [1, -1]]
