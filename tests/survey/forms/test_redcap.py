"""Data dictionaries read: what REDCap writes, what older versions and other programs wrote."""

import codecs

import pytest

from backrisk.errors import SurveyError
from backrisk.survey.forms.redcap import (
    HEADER,
    Entry,
    fields_of,
    own_keys,
    parse_choices,
    read_dictionary,
)
from tests.survey.forms import _project
from tests.survey.forms._project import written


@pytest.fixture
def dictionary(tmp_path):
    def write(rows, header=HEADER, encoding="utf-8", mark=","):
        path = tmp_path / "dictionary.csv"
        text = written([header, *rows]) if mark == "," else "\n".join(
            mark.join(row) for row in [header, *rows]
        )  # fmt: skip
        path.write_bytes(text.encode(encoding))
        return path

    return write


def entry(**parts):
    return Entry(**{"name": "x", "form": "f", **parts})


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("1, Yes | 0, No", {"1": "Yes", "0": "No"}),
        ("1,Yes|0,No", {"1": "Yes", "0": "No"}),
        ("1, Yes, always | 2, No, or rarely", {"1": "Yes, always", "2": "No, or rarely"}),
        ("1, left|right | 2, both", {"1": "left|right", "2": "both"}),
        ("-99, Don't know | M, Male", {"-99": "Don't know", "M": "Male"}),
        ("1, <b>Much</b> &lt; 3 | 2, x<br>y", {"1": "Much < 3", "2": "x y"}),
        ("1, One \n 2, Two", {"1": "One", "2": "Two"}),
        ("1, | 2, Two", {"1": "1", "2": "Two"}),
        ("red | green", {"red": "red", "green": "green"}),
        ("1 Male | 2 Female", {"1": "Male", "2": "Female"}),
        ("", {}),
    ],
)
def test_choices_are_read_as_redcap_means_them(text, choices):
    assert parse_choices(text) == choices


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"type": "radio", "choices": "1, a | 2, b"}, "choice"),
        ({"type": "dropdown", "choices": "1, a | 2, b", "validation": "autocomplete"}, "choice"),
        ({"type": "yesno"}, "choice"),
        ({"type": "truefalse"}, "choice"),
        ({"type": "slider"}, "number"),
        ({"type": "calc", "choices": "[a] + [b]"}, "number"),
        ({"validation": "integer"}, "number"),
        ({"validation": "number_2dp_comma_decimal"}, "number"),
        ({"validation": "date_dmy"}, "closed"),
        ({"validation": "datetime_seconds_ymd"}, "closed"),
        ({"validation": "email"}, "closed"),
        ({"validation": "integer", "identifier": "y"}, "closed"),
        ({"type": "notes"}, "text"),
        ({"type": "sql", "choices": "SELECT 1"}, "text"),
        ({}, "text"),
    ],
)
def test_the_type_of_a_field_says_what_its_column_is(parts, kind):
    (field,) = fields_of([entry(**parts)])
    assert field.kind == kind


def test_a_text_on_the_page_is_no_column_and_a_file_one_that_is_not_read():
    (field,) = fields_of([entry(type="descriptive"), entry(type="file", name="y")])
    assert (field.name, field.kind) == ("y", "closed")


def test_a_checkbox_has_a_column_for_each_box():
    fields = fields_of([entry(type="checkbox", label="Which?", choices="1, Run | -99, None")])
    assert [(each.name, each.question) for each in fields] == [
        ("x___1", "Which? (choice=Run)"),
        ("x____99", "Which? (choice=None)"),
    ]
    assert all(each.choices == {"1": "Checked", "0": "Unchecked"} for each in fields)


def test_a_slider_has_redcaps_own_ends_unless_it_states_others():
    first, second = fields_of(
        [entry(type="slider"), entry(type="slider", low="-1", high="101", validation="number")]
    )
    assert (first.low, first.high, second.low, second.high) == (0, 100, -1, 101)


def test_branching_logic_is_kept_and_loses_only_its_html():
    (field,) = fields_of([entry(asked_if="[a] = '1'\n and  [b(2)] <> \"1\"")])
    assert field.asked_if == "[a] = '1' and [b(2)] <> \"1\""


def test_the_project_of_forty_fields_is_read_in_its_order(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(_project.dictionary(), encoding="utf-8")
    entries = read_dictionary(path)
    assert [each.name for each in entries] == [field[0] for field in _project.FIELDS]
    assert len(entries) == 40


ROW = ["age", "about", "", "text", "Größe – Alter", "", "", "integer", "1", "99", "", "", *[""] * 6]


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8-sig", ","), ("cp1252", ";"), ("utf-16", "\t"), ("utf-8", ",")]
)
def test_a_dictionary_saved_by_excel_is_read(dictionary, encoding, mark):
    header = [name.replace(",", "") for name in HEADER]
    (found,) = read_dictionary(dictionary([ROW], header, encoding, mark))
    assert (found.name, found.label, found.validation, found.high) == (
        "age", "Größe – Alter", "integer", "99",
    )  # fmt: skip


def test_the_names_of_programs_and_of_old_versions_are_known(dictionary):
    api = (
        "field_name", "form_name", "section_header", "field_type", "field_label",
        "select_choices_or_calculations", "field_note",
        "text_validation_type_or_show_slider_number", "text_validation_min",
        "text_validation_max", "identifier", "branching_logic",
    )  # fmt: skip
    row = ["sex", "about", "NA", "radio", "Sex", "1, NA | 2, f", *["NA"] * 6]
    (found,) = read_dictionary(dictionary([row], api))
    assert (found.choices, found.validation, found.identifier, found.asked_if) == (
        "1, NA | 2, f", "", "", "",
    )  # fmt: skip
    old = ("Variable / Field Name", "Form Name", "Field Type", "Field Label",
           "Choices OR Calculations", "Text Validation Type", "Min", "Max")  # fmt: skip
    (found,) = read_dictionary(
        dictionary([["age", "about", "text", "Age", "", "integer", "1", "9"]], old)
    )
    assert (found.validation, found.low, found.high) == ("integer", "1", "9")


def test_a_header_in_translation_is_known_by_its_places(dictionary):
    header = [f"Spalte {place}" for place in range(18)]
    (found,) = read_dictionary(dictionary([ROW], header))
    assert (found.name, found.type, found.low) == ("age", "text", "1")


def test_blank_lines_are_no_fields(dictionary):
    assert len(read_dictionary(dictionary([ROW, [""] * 18, [""] * 18]))) == 1


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ([["1", "2"]], ("a", "b"), r"dictionary\.csv is not a REDCap data dictionary"),
        ([], HEADER, r"is a data dictionary without fields"),
        ([ROW, ROW], HEADER, r"the field 'age' occurs more than once"),
    ],
)
def test_what_is_no_dictionary_is_refused(dictionary, rows, header, words):
    with pytest.raises(SurveyError, match=words):
        read_dictionary(dictionary(rows, header))


def test_a_file_that_is_not_there_or_empty_is_refused(tmp_path):
    with pytest.raises(SurveyError, match="there is no such file"):
        read_dictionary(tmp_path / "no.csv")
    (tmp_path / "empty.csv").write_bytes(codecs.BOM_UTF8)
    with pytest.raises(SurveyError):
        read_dictionary(tmp_path / "empty.csv")


@pytest.mark.parametrize("note", ["", "@HIDDEN", "@CODEBOOK=", "@CODEBOOK={", "@CODEBOOK=[1]"])
def test_an_annotation_of_another_kind_carries_no_codebook(note):
    assert own_keys(note) == {}


def test_an_annotation_carries_keys_among_other_marks():
    assert own_keys('@HIDDEN @CODEBOOK={"node": "a"} @READONLY') == {"node": "a"}


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("1, Yes | 1, No", {"1": "Yes | No"}),  # which of them is for a person to decide
        ("1, Yes | 1, Yes", {"1": "Yes"}),
        ("often or so, Yes | 2, No", {"often or so": "Yes", "2": "No"}),
    ],
)
def test_of_odd_choices_none_is_lost(text, choices):
    assert parse_choices(text) == choices
