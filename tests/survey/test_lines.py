"""Text files record by record."""

import codecs

import pytest

from backrisk.errors import SurveyError
from backrisk.survey.lines import (
    Text,
    as_utf8,
    described,
    read_header,
    read_records,
    split_records,
)


@pytest.fixture
def file(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode(encoding))
        return Text(path, "t.csv")

    return write


def test_each_record_has_the_line_it_starts_on(file):
    text = file('a,b\n1,2\n\n"x\ny",3\r\n4,5\n"",\n')
    assert list(read_records(text)) == [
        (2, ["1", "2"], 2),
        (4, ["x\ny", "3"], 2),
        (6, ["4", "5"], 2),
        (7, ["", ""], 2),
    ]


def test_a_header_may_span_lines_and_follow_a_byte_order_mark(file):
    text = file('\ufeffa ,"b\nc"\n1,2\n')
    assert read_header(text) == ["a ", "b\nc"]
    assert list(read_records(text)) == [(3, ["1", "2"], 2)]


def test_records_of_another_width_are_told_apart(file):
    refused = []
    text = file("a,b\n1\n2,3\n4,5,6\n")
    assert list(split_records(text, refused)) == [(3, ["2", "3"])]
    assert refused == [
        (2, "t.csv, row 2: 1 value, expected 2."),
        (4, "t.csv, row 4: 3 values, expected 2."),
    ]


@pytest.mark.parametrize(
    ("text", "delimiter", "skipped"),
    [
        ("a,b\n1,2\n", ",", 0),
        ("a;b\n1,5;2\n", ";", 0),
        ("a\tb\n1\t2\n", "\t", 0),
        ("a|b\n1|2\n", "|", 0),
        ("a\n1;2\n", ",", 0),
        ('"a, or b";c\n"1,2";3\n', ";", 0),
        ("a, or b;c\n1;2\n", ";", 0),  # by commas the second record would be of one cell
        ("a;b,c\n1;2,3\n4,5\n", ",", 0),
        ("sep=;\na, or b;c\n1,2;3\n", ";", 1),
        ('\ufeff"sep=\t"\r\na\tb\n1\t2\n', "\t", 1),
        ("sep=;;\na;b\n1;2\n", ";", 1),
        ("\n , \r\na,b\n1,2\n", ",", 2),
        ("sep=;\n;;\na;b\n1;2\n", ";", 2),
    ],
)
def test_the_mark_that_divides_all_records_is_found(file, text, delimiter, skipped):
    text = file(text)
    found = described(text.path, "t.csv")
    assert (found.delimiter, found.skipped) == (delimiter, skipped)
    assert described(text.path, "t.csv", "|").delimiter == "|"


def test_records_below_a_line_that_names_the_mark_keep_their_lines(file):
    text = file("sep=;\na;b\n1;2\n\n3;4\n")
    found = described(text.path, "t.csv")
    assert read_header(found) == ["a", "b"]
    assert list(read_records(found)) == [(3, ["1", "2"], 2), (5, ["3", "4"], 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a;b,c\n1;2,3\n", "may be separated by commas or by semicolons; state the delimiter."),
        ("a;b\tc\n1,2\n", "may be separated by semicolons or by tabs; state the delimiter."),
    ],
)
def test_two_marks_that_both_fit_are_refused(file, text, words):
    with pytest.raises(SurveyError, match=f"t.csv: its columns {words}"):
        described(file(text).path, "t.csv")


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n"])
def test_what_cannot_divide_columns_is_refused(file, delimiter):
    with pytest.raises(SurveyError, match="A delimiter is a single character"):
        described(file("a;b\n").path, "t.csv", delimiter)


@pytest.mark.parametrize(
    ("bytes_", "encoding"),
    [
        ("ä,b\n1,2\n".encode(), None),
        ("\ufeffä,b\n1,2\n".encode(), None),
        ("ä,b\n1,2\n".encode("utf-16"), None),
        (codecs.BOM_UTF16_BE + "ä,b\n1,2\n".encode("utf-16-be"), None),
        ("ä,b\n1,2\n".encode("utf-32"), None),
        ("\ufeffä,b\n1,2\n".encode("utf-32-be"), None),
        ("ä,b\n1,2\n".encode("cp1252"), "cp1252"),
        ("ä,b\n1,2\n".encode("utf-16-le"), "utf-16-le"),
        ("ä,b\n1,2\n".encode(), "UTF8"),
    ],
)
def test_a_file_of_any_encoding_is_read_as_utf8(tmp_path, bytes_, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(bytes_)
    found = as_utf8(path, "t.csv", encoding, tmp_path)
    assert read_header(Text(found, "t.csv")) == ["ä", "b"]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("latin-9999", "There is no encoding 'latin-9999'; expected one such as"),
        ("hex", "There is no encoding 'hex'"),
        ("ascii", "byte 0xe4 cannot be read"),
        ("utf-16", "t.csv is not encoded in utf-16."),
    ],
)
def test_an_encoding_that_is_none_or_another_is_refused(tmp_path, encoding, words):
    path = tmp_path / "t.csv"
    path.write_bytes("ä,b\n1,2".encode("cp1252"))
    with pytest.raises(SurveyError, match=words):
        read_header(Text(as_utf8(path, "t.csv", encoding, tmp_path), "t.csv"))


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ('a,b\n1,"2\n', "utf-8", "t.csv is not a CSV file that can be read: "),
        ("a,ä\n1,2\n", "latin-1",
         "t.csv is not encoded in UTF-8 (byte 0xe4 cannot be read); state its encoding, "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(file, text, encoding, words):
    with pytest.raises(SurveyError) as caught:
        list(read_records(file(text, encoding)))
    assert str(caught.value).startswith(words)


def test_a_first_line_that_is_no_header_is_refused(file):
    for text in ("", "\n\n"):
        with pytest.raises(SurveyError, match=r"^t\.csv has no header"):
            read_header(file(text))


def test_a_file_that_the_system_refuses_is_named(tmp_path):
    with pytest.raises(SurveyError) as caught:
        read_header(Text(tmp_path, "t.csv"))
    assert str(caught.value) == "t.csv cannot be read: Is a directory."


def test_space_around_quoted_cells_says_nothing_and_within_them_stays(file):
    text = file('a, "b" ,c\n "x" , "y ""z"" ,q" ,5\' 10" \n')
    assert read_header(text) == ["a", "b", "c"]
    assert [row for _, row, _ in read_records(text)] == [["x", 'y "z" ,q', "5' 10\""]]
