"""Tables through Ibis: the same codes, patterns and problems as the reading with pandas."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backrisk import tables
from backrisk.codebook import Codebook
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import read_survey, tabulate

GRAPH = CausalGraph.from_edges(
    [("core", "pain"), ("bmi", "pain"), ("load", "pain"), ("gym", "core")],
    {
        "gym": ["yes", "no"],
        "core": ["strong", "middling", "weak"],
        "bmi": ["low", "high"],
        "load": ["low", "high"],
        "pain": ["no", "yes"],
    },
    name="mine",
)
CODEBOOK = Codebook.from_dict(
    {
        "name": "small",
        "graph": "mine",
        "missing": ["", "NA", "-9", "unknown"],
        "columns": {
            "plank": {"item": "core", "reliability": 0.6, "type": "number", "range": [0, 600],
                      "cuts": [30, 60.5], "states": ["weak", "middling", "strong"]},
            "ache": {"node": "pain", "labels": {"never": "no", "often": "yes", "1": "yes"}},
            "kg": {"role": "input", "type": "number", "range": [30, 200], "outside": "missing"},
            "cm": {"role": "input", "type": "number"},
            "week": {"role": "input", "type": "number"},
            "month": {"role": "input", "type": "number"},
            "sport": {"role": "input", "type": "text"},
            "more": {"role": "input", "type": "text"},
            "mood": {"role": "input", "type": "label", "labels": {"up": "fine", "down": "low"}},
        },
        "derived": {
            "b": {"node": "bmi", "derive": "bmi", "from": ["kg", "cm"], "cuts": [25]},
            "r": {"node": "load", "derive": "ratio", "from": ["week", "month"], "cuts": [1.1]},
            "g": {"node": "gym", "derive": "first_match", "from": ["sport", "more"],
                  "otherwise": "no",
                  "rules": [{"state": None, "when": [{"any": ["more"], "contains": ["never"]}]},
                            {"state": "yes",
                             "when": [{"any": ["sport", "more"], "contains": ["gym*", "lift"]}]}]},
        },
        "weight": "w",
        "site": "club",
        "ignore": ["id", "day"],
    },
    GRAPH,
)  # fmt: skip
ONE_EACH = {
    keep: Codebook.from_dict(
        {**CODEBOOK.to_dict(), "one_row_per": {"column": "id", "by": "day", "keep": keep}}, GRAPH
    )
    for keep in ("first", "last")
}
TEXTS = ["gym", "Gymnast", "we never lift", 'lift, "run"', "a\nb", "forklift", "", "NA", "ä gym "]
CELLS = {
    "plank": ["30", "29.999999999999996", "60.5", "60.49999999999999", "-9", "", " 45", "4.5e1",
              "NA", "600", "0", "-0", "٣٠", "+7", "600.0000000000000000001"],
    "ache": ["never", "often", "1", "", "NA", " often ", "unknown"],
    "kg": ["80", "72.25", "29.9", "1000", "", "-9", "0080"],
    "cm": ["170", "178.5", "0", "160", "", "1e-200"],
    "week": ["11", "0", "7.7", "-3", "", "1e300"],
    "month": ["10", "0", "7", "-0", "", "1e-300"],
    "sport": TEXTS,
    "more": TEXTS,
    "mood": ["up", "down", "", "NA"],
    "club": ["north", " north", "south", "Östlich", "1"],
    "w": ["1", "0.5", "2e0", "0", " 3 ", "1_0"],
    "id": ["7", " 7", "8", "", "NA", "x\u2003", "x"],
    "day": ["2012-03-01", "2011-12-24", "", "x", "1.1.2013"],
}  # fmt: skip
WRONG = {"plank": "601", "ache": "offen", "cm": "tall", "mood": "fine", "w": "-1", "club": " ",
         "week": "1_0", "month": "inf"}  # fmt: skip


@st.composite
def texts(draw, wrong=False):
    """Return the rows of a table by column, all cells text, now and then a wrong one."""
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=2, unique=True))
    if not set(names) & set(CODEBOOK.columns):
        names.append("ache")
    cells = {
        name: st.sampled_from(CELLS[name] + ([WRONG[name]] if wrong and name in WRONG else []))
        for name in names
    }
    rows = st.lists(st.tuples(*cells.values()), min_size=1, max_size=25)
    return pd.DataFrame(draw(rows), columns=names, dtype=object)


def patterns(survey):
    """Return people, weight and squared weight of each pattern of answers and site."""
    found = tabulate(survey)
    sites = [None] * len(found.codes) if found.site is None else found.site
    return {
        (site if site is None else survey.sites[site], *codes): (people, weight, square)
        for site, codes, people, weight, square in zip(
            sites, found.codes.tolist(), found.people, found.weights, found.squares, strict=True
        )
    }


def outcome(path, codebook, engine, graph=GRAPH):
    try:
        survey = read_survey(path, graph, codebook, engine=engine)
    except SurveyError as error:
        return list(error.problems)
    found = patterns(survey)
    return {key: tuple(np.round(value, 9)) for key, value in found.items()}, survey.sites, survey.n


SETTINGS = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes a second: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SETTINGS
@given(
    frame=texts(wrong=True),
    codebook=st.sampled_from([CODEBOOK, *ONE_EACH.values()]),
    many=st.booleans(),
)
def test_a_file_of_text_reads_as_with_pandas(tmp_path, monkeypatch_each, frame, codebook, many):
    path = tmp_path / "answers.csv"
    frame.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    # Where a column has more distinct cells than this, the engine itself reads plain numbers.
    monkeypatch_each(2 if many else 100_000)
    assert outcome(path, codebook, "duckdb") == outcome(path, codebook, "pandas")


@pytest.fixture
def monkeypatch_each(monkeypatch):
    return lambda size: monkeypatch.setattr(tables, "_CHUNK", size)
