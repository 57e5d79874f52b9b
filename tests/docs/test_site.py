"""The site builds without a warning, and its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx", reason="needs the extra docs: make docs installs it")
    out = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    folders = ["-c", "notebooks/site", "-b", "html", "notebooks", str(out)]
    run = subprocess.run([*build, *folders], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    return out


def test_every_link_within_the_site_leads_to_a_place(site):
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    places = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    checked = 0
    for path, text in pages.items():
        for link in re.findall(r'<a [^>]*href="([^"]+)"', text):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, place = unquote(link).partition("#")
            found = (path.parent / target).resolve() if target else path
            assert found.exists(), (path.name, link)
            if place and found in places:
                assert place in places[found], (path.name, link)
            checked += 1
    assert checked > 1000


def test_nothing_is_fetched_from_elsewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]+)"', text)
        assert not fetched, path.name


def test_the_search_knows_names_and_words(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    for word in ("necess", "codebook", "attribut", "redcap"):
        assert word in index


def test_every_public_name_and_command_has_its_place(site):
    import typer

    import backrisk
    from backrisk.cli import app

    python = (site / "site" / "made" / "python.html").read_text(encoding="utf-8")
    commands = (site / "site" / "made" / "commands.html").read_text(encoding="utf-8")
    for name in backrisk.__all__:
        assert f'id="backrisk.{name}"' in python, name
    for name in typer.main.get_command(app).commands:
        assert f"backrisk {name}<" in commands, name
