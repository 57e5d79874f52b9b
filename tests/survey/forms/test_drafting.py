"""A draft from a REDCap project reads both of its exports, once what it asks is decided."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph
from backrisk.survey import Survey, draft_codebook, load_codebook, read_survey
from tests.survey.forms import _project
from tests.survey.forms._project import GRAPH, decided, written


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "dictionary.csv").write_text(_project.dictionary(), encoding="utf-8")
    (folder / "raw.csv").write_text(_project.export(), encoding="utf-8")
    (folder / "labels.csv").write_text(_project.export(labels=True), encoding="utf-8")
    mixed = _project.export(labels=True, headers=False)
    (folder / "mixed.csv").write_text(mixed, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def draft(project):
    return draft_codebook(project / "raw.csv", GRAPH, dictionary=project / "dictionary.csv")


@pytest.fixture(scope="module")
def book(project, draft):
    path = project / "book.yaml"
    path.write_text(decided(draft.text), encoding="utf-8")
    return load_codebook(path, GRAPH)


def test_every_node_has_its_column_and_nobody_is_named(draft):
    assert set(draft.read) == {
        "age_years", "sex", "smoker", "sports___2", "fatigue", "injured", "time_lost", "pain",
    }  # fmt: skip
    assert "full_name" not in draft.text
    assert "email" not in draft.text


def test_the_draft_names_all_that_is_to_be_decided_and_nothing_else(project, draft):
    path = project / "undecided.yaml"
    path.write_text(draft.text, encoding="utf-8")
    with pytest.raises(SurveyError) as error:
        load_codebook(path, GRAPH)
    assert sorted(error.value.problems) == [
        "undecided.yaml, key 'columns.fatigue.cuts': the '?' is still to be decided; replace it.",
        "undecided.yaml, key 'columns.time_lost.asked_if.else': the '?' is still to be decided; "
        "replace it.",
    ]
    marked = [line for line in draft.text.splitlines() if "# decide: " in line]
    assert len(marked) == len(draft.decide)
    open_lines = [line for line in draft.text.splitlines() if '"?"' in line and line[0] != "#"]
    assert open_lines
    assert set(open_lines) <= set(marked)


def test_the_draft_says_which_event_it_reads_and_what_others_there_are(draft):
    (line,) = [line for line in draft.text.splitlines() if "redcap_event_name: [" in line]
    assert line.startswith("  redcap_event_name: [baseline_arm_1]  # decide: which rows are read?")
    assert "'baseline_arm_1' (240 rows)" in line
    assert "'followup_arm_1'" in line


def expected(n=240):
    """Return the state of each node of each person, from the answers themselves."""
    states = []
    for _, event, repeated, _, given in _project.people(n):
        if event != "baseline_arm_1" or repeated:
            continue
        age, tired = given["age_years"], given.get("fatigue")
        opened = given["habits_complete"] == "2"
        states.append(
            {
                "age": None if age == "-99" else ["under_40", "40_plus"][int(age) >= 40],
                "sex": {"1": "male", "2": "female", "9": None}[given["sex"]],
                "smoker": {"1": "yes", "0": "no"}[given["smoker"]] if opened else None,
                "cycling": {"1": "yes", "0": "no"}[given["sports___2"]] if opened else None,
                "fatigue": ["low", "high"][int(tired) >= 50] if opened else None,
                "injured": {"1": "yes", "0": "no"}[given["injured"]],
                "time_lost": {"1": "some", "2": "long", "3": "none", "": "none"}[
                    given["time_lost"]
                ],
                "pain": {"0": "none", "1": "not_limiting", "2": "limiting", "-8": None}[
                    given["pain"]
                ],
            }
        )
    return states


def codes(graph):
    return np.array(
        [
            [
                -1 if row[name] is None else graph.node(name).states.index(row[name])
                for name in graph.names
            ]
            for row in expected()
        ]
    )


@pytest.mark.parametrize("name", ["raw.csv", "labels.csv", "mixed.csv"])
def test_each_export_gives_the_answers_that_were_given(project, book, name):
    read = read_survey(project / name, GRAPH, book)
    assert read.n == 240
    assert _counted(read) == _counted_rows(codes(read.graph))


def _counted(survey):
    people = np.ones(len(survey.codes), int) if survey.people is None else survey.people
    found = {}
    for row, count in zip(survey.codes.tolist(), people.tolist(), strict=True):
        found[tuple(row)] = found.get(tuple(row), 0) + count
    return found


def _counted_rows(rows):
    found = {}
    for row in rows.tolist():
        found[tuple(row)] = found.get(tuple(row), 0) + 1
    return found


@pytest.mark.parametrize("name", ["raw.csv", "labels.csv", "mixed.csv"])
def test_an_engine_reads_the_same(project, book, name):
    read = read_survey(project / name, GRAPH, book, engine="duckdb")
    assert _counted(read) == _counted_rows(codes(read.graph))


def test_what_is_told_of_the_survey_is_the_same_for_codes_and_labels(project, book):
    raw, labelled = (read_survey(project / f"{n}.csv", GRAPH, book) for n in ("raw", "labels"))
    # A column that is called weight, and not "Weight (kg)", could hold sampling weights.
    assert tuple(each for each in raw.cautions if "weight" not in each) == labelled.cautions
    assert raw.census.labels == labelled.census.labels
    assert raw.census.labels["sex"]["9"] > 0


def test_an_export_with_labels_gives_the_same_draft_but_for_the_name_of_its_event(project, draft):
    other = draft_codebook(project / "labels.csv", GRAPH, dictionary=project / "dictionary.csv")
    ours = draft.text.replace("raw.csv", "labels.csv").replace("baseline_arm_1", "Baseline")
    assert other.text == ours.replace("followup_arm_1", "Follow-up")


def test_a_person_is_read_by_code_and_by_label(book):
    graph = book.extend(GRAPH)
    said = {"sex": "female", "cycling": "yes", "pain": "limiting", "age": "40_plus"}
    raw = {"sex": "2", "sports___2": "1", "pain": "2", "age_years": "63"}
    labelled = {"sex": "Female", "sports___2": "Checked", "pain": "Limiting", "age_years": 63}
    for answers in (raw, labelled):
        assert book.encode_person(answers, graph) == said


def test_without_an_export_the_fields_alone_make_a_draft(project):
    draft = draft_codebook(graph=GRAPH, dictionary=project / "dictionary.csv")
    assert len(draft.read) == 8
    assert "rows:" not in draft.text


def test_a_file_of_several_events_is_refused_where_the_codebook_names_none(project):
    draft = draft_codebook(graph=GRAPH, dictionary=project / "dictionary.csv")
    path = project / "no_rows.yaml"
    path.write_text(decided(draft.text), encoding="utf-8")
    with pytest.raises(SurveyError, match=r"redcap_event_name.*tells the rows of a person apart"):
        read_survey(project / "raw.csv", GRAPH, load_codebook(path, GRAPH))
    with pytest.raises(SurveyError, match=r"Event Name.*tells the rows of a person apart"):
        read_survey(project / "labels.csv", GRAPH, load_codebook(path, GRAPH))


AGAIN = CausalGraph.from_edges(
    [("again", "smoker")], {"again": ["no", "yes"], "smoker": ["no", "yes"]}
)


def test_what_only_the_other_event_asks_is_read_together_with_the_rest(project, tmp_path):
    """A person's events become one row, where no question has two answers."""
    draft = draft_codebook(project / "raw.csv", AGAIN, dictionary=project / "dictionary.csv")
    assert draft.read == ("smoker", "again")
    assert "one_row_per: {column: record_id, merge: true}" in draft.text
    path = tmp_path / "book.yaml"
    path.write_text(draft.text, encoding="utf-8")  # nothing has to be decided
    read = read_survey(project / "raw.csv", AGAIN, load_codebook(path, AGAIN))
    came = [person for person, event, *_ in _project.people(240) if event == "followup_arm_1"]
    assert read.n == 240
    assert read.answered["again"] == pytest.approx(len(came) / 240)
    smoked = sum(bool(given.get("smoker")) for *_, given in _project.people(240))
    assert read.answered["smoker"] == pytest.approx(smoked / 240)


def test_an_export_without_its_dictionary_is_read_by_its_events_too(tmp_path):
    path, book = tmp_path / "raw.csv", tmp_path / "book.yaml"
    rows = [["record_id", "redcap_event_name", "smoker", "again"]]
    for person in range(30):
        rows.append([person, "start_arm_1", ["yes", "no"][person % 2], ""])
        rows.append([person, "later_arm_1", "", ["no", "yes"][person % 2]])
    path.write_text(written(rows), encoding="utf-8")
    draft = draft_codebook(path, AGAIN)
    book.write_text(draft.text, encoding="utf-8")
    read = read_survey(path, AGAIN, load_codebook(book, AGAIN))
    assert (read.n, read.answered.tolist()) == (30, [1, 1])


def test_what_only_the_other_event_asks_is_not_proposed_where_events_differ(project, tmp_path):
    path = tmp_path / "raw.csv"
    text = (project / "raw.csv").read_text().splitlines()
    place = text[0].split(",").index("schooling")
    changed = [line.split(",") for line in text]
    for cells in changed:
        if cells[1] == "followup_arm_1":
            cells[place] = "9"
    path.write_text("\n".join(",".join(cells) for cells in changed))
    graph = AGAIN
    draft = draft_codebook(path, graph, dictionary=project / "dictionary.csv")
    assert draft.read == ("smoker",)
    (line,) = [each for each in draft.text.splitlines() if each.startswith("#  again: ")]
    assert line.endswith("# nobody answers it in the rows that are read")
    assert draft_codebook(graph=graph, dictionary=project / "dictionary.csv").read == (
        "smoker", "again",
    )  # fmt: skip


@pytest.mark.parametrize(
    "events",
    [
        ("first_visit_arm_1", "first_visit_arm_2", "later_arm_1"),
        ("First visit (Arm 1: Drug)", "First visit (Arm 2: Placebo)", "Later (Arm 1: Drug)"),
    ],
)
def test_an_event_is_read_in_every_arm(project, tmp_path, events):
    path, book = tmp_path / "arms.csv", tmp_path / "book.yaml"
    lines = [
        f"{n},{event},{'' if 'ater' in event else 1 + n % 2}" for n, event in enumerate(events)
    ]
    path.write_text("\n".join(["record_id,redcap_event_name,sex", *lines]), encoding="utf-8")
    draft = draft_codebook(path, GRAPH, dictionary=project / "dictionary.csv")
    book.write_text(draft.text, encoding="utf-8")
    assert read_survey(path, GRAPH, load_codebook(book, GRAPH)).n == 2


def test_a_page_that_is_repeated_alone_gives_each_person_its_first_copy(project, tmp_path):
    path, book = tmp_path / "drugs.csv", tmp_path / "book.yaml"
    path.write_text(
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,dose\n"
        "1,drugs,2,20\n1,drugs,1,5\n2,drugs,1,30\n",
        encoding="utf-8",
    )
    graph = CausalGraph.from_edges([("dose", "b")], {"dose": ["under_10", "10_plus"],
                                                     "b": ["no", "yes"]})  # fmt: skip
    draft = draft_codebook(path, graph, dictionary=project / "dictionary.csv")
    book.write_text(draft.text, encoding="utf-8")
    read = read_survey(path, graph, load_codebook(book, graph))
    assert sorted(read.codes[:, 0].tolist()) == [0, 1]


def test_a_table_alone_is_drafted_by_its_cells(tmp_path):
    path = tmp_path / "answers.csv"
    rows = [["id", "age_years", "smoker", "Pain", "remark"]]
    for person in range(40):
        pain = ["none", "limiting", "not limiting", "not sure"][person % 4]
        rows.append([f"p{person}", 20 + person, ["yes", "no"][person % 2], pain, ""])
    path.write_text(written(rows), encoding="utf-8")
    draft = draft_codebook(path, GRAPH)
    assert draft.read == ("age_years", "smoker", "Pain")
    assert draft.unread == ("id", "remark")
    book = tmp_path / "book.yaml"
    book.write_text(draft.text, encoding="utf-8")  # nothing has to be decided
    read = read_survey(path, GRAPH, load_codebook(book, GRAPH))
    assert read.answered["pain"] == pytest.approx(0.75)
    assert isinstance(read, Survey)


def test_numbers_far_from_the_others_are_proposed_as_missing(tmp_path):
    path = tmp_path / "answers.csv"
    rows = [["age"], *[[20 + n] for n in range(20)], [999], [-99], ["UNK"]]
    path.write_text(written(rows), encoding="utf-8")
    (line,) = [each for each in draft_codebook(path, GRAPH).text.splitlines() if "missing:" in each]
    assert line.startswith("    missing: [")  # of this column alone
    assert '"999"' in line
    assert '"-99"' in line
    assert "# decide: " in line


def test_a_code_for_no_answer_is_one_in_its_own_column_alone(tmp_path):
    path, book = tmp_path / "answers.csv", tmp_path / "book.yaml"
    rows = [["age", "smoker"], *[[20 + n, n % 2] for n in range(20)], [99, 99], [98, 99]]
    path.write_text(written(rows), encoding="utf-8")
    draft = draft_codebook(path, GRAPH).text
    book.write_text(draft.replace('"0": "?"', '"0": no').replace('"1": "?"', '"1": yes'))
    read = read_survey(path, GRAPH, load_codebook(book, GRAPH))
    assert read.answered[["age", "smoker"]].tolist() == pytest.approx([1, 20 / 22])


def test_a_draft_says_at_its_top_where_the_outcome_was_not_found(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("age,club\n30,a\n41,b\n52,a\n")
    graph = replace(GRAPH, outcome="pain")
    head, _, _ = draft_codebook(path, graph).text.partition("graph:")
    assert "'pain'" in head
    assert "not_limiting" in head
    other = tmp_path / "pain.csv"
    other.write_text("age,pain\n30,none\n41,limiting\n52,none\n")
    assert "'pain'" not in draft_codebook(other, graph).text.partition("graph:")[0]


def test_a_column_that_is_not_read_says_what_moving_it_takes(project, draft):
    (line,) = [each for each in draft.text.splitlines() if each.startswith("#  injury_site: ")]
    assert """asked_if: {when: "[injured] = '1'", else: "?"}""" in line
    (line,) = [each for each in draft.text.splitlines() if each.startswith("#  weekly_km: ")]
    assert 'missing: ["-99"]' in line
    assert 'cuts: ["?"], states: ["?", "?"]' in line
    assert "#  sports: {" in draft.text  # its boxes, as a derived value


def test_a_box_of_a_page_that_nobody_opened_says_nothing_whatever_else_decides(tmp_path):
    path, table, book = (tmp_path / name for name in ("d.csv", "t.csv", "b.yaml"))
    rows = [
        ["id", "f", "", "text", "", *[""] * 13],
        ["hurt", "f", "", "yesno", "Hurt?", *[""] * 13],
        ["what", "f", "", "checkbox", "What?", "A, Smoker | b, Other", *[""] * 5, "[hurt] = '1'",
         *[""] * 6],
    ]  # fmt: skip
    path.write_text(written([_project.HEADER, *rows]), encoding="utf-8")
    table.write_text(
        "id,hurt,what___A,what___b,f_complete\n1,1,1,0,2\n2,1,0,1,2\n3,0,0,0,2\n4,,0,0,0\n5,,0,0,\n"
    )
    book.write_text(draft_codebook(table, GRAPH, dictionary=path).text, encoding="utf-8")
    read = read_survey(table, GRAPH, load_codebook(book, GRAPH))
    smoker = read.codes[:, read.graph.names.index("smoker")]
    assert sorted(np.repeat(smoker, 1 if read.people is None else read.people).tolist()) == [
        -1, -1, -1, 0, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "when", ["datediff([born], 'today', 'y') > 3", "[pain] <> '1'", "[nobody] = '1'", "[pain"]
)
def test_a_condition_that_cannot_be_read_is_told_and_left_out(tmp_path, when):
    path = tmp_path / "dictionary.csv"
    blank, first = [""] * 6, ["id", "f", "", "text", "", *[""] * 13]
    row = ["pain", "f", "", "radio", "Pain", "1, none | 2, limiting", "", "", "", "", "", when]
    path.write_text(written([_project.HEADER, first, [*row, *blank]]), encoding="utf-8")
    draft = draft_codebook(graph=GRAPH, dictionary=path)
    assert "asked_if" not in draft.text
    assert any(when in each for each in draft.decide)


def test_a_code_that_reads_as_missing_is_an_answer_where_a_form_has_it(tmp_path):
    path = tmp_path / "dictionary.csv"
    row = ["region", "f", "", "radio", "Region", "EU, Europe | NA, North America", *[""] * 12]
    first = ["id", "f", "", "text", "", *[""] * 13]
    path.write_text(written([_project.HEADER, first, row]), encoding="utf-8")
    states = {"region": ["Europe", "North_America"], "b": ["no", "yes"]}
    graph = CausalGraph.from_edges([("region", "b")], states)
    book = tmp_path / "book.yaml"
    book.write_text(draft_codebook(graph=graph, dictionary=path).text, encoding="utf-8")
    loaded = load_codebook(book, graph)
    assert loaded.encode_answer("region", "NA") == ("region", "North_America")
    assert loaded.encode_answer("region", "Europe") == ("region", "Europe")


def test_a_frame_and_a_table_of_another_delimiter_are_drafted_alike(tmp_path):
    frame = pd.DataFrame({"age": [30.5, 41.5, 52.25], "smoker": ["yes", "no", "no"]})
    path = tmp_path / "frame.csv"
    frame.to_csv(path, sep=";", decimal=",", index=False, encoding="utf-16")
    first = draft_codebook(frame, GRAPH)
    other = draft_codebook(path, GRAPH, encoding="utf-16", delimiter=";", decimal=",")
    assert first.text.partition("\n")[2] == other.text.partition("\n")[2]
    assert first.read == other.read == ("age", "smoker")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "Give a table, or a REDCap data dictionary"),
        ({"table": "x.csv", "tool": "redcup"}, "There is no tool 'redcup'"),
        ({"table": "x.csv"}, "there is no such file"),
        ({"dictionary": "x.csv"}, "there is no such file"),
        ({"dictionary": "x.csv", "tool": "google"}, "not both"),
    ],
)
def test_what_cannot_be_drafted_is_told(keys, words):
    with pytest.raises(SurveyError, match=words):
        draft_codebook(graph=GRAPH, **keys)


def test_a_table_of_another_project_is_refused(project, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SurveyError, match="no column that is a field"):
        draft_codebook(path, GRAPH, dictionary=project / "dictionary.csv")
