"""Every sentence a person reads stands in `backrisk/words`, and each that stands there is said."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from backrisk import _yaml
from backrisk.words import ENGLISH

PACKAGE = Path(__file__).parents[2] / "backrisk"
WORDS = PACKAGE / "words"
MARKUP = re.compile(
    r"<[^<>]*>|^ [a-z-]+='[^']*'>?|^[a-z-]+:[^;]*;$"
)  # of HTML; what stands between is read
SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,}")  # two words side by side
SQL = re.compile(r"^(SELECT|CREATE|COPY|INSERT|ATTACH|SET|PRAGMA|DESCRIBE|SHOW|INSTALL|LOAD)\b")
# Words for whoever reads the code or its types, not for whoever uses the package.
FOR_DEVELOPERS = {"cast", "TypeVar", "NewType", "deprecated", "get_logger", "getLogger"}

ROOMS = sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file() and p != WORDS)


def text(node: ast.expr) -> str:
    """Return what a string literal says, its blanks as braces."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            "{}" if isinstance(part, ast.FormattedValue) else text(part) for part in node.values
        )
    return ""


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string that is no docstring, no annotation, no key of a call."""
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                passed.add(id(first.value))
        for part in ("annotation", "returns"):
            if (found := getattr(node, part, None)) is not None:
                passed.update(id(each) for each in ast.walk(found))
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in FOR_DEVELOPERS:
                passed.update(id(each) for each in ast.walk(node))
        if isinstance(node, ast.JoinedStr):
            passed.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in passed:
            yield getattr(node, "lineno", 0), text(node)


def sentences(path: Path) -> list[str]:
    return [
        f"{path.relative_to(PACKAGE)}:{line}: {said}"
        for line, said in literals(ast.parse(path.read_text(encoding="utf-8")))
        if SENTENCE.search(MARKUP.sub("", said)) and not SQL.match(said.strip())
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_no_sentence_stands_outside_words(room):
    found = [said for path in sorted((PACKAGE / room).rglob("*.py")) for said in sentences(path)]
    assert not found, "\n".join(found)


def test_no_sentence_stands_in_the_modules_beside_the_rooms():
    found = [said for path in sorted(PACKAGE.glob("*.py")) for said in sentences(path)]
    assert not found, "\n".join(found)


def keys(held: object, at: str) -> Iterator[str]:
    if isinstance(held, Mapping) and not set(held) <= {"one", "other"}:
        for name, value in held.items():
            yield from keys(value, f"{at}.{name}")
    else:
        yield at


def said() -> set[str]:
    """Return every key that code or a template names; one that ends in a dot names all below it."""
    found: set[str] = set()
    for path in [*PACKAGE.rglob("*.py")]:
        for _, literal in literals(ast.parse(path.read_text(encoding="utf-8"))):
            if re.fullmatch(r"[a-z_]+(\.[A-Za-z0-9_{}-]+)+", literal):
                found.add(literal.partition("{")[0])
    return found


@pytest.mark.parametrize("path", sorted((WORDS / ENGLISH).glob("*.yaml")), ids=lambda p: p.stem)
def test_every_sentence_is_said_somewhere(path):
    if path.stem in ("names", "page"):
        pytest.skip("names are held to the graphs in test_names; the page to its room")
    named = said()
    unused = [
        key
        for key in keys(_yaml.parse(path.read_text(encoding="utf-8")), path.stem)
        if key not in named and not any(n.endswith(".") and key.startswith(n) for n in named)
    ]
    assert not unused, unused
