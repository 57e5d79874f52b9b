"""Templates, scripts and style hold no words: every sentence is in page.yaml, and each is used."""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files

import pytest
from jinja2 import Environment, nodes

from backrisk.words import language

ROOM = files("backrisk.web")
SCRIPTS = sorted(p for p in (ROOM / "static").iterdir() if p.name.endswith(".js"))
TEMPLATES = sorted((ROOM / "templates").iterdir(), key=lambda p: p.name)
STYLE = ROOM / "static" / "style.css"
SENTENCES = language("en").file("page")
LINE_COMMENT = re.compile(r"(?<![:\"'])//[^\n]*")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`', re.S)
CHANGES_CASE = re.compile(
    r"to(Locale)?(Lower|Upper)Case|capital|text-transform|font-variant\s*:|small-caps"
    r"|::first-letter|\|\s*(upper|lower|title|capitalize)\b|\.(upper|lower|title|capitalize)\("
)
# What a reader, or a program that reads aloud, is given.
TOLD = re.compile(r"\b(?:aria-label|title|alt|placeholder|label|data-working)\s*=\s*\"([^\"]*)\"")
WORD = re.compile(r"[A-Za-z]{2,}")
VALUE = re.compile(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
PROTOCOL = {"Bearer", "Authorization", "Accept", "Escape"}  # of HTTP and the browser
OURS = re.compile(
    r"\b(runn\w*|back pain|low back|pain\w*|spine|spinal|lumbar|jog\w*|need_?pain)\b", re.I
)


def code(path) -> str:
    return LINE_COMMENT.sub("", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*SCRIPTS, *TEMPLATES, STYLE], ids=lambda path: path.name)
def test_nothing_changes_case(path):
    assert not CHANGES_CASE.search(path.read_text(encoding="utf-8"))


def known() -> set[str]:
    """Return what a literal may be made of: classes, ids and attributes of templates and style."""
    found = {"Bearer", "summary", *re.findall(r"[.#]([\w-]+)", STYLE.read_text(encoding="utf-8"))}
    for path in TEMPLATES:
        for names in re.findall(r'\b(?:class|id|name)="([^"{]*)', path.read_text("utf-8")):
            found.update(names.split())
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_literal_of_a_script_is_a_sentence(path):
    """Several words side by side are classes or a selector; text around a value has no letters."""
    wrong = []
    for match in LITERAL.finditer(code(path)):
        text = VALUE.sub(" ", match[1] or match[2] or "")
        words = [word for word in text.split() if WORD.fullmatch(word)]
        several = len(text.split()) > 1 or VALUE.search(match[0])
        heads = re.fullmatch(r"[A-Z][a-z]+", text) and text not in PROTOCOL
        if heads or (several and not set(words) <= known()):
            wrong.append(match[0])
    assert not wrong


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_text_of_its_own(path):
    source = path.read_text(encoding="utf-8")
    tree = Environment().parse(source)
    data = "\x00".join(node.data for node in tree.find_all(nodes.TemplateData))
    told = [text for text in TOLD.findall(data) if WORD.search(text.replace("\x00", ""))]
    assert not told
    # Tags are taken off with what jinja put inside them; what is left is text.
    visible = re.sub(r"<!doctype html>|<[^<>]*>", " ", data)
    assert not WORD.findall(visible), visible
    for output in tree.find_all(nodes.Output):
        for constant in output.find_all(nodes.Const):
            held = str(constant.value)
            assert not re.search(r"[A-Za-z]{2,} [a-z]{2,}", held), held


def leaves(tree: Mapping, at: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{at}{key}.")
        else:
            yield f"{at}{key}"


def used() -> set[str]:
    """Return every ``words.x.y`` of templates and scripts; a whole section ends in a dot."""
    found = set()
    for path in [*SCRIPTS, *TEMPLATES]:
        text = code(path)
        for dotted, then in re.findall(r"\bwords((?:\.\w+)+)(\[|\(|\s*;)?", text):
            name = dotted.removeprefix(".").removesuffix(".items").removesuffix(".title()")
            found.add(f"{name}." if then == "[" or dotted.endswith(".items") else name)
        for names, section in re.findall(r"const \{([^}]*)\} = words\.(\w+);", text):
            found.update(f"{section}.{name.split(':')[0].strip()}" for name in names.split(","))
    for path in ROOM.iterdir():
        if path.name.endswith(".py"):
            text = path.read_text(encoding="utf-8")
            found.update(re.findall(r'"page\.([a-z_]+\.[a-z_.]+)"', text))
    return found


def test_every_sentence_is_used_and_every_one_used_is_there():
    there, asked = set(leaves(SENTENCES)), used()
    sections = {name for name in asked if name.endswith(".")}
    unused = {k for k in there - asked if not any(k.startswith(s) for s in sections)}
    assert not unused
    parts = {key.rpartition(".")[0] for key in there} | {key.split(".")[0] for key in there}
    missing = {name for name in asked if name not in there and name.removesuffix(".") not in parts}
    assert not missing


def test_what_is_asked_for_by_a_code_has_a_sentence_for_each():
    from backrisk.queries import BASELINES

    causes = SENTENCES["causes"]
    assert list(causes["methods"]) == ["shapley", "pathways", "necessity"]  # the first is checked
    assert set(causes["method_help"]) == set(causes["methods"])
    assert list(causes["levels"]) == ["every", "proximal", "distal"]  # the first is checked
    assert list(causes["baselines"]) == list(BASELINES)  # the first is checked
    assert list(causes["totals"]) == list(BASELINES)
    assert set(SENTENCES["whatif"]["rungs"]) == {"intervene", "counterfactual"}


@pytest.mark.parametrize(
    "path",
    [*SCRIPTS, *TEMPLATES, STYLE, *sorted(p for p in ROOM.iterdir() if p.name.endswith(".py"))],
    ids=lambda path: path.name,
)
def test_nothing_is_about_one_subject(path):
    assert not OURS.search(path.read_text(encoding="utf-8"))


def test_the_sentences_are_about_no_subject():
    for name in ("page", "web"):
        held = str(language("en").file(name))
        assert not OURS.search(held), OURS.findall(held)
