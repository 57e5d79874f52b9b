"""Make the examples of `reports/` from the packaged survey: `python -m tests.example_reports`.

What a report shows follows from its inputs, from how it is laid out, and from draws, which differ a
little between machines even for one seed. So the manifest holds the inputs, the layout and what was
written, and not the draws: a test can tell that an input or a template changed since, or that a
file was edited, without a fit. That numbers are those of the answers is held by other tests.

With the path of a model that was saved by an earlier run, the reports are laid out again from it.
Some of its draws become the packaged example, `backrisk.example_posterior`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "reports"
MANIFEST = FOLDER / "manifest.json"
STATED = "2026-01-01"
SURVEY, PERSON = ROOT / "data" / "survey.csv", ROOT / "data" / "persons" / "weak_core.json"
EXAMPLE = ROOT / "backrisk" / "posterior" / "data" / "example.nc"
KEPT, KEPT_OF_PRIOR = 400, 250  # draws of the packaged example
FILES = (
    "person.html",
    "person.pdf",
    "cohort.html",
    "cohort.pdf",
    "cohort.xlsx",
    "model_card.md",
    "model_card.html",
    "model_card.pdf",
)


def digest(*paths: Path) -> str:
    """Hash files by name and content."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def inputs() -> dict[str, str]:
    """Hash what the examples are made from."""
    package = ROOT / "backrisk"
    report, words = package / "report", package / "words" / "en"
    return {
        "survey": digest(SURVEY),
        "person": digest(PERSON),
        "graph": digest(package / "graph" / "data" / "runner.yaml"),
        "codebook": digest(package / "survey" / "codebooks" / "runner.yaml"),
        "answers": digest(*(package / "cohort").glob("*.py")),
        "layout": digest(*report.glob("*.py"), *(report / "templates").iterdir()),
        "words": digest(*words.glob("*.yaml")),
    }


def main() -> None:
    """Fit the packaged survey and write the examples and their manifest."""
    from backrisk import fit, load_graph, load_posterior, model_card, read_survey, report_person
    from backrisk._files import write
    from backrisk.report import cohort_answers, cohort_document, render

    before = inputs()
    if sys.argv[1:]:
        posterior = load_posterior(sys.argv[1])
    else:
        graph = load_graph("runner")
        posterior = fit(graph, read_survey(SURVEY, graph), seed=1)
        out = ROOT / "out" / "reports"
        out.mkdir(parents=True, exist_ok=True)
        posterior.save(out / "model.nc")
    small, prior = posterior.subset(KEPT), posterior.prior.subset(KEPT_OF_PRIOR)
    small = replace(small, prior_fractions=prior.fractions, prior_beta=prior.beta)
    small.save(EXAMPLE)
    print(f"Wrote {EXAMPLE.relative_to(ROOT)}.")
    FOLDER.mkdir(exist_ok=True)
    runner = json.loads(PERSON.read_text(encoding="utf-8")) | {"pain": "limiting"}
    answers = cohort_answers(posterior, SURVEY)
    cohort = cohort_document(answers, STATED)
    for name in FILES:
        place = FOLDER / name
        if place.stem == "person":
            report_person(posterior, runner, place, date=STATED)
        elif place.stem == "cohort":
            write(place, render(cohort, place.suffix))
        else:
            model_card(posterior, place, survey=SURVEY, date=STATED)
        print(f"Wrote reports/{name}.")
    written = {name: digest(FOLDER / name) for name in FILES}
    MANIFEST.write_text(json.dumps({"inputs": before, "files": written}, indent=2) + "\n")


if __name__ == "__main__":
    main()
