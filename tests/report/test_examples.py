"""The examples in `reports/` are those of the sources as they are."""

import io
import json

import openpyxl
from example_reports import FILES, FOLDER, MANIFEST, digest, inputs
from read_back import text_of


def test_the_examples_are_current():
    manifest = json.loads(MANIFEST.read_text())
    assert manifest["inputs"] == inputs(), "an input or the layout changed: run make reports"
    assert manifest["files"] == {name: digest(FOLDER / name) for name in FILES}
    for name in FILES:
        content = (FOLDER / name).read_bytes()
        told = {
            ".pdf": lambda: text_of(content)[0],  # noqa: B023
            ".xlsx": lambda: str(openpyxl.load_workbook(io.BytesIO(content))["Notes"]["B2"].value),  # noqa: B023
        }.get((FOLDER / name).suffix, content.decode)()
        assert "Synthetic: no real person answered" in told
