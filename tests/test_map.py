"""The map of imports: what it must find in a package that does everything wrong."""

import pytest
from map import Package, drawn

FILES = {
    ".importlinter": "[rooms]\nlayers =\n    top\n    low | beside\n    loose\n",
    "pyproject.toml": '[project]\nentry-points."rooms.x" = { one = "rooms.top:show" }\n',
    "rooms/__init__.py": "",
    "rooms/__init__.pyi": "from .top import show as show\n",
    "rooms/loose.py": "",
    "rooms/top/__init__.py": "import lazy_loader as _lazy\n",
    "rooms/top/__init__.pyi": "from .shown import show as show\nfrom .plain import A as A\n",
    "rooms/top/shown.py": "from rooms.low import value\nfrom .plain import A\n\ndef show(): ...\n",
    "rooms/top/plain.py": "A = 1\n",
    "rooms/beside/__init__.py": "",
    "rooms/beside/__init__.pyi": "from .file import x as x\n",
    "rooms/beside/file.py": "x = 1\n",
    "rooms/low/__init__.py": "import lazy_loader as _lazy\n",
    "rooms/low/__init__.pyi": "from .value import value as value\nfrom .other import y as y\n",
    "rooms/low/value.py": "value = 1\n",
    "rooms/low/other.py": "y = 1\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    def with_changes(**added: str) -> Package:
        for name, text in FILES.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + added.get(path.stem, ""), "utf-8")
        return Package(tmp_path, "rooms")

    monkeypatch.syspath_prepend(tmp_path)
    return with_changes


def test_a_clean_package_has_no_problem_and_one_drawing(package):
    clean = package()
    assert clean.problems == []
    assert "3 rooms, 1 arrows between them, 0 upward, 0 circles" in drawn(clean)
    assert drawn(clean) == drawn(package())


def test_an_import_ends_at_the_file_behind_the_doors(package):
    found = {(each.importer, each.imported) for each in package().imports}
    assert ("rooms.top.shown", "rooms.low.value") in found
    assert ("rooms.top.shown", "rooms.top.plain") in found


@pytest.mark.parametrize(
    "text",
    [
        "from rooms.top import show\n",
        "from rooms import show\n",
        "from ..top import show\n",
        "def f():\n    from rooms.top import show\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rooms.top import show\n",
    ],
)
def test_an_upward_import_is_named_and_its_circle_with_it(package, text):
    wrong = package(value=text)
    (upward,) = wrong.upward
    assert (upward.importer, upward.imported) == ("rooms.low.value", "rooms.top.shown")
    assert upward.names == ("show",)
    (circle,) = wrong.circles
    assert [each.importer for each in circle] == ["rooms.low.value", "rooms.top.shown"]
    assert "1 upward, 1 circle<" in drawn(wrong)


def test_an_import_of_a_room_in_the_same_layer_is_upward(package):
    (upward,) = package(value="from rooms.beside import x\n").upward
    assert upward.imported == "rooms.beside.file"


def test_a_circle_inside_a_room_is_found_through_its_own_door(package):
    wrong = package(value="from rooms.low import y\n", other="from rooms.low.value import value\n")
    assert wrong.upward == []
    (circle,) = wrong.circles
    assert {each.importer for each in circle} == {"rooms.low.value", "rooms.low.other"}


@pytest.mark.parametrize(
    "text",
    [
        "import importlib\nimportlib.import_module('rooms.top')\n",
        "from importlib import import_module as f\n",
        "__import__('rooms.top')\n",
        "import lazy_loader\n",
    ],
)
def test_a_hidden_import_is_named(package, text):
    (hidden,) = package(value=text).hidden
    assert hidden.startswith("rooms.low.value line ")


def test_what_is_found_by_registration_is_said(package):
    (said,) = package(value="x = lambda: entry_points(group='rooms.x')\n").registered
    assert said == "rooms.low.value finds rooms.top:show by the entry point rooms.x"
