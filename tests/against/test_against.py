"""Nothing that other programs or print say of an equivalent model differs from what we say."""

import csv
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.against import parts
from tests.against.published import CRUDE, PROGRESS

NEEDS = {
    "tables": ("pyagrum", "pgmpy"),
    "interventions": ("pyagrum",),
    "anomalies": ("dowhy",),
    "changes": ("dowhy",),
    "marathon": (),
    "back pain": ("statsmodels",),
    "role conflict": ("stepmix",),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the peers, which are others' to mend
@pytest.mark.parametrize("part", NEEDS)
def test_nothing_differs(part):
    for name in NEEDS[part]:
        if find_spec(name) is None:
            pytest.skip(f"needs the extra 'peers': {name}")
    found = list(parts()[part]())
    assert found
    assert not [row for row in found if row["verdict"] == "differs"]


def test_every_part_says_what_it_needs():
    assert parts().keys() == NEEDS.keys()


def read(name):
    with (Path(__file__).with_name("data") / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_counts_give_the_odds_ratios_that_are_printed():
    for factor, printed in CRUDE.items():
        (a, b), (c, d) = (
            (int(row["no_lbp"]), int(row["lbp"]))
            for row in read("marathon")
            if row["factor"] == factor
        )
        assert a * d / (b * c) == pytest.approx(printed, abs=0.005)


def test_the_tables_hold_as_many_people_as_were_studied():
    assert sum(int(row["people"]) for row in read("role_conflict")) == 216
    assert sum(int(row[state]) for row in read("back_pain") for state in PROGRESS) == 101
