"""What a cohort is asked, and how choices are told apart."""

import numpy as np

from backrisk.cohort import profiles
from backrisk.cohort.profiles import SHARE_DRAWS, Questions, answer, flag, shares_of
from backrisk.queries import Departures, read_target
from backrisk.queries.attribution import departures
from backrisk.words import speaking


def questions(posterior, **rest):
    asked = {"target": None, "causes": None, "level": "proximal", "actions": None}
    return Questions.of(posterior, *(asked | rest).values(), "monotone", shares=True)


def test_the_choice_of_largest_mean_leads():
    draws = np.array(
        [
            [[0.1, 0.3], [0.2, 0.1], [0.0, 0.0]],  # 0.2 against 0.15: the first, in half the draws
            [[-0.1, -0.2], [-0.3, -0.1], [0.0, 0.0]],  # none above zero
            [[np.nan, np.nan], [0.1, 0.2], [0.2, 0.4]],  # the first is no choice of theirs
            [[np.nan] * 2] * 3,
        ]
    )
    first, often = profiles._leading(draws)
    assert first.tolist() == [0, -1, 2, -1]
    np.testing.assert_array_equal(often, [0.5, np.nan, 1.0, np.nan])
    first, often = profiles._leading(draws, above=-np.inf)
    assert first.tolist() == [0, -1, 2, -1]  # what raises the risk is never advised
    np.testing.assert_array_equal(often, [0.5, np.nan, 1.0, np.nan])


def test_columns_are_those_of_the_contract(core):
    asked = questions(core, causes=["fatigue"], actions=["core_strength"])
    assert list(asked.columns) == [
        *("risk", "risk_low", "risk_high", "reported", "leading_cause", "leading_probability"),
        "shares_sampled",
        *("share_fatigue", "share_fatigue_low", "share_fatigue_high"),
        *("best_action", "best_probability", "reduction", "reduction_low", "reduction_high"),
        "flags",
    ]
    kinds = asked.columns
    assert {name for name, kind in kinds.items() if kind == "string"} == {
        *("reported", "leading_cause", "best_action", "flags")
    }
    assert [name for name, kind in kinds.items() if kind == "boolean"] == ["shares_sampled"]
    assert asked.settings == ({"core_strength": 0},)
    assert (asked.target, asked.causes) == (read_target(core.graph, None), ("fatigue",))


def test_answers_in_parts_are_those_of_all_at_once(core, people, monkeypatch):
    asked = questions(core)
    codes = people.codes[:9].astype(np.int16)
    whole = answer(core, asked, codes)
    monkeypatch.setattr(profiles, "_LEAST", 2)
    monkeypatch.setattr(profiles, "_DRAWS", 1)
    parts = answer(core, asked, codes)
    assert set(whole) == set(asked.columns)
    for name, values in whole.items():
        assert len(values) == 9
        if name.endswith("_probability"):
            continue  # how often shares that are zero but for rounding lead is chance
        if isinstance(values[0], float):
            np.testing.assert_allclose(
                np.array(parts[name], float), np.array(values, float), atol=1e-12
            )
        else:
            assert parts[name] == values


def test_the_answer_about_the_outcome_changes_no_risk(core):
    graph = core.graph
    codes = np.full((3, len(graph.names)), -1, np.int16)
    codes[:, graph.names.index("fatigue")] = 1
    codes[1, graph.names.index(graph.outcome)] = 0
    codes[2, graph.names.index(graph.outcome)] = 2
    found = answer(core, questions(core), codes)
    assert len(set(found["risk"])) == 1
    states = graph.node(graph.outcome).states
    assert found["reported"] == [None, states[0], states[2]]
    assert found["flags"] == ["", "", ""]


def test_an_action_already_taken_reduces_nothing(core):
    graph = core.graph
    asked = questions(core, actions=["core_strength", "fatigue"])
    codes = np.full((2, len(graph.names)), -1, np.int16)
    codes[:, graph.names.index("core_strength")] = 0
    codes[1, graph.names.index("fatigue")] = 0
    found = answer(core, asked, codes)
    assert found["best_action"] == [asked.actions[1], None]
    assert found["reduction"][1] is None
    assert found["best_probability"] == [1.0, None]
    assert found["reduction_low"][0] <= found["reduction"][0] <= found["reduction_high"][0]


def test_people_who_answered_alike_are_shared_out_among_threads(core, monkeypatch):
    names = core.graph.names
    codes = np.full((40, len(names)), -1, np.int16)
    codes[:, names.index("fatigue")] = np.arange(40) % 2 + 1
    target = read_target(core.graph, None)
    begun = []
    inner = profiles.Departures
    monkeypatch.setattr(profiles, "Departures", lambda *a, **k: begun.append(1) or inner(*a, **k))
    monkeypatch.setattr(profiles, "_THREADS", 2)
    shares, _ = shares_of(core, codes, ["fatigue"], target)
    assert len(begun) == 2 * profiles._A_THREAD  # all have one plan, and each group begins with it
    for state in (0, 1):
        alone, _ = shares_of(core, codes[state : state + 1], ["fatigue"], target)
        np.testing.assert_array_equal(shares[state::2], np.repeat(alone, 20, axis=0))


def test_people_in_whom_nothing_plays_have_shares_of_nothing(core):
    names = core.graph.names
    codes = np.full((3, len(names)), -1, np.int16)
    codes[:, names.index("fatigue")] = 0  # at its reference, and so is all that may change it
    codes[:, names.index("core_strength")] = 0
    shares, sampled = shares_of(core, codes, ["core_strength"], read_target(core.graph, None))
    assert (shares == 0).all()
    assert not sampled.any()  # of nothing, nothing is drawn


def test_shares_are_shaped_person_cause_draw(core, people):
    causes = ["fatigue", "core_strength"]
    shares, sampled = shares_of(core, people.codes[:3], causes, read_target(core.graph, None))
    assert shares.shape == (3, 2, min(core.draws, SHARE_DRAWS))
    assert sampled.shape == (3,)


def test_whose_shares_were_sampled_is_told_of_each(core, people, monkeypatch):
    """A person's shares are exact where the largest table of the two worlds is within the bound."""
    causes = ["fatigue", "core_strength", "hip_flexor_tightness"]
    target = read_target(core.graph, None)
    codes = people.codes[:40].copy()
    codes[:, core.graph.names.index("pain")] = -1
    few, names = core.subset(SHARE_DRAWS), core.graph.names
    cells = []
    for row in codes:
        seen = {name: int(k) for name, k in zip(names, row, strict=True) if k >= 0}
        world = Departures(few, seen, causes, target, search=0)._world
        cells.append(world.cells * few.draws if world.switches else 0)
    bound = int(np.median(cells))
    assert min(cells) <= bound < max(cells)
    monkeypatch.setattr(departures, "_CELLS", bound)
    shares, sampled = shares_of(core, codes, causes, target)
    assert sampled.tolist() == [each > bound for each in cells]
    monkeypatch.undo()
    exact, none = shares_of(core, codes, causes, target)
    assert not none.any()
    np.testing.assert_array_equal(shares[~sampled], exact[~sampled])
    assert (shares[sampled] != exact[sampled]).any(axis=(1, 2)).all()


def test_flags_are_english_in_every_language(tmp_path):
    (tmp_path / "phrases.yaml").write_text("to: bis\n")
    (tmp_path / "cohort.yaml").write_text("flags: {silent: keine}\n")
    with speaking(tmp_path):
        assert flag("silent") == "no answers"


def test_what_sums_leave_of_an_exact_zero_is_written_as_zero():
    assert profiles._plain(np.array([-1.8e-17, 1e-9, np.nan])) == [0.0, 1e-9, None]
