"""What cells say of their column."""

import pytest

from backrisk.survey.forms.fields import Field
from backrisk.survey.forms.judging import judged, looks_missing, missing_codes
from backrisk.survey.forms.text import Cells


def cells(*texts):
    made = Cells()
    for text in texts:
        if text:
            made.add(text)
    return made


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["yes", "no", "no", ""], "choice"),
        (["1", "2", "1", "2"], "choice"),
        (["1", "2", "3", "99"], "choice"),
        (["170", "5 ft 7", "1.75 m", "don't know"], "number"),
        (["1:30", "90 s", "2 min", "45"], "number"),
        (["5 ft 7", "70 kg", "5 ft 7", "70 kg"], "choice"),
        (["34", "61.5", "47", "don't know"], "number"),
        ([str(n) for n in range(1, 31)], "closed"),  # counted: a name
        ([str(n) for n in range(41_000, 41_030)], "closed"),
        ([str(n) for n in range(30, 60)], "number"),
        (["2024-01-02", "2024-01-02 10:30"], "closed"),
        (["3/1/2024", "13/01/2024"], "closed"),
        (["a@b.org", "c@d.org"], "closed"),
        (["", "NA"], "closed"),
        (["run, swim", "run", "swim, bike, run", "bike, run"], "text"),
        ([f"a long remark, number {n}" for n in range(9)] * 2, "choice"),
        ([f"a long remark, number {n}" for n in range(40)], "closed"),
        ([f"a remark number {n % 30}" for n in range(60)], "text"),
    ],
)
def test_the_kind_of_a_column(texts, kind):
    assert judged("x", cells(*texts)).kind == kind


@pytest.mark.parametrize(
    ("number", "field", "others", "missing"),
    [
        (-99, Field("x", "number"), [1, 2], True),
        (-9, Field("x", "number"), [1, 2], True),
        (-9, Field("x", "number"), [-3, 2], False),
        (999, Field("x", "number"), [170, 180], True),
        (99, Field("x", "number"), [80, 90], False),
        (99, Field("x", "number", low=0, high=60), [80, 90], True),
        (99, Field("x", "number", low=0, high=120), [20], False),
        (-7, Field("x", "choice"), [1, 2], True),
        (-12, Field("x", "number"), [1, 2], False),
    ],
)
def test_a_number_apart_from_the_others_looks_like_a_code(number, field, others, missing):
    assert looks_missing(number, field, [number, *others]) is missing


def test_codes_are_found_in_choices_and_numbers_and_not_where_the_form_has_them():
    columns = {
        "a": (Field("a", "choice", choices={"1": "x", "-8": "Refused"}), cells("1", "-8", "-99")),
        "b": (Field("b", "number", low=0, high=10), cells("5", "-99", "UNK", "7")),
        "c": (Field("c", "text"), cells("-77")),
    }
    assert missing_codes(columns) == {"a": ("-99",), "b": ("-99", "UNK")}


def test_labels_that_differ_by_case_are_one_choice():
    found = judged("x", cells("Never", "never", "never", "Often", "NEVER"))
    assert list(found.choices) == ["never", "Often"]


def test_amounts_say_which_units_there_may_be():
    assert judged("x", cells("154 lb", "70", "11 st")).units == ("kg", "g", "lb", "st")
    assert judged("x", cells("154", "70")).units == ()
