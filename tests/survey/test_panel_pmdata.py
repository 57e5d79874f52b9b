"""Five months of 16 athletes, read week by week: Thambawita 2020, doi:10.1145/3339825.3394926."""

import numpy as np
import pandas as pd
import pytest
from places import SHARED

from backrisk.graph import CausalGraph, Node
from backrisk.survey import Codebook, read_panel

FOLDER = SHARED / "data" / "pmdata"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the published tables are not here")

STATES = {
    "age": ("under_40", "40_plus"),
    "load": ("light", "moderate", "heavy"),
    "sleep": ("enough", "short"),
    "fatigue": ("fresh", "usual", "tired"),
    "soreness": ("none", "sore"),
    "sore_back": ("no", "yes"),
}
EDGES = [
    ("load", "fatigue"), ("sleep", "fatigue"), ("age", "sore_back"), ("load", "sore_back"),
    ("fatigue", "sore_back"), ("sore_back", "soreness"),
]  # fmt: skip
GRAPH = CausalGraph(
    "pmdata",
    tuple(Node(name, states, constant=name == "age") for name, states in STATES.items()),
    CausalGraph.from_edges(EDGES, {name: list(each) for name, each in STATES.items()}).edges,
    outcome="sore_back",
)
SCALE = {"type": "number", "range": [1, 5], "missing": ["0"]}
BOOK = {
    "name": "pmdata", "graph": "pmdata", "ignore": "rest",
    "columns": {
        "age": {"node": "age", "type": "number", "cuts": [40]},
        "duration_min": {"node": "load", "type": "number", "unit": "min", "cuts": [90, 210]},
        "sleep_duration_h": {"node": "sleep", "type": "number", "unit": "h", "cuts": [6.5],
                             "states": ["short", "enough"], "missing": ["0"]},
        "fatigue": {"node": "fatigue", "cuts": [2.5, 3], "states": ["tired", "usual", "fresh"],
                    **SCALE},
        "soreness": {"node": "soreness", "cuts": [3], "states": ["sore", "none"], **SCALE},
        "soreness_area": {"role": "input", "type": "text"},
    },
    "derived": {
        "back": {"node": "sore_back", "derive": "first_match", "from": ["soreness_area"],
                 "rules": [{"state": "yes", "when": [{"any": ["soreness_area"],
                                                      "contains": ["22943007", "12921003"]}]}],
                 "otherwise": "no"},
    },
    "panel": {"id": "participant", "time": "date", "every": "7D",
              "combine": {"duration_min": "sum", "sleep_duration_h": "mean", "fatigue": "mean",
                          "soreness": "worst", "back": "worst"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def table():
    wellness, sessions, people = (
        pd.read_csv(FOLDER / f"{name}.csv") for name in ("wellness", "sessions", "people")
    )
    # Who the athletes are, their mornings and their sessions: rows of one table.
    return pd.concat([people, wellness, sessions], ignore_index=True)


@pytest.fixture(scope="module")
def panel(table):
    return read_panel(table, GRAPH, Codebook.from_dict(BOOK, GRAPH), start="2019-11-01")


def weekly(table, column, how):
    """Return a statistic of a column by athlete and week, as pandas counts weeks of seven days."""
    rows = table.dropna(subset=["date", column])
    week = (pd.to_datetime(rows["date"]) - pd.Timestamp("2019-11-01")).dt.days // 7
    return rows.groupby([rows["participant"], week])[column].agg(how).unstack()


def test_weeks_are_those_that_pandas_makes(table, panel):
    people = list(dict.fromkeys(table["participant"]))
    weeks = range(panel.periods)
    assert (panel.n, panel.periods) == (16, 22)
    sore = table["soreness_area"].str.contains("22943007|12921003").astype(float)
    sore = sore.where(table["soreness_area"].notna())
    given = table.assign(
        back=sore,
        sleep=table["sleep_duration_h"].replace(0, np.nan),
        fresh=table["fatigue"].replace(0, np.nan),
        sore=table["soreness"].replace(0, np.nan),
    )
    expected = {
        "load": (weekly(given, "duration_min", "sum"), [90, 210], [0, 1, 2]),
        "sleep": (weekly(given, "sleep", "mean"), [6.5], [1, 0]),
        "fatigue": (weekly(given, "fresh", "mean"), [2.5, 3], [2, 1, 0]),
        "soreness": (weekly(given, "sore", "min"), [3], [1, 0]),
        "sore_back": (weekly(given, "back", "max"), [1], [0, 1]),
    }
    for node, (numbers, cuts, codes) in expected.items():
        numbers = numbers.reindex(index=people, columns=weeks).to_numpy()
        states = np.array(codes)[np.searchsorted(cuts, np.round(numbers, 9), side="right")]
        found = panel.codes[:, :, GRAPH.names.index(node)]
        assert found.tolist() == np.where(np.isnan(numbers), -1, states).tolist(), node
    old = table["age"].dropna().to_numpy() >= 40
    assert panel.codes[:, :, 0].tolist() == np.repeat(old[:, None], 22, axis=1).astype(int).tolist()


def test_who_comes_late_or_stops_early_is_kept(table, panel):
    rows = table.dropna(subset=["date"])
    week = (pd.to_datetime(rows["date"]) - pd.Timestamp("2019-11-01")).dt.days // 7
    spans = week.groupby(rows["participant"]).agg(["min", "max"])
    assert panel.first.tolist() == spans["min"].tolist()
    assert panel.last.tolist() == spans["max"].tolist()
    assert 0 < (panel.last < panel.periods - 1).sum() < 16
    survey = panel.to_survey(trait=True, dropout=["sore_back"])
    assert survey.n == 16
    names = [f"stays__{week}" for week in range(1, panel.periods)]
    stays = survey.codes[:, [survey.graph.names.index(name) for name in names]]
    gone = 1 - survey.graph.node("stays__1").code("answered")
    assert (stays == gone).sum(axis=1).tolist() == (panel.last < panel.periods - 1).tolist()


def test_what_is_odd_about_the_table_is_told_without_a_name(table, panel):
    told = next(each for each in panel.cautions if "of the same person and time" in each)
    reports = table.dropna(subset=["stress"])
    twice = reports.duplicated(["participant", "date"], keep=False).sum()
    assert told.startswith(f"{twice} visits answer what another")
    assert not any(each in told for each in table["participant"].unique())


def test_a_week_of_ones_own_begins_with_the_first_report(table):
    own = read_panel(table, GRAPH, Codebook.from_dict(BOOK, GRAPH))
    assert own.first.tolist() == [0] * 16
    assert own.reach.max() == own.periods - 1
    assert (own.reach >= own.last).all()
