"""REDCap's branching logic: every condition is judged as its definition says, or refused."""

import itertools

import numpy as np
import pytest

from backrisk.survey.logic import Cell, box_column, parse
from tests.strategies import seeds

COLUMNS = ("a", "b", "c")
VALUES = ("1", "2", "yes", "")
MARKS = {
    "=": lambda x, y: x == y,
    "<>": lambda x, y: x != y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


def random_condition(rng, depth):
    """A condition as text, and as a function of complete answers."""
    kind = rng.integers(5) if depth else 0
    if kind < 2:
        column, mark = rng.choice(COLUMNS), rng.choice(list(MARKS))
        order = mark in ("<", "<=", ">", ">=")
        value = str(rng.choice(("1", "2", "1.5") if order else VALUES))
        quote = rng.choice(["'", '"'])
        shown = value if order and rng.random() < 0.5 else f"{quote}{value}{quote}"
        space = " " * int(rng.integers(3))

        def holds(cells):
            own = cells[column]
            return MARKS[mark](float(own), float(value)) if order else MARKS[mark](own, value)

        return f"[{column}]{space}{mark}{space}{shown}", holds
    if kind == 2:
        text, inner = random_condition(rng, depth - 1)
        return f"not ({text})", lambda cells: not inner(cells)
    word = "and" if kind == 3 else "or"
    parts = [random_condition(rng, depth - 1) for _ in range(rng.integers(2, 4))]
    spelled = str(rng.choice([word, word.upper()]))
    text = f" {spelled} ".join(f"({text})" for text, _ in parts)
    decide = all if word == "and" else any
    return text, lambda cells: decide(holds(cells) for _, holds in parts)


def cell(text):
    return Cell(frozenset({text}), number=float(text) if text.isdigit() else None)


@pytest.mark.parametrize("seed", seeds(60, 1000))
def test_complete_answers_decide_every_condition_as_python_does(seed):
    text, holds = random_condition(np.random.default_rng(seed), 3)
    found = parse(text)
    assert set(found.columns) <= set(COLUMNS)
    for values in itertools.product(("1", "2", "3"), repeat=3):
        cells = dict(zip(COLUMNS, values, strict=True))
        assert found.holds(lambda name, cells=cells: cell(cells[name])) is holds(cells)


@pytest.mark.parametrize("seed", seeds(60, 1000))
def test_what_is_unknown_is_what_answers_could_decide_either_way(seed):
    """A condition is only said to hold, or not, where every answer in place of a blank agrees."""
    rng = np.random.default_rng(seed)
    text, holds = random_condition(rng, 3)
    found = parse(text)
    for values in itertools.product(("1", "2", None), repeat=3):
        known = dict(zip(COLUMNS, values, strict=True))
        said = found.holds(
            lambda name, known=known: Cell(blank=None) if known[name] is None else cell(known[name])
        )
        choices = [("0", "1", "2", "3") if value is None else (value,) for value in values]
        could = {
            holds(dict(zip(COLUMNS, full, strict=True))) for full in itertools.product(*choices)
        }
        assert said is None or could == {said}


def test_and_binds_more_than_or_and_not_more_than_both():
    cells = {"a": cell("1"), "b": cell("2"), "c": cell("3")}
    for text, expected in {
        "[a] = 1 or [b] = 1 and [c] = 1": True,
        "([a] = 1 or [b] = 1) and [c] = 1": False,
        "not [a] = 1 or [b] = 2": True,
        "not ([a] = 1 or [b] = 2)": False,
        "'1' = [a] and 3 > [b]": True,
        "[a] = [b]": False,
        "[a] <> [b] and [c] > [b]": True,
    }.items():
        assert parse(text).holds(cells.__getitem__) is expected


def test_a_blank_is_no_answer_to_go_by_unless_it_is_asked_about():
    blank = {"a": Cell(blank=True), "b": Cell(blank=True, asked=False)}.__getitem__
    for text, expected in {
        "[a] = ''": True,
        "[a] <> ''": False,
        "[a] = '1'": None,
        "[a] > 1": None,
        "[b] = ''": True,
        "[b] = '1'": False,
        "[b] <> '1'": True,
        "[b] > 1": False,
        "[a] = '1' or [b] = ''": True,
    }.items():
        assert parse(text).holds(blank) is expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "ends"),
        ("[a] =", "ends"),
        ("[a] = '1' and", "ends"),
        ("[a]", "ends"),
        ("([a] = '1'", "ends"),
        ("[a] = '1')", "rest"),
        ("[a] = '1' [b]", "event"),
        ("[baseline_arm_1][a] = '1'", "event"),
        ("([a] = '1' '2'", "unclosed"),
        ("[a] '1'", "mark"),
        ("[a] = yes", "operand"),
        ("[a] = = '1'", "operand"),
        ("datediff([a], [b], 'd') > 3", "function"),
        ("'1' = '1'", "no_column"),
        ("[a] < 'b'", "order"),
        ("[a] = 'b", "unread"),
        ("[a = '1'", "unread"),
        ("[a] + [b] = 3", "unread"),
        ("[] = '1'", "field"),
        ("[a(] = '1'", "field"),
        ("(" * 60 + "[a] = '1'" + ")" * 60, "too_deep"),
        ("[a] = '1' or " * 2000 + "[a] = '1'", "too_long"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(text, key):
    with pytest.raises(ValueError, match=r"^The condition .*[.]$") as caught:
        parse(text)
    assert caught.value.args[0].key == f"survey.branching.{key}"


@pytest.mark.parametrize(
    ("code", "column"), [("2", "x___2"), ("-99", "x____99"), ("Other", "x___other")]
)
def test_a_choice_of_a_checkbox_is_a_column_of_its_own(code, column):
    assert box_column("x", code) == column
    assert parse(f"[x({code})] = '1'").columns == (column,)
