"""CSV files record by record."""

import pytest

from backrisk.errors import SurveyError
from backrisk.survey.lines import read_header, read_records, split_records


@pytest.fixture
def file(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_each_record_has_the_line_it_starts_on(file):
    path = file('a,b\n1,2\n\n"x\ny",3\r\n4,5\n"",\n')
    assert list(read_records(path)) == [
        (2, ["1", "2"], 2),
        (4, ["x\ny", "3"], 2),
        (6, ["4", "5"], 2),
        (7, ["", ""], 2),
    ]


def test_a_header_may_span_lines_and_follow_a_byte_order_mark(file):
    path = file('\ufeffa ,"b\nc"\n1,2\n')
    assert read_header(path) == ["a ", "b\nc"]
    assert list(read_records(path)) == [(3, ["1", "2"], 2)]


def test_records_of_another_width_are_told_apart(file):
    refused = []
    path = file("a,b\n1\n2,3\n4,5,6\n")
    assert list(split_records(path, refused)) == [(3, ["2", "3"])]
    assert refused == [
        (2, "t.csv, row 2: 1 values, expected 2."),
        (4, "t.csv, row 4: 3 values, expected 2."),
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ('a,b\n1,"2\n', "utf-8", "t.csv is not a CSV file that can be read: "),
        ("a,ä\n1,2\n", "latin-1",
         "t.csv is not encoded in UTF-8 (byte 0xe4 cannot be read), expected UTF-8."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(file, text, encoding, words):
    with pytest.raises(SurveyError) as caught:
        list(read_records(file(text, encoding)))
    assert str(caught.value).startswith(words)


def test_a_first_line_that_is_no_header_is_refused(file):
    for text in ("", "\n\n", "a;b\n"):
        with pytest.raises(SurveyError, match=r"^t\.csv "):
            read_header(file(text))


def test_a_file_that_the_system_refuses_is_named(tmp_path):
    with pytest.raises(SurveyError) as caught:
        read_header(tmp_path)
    assert str(caught.value) == f"{tmp_path} cannot be read: Is a directory."
