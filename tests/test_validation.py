"""The planted faults are what they say, and the page tells what came of them."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from backrisk import example_posterior
from backrisk.check import CHECKS
from backrisk.inference import World
from tests.validation import (
    alternatives,
    asking,
    beyond,
    fits,
    pieces,
    planting,
    reporting,
    running,
    studies,
)
from tests.validation.planting import FAULTS, HIDDEN, ITEM, LESS, POINTS, clean, fitted_graph
from tests.validation.running import Record, Task

SEED = 1
SEEN = (*fitted_graph().names, ITEM)


def model(fault):
    return FAULTS[fault](clean(SEED)).posterior()


def shares(posterior, node, given, do):
    """Return P(node away from its reference) by state of another node that is set."""
    found = []
    for state in range(posterior.graph.shape(given)[-1]):
        world = World(posterior, {}, {given: state}) if do else World(posterior, {given: state}, {})
        found.append(1 - float(np.asarray(world.conditional([(node, int(do))]))[0, 0]))
    return found


def joint(posterior, nodes=("fatigue", "compensation", "lumbar_load", "pain")):
    return np.asarray(World(posterior, {}, {}).conditional([(name, 0) for name in nodes]))[..., 0]


def test_a_reversed_edge_changes_nothing_that_anybody_could_see():
    assert FAULTS["reversal"](clean(SEED)).edges["fatigue"] == ("compensation",)
    np.testing.assert_allclose(joint(model("reversal")), joint(model("clean")), atol=1e-12)


@pytest.mark.parametrize(
    ("fault", "effect", "points"),
    [("direct_effect", "pain", POINTS), ("missing_edge", "compensation", LESS)],
)
def test_an_omitted_effect_has_the_size_that_is_stated(fault, effect, points):
    before, after = (
        shares(model(name), effect, "core_strength", True) for name in ("clean", fault)
    )
    # What the other paths do is a little more or less, now that much else leads to it as well.
    assert after[-1] - after[0] == pytest.approx(points, abs=0.02)
    assert abs(before[-1] - before[0]) < 0.05


def test_a_confounder_moves_habit_and_outcome_and_leaves_the_effect():
    found = model("confounder")
    low, high = shares(found, "warm_up", HIDDEN, True)
    assert high - low == pytest.approx(POINTS, abs=1e-6)
    truth = FAULTS["confounder"](clean(SEED))
    assert truth.edges["pain"][-1] == HIDDEN
    usual = joint(model("clean"), truth.edges["pain"][:-1])
    low, high = (usual[..., None] * (1 - truth.tables["pain"][..., 0])).sum((0, 1))
    assert high - low == pytest.approx(POINTS, abs=1e-6)
    seen, done = (np.ptp(shares(found, "pain", "warm_up", do)) for do in (False, True))
    assert seen > done + 0.03


def test_the_report_is_biased_by_the_outcome_and_reverse_causation_is():
    item = FAULTS["biased_item"](clean(SEED))
    assert item.edges[ITEM] == ("fatigue", "pain")
    truth = FAULTS["reverse_causation"](clean(SEED))
    assert truth.edges["warm_up"] == ("pain",)
    assert "warm_up" not in truth.edges["pain"]
    away = 1 - truth.tables["warm_up"][:, 0]
    assert away[-1] - away[0] == pytest.approx(POINTS, abs=1e-6)


def test_the_interaction_changes_sign():
    away = 1 - FAULTS["interaction"](clean(SEED)).tables["lumbar_load"][..., 0]
    assert away[0, 1] < away[0, 0]
    assert away[1, 1] > away[1, 0]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_survey_holds_what_people_are_asked_and_no_more(fault):
    survey = planting.survey_of(fault, SEED, 60)
    assert survey.graph.names == SEEN
    known = (survey.codes >= 0).mean(axis=0)
    assert 0.2 < known[SEEN.index("fatigue")] < 0.8
    assert (np.delete(known, SEEN.index("fatigue")) > 0.6).all()


def record(fault, seed, people, **found):
    about = {name: [["a", "b"]] for name, verdict in found.items() if verdict == "contradicted"}
    return Record(
        Task(fault, seed, people),
        running.DRAWS,
        running.TUNE,
        True,
        2.0,
        1.0,
        list(CHECKS),
        found,
        about,
    )


def test_the_page_counts_what_was_noticed_and_what_was_a_false_alarm():
    every = [
        *(record("clean", s, 2000, independences="agrees") for s in range(9)),
        record("clean", 9, 2000, independences="contradicted"),
        *(record("missing_edge", s, 2000, independences="contradicted") for s in range(10)),
        *(record("interaction", s, 2000, independences="too_little") for s in range(10)),
    ]
    records = {each.task: each for each in every}
    text = reporting.page(records, ["## A real file", ""], "today")
    assert "| clean | 10 % (1 to 38) |" in text
    assert "missing_edge: at least 80% noticed at N = 2,000: 100 % (78 to 100), met." in text
    assert "interaction: at least 80% noticed at N = 2,000: 0 % (0 to 22), **missed**." in text
    assert "direct_effect: at least 80% noticed at N = 2,000: -, not measured." in text
    assert "above, though within the Monte Carlo error" in text
    assert "independences: a - b (10)" in text
    picture = reporting.figure(records)
    page = reporting.as_html(text, picture)
    assert page.count("<svg") == 1
    assert "<td>missing_edge</td>" in page or "missing_edge</td>" in page
    assert text.endswith("## A real file\n")


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    asked = []

    def look(task, draws, tune, models):
        asked.append(task)
        return record(task.fault, task.seed, task.people, independences="agrees")

    monkeypatch.setattr(running, "look", look)
    wanted = running.tasks(2, [50], ["clean", "reversal"])
    path = tmp_path / "kept" / "planted.jsonl"
    assert len(list(running.run(wanted[:3], path))) == 3
    assert [each.task for each in running.run(wanted, path)] == wanted[3:]
    assert asked == wanted
    assert set(running.kept(path)) == set(wanted)
    other = json.dumps({**asdict(record("clean", 7, 50)), "draws": 1})
    path.write_text(path.read_text() + other + "\n")
    assert set(running.kept(path)) == set(wanted)


def test_the_planted_direction_is_undecidable_and_another_is_not():
    undecidable, other = (line for line in asking.direction() if line.startswith("- "))
    assert undecidable.startswith("- fatigue <- compensation")
    assert ": equivalent:" in undecidable
    assert ": not equivalent:" in other


def test_the_page_tells_how_strong_a_hidden_cause_would_have_to_be():
    row = {"seed": 1, "true": 0.12, "into": {"warm_up": 3.0, "pain": 4.0}}
    row |= {"needed": {"half": 2.5, "zero": np.inf}}
    row |= {"fitted": [0.2, 0.15, 0.25], "supposed": [0.13, 0.08, 0.18]}
    text = "\n".join(asking.told([row]))
    assert (
        "| 1 | 12.0 | 20.0 (15.0 to 25.0) | 2.5 | beyond 10 | 3.0, 4.0 | 13.0 (8.0 to 18.0) |"
        in text
    )
    assert "true effect in 0 of 1" in text
    assert "supposed, in 1 of 1" in text


def test_a_file_that_is_not_at_hand_is_said_to_be_left_out(tmp_path, monkeypatch):
    missing = fits.Real("none", "A file that nobody has", tmp_path / "none.csv")
    monkeypatch.setattr(fits, "SURVEYS", (missing,))
    assert "Left out: no none.csv is at hand." in fits.fits(tmp_path)
    found = {"verdict": "x", "check": "families", "finding": "too_little", "text": "Said."}
    held = {
        "people": 9,
        "good": True,
        "check_s": 2.0,
        "fit_s": 9.0,
        "details": {"families": "All."},
    }
    held["doubts"] = {"verdicts": [found], "refused": {"pairwise": "No."}}
    held["doubts"]["seconds"] = {"families": 1.0}
    text = "\n".join(fits.section(missing, held))
    assert "The checks took 2 s of a processor, the fit 9 s when the model was made." in text
    assert "| families | too little | Said. | 1 |" in text
    assert "| pairwise | not made | No. | |" in text


def question(make):
    return pieces.Piece("one", "A question", "Something.", make, lambda held: [held["text"], ""])


def test_a_question_is_asked_once_and_again_where_it_failed_or_of_another_model(tmp_path):
    asked = []

    def ask(text, of="", only_kept=False):
        def make():
            asked.append(text)
            if text == "fail":
                raise ValueError("no number")
            return {"text": text}

        piece = question(make)
        held = pieces.answered(piece, "fit", tmp_path, make, of=of, only_kept=only_kept)
        return "\n".join(pieces.told(piece, held))

    assert "Left out: not asked yet." in ask("first", only_kept=True)
    assert "**Failed**, and so tells nothing: ValueError: no number" in ask("fail")
    assert fits.failures(tmp_path) == ["fit-one"]
    assert "Failed" in ask("kept", only_kept=True)
    assert "first" in ask("first")
    assert fits.failures(tmp_path) == []
    assert "first" in ask("second")
    assert "second" in ask("second", of="another")
    assert asked == ["fail", "first", "second"]


def over(**more):
    rows = [{"cause": "a", "lowest": 0.1, "lowest_in": "stated"}]
    rows[0] |= {"highest": 0.2, "highest_in": "other", "leading": 2}
    held = {"models": ["stated", "other"], "over": rows, "means": {"a": [0.1, 0.2]}, "sure": 0.95}
    return held | more


def test_a_conclusion_that_one_graph_takes_back_is_named():
    graph = {"how": "stated", "equivalent": "not_known", "difference": 0.0, "error": 0.0}
    graphs = [{"model": name, **graph, "stands": True} for name in ("stated", "other")]
    held = {"graphs": graphs, "left_out": [{"graph": "third", "why": "no weights"}]}
    text = "\n".join(alternatives.tell_standing(held | over(drawn=["a", "b"], surviving=["a"])))
    assert "| a | 10.0 (stated) | 20.0 (other) | 2 of 2 |" in text
    assert "1 more graph could not be tried (no weights)" in text
    assert "not in all 2 graphs that stand: b. For the answers: advice on it rests" in text
    text = "\n".join(alternatives.tell_standing(held | over(drawn=["a"], surviving=["a"])))
    assert "all of these hold in each of the 2" in text
    text = "\n".join(alternatives.tell_standing(held | over(drawn=[], surviving=[])))
    assert "no conclusion to lose" in text


def test_a_prior_that_was_not_had_and_a_share_that_moves_are_told():
    priors = [{"prior": "literature", "how": "stated", "k_hat": np.nan}]
    priors += [{"prior": "flat", "how": "", "k_hat": 1.2}]
    found = over(drawn=["a"], surviving=["a"])
    text = "\n".join(alternatives.tell_priors({"priors": priors, **found}))
    assert "flat: left out (k-hat 1.2)" in text
    assert "Of the flat prior nothing can be told." in text
    assert "What is due to a moves most, 10.0 to 20.0 points" in text


def test_a_weak_hidden_cause_and_a_strong_one_are_told_apart():
    effect = {"mean": 0.1, "low": 0.05, "high": 0.15}
    row = {"effect": effect, "e_value": {"point": 3.0, "interval": None}}
    weak = {"half": 1.4, "zero": 2.0, "interval": 1.5}
    firm = {"half": None, "zero": None, "interval": None}
    rows = [row | {"phrase": name, "tipping": tip} for name, tip in (("x", weak), ("y", firm))]
    text = "\n".join(beyond.tell_confounding({"rows": rows, "target": "pain"}))
    assert "| x | 10.0 (5.0 to 15.0) | 1.4 | 2.0 | 1.5 | 3.0 | - |" in text
    assert "For x a common cause with pain of an odds ratio of 2 or less" in text
    assert "Nothing up to 10 undoes the effect of y." in text


@pytest.mark.slow
def test_an_answer_about_a_fit_can_be_kept_and_told_from_the_file():
    """Of the packaged example; what `example_person` is called by another survey is left out."""
    model = example_posterior()
    for name in ("claims", "scaling"):
        piece = next(each for each in fits.PIECES if each.name == name)
        held = json.loads(json.dumps(piece.make(model, None) | {"seconds": 1.0}))
        text = "\n".join(pieces.told(piece, held))
        assert "*What it measures.*" in text
        assert "**What it means.** Of " in text


def test_peers_that_are_not_installed_are_said_to_be_left_out(monkeypatch):
    monkeypatch.setattr(studies, "at_hand", lambda: False)
    assert "make against" in "\n".join(studies.tell_against(studies.make_against()))
    row = {"what": "a", "ours": "1", "theirs": "2", "error": "1", "verdict": "differs"}
    text = "\n".join(studies.tell_against({"rows": [row | {"source": "b"}]}))
    assert "1 differ: a." in text


@pytest.mark.slow
def test_a_small_study_of_coverage_and_a_small_plan():
    held = studies.make_coverage(fits=4, people=60, some=("a fifth of answers missing",))
    assert len(held["rows"]) == 16
    text = "\n".join(studies.tell_coverage(held))
    assert "4 fits of 60 people to each row" in text
    assert "Of 16 shares in this table" in text
    text = "\n".join(studies.tell_planning(studies.make_planning(surveys=4, sizes=(60, 200))))
    assert "200 people rather than 60" in text


@pytest.mark.slow
def test_a_small_table_of_planted_faults(tmp_path):
    """Large faults in large surveys are noticed; clean ones at most now and then."""
    wanted = running.tasks(2, [2000], ["clean", "direct_effect", "missing_edge", "interaction"])
    records = {each.task: each for each in running.run(wanted, tmp_path / "planted.jsonl")}
    assert all(each.sound for each in records.values())
    assert "## Planted faults" in reporting.page(records, [], "today")
    for name in ("direct_effect", "missing_edge", "interaction"):
        hits = reporting.noticed(r for r in records.values() if r.task.fault == name)
        # Of two surveys, each noticed with 80 % at least, none is missed together but once in 25.
        assert hits.hits, name
