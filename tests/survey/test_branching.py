"""What follows a question that was not asked is what the codebook says, by every way in."""

import numpy as np
import pandas as pd
import pytest

from backrisk import (
    Codebook,
    QueryError,
    SurveyError,
    describe,
    fit,
    load_graph,
    read_survey,
    risk,
    simulate,
)
from backrisk.graph import CausalGraph
from backrisk.survey import Survey
from backrisk.survey.branching import DEEPEST, asked, columns_of
from tests.places import SHARED
from tests.strategies import seeds

TWO = ["no", "yes"]
GRAPH = CausalGraph.from_edges(
    [("injury", "loss"), ("side", "loss")],
    {"injury": TWO, "side": ["none", "left", "right"], "loss": ["none", "week", "month"]},
    outcome="loss",
)


def contents(**loss):
    loss = loss or {"when": "[injured] = '1'", "else": "none"}
    return {
        "name": "skips",
        "graph": "graph",
        "columns": {
            "injured": {"node": "injury", "labels": {"0": "no", "1": "yes"}},
            "side": {
                "node": "side",
                "labels": {"l": "left", "r": "right"},
                "asked_if": {"when": "[injured] = 'yes'"},
            },
            "loss": {"node": "loss", "asked_if": loss},
        },
    }


def book(**loss):
    return Codebook.from_dict(contents(**loss), GRAPH)


def by_every_way(frame, folder, made, graph=GRAPH):
    """Yield surveys of a frame, each with its codes in the frame's order."""
    path = folder / "answers.csv"
    frame.to_csv(path, index=False)
    rowed = Survey.from_frame(frame, graph, made)
    yield rowed, rowed.codes
    counted = read_survey(path, graph, made, engine="duckdb")
    rows = np.repeat(counted.codes, counted.people, axis=0) if counted.people is not None else None
    yield counted, rows


def sorted_rows(codes):
    return sorted(map(tuple, codes.tolist()))


def test_what_follows_a_question_not_asked_is_what_the_codebook_says(tmp_path):
    frame = pd.DataFrame(
        {
            "injured": ["0", "1", "1", "NA", "0"],
            "side": ["", "l", "", "", ""],
            "loss": ["", "week", "", "", "month"],
        }
    )
    expected = [(-1, 0, 0), (1, 1, 1), (-1, 1, -1), (-1, -1, -1), (-1, 0, 2)]
    order = [GRAPH.names.index(name) for name in ("side", "injury", "loss")]
    for survey, codes in by_every_way(frame, tmp_path, book()):
        assert sorted_rows(codes[:, order]) == sorted(expected)
        # Who did not say whether there was an injury may have been asked.
        assert dict(survey.not_asked) == {"side": 2, "loss": 2}
        (told,) = survey.cautions
        assert told.values["column"] == "loss"
        assert told.values["count"] == 1


def random_book(rng):
    """Random skips on top of each other, with what each row was really asked."""
    labels = {"1": "yes", "0": "no"}
    nodes = {f"q{k}": TWO for k in range(4)}
    graph = CausalGraph.from_edges([(f"q{k}", "q3") for k in range(3)], nodes)
    columns = {"q0": {"node": "q0", "labels": labels}}
    gates = {}
    for k in range(1, 4):
        first, value = int(rng.integers(k)), str(rng.choice(["1", "0", "yes", "no"]))
        second = int(rng.integers(k))
        word, denied = str(rng.choice(["and", "or"])), bool(rng.random() < 0.3)
        when = f"[q{first}] = '{value}' {word} [q{second}] <> ''"
        when = f"not ({when})" if denied else when
        state = None if rng.random() < 0.4 else str(rng.choice(TWO))
        columns[f"q{k}"] = {
            "node": f"q{k}",
            "labels": labels,
            "asked_if": {"when": when, **({} if state is None else {"else": state})},
        }
        gates[f"q{k}"] = (first, value, word, second, denied, state)
    data = {"name": "b", "graph": "graph", "columns": columns}
    return graph, Codebook.from_dict(data, graph), gates


def expected_row(cells, gates):
    """The states of one row by definition: condition by condition, blank by blank."""
    state = {"q0": {"1": "yes", "0": "no"}.get(cells["q0"])}
    was = {"q0": True}
    for name, (first, value, word, second, denied, other) in gates.items():
        a, b = f"q{first}", f"q{second}"
        wanted = {"1": "yes", "0": "no"}.get(value, value)
        if cells[a]:
            left = {"1": "yes", "0": "no"}[cells[a]] == wanted
        elif was[a] is False:  # nobody asked: its own state follows, if any, by its state's name
            left = value in TWO and state[a] == value
        else:
            left = None
        right = cells[b] != ""
        decides = word == "or"
        if decides in (left, right):
            found = decides
        else:
            found = None if None in (left, right) else not decides
        if denied and found is not None:
            found = not found
        was[name] = found
        own = {"1": "yes", "0": "no"}.get(cells[name])
        state[name] = own if own is not None or found is not False else other
    return state, was


@pytest.mark.parametrize("seed", seeds(12, 200))
def test_skips_upon_skips_are_read_by_definition_in_every_engine(seed, tmp_path):
    rng = np.random.default_rng(seed)
    graph, made, gates = random_book(rng)
    frame = pd.DataFrame(
        {f"q{k}": rng.choice(["1", "0", ""], size=40) for k in range(4)}, dtype=object
    )
    frame = frame[(frame != "").any(axis=1)]  # whoever says nothing at all is nobody
    rows = [expected_row(cells, gates) for cells in frame.to_dict("records")]
    states = [[-1 if s[q] is None else TWO.index(s[q]) for q in graph.names] for s, _ in rows]
    skipped = {q: sum(was[q] is False for _, was in rows) for q in gates}
    for survey, codes in by_every_way(frame, tmp_path, made, graph):
        assert sorted_rows(codes) == sorted(map(tuple, states))
        assert dict(survey.not_asked) == skipped


@pytest.mark.parametrize("seed", seeds(12, 200))
def test_a_person_is_read_as_a_row_of_the_table_is(seed):
    rng = np.random.default_rng(seed)
    graph, made, gates = random_book(rng)
    for _ in range(20):
        cells = {f"q{k}": str(rng.choice(["1", "0", ""])) for k in range(4)}
        state, was = expected_row(cells, gates)
        wrong = [
            name
            for name, (*_, other) in gates.items()
            if was[name] is False and cells[name] and state[name] != other
        ]
        if wrong:
            with pytest.raises(QueryError, match=wrong[0]):
                made.encode_person(cells, graph)
        else:
            told = {name: said for name, said in state.items() if said is not None}
            assert made.encode_person(cells, graph) == told


def test_a_person_may_answer_by_state():
    made = book()
    assert made.encode_person({"injury": "no"}, GRAPH) == {"injury": "no", "loss": "none"}
    assert made.encode_person({"injury": "no", "loss": "none"}, GRAPH)["loss"] == "none"
    assert made.encode_person({"injury": "yes"}, GRAPH) == {"injury": "yes"}
    assert made.encode_person({}, GRAPH) == {}
    with pytest.raises(QueryError, match="'loss' is answered, but it is asked only if"):
        made.encode_person({"injury": "no", "loss": "week"}, GRAPH)


def test_codes_and_labels_of_an_export_are_one_answer():
    columns = {
        "grade": {
            "role": "input",
            "labels": {"1": "a", "2": "b", "3": "b", "Mild": "a", "Medium": "b", "Severe": "b"},
        },
        "loss": {"node": "loss", "asked_if": {"when": "[grade] = '3'"}},
        "more": {"node": "injury", "asked_if": {"when": "[grade] >= 2"}},
    }
    data = {"name": "b", "graph": "graph", "columns": columns}
    made = Codebook.from_dict(data, GRAPH)
    found = {
        cell: (asked(made, "loss", {"grade": cell}), asked(made, "more", {"grade": cell}))
        for cell in ("1", "2", "3.0", "Mild", " Medium", "Severe")
    }
    assert found == {
        "1": (False, False),
        "2": (False, True),
        "3.0": (True, True),
        "Mild": (False, False),
        " Medium": (False, True),
        "Severe": (True, True),
    }


def test_an_unticked_box_that_nobody_saw_is_no_answer(tmp_path):
    ticks = {"0": "no", "1": "yes", "Unchecked": "no", "Checked": "yes"}
    graph = CausalGraph.from_edges([("hurt", "knee")], {"hurt": TWO, "knee": TWO})
    columns = {
        "hurt": {"node": "hurt"},
        "where___2": {"node": "knee", "labels": ticks, "asked_if": {"when": "[hurt] = 'yes'"}},
    }
    made = Codebook.from_dict({"name": "b", "graph": "graph", "columns": columns}, graph)
    cells = ["0", "1", "0", "Unchecked", "Checked"]
    frame = pd.DataFrame({"hurt": ["no", "yes", "yes", "no", "yes"], "where___2": cells})
    for survey, codes in by_every_way(frame, tmp_path, made, graph):
        assert sorted_rows(codes) == sorted([(0, -1), (1, 1), (1, 0), (0, -1), (1, 1)])
        assert dict(survey.not_asked) == {"knee": 2}
        assert not survey.cautions
    boxes = {**columns, "loss": {"role": "input", "asked_if": {"when": "[where(2)] = '1'"}}}
    made = Codebook.from_dict({"name": "b", "graph": "graph", "columns": boxes}, graph)
    assert columns_of(made, "loss") == ("where___2", "hurt")
    assert asked(made, "loss", {"where___2": "Checked", "hurt": "yes"}) is True
    assert asked(made, "loss", {"where___2": "0", "hurt": "no"}) is False


def test_who_was_not_asked_did_not_refuse():
    data = contents()
    data["columns"]["loss"] = {
        "node": "loss",
        "asked_if": {"when": "[injured] = '1'"},
        "nonresponse": {"mean": 0.5, "sd": 0.5},
    }
    made = Codebook.from_dict(data, GRAPH)
    frame = pd.DataFrame({"injured": ["0", "1", "1"], "side": "", "loss": ["", "", "week"]})
    survey = Survey.from_frame(frame, GRAPH, made)
    response = survey.codes[:, survey.graph.names.index("loss_response")]
    assert response.tolist() == [-1, 1, 0]


@pytest.mark.parametrize("seed", seeds(3, 20))
def test_a_simulated_person_who_is_not_asked_leaves_a_blank(seed):
    graph, made, gates = random_book(np.random.default_rng(seed))
    frame = simulate(graph, 60, seed, codebook=made, gaps=False)
    for cells in frame.to_dict("records"):
        _, was = expected_row(cells, gates)
        for name in gates:
            assert (cells[name] == "") == (was[name] is False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"when": "[injured] = "}, "The condition ends"),
        ({"when": "[injurd] = '1'"}, "not a column of the codebook.*'injured'"),
        ({"when": "[loss] = '1'"}, "depends on its own answer"),
        ({"when": "[injured] = '1'", "else": "nothing"}, "'nothing' is not a state of node 'loss'"),
        ({"otherwise": "none"}, "'columns.loss.asked_if.when': this key is required"),
    ],
)
def test_a_condition_that_cannot_stand_is_refused(change, said):
    with pytest.raises(SurveyError, match=said):
        book(**change)


def test_a_circle_of_conditions_is_refused():
    data = contents()
    data["columns"]["injured"]["asked_if"] = {"when": "[side] = 'left'"}
    with pytest.raises(SurveyError, match="column 'injured': whether it is asked depends on its"):
        Codebook.from_dict(data, GRAPH)


def test_what_follows_needs_something_that_is_measured():
    data = contents()
    asked_if = {"when": "[injured] = '1'", "else": "none"}
    data["columns"]["note"] = {"role": "input", "type": "text", "asked_if": asked_if}
    with pytest.raises(SurveyError, match="Only a column that measures a node or an item"):
        Codebook.from_dict(data, GRAPH)


def test_a_table_without_the_deciding_column_is_refused(tmp_path):
    frame = pd.DataFrame({"loss": ["week", ""]})
    for read in (
        lambda: Survey.from_frame(frame, GRAPH, book()),
        lambda: next(iter(by_every_way(frame, tmp_path, book()))),
    ):
        with pytest.raises(SurveyError, match=r"'loss': whether it was asked depends .* 'injured'"):
            read()


def test_a_codebook_is_written_as_it_was_read():
    made = book()
    assert made.to_dict()["columns"]["loss"]["asked_if"] == {
        "when": "[injured] = '1'",
        "else": "none",
    }
    assert Codebook.from_dict(made.to_dict(), GRAPH) == made


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the given inputs beside the repository")
def test_a_question_asked_only_of_the_injured(tmp_path):
    place = SHARED / "cases" / "reading" / "branching"
    graph = load_graph(place / "graph.yaml")
    columns = {
        "injury": {"node": "injury"},
        "time_loss": {
            "node": "time_loss",
            "asked_if": {"when": "[injury] = 'yes'", "else": "none"},
        },
    }
    made = Codebook.from_dict({"name": "b", "graph": graph.name, "columns": columns}, graph)
    survey = read_survey(place / "survey.csv", graph, made)
    assert dict(survey.not_asked) == {"time_loss": 60}
    posterior = fit(graph, survey, seed=1)
    # Rows are Dirichlet(1, 1) in advance: with 40 injured, 20 of whom lost a week, and 60 others.
    injured, lost, idle = 41 / 102, 21 / 42, 1 / 62
    expected = injured * lost + (1 - injured) * idle
    error = 5 * 0.04 / np.sqrt(posterior.draws)
    assert risk(posterior, {}).draws.mean() == pytest.approx(expected, abs=error)
    # An uninjured person lost nothing, and so is known to have lost nothing.
    assert made.encode_person({"injury": "no"}, graph)["time_loss"] == "none"


def test_who_was_not_asked_is_shown_apart_from_who_did_not_answer():
    frame = pd.DataFrame(
        {"injured": ["0", "1", "1", "0"], "side": ["", "l", "", ""], "loss": ["", "week", "", ""]}
    )
    found = {each.column: each for each in describe(frame, GRAPH, book()).columns}
    # Of a side nothing follows; of a loss, that there was none.
    assert (found["side"].answered, found["side"].not_asked, found["side"].missing) == (1, 2, 1)
    assert (found["loss"].answered, found["loss"].not_asked, found["loss"].missing) == (3, 2, 1)
    assert "asked if [injured] = '1'" in found["loss"].how


@pytest.mark.parametrize(
    ("column", "when", "cell", "was"),
    [
        ({"type": "number", "unit": "h"}, "[x] > 2", "180 min", True),
        ({"type": "number", "unit": "h"}, "[x] > 2", "90 min", False),
        ({"type": "number", "unit": "h"}, "[x] = 3", "180 min", True),
        ({"type": "number", "range": [0, 100], "outside": "missing"}, "[x] < 50", "999", None),
        ({"type": "number"}, "[x] = '07'", "7.0", True),
        ({"labels": {"0": "no", "1": "yes"}, "choices": {"0": "Not", "1": "Surely"}},
         "[x] = 'Surely'", "1", True),
        ({"labels": {"0": "no", "1": "yes"}, "choices": {"0": "Not", "1": "Surely"}},
         "[x] = 'Surely'", "not", False),
        ({"type": "text", "choices": {"0": "Not", "1": "Surely"}}, "[x] <> 'Surely'", "Surely",
         False),
        # The label of one is the code of another: a code is meant.
        ({"type": "text", "choices": {"0": "1", "1": "2"}}, "[x] = '1'", "0", False),
    ],
)  # fmt: skip
def test_a_condition_sees_an_answer_as_its_column_is_read(column, when, cell, was):
    columns = {
        "x": {"role": "input", **column},
        "loss": {"node": "loss", "asked_if": {"when": when}},
    }
    made = Codebook.from_dict({"name": "c", "graph": "graph", "columns": columns}, GRAPH)
    assert asked(made, "loss", {"x": cell}) is was


def nested(number, when):
    columns = {"c0": {"role": "input", "type": "text"}}
    for k in range(1, number):
        columns[f"c{k}"] = {"role": "input", "type": "text", "asked_if": {"when": when(k)}}
    columns["loss"] = {"node": "loss", "asked_if": {"when": f"[c{number - 1}] = '1'"}}
    return Codebook.from_dict({"name": "c", "graph": "graph", "columns": columns}, GRAPH)


def test_conditions_that_share_columns_are_judged_once_each():
    """Each question rests on all before it: two to the power of their number, done naively."""
    made = nested(60, lambda k: " or ".join(f"[c{j}] = '1'" for j in range(k)))
    assert asked(made, "loss", {f"c{k}": "0" if k == 0 else None for k in range(60)}) is False
    assert asked(made, "loss", {f"c{k}": None for k in range(60)}) is None


def test_a_chain_of_conditions_is_judged_to_its_end_or_refused():
    made = nested(DEEPEST, lambda k: f"[c{k - 1}] = '1'")
    assert asked(made, "loss", {f"c{k}": "0" if k == 0 else None for k in range(DEEPEST)}) is False
    with pytest.raises(SurveyError, match=f"'loss'.*chain of more than {DEEPEST} other"):
        nested(DEEPEST + 1, lambda k: f"[c{k - 1}] = '1'")


def test_a_box_of_a_page_that_nobody_opened_decides_nothing():
    opened = "[page_complete] <> '' and [page_complete] <> '0'"
    columns = {
        "page_complete": {"role": "input", "type": "text"},
        "injured": {"node": "injury", "labels": {"0": "no", "1": "yes"}},
        "where___1": {
            "role": "input",
            "type": "text",
            "asked_if": {"when": f"([injured] = '1') and {opened}"},
        },
        "loss": {"node": "loss", "asked_if": {"when": "[where(1)] = '1'", "else": "none"}},
    }
    made = Codebook.from_dict({"name": "c", "graph": "graph", "columns": columns}, GRAPH)

    def was(injured, box, page):
        cells = {"injured": injured, "where___1": box, "page_complete": page}
        return asked(made, "loss", cells)

    assert was("1", "1", "2") is True
    assert was("1", "0", "2") is False
    assert was("0", "0", "2") is False  # hidden, whatever became of the page
    assert was("0", "0", None) is False
    assert was("1", "0", "0") is None
    assert was("1", "0", None) is None


def test_numbers_are_compared_in_the_unit_of_their_column():
    data = contents(when="[hours] > 1", **{"else": "none"})
    data["columns"]["hours"] = {"role": "input", "type": "number", "unit": "h"}
    made = Codebook.from_dict(data, GRAPH)
    for cell, told in (("1 h", False), ("90 min", True), ("30 min", False), ("2", True)):
        assert asked(made, "loss", {"hours": cell}) is told
