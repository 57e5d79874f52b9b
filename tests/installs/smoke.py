"""What must work, or be refused in one sentence, in an environment with some extras or none.

Run by the Python of that environment, outside the repository: `python smoke.py EXTRA ...`.
"""

import importlib.util
import pydoc
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

NEEDS = {  # of each extra, the packages by which to tell that it is there
    "plot": ("matplotlib",),
    "fhir": ("fhir.resources",),
    "formats": ("pyreadstat", "python_calamine"),
    "web": ("fastapi", "uvicorn", "jinja2"),
    "remote": ("fsspec",),
    "report": ("jinja2", "typst", "xlsxwriter"),
}
SCRIPT = Path(sysconfig.get_path("scripts")) / "backrisk"


def shell(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command, with a limit that only a hang reaches."""
    line = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def works(*arguments: object) -> str:
    """Run the command and demand that it works."""
    done = shell(*arguments)
    assert done.returncode == 0, (arguments, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def refused(extra: str, *arguments: object) -> None:
    """Run the command and demand one sentence that names the extra, and exit code 2."""
    done = shell(*arguments)
    told = " ".join(done.stderr.split())
    assert done.returncode == 2, (arguments, done.returncode, done.stderr[-2000:])
    assert f"backrisk[{extra}]" in told, told
    assert "Traceback" not in told, told


def front_door() -> None:
    """Everything that the package's front door names can be had, listed and explained."""
    import backrisk as br

    everything: dict[str, object] = {}
    exec("from backrisk import *", everything)
    assert set(br.__all__) <= set(everything)
    assert all(hasattr(br, name) for name in br.__all__)
    assert not hasattr(br, "nothing_of_that_name")
    assert len(pydoc.render_doc(br)) > 1000


def the_job(folder: Path, extras: set[str]) -> None:
    """README's examples: questions, a cohort, reports, the page; each extra or its name."""
    works("example", "--out", folder)
    model, person = folder / "model.nc", folder / "data" / "persons" / "weak_core.json"
    survey = folder / "data" / "survey.csv"
    asked = ("--person", person)
    assert "%" in works("risk", model, *asked)
    works("intervene", model, *asked, "--do", "footwear=suitable")
    works("attribute", model, *asked)
    works("check", model)
    works("validate", survey)
    few = folder / "few.csv"
    few.write_text("".join(survey.read_text().splitlines(keepends=True)[:6]))
    works("score", model, few, "--out", folder / "scored.csv", "--draws", 20)

    jobs = {
        "report": [
            ("report", model, *asked, "--draws", 20, "--out", folder / "p.html"),
            ("report", model, *asked, "--draws", 20, "--out", folder / "p.pdf"),
            ("report", model, "--cohort", few, "--draws", 20, "--out", folder / "c.xlsx"),
            ("report", model, "--card", "--out", folder / "card.md"),
        ],
    }
    for job in jobs["report"]:
        package = {"html": "jinja2", "md": "jinja2", "pdf": "typst", "xlsx": "xlsxwriter"}
        if importlib.util.find_spec(package[job[-1].suffix[1:]]) is not None:
            works(*job)
        else:
            refused("report", *job)
    works("fhir", "questionnaire", model, "--out", folder / "form.json")
    sent = folder / "response.json"
    works("fhir", "response", model, *asked, "--out", sent)
    if "fhir" in extras:
        assert "RiskAssessment" in works("fhir", "assess", model, "--response", sent)
    else:
        refused("fhir", "fhir", "assess", model, "--response", sent)
    if "web" not in extras:
        refused("web", "serve", model)
    else:
        from backrisk.web import create_app  # noqa: F401
    if "plot" in extras:
        import backrisk as br

        br.plot(br.risk(br.example_posterior(), br.example_person())).savefig(folder / "r.png")
    if "formats" in extras:
        import pandas as pd

        answers = pd.read_csv(few, dtype=str).fillna("")
        answers.to_stata(folder / "few.dta", write_index=False)
        works("validate", folder / "few.dta")
    else:
        with zipfile.ZipFile(folder / "few.xlsx", "w") as book:
            book.writestr("[Content_Types].xml", "<Types/>")
            book.writestr("xl/workbook.xml", "<workbook/>")
        refused("formats", "validate", folder / "few.xlsx")


def is_there(name: str) -> bool:
    """Whether a module can be imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # nor the package that it is in
        return False


def main(extras: set[str]) -> None:
    """Try the environment of this Python."""
    for extra, packages in NEEDS.items():
        there = all(is_there(name) for name in packages)
        assert there or extra not in extras, f"{extra} was asked for, and lacks one of {packages}"
    front_door()
    with tempfile.TemporaryDirectory() as folder:
        the_job(Path(folder), extras)
    print(f"{sys.version.split()[0]} with {', '.join(sorted(extras)) or 'no extra'}: works")


if __name__ == "__main__":
    main(set(sys.argv[1:]))
