"""Templates, sentences and a logo of a user's own."""

import re

import pytest
from read_back import DAY, Tables, text_of

from backrisk import BackriskError, QueryError, report_person
from backrisk.report import language_of, render_person
from backrisk.words import language, say


def test_a_folder_replaces_language_logo_and_templates(hurting, tmp_path):
    (tmp_path / "strings.yaml").write_text(
        "language: de\nperson: {title: Rückenschmerz beim Laufen}\nnodes: {age: Alter}\n",
        encoding="utf-8",
    )
    (tmp_path / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0H9V9Z"/></svg>'
    )
    page = render_person(hurting, ".html", date=DAY, templates=tmp_path).decode()
    assert '<html lang="de">' in page
    assert "<h1>Rückenschmerz beim Laufen</h1>" in page
    assert "<dt>Alter</dt>" in page
    assert Tables(page).outside[0].startswith("data:image/svg+xml;base64,")
    assert "Rückenschmerz" in text_of(render_person(hurting, date=DAY, templates=tmp_path))[0]
    (tmp_path / "report.html.j2").write_text("{{ title }}: {{ pages | length }}")
    page = render_person(hurting, ".html", date=DAY, templates=tmp_path).decode()
    assert page == "Rückenschmerz beim Laufen: 2"


@pytest.mark.parametrize(
    ("name", "content", "suffix", "words"),
    [
        ("strings.yaml", "persn: {}", ".html", "'persn', which no report uses"),
        ("strings.yaml", "person: {titel: x}", ".html", "'person.titel'"),
        ("strings.yaml", "person: x", ".html", "expected a mapping, found a sentence"),
        ("strings.yaml", "a: [", ".html", "not valid YAML"),
        ("strings.yaml", "person: {title: '{who}'}", ".html", "cannot be filled"),
        ("report.html.j2", "{{ nothing }}", ".html", "cannot be filled in"),
        ("report.html.j2", "{% if %}", ".html", "line 1, cannot be filled in"),
        ("report.typ", "#nothing", ".pdf", "cannot be laid out"),
        ("report.html.j2", "{{ ''.__class__.__mro__ }}", ".html", "cannot be filled in"),
        ("report.html.j2", "{{ self.__init__.__globals__ }}", ".html", "cannot be filled in"),
        ("report.html.j2", "{% set _ = pages.clear() %}", ".html", "cannot be filled in"),
        ("report.html.j2", "{% include '../other.j2' %}", ".html", "cannot be filled in"),
        ("report.html.j2", "{% import '/etc/passwd' as x %}", ".html", "cannot be filled in"),
        ("report.html.j2", "{{ 1 / 0 }}", ".html", "cannot be filled in: ZeroDivisionError"),
        ("report.html.j2", "{{ range(10 ** 9) }}", ".html", "cannot be filled in: OverflowError"),
        ("report.html.j2", "{% include 'report.html.j2' %}", ".html", "cannot be filled in: Recu"),
        (
            "report.html.j2",
            b"caf\xe9",
            ".html",
            "report.html.j2 cannot be read as UTF-8 text (byte 3)",
        ),
        ("style.css", b"\xff", ".html", "style.css cannot be read as UTF-8 text (byte 0)"),
        ("report.typ", b"caf\xe9", ".pdf", "report.typ cannot be read as UTF-8 text (byte 3)"),
        ("report.typ", '#import "@preview/cetz:0.3.1"', ".pdf", "@preview/cetz:0.3.1, but nothing"),
        ("report.typ", '#read("../other.j2")', ".pdf", "cannot be laid out"),
    ],
)
def test_a_mistake_in_a_template_is_one_sentence(hurting, tmp_path, name, content, suffix, words):
    (tmp_path / "other.j2").write_text("outside")
    own = tmp_path / "own"
    own.mkdir()
    (own / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BackriskError, match=re.escape(words)):
        render_person(hurting, suffix, date=DAY, templates=own)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("report.html.j2", ".html"), ("style.css", ".html"), ("logo.png", ".html"), ("a.typ", ".pdf")],
)
def test_a_link_out_of_the_folder_is_refused(hurting, tmp_path, name, suffix):
    own, outside = tmp_path / "own", tmp_path / "outside"
    own.mkdir()
    outside.write_text("secret")
    (own / "report.typ").write_text('#set document(title: "a")\n= Nothing')
    (own / name).symlink_to(outside)
    with pytest.raises(QueryError, match="leads out of the folder of templates"):
        render_person(hurting, suffix, date=DAY, templates=own)
    (own / name).unlink()
    (own / "below").mkdir()
    (own / "below" / "real").write_text("secret")
    (own / name).symlink_to(own / "below" / "real")
    assert render_person(hurting, suffix, date=DAY, templates=own)


def test_names_and_grades_are_replaced_and_the_rest_stays(hurting, tmp_path):
    (tmp_path / "strings.yaml").write_text(
        "states: {sex: {female: Frau}}\ngrades: {strong: stark}\n"
        "texts: {urgent: Zum Arzt.}\nperson: {with_raw: '{value}!'}\n",
        encoding="utf-8",
    )
    page = render_person(hurting, ".html", date=DAY, templates=tmp_path).decode()
    assert "<dd>Frau</dd>" in page
    assert "stark" in page
    assert "Zum Arzt." in page
    assert "See a clinician soon if the pain follows" not in page
    assert '<html lang="en">' in page
    for said in ("<dt>sex</dt>", say("report.person.help_back")):
        assert said in page


def test_a_list_is_replaced_whole(hurting, tmp_path):
    (tmp_path / "strings.yaml").write_text("person: {not_words: [Nur eines.]}")
    page = render_person(hurting, ".html", date=DAY, templates=tmp_path).decode()
    assert "<li>Nur eines.</li>" in page
    assert language("en").find("report.person.not_words.0") not in page


def test_a_folder_without_sentences_changes_nothing(hurting, tmp_path):
    assert language_of(None, tmp_path) == language("en")
    plain = render_person(hurting, ".html", date=DAY)
    assert render_person(hurting, ".html", date=DAY, templates=tmp_path) == plain
    assert language_of("en", None) is language("en")


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (b"- a\n- b\n", ["is not a mapping"]),
        ("person: {title: \xfc}".encode("latin-1"), ["UTF-8"]),
        (b"person: {title: [x]}", ["'person.title'", "a sentence", "a list"]),
        (b"cohort: {method: x}", ["'cohort.method'", "a list", "a sentence"]),
        (b"person: {title: 3}", ["'person.title'", "something else"]),
        (b"nodes: x", ["'nodes'", "a mapping"]),
        (b"columns: {cost: x}", ["'columns.cost'"]),
    ],
)
def test_a_file_of_sentences_is_checked_before_any_work(core, tmp_path, content, facts):
    (tmp_path / "strings.yaml").write_bytes(content)
    with pytest.raises(QueryError) as told:
        report_person(core, {}, tmp_path / "r.html", templates=tmp_path)
    assert str(tmp_path / "strings.yaml") in str(told.value)
    for fact in facts:
        assert fact in str(told.value)
    assert not (tmp_path / "r.html").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(QueryError, match="nowhere"):
        language_of(None, tmp_path / "nowhere")


def test_a_place_that_cannot_be_filled_is_named_with_those_that_can(hurting, tmp_path):
    (tmp_path / "strings.yaml").write_text("person: {title: '{who}'}")
    with pytest.raises(QueryError) as told:
        render_person(hurting, ".html", date=DAY, templates=tmp_path)
    for fact in ("strings.yaml", "person.title", "who", "{target}"):
        assert fact in str(told.value)
