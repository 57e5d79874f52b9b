"""What stands before the decimals of a table's numbers."""

import pytest

from backrisk.survey.numeric import Decimals


@pytest.mark.parametrize(
    ("stated", "columns", "mark"),
    [
        (None, [], "."),
        (None, [["72.5", "80"]], "."),
        (None, [["72,5", "80"]], ","),
        (None, [["80", "NA"], ["-0,25"]], ","),
        (None, [["1,250"]], "."),  # a thousand, or one and a quarter
        (None, [["1,250", "1,25"]], ","),
        (None, [["0,250"]], ","),
        (None, [["72,5"], ["80.5"]], "."),
        (None, [["80.5"], ["72,5"]], "."),
        (None, [["1,2,3", "1,2 kg"]], "."),
        (",", [["80.5"]], ","),
        (".", [["72,5"]], "."),
    ],
)
def test_a_comma_is_found_only_where_no_other_reading_fits(stated, columns, mark):
    assert Decimals.of(stated, columns).mark == mark


@pytest.mark.parametrize(
    ("decimals", "text", "kind", "plain"),
    [
        (Decimals(), "72,5", "number", "72,5"),
        (Decimals(","), "72,5", "number", "72.5"),
        (Decimals(","), "72,50", "number", "72.5"),
        (Decimals(","), "80", "number", "80"),
        (Decimals(","), "1,0", "label", "1,0"),
        (Decimals(",", True), "1,0", "label", "1"),
        (Decimals(","), None, "number", None),
        (Decimals(","), "1,2,3", "number", "1,2,3"),
        (Decimals(",", True), "1.2", "label", "1.2"),
    ],
)
def test_a_cell_is_written_with_a_point(decimals, text, kind, plain):
    assert decimals.plain(text, kind) == plain


def test_a_point_is_no_decimal_point_where_commas_are(tmp_path):
    assert Decimals(",").plain("1.234", "number") != "1.234"
