"""What the documentation shows runs as it stands: commands, Python, files that are written out."""

import re
import shutil

import pytest
from typer.testing import CliRunner

import backrisk
from backrisk.cli import app
from tests.docs.snippets import PAGES, blocks, is_slow, pages

LANGUAGES = {"python", "console", "yaml", "text"}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Return a folder that holds what ``backrisk example`` writes."""
    folder = tmp_path_factory.mktemp("example")
    assert CliRunner().invoke(app, ["example", "--out", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def workplace(example, tmp_path, monkeypatch):
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            marks=[pytest.mark.slow] * is_slow(page),
            id=page.relative_to(PAGES).with_suffix("").as_posix(),
        )
        for page in pages()
    ],
)
def test_what_a_page_shows_runs(page, workplace):
    names = {"__name__": "__main__"}
    for block in blocks(page):
        assert block.language in LANGUAGES
        if block.skipped:
            continue
        if block.file:
            path = workplace / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, str(page), "exec"), names)
        elif block.language == "console":
            for command, *arguments in block.commands:
                assert command == "backrisk"
                run = CliRunner().invoke(app, arguments)
                assert run.exit_code == 0, (arguments, run.output)


def test_a_block_that_fails_is_noticed(workplace, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ backrisk risk absent.nc --person absent.json\n```\n")
    with pytest.raises(AssertionError, match="absent"):
        test_what_a_page_shows_runs(page, workplace)


def test_every_skipped_block_says_why():
    told = [block.told for page in pages() for block in blocks(page) if block.told]
    assert all(re.match(r"(file|skip): \S|slow$", each) for each in told)


def test_commands_that_pages_name_exist():
    known = set(app_commands())
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"`(?:\$ )?backrisk ([a-z-]+)", text):
            assert name in known, (page.name, name)
        for name in re.findall(r"\bbr\.([a-z_]+)\b", text):
            assert hasattr(backrisk, name), (page.name, name)


def app_commands():
    import typer

    return typer.main.get_command(app).commands


def test_links_between_pages_lead_somewhere():
    for page in [*pages(), PAGES.parent / "index.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            made = "made" in target.split("/")
            assert made or (page.parent / target).exists(), (page.name, target)
