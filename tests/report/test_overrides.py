"""Templates, sentences and a logo of a user's own."""

import re

import pytest
from read_back import DAY, Tables, text_of

from backrisk import BackriskError
from backrisk.report import render_person


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
    ],
)
def test_a_mistake_in_a_template_is_one_sentence(hurting, tmp_path, name, content, suffix, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(BackriskError, match=re.escape(words)):
        render_person(hurting, suffix, date=DAY, templates=tmp_path)
