"""Every notebook runs from top to bottom: with few draws here, as it stands in the slow tests."""

import ast
import re

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, ROOT, execute, sources

FEW = {"draws": 60, "tune": 60, "progress": False}
# What a reader may set in a notebook's first cell. All that follows it runs as it stands.
QUICK = {
    "01_fit_a_survey": {"DRAWS": 60, "TUNE": 60},
    "02_surveys_as_they_are": {"QUICK": FEW, "LONG": FEW},
    "03_one_runner": {"DRAWS": 60, "TUNE": 60},
    "04_a_cohort_report": {"DRAWS": 60, "TUNE": 60},
    "05_should_i_believe_it": {"QUICK": FEW},
    "06_over_time": {"QUICK": FEW, "PEOPLE": 150},
    "07_answers_that_are_wrong": {"QUICK": FEW},
}
PEOPLE = 250  # of the packaged survey, where few will do

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client")


def run(path, settings):
    """Run a notebook, and set what is to be other than it says."""
    notebook = nbformat.read(path, as_version=4)
    if settings:
        at = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        assert set(settings) <= assigned(notebook.cells[at].source)
        source = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
        notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(source))
    execute(notebook, path.parent)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.get("name") != "stderr", output["text"]
            data = output.get("data", {})
            if data.get("text/plain", "").startswith("<Figure"):
                assert "image/png" in data, "a figure is not shown"


def assigned(source):
    """Return the names that a cell sets, and assert that it does nothing else."""
    body = ast.parse(source).body
    assert all(isinstance(each, ast.Assign) for each in body), "the first cell holds the settings"
    return {
        node.id
        for node in ast.walk(ast.Module(body, []))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_what_its_code_showed(path):
    """Stored outputs are of this code, show what runs alone show, and are light."""
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.get("executed") == sources(notebook), (
        f"the code changed since it was run: python -m tests.notebooks {path.stem}"
    )
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in code)
    assert path.stat().st_size < 1_000_000
    for cell in code:
        assert "execution" not in cell.metadata  # times
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output["text"]
            shown = [output.get("text", "")]
            shown += [text for kind, text in output.get("data", {}).items() if "image" not in kind]
            for text in map(str, shown):
                assert not re.search(r"\wWarning\b|/(tmp|home|root|Users)/", text), text[:300]


LONG = {
    "04_a_cohort_report",
    "02_surveys_as_they_are",
    "03_one_runner",
    "05_should_i_believe_it",
    "06_over_time",
    "07_answers_that_are_wrong",
}  # of many fits: left to the slow tests


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.slow] * (path.stem in LONG), id=path.stem)
        for path in NOTEBOOKS
    ],
)
def test_notebook_runs_with_few_draws(path, tmp_path):
    settings = QUICK.get(path.stem, {})
    if path.stem == "03_one_runner":
        lines = (ROOT / "data" / "survey.csv").read_text(encoding="utf-8").splitlines()
        survey = tmp_path / "survey.csv"
        survey.write_text("\n".join(lines[: 1 + PEOPLE]), encoding="utf-8")
        settings = {**settings, "SURVEY": str(survey)}
    run(path, settings)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_notebook_runs_as_it_stands(name):
    run(ROOT / "notebooks" / f"{name}.ipynb", {})
