"""Execute notebooks and store what they show: `python -m tests.notebooks 03 06`, or all of them."""

import hashlib
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}


def sources(notebook):
    """Return a digest of a notebook's code, by which stored outputs are known to be its own."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def execute(notebook, folder):
    """Run a notebook from top to bottom, in place; the times of its cells are not kept."""
    NotebookClient(
        notebook,
        timeout=None,  # a slow machine is no failure
        startup_timeout=600,
        iopub_timeout=600,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": folder}},
    ).execute()


def tidied(notebook):
    """Leave of an executed notebook what a reader sees, and the digest of what was run."""
    notebook.metadata["language_info"] = LANGUAGE
    notebook.metadata["executed"] = sources(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def main(wanted):
    """Execute the notebooks whose names begin with one of the words, or all."""
    for path in NOTEBOOKS:
        if not wanted or re.match("|".join(map(re.escape, wanted)), path.stem):
            notebook = nbformat.read(path, as_version=4)
            execute(notebook, path.parent)
            nbformat.write(tidied(notebook), path)


if __name__ == "__main__":
    main(sys.argv[1:])
