"""Real athletes, week by week: how daily reports become a panel, and what a model of them says."""

import numpy as np
import pandas as pd
import pytest
from places import SHARED

from backrisk import fit, load_codebook, load_graph, read_panel, risk

PMDATA = SHARED / "data" / "pmdata"
TRUNK, PELVIS = "22943007", "12921003"  # SNOMED codes of places of soreness

pytestmark = pytest.mark.skipif(not PMDATA.is_dir(), reason="no published data beside the tests")


def weeks(folder):
    """Return daily wellness reports and sessions as one row an athlete and week, dated its Monday.

    - A week is there if it has a wellness report. Weeks without one are left out, and so are empty
      visits.
    - Fatigue, sleep and readiness are means over the days reported. A 0 for fatigue or sleep is no
      answer; for readiness it is the lowest answer, unless nothing else was answered that day.
    - ``sore_days`` counts the days on which trunk or pelvis was named as sore.
    - Load is exertion times minutes, summed over sessions. Without a session it is 0 between an
      athlete's first and last session, and missing outside: then nobody knows whether sessions
      were made or only not noted.
    """
    wellness = pd.read_csv(folder / "wellness.csv", parse_dates=["date"])
    sessions = pd.read_csv(folder / "sessions.csv", parse_dates=["date"])
    for frame in (wellness, sessions):
        frame["day"], frame["athlete"] = frame["date"], frame["participant"]
        frame["date"] = frame["day"].dt.to_period("W").dt.start_time
    answered = wellness["fatigue"] > 0
    sore = wellness["soreness_area"].fillna("").str.contains(f"{TRUNK}|{PELVIS}")
    days = wellness.assign(
        fatigue_mean=wellness["fatigue"].where(answered),
        sleep_hours=wellness["sleep_duration_h"].where(wellness["sleep_duration_h"] > 0),
        readiness_mean=wellness["readiness"].where(answered),
        sore_days=sore.where(answered).astype(float),
    ).drop_duplicates(["athlete", "day"])
    by = ["athlete", "date"]
    table = days.groupby(by)[["sleep_hours", "fatigue_mean", "readiness_mean"]].mean()
    table["sore_days"] = days.groupby(by)["sore_days"].sum(min_count=1)
    sessions["load_au"] = sessions["perceived_exertion"] * sessions["duration_min"]
    noted = sessions.dropna(subset="load_au")
    table = table.join(noted.groupby(by)["load_au"].sum()).reset_index()
    span = table["athlete"].map(noted.groupby("athlete")["date"].agg(["min", "max"]).agg(tuple, 1))
    first, last = (pd.to_datetime(span.str[at]) for at in (0, 1))
    rest = table["date"].between(first, last) & table["load_au"].isna()
    table["load_au"] = table["load_au"].mask(rest, 0)
    return table.round(dict.fromkeys(("sleep_hours", "fatigue_mean", "readiness_mean"), 2))


@pytest.fixture(scope="module")
def table():
    return weeks(PMDATA)


def test_weeks_hold_what_the_days_say(table):
    """One athlete's week, counted by hand from the file."""
    days = pd.read_csv(PMDATA / "wellness.csv")
    mine = days[(days["participant"] == "p01") & days["date"].between("2019-11-04", "2019-11-10")]
    week = table[(table["athlete"] == "p01") & (table["date"] == "2019-11-04")].iloc[0]
    assert len(mine) == 7
    assert week["fatigue_mean"] == pytest.approx(mine["fatigue"].mean(), abs=0.005)
    assert week["sleep_hours"] == pytest.approx(mine["sleep_duration_h"].mean(), abs=0.005)
    assert week["sore_days"] == mine["soreness_area"].str.contains("22943007|12921003").sum()
    assert week["load_au"] == 7 * 30


def test_every_week_is_read_by_the_packaged_codebook(table):
    graph = load_graph("athletes")
    book = load_codebook("athletes", graph)
    assert not book.synthetic
    assert set(table.columns) == set(book.known)
    states = {
        name: {spec.state(value) for value in table[name].dropna()}
        for name, spec in book.columns.items()
    }
    for name, spec in book.columns.items():
        assert states[name] == set(graph.node(spec.node).states), name
    assert len(table) == table[["athlete", "date"]].drop_duplicates().shape[0]
    assert table["athlete"].nunique() == 16
    assert np.isfinite(table.drop(columns=["athlete", "date", "load_au"]).sum()).all()


@pytest.fixture(scope="module")
def panel(table):
    """Weeks counted from each athlete's own first report."""
    return read_panel(table, load_graph("athletes"))


def test_weeks_are_slices(table, panel):
    assert (panel.n, panel.periods) == (16, 23)
    assert panel.first.tolist() == [0] * 16
    assert panel.cautions == ()
    book = panel.codebook
    for name, spec in book.columns.items():
        node = panel.graph.names.index(spec.node)
        states = table[name].dropna().map(spec.state).map(panel.graph.node(spec.node).code)
        found = panel.codes[:, :, node]
        assert np.bincount(found[found >= 0]).tolist() == np.bincount(states).tolist(), name


@pytest.mark.slow
def test_a_model_of_weeks_says_how_often_soreness_follows_soreness(panel):
    """As often as it did, within the error of so many weeks, which are those of 16 athletes."""
    posterior = fit(load_graph("athletes"), panel, seed=1, draws=500, chains=2, progress=False)
    assert posterior.graph.trait  # five months tell who is sore more often from what soreness does
    sore = panel.codes[:, :, panel.graph.names.index("soreness")]
    before, after = sore[:, :-1], sore[:, 1:]
    for code, state in enumerate(panel.graph.node("soreness").states):
        followed = after[(before == code) & (after >= 0)]
        share = followed.mean()
        found = risk(posterior, {"soreness__4": state}, target="soreness__5").draws.mean()
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / len(followed)), state
