"""Codebooks read, found and chosen."""

import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, load_graph
from backrisk.survey import Codebook, load_codebook, packaged_codebooks
from backrisk.survey.codebook import choose_codebook
from tests.survey._small import GRAPH, book


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", r"^mine\.yaml, line 1: not valid YAML: "),
        ("- a", r"^mine\.yaml does not contain keys and values\.$"),
        ("a: 1\na: 2", r"^mine\.yaml: the key 'a' is repeated in .* line 1\.$"),
        ("columns: {a: {node: core, cuts: [x]}}", r"mine\.yaml, key 'columns\.a\.cuts\.0': value"),
        ("graph: g\ncolumns: {a: {node: cor}}", r"^mine\.yaml, column 'a': 'cor' is not a node"),
    ],
)
def test_a_file_that_is_no_codebook_is_named(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SurveyError, match=words):
        load_codebook(path, GRAPH)


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("title: ä".encode("latin-1"))
    with pytest.raises(SurveyError, match=r"^mine\.yaml, line 1: cannot be read as UTF-8 text \("):
        load_codebook(path, GRAPH)


def test_numbers_are_those_of_yaml_1_2_and_words_are_as_they_stand(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        """
graph: graph
missing: [077, -99, 1.50, "", 2002-02-30, no]
columns:
  core: {node: core, type: number, cuts: [010, 0x10], range: [08, 0100]}
  b: {role: input, labels: {010: no, 08: 1.50, 1.50: "010", yes: 2002-02-30}}
ignore: [007, 1e3]
""",
        encoding="utf-8",
    )
    read = load_codebook(path, CausalGraph.from_text("core: low, mid, high", name="graph"))
    assert (read.columns["core"].cuts, read.columns["core"].range) == ((10, 16), (8, 100))
    assert read.missing == ("077", "-99", "1.5", "", "2002-02-30", "no")
    labels = {"010": "no", "08": "1.5", "1.5": "010", "yes": "2002-02-30"}  # spelled as cells are
    assert read.columns["b"].labels == labels
    assert read.ignore == ("007", "1e3")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("cuts: [.nan]", r"value '\.nan', expected a number"),
        ("cuts: [1e999]", "value '1e999', expected a number"),
        (f"cuts: [{'9' * 400}]", "expected a number"),
        ("cuts: [1], range: [0, .nan]", "first number in 'range' must be below the second"),
        ("cuts: [!!int x]", "line 2: the tag '!!int' does not fit"),
        ("!!int cuts: [1]", "line 2: the tag '!!int' does not fit"),
        ("cuts: " + "[" * 50, "line 2: nested more than 40"),
        ("cuts: *a", r"line 2: '\*a' repeats something"),
    ],
)
def test_a_value_that_no_number_can_be_is_told(tmp_path, column, words):
    path = tmp_path / "mine.yaml"
    text = f"graph: graph\ncolumns: {{a: {{node: core, type: number, {column}}}}}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SurveyError, match=words) as caught:
        load_codebook(path, GRAPH)
    assert "\n" not in str(caught.value)


def test_a_file_gives_its_name_where_it_states_none(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("graph: graph\ncolumns: {a: {node: core}}", encoding="utf-8")
    assert load_codebook(path, GRAPH).name == "mine"
    path.write_text("name: ours\ngraph: graph\ncolumns: {a: {node: core}}", encoding="utf-8")
    assert load_codebook(str(path), GRAPH).name == "ours"


def test_an_unknown_codebook_gets_the_near_name():
    with pytest.raises(SurveyError) as caught:
        load_codebook("clinik")
    assert str(caught.value) == (
        "There is no codebook 'clinik' (did you mean 'clinic'?); expected one of athletes, clinic, "
        "runner, or the path of a YAML file."
    )


def test_the_packaged_codebooks_fit_their_graph():
    assert packaged_codebooks() == ("athletes", "clinic", "runner")
    assert load_codebook("runner").synthetic
    assert not load_codebook("clinic").synthetic
    assert "other injuries, not with healthy runners" in load_codebook("clinic").population
    assert load_codebook("runner").population == ""
    with pytest.raises(SurveyError, match=r"^Codebook 'clinic' has "):
        load_codebook("clinic", GRAPH)


def test_plain_form_returns():
    assert Codebook.from_dict(book().to_dict(), GRAPH) == book()
    assert book().to_dict()["derived"]["ratio"]["from"] == ["week", "month"]
    assert "site" not in book().to_dict()


def test_a_plain_table_has_columns_named_by_nodes_and_no_roles():
    plain = Codebook.plain(GRAPH)
    assert plain.encode_answer("pain", "limiting") == ("pain", "limiting")
    assert (plain.name, plain.graph, plain.weight) == ("plain", "graph", None)
    assert plain.ignore == ("weight",)
    states = {"weight": ["low", "high"], "pain": ["no", "yes"]}
    assert Codebook.plain(CausalGraph.from_edges([("weight", "pain")], states)).ignore == ()


def test_the_packaged_codebook_is_chosen_where_it_fits_as_well_as_the_plain_reading():
    graph = load_graph("runner")
    plain = choose_codebook(None, ["age", "bmi", "pain"], graph)
    assert plain.name == "plain"
    assert choose_codebook(None, ["age_years", "height_cm", "pain"], graph).name == "runner"
    assert choose_codebook(None, ["sex", "low_mood"], graph).name == "runner"  # known to both
    assert choose_codebook(None, ["age_years"], GRAPH).name == "plain"
    assert choose_codebook("clinic", ["age_years"], graph).name == "clinic"
    assert choose_codebook(book(), [], GRAPH) == book()
    with pytest.raises(SurveyError, match="not a node of graph 'runner'"):
        choose_codebook(book(), [], graph)


def test_a_graph_that_shares_a_packaged_name_is_read_plainly():
    graph = CausalGraph.from_edges([("a", "b")], {"a": ["n", "y"], "b": ["n", "y"]}, name="runner")
    assert choose_codebook(None, ["age_years"], graph).name == "plain"


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_is_that_of_no_codebook(name):
    with pytest.raises(SurveyError, match="There is no codebook"):
        load_codebook(name, GRAPH)


def test_contents_that_hold_themselves_are_refused():
    data = {"name": "n", "graph": "graph", "columns": {}}
    data["columns"]["x"] = data
    with pytest.raises(SurveyError, match="nested more than"):
        Codebook.from_dict(data, GRAPH)
