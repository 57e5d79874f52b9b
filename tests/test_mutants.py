"""Mutants of a small module, the sample, the equivalents by hand, the report's arithmetic."""

import pytest

from tests.mutants.making import EQUIVALENT, Module, equivalents, shares
from tests.mutants.reporting import interval, kept, report, row, section
from tests.mutants.running import ROOT, outcome

SOURCE = '''"""A module, 1 + 1."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    DEPTH = 3

Array = dict[str, int]
LIMIT: int | None = 4


class Reader:
    @property
    def half(self) -> int | None:
        """Half, 5 / 2."""
        if self.n < LIMIT:
            raise ValueError(f"{self.n + 1} is not enough", 7)
        return self.n / 2
'''
RECORDS = [
    {"file": "a.py", "line": 3, "operator": "number", "before": "x = 1", "after": "x = 2"} | more
    for more in (
        {"outcome": "survived"},
        {"outcome": "equivalent", "why": "Nobody reads x."},
        {"outcome": "timed out"},
        *[{"outcome": "noticed"}] * 8,
    )
]
ABOUT = {"mutants": 1000, "sample": 11, "seed": 1, "commit": "abc", "tests": "`tests/a`"}


def test_only_what_has_behaviour_is_mutated_and_one_place_at_a_time():
    drawn = list(Module("a.py", SOURCE).drawn(seed=1))
    assert {mutant.line for mutant in drawn} == {9, 16, 18}
    assert {mutant.after for mutant in drawn} == {
        "LIMIT: int | None = 5",
        "LIMIT: int | None = None",
        "if self.n <= LIMIT:",
        "return self.n / 3",
        "return self.n * 2",
    }
    assert len({mutant.key for mutant in drawn}) == len(drawn)


def test_a_larger_sample_keeps_the_smaller_one():
    module = Module("a.py", SOURCE)
    first, again = ([mutant.key for mutant in module.drawn(seed=1)] for _ in range(2))
    assert first == again
    assert any(first != [mutant.key for mutant in module.drawn(seed)] for seed in range(2, 9))


def test_every_module_has_its_share():
    assert shares({"a": 900, "b": 90, "c": 9, "d": 0}, 20) == {"a": 18, "b": 1, "c": 1}
    assert shares({"a": 2, "b": 1}, 20) == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"timed_out": False, "died": 0, "code": 0, "failed": ""}, ("survived", "")),
        ({"timed_out": False, "died": 0, "code": 5, "failed": ""}, ("survived", "")),
        ({"timed_out": False, "died": 0, "code": 1, "failed": "t"}, ("noticed", "t")),
        ({"timed_out": True, "died": 24}, ("timed out", "")),
    ],
)
def test_what_becomes_of_a_mutant(found, expected):
    assert outcome(found) == expected


def test_interval_is_wilsons():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_one_room_goes_into_the_report_and_the_others_stay():
    line, text = row("a", ABOUT, RECORDS), section("a", ABOUT, RECORDS)
    assert "| 11 | 8 | 1 | 1 | 1 | **90%** |" in line
    assert "- x = 1\n+ x = 2" in text
    assert "Nobody reads x." in text
    rows, sections = {"a": line, "b": line.replace("| a |", "| b |")}, {"a": text, "b": "## b"}
    assert kept(report(rows, sections, ["b", "a"])) == (rows, sections)


def test_equivalents_are_mutants_of_lines_that_are_there():
    for file, before, _ in equivalents(EQUIVALENT):
        assert before in " ".join((ROOT / file).read_text().split()), (file, before)


def test_an_equivalent_without_its_reason_is_refused(tmp_path):
    path = tmp_path / "equivalent.tsv"
    path.write_text("# head\na.py\tx = 1\tx = 2\n")
    with pytest.raises(ValueError, match=r"equivalent.tsv, line 2: .* found 3 cells"):
        equivalents(path)
