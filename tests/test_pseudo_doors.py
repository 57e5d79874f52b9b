"""Reports, figures and command line in a language where every sentence is accented: none is plain.

The page is walked through in `tests/web/test_browser.py`.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pseudo import reworded_codebook, reworded_graph, write

from backrisk import (
    CausalGraph,
    Codebook,
    Posterior,
    _yaml,
    ask_next,
    attribute,
    counterfactual,
    diagnose,
    intervene,
    mediate,
    model_card,
    plot,
    recommend,
    report_cohort,
    report_person,
    risk,
    simulate,
)
from backrisk.check.prior import prior_model
from backrisk.plotting import plot_cascade, plot_effects
from backrisk.words import speaking

HERE = Path(__file__).parent / "foreign"
PLAIN = re.compile(r"[A-Za-z]{2,}")
# What is the same in every language: names of programs, formats, methods and people; units.
DATA = re.compile(
    r"backrisk|TRIPOD\+AI|Shapley|R-hat|E-BFMI|Brier|HTML|PDF|JSON|XLSX|YAML|http\S+|doi:\S+"
    r"|--format\b|--keep\b|[\w./-]+\.(?:csv|nc|html|pdf|md|json|yaml)|\bkg\b"
)
PERSON = {"behandlungen": 0, "futter_kg": 12}


@pytest.fixture(scope="module")
def lang(tmp_path_factory):
    return write(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors")
    for name, reword in (("bees", reworded_graph), ("bees_codebook", reworded_codebook)):
        data = _yaml.parse((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
        text = yaml.safe_dump(reword(data), allow_unicode=True, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "person.json").write_text(json.dumps(PERSON), encoding="utf-8")
    (folder / "lost.json").write_text(json.dumps({**PERSON, "verlust": "ja"}), encoding="utf-8")
    (folder / "nobody.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def graph(files):
    return CausalGraph.from_dict(_yaml.parse((files / "bees.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def posterior(graph, files) -> Posterior:
    data = _yaml.parse((files / "bees_codebook.yaml").read_text(encoding="utf-8"))
    book = Codebook.from_dict(data, graph)
    extended = book.extend(graph)
    # Items have no words in the graph: those of their questions.
    extended = replace(
        extended,
        nodes=tuple(
            replace(node, label=node.description) if node.name in extended.items else node
            for node in extended.nodes
        ),
    )
    believed = prior_model(extended, draws=40, seed=1)
    made = replace(
        believed,
        codebook=book,
        prior_fractions=believed.fractions,
        prior_beta=believed.beta,
    )
    made.save(files / "model.nc")
    simulate(graph, 40, seed=1, codebook=book).to_csv(files / "cohort.csv", index=False)
    return made


def demand_accented(text: str) -> None:
    plain = sorted(set(PLAIN.findall(DATA.sub(" ", text))))
    assert not plain, plain


def without_names(posterior: Posterior, text: str) -> str:
    """Leave out what a file or a graph calls its parts, where a report names these as they are."""
    graph, book = posterior.graph, posterior.codebook
    labels = (label for column in book.columns.values() for label in column.labels or ())
    for name in (graph.name, graph.outcome, *book.columns, *labels):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text)
    return text


def said_by(path: Path) -> str:
    if path.suffix == ".pdf":
        pypdf = pytest.importorskip("pypdf")
        return " ".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = re.sub(r"<style.*?</style>|<script.*?</script>|<!--.*?-->", " ", text, flags=re.S)
        text = re.sub(r"<[^>]+>|&\w+;", " ", text)
    return text


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_a_persons_report(posterior, lang, tmp_path, suffix):
    person = {**PERSON, "verlust": "ja"}
    out = report_person(posterior, person, tmp_path / f"r{suffix}", date="2026-01-01", lang=lang)
    demand_accented(said_by(out))


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_a_cohorts_report(posterior, files, lang, tmp_path, suffix):
    cohort = files / "cohort.csv"
    out = report_cohort(posterior, cohort, tmp_path / f"r{suffix}", date="2026-01-01", lang=lang)
    text = said_by(out)
    demand_accented(without_names(posterior, text))


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_a_model_card(posterior, lang, tmp_path, suffix):
    out = model_card(posterior, tmp_path / f"r{suffix}", date="2026-01-01", lang=lang)
    text = said_by(out)
    demand_accented(without_names(posterior, text))


def test_figures(posterior, lang):
    pytest.importorskip("matplotlib")
    lost = {**PERSON, "verlust": "ja"}
    with speaking(lang):
        answers = [
            risk(posterior, PERSON),
            diagnose(posterior, PERSON),
            intervene(posterior, {}, {"behandlung": "zweimal"}),
            counterfactual(posterior, lost, {"behandlung": "zweimal"}),
            attribute(posterior, lost, method="necessity"),
            attribute(posterior, PERSON, method="shapley"),
            attribute(posterior, PERSON, method="pathways", level="distal"),
            mediate(posterior, {}, "behandlung", ["milben"]),
            recommend(posterior, PERSON),
            ask_next(posterior, {}),
        ]
        figures = [*map(plot, answers), plot_effects(posterior)]
        figures.append(plot_cascade(posterior, diagnose(posterior, PERSON)))
        for figure in figures:
            texts = figure.findobj(match=lambda artist: hasattr(artist, "get_text"))
            demand_accented(" ".join(str(text.get_text()) for text in texts))


@pytest.mark.parametrize(
    "arguments",
    [
        ["risk", "--person", "person.json"],
        ["diagnose", "--person", "person.json"],
        ["intervene", "--person", "nobody.json", "--do", "behandlung=zweimal"],
        ["counterfactual", "--person", "lost.json", "--do", "fütterung=genug"],
        ["attribute", "--person", "lost.json"],
        ["attribute", "--person", "person.json", "--method", "pathways", "--level", "distal"],
        ["mediate", "--person", "nobody.json", "--cause", "behandlung", "--mediator", "milben"],
        ["recommend", "--person", "person.json"],
        ["ask-next", "--person", "nobody.json"],
        ["check"],
    ],
    ids=lambda arguments: " ".join(arguments[:1] + arguments[3:5]),
)
def test_the_command_line(posterior, files, lang, monkeypatch, arguments):
    from typer.testing import CliRunner

    from backrisk.cli import app

    monkeypatch.chdir(files)
    command, *rest = arguments
    result = CliRunner().invoke(app, ["--lang", str(lang), command, "model.nc", *rest])
    assert result.exit_code == 0, result.output
    demand_accented(result.output)


@pytest.mark.parametrize(
    "arguments",
    [
        ["risk", "MODEL", "--person", "person.json", "--target", "nichts"],
        ["attribute", "MODEL", "--person", "person.json", "--method", "necessity"],
        ["intervene", "MODEL", "--person", "nobody.json", "--do", "milben"],
    ],
)
def test_a_mistake(posterior, files, lang, monkeypatch, arguments):
    from typer.testing import CliRunner

    from backrisk.cli import app

    monkeypatch.chdir(files)
    given = ["model.nc" if argument == "MODEL" else argument for argument in arguments]
    result = CliRunner().invoke(app, ["--lang", str(lang), *given])
    assert result.exit_code == 2
    text = re.sub(
        r"'[^']*'|--do \w+|method=|target=|do=|--\w+|\bnode\b|\bstate\b|=\w+", " ", result.output
    )
    demand_accented(text)


def test_help_is_in_the_language_too(lang):
    """In a process of its own: help is written when the commands are imported."""
    program = shutil.which("backrisk", path=str(Path(sys.executable).parent))
    assert program
    run = subprocess.run(
        [program, "fit", "--help", "--lang", str(lang)], capture_output=True, text=True, check=True
    )
    assert "Ťúúñííñĝ" in run.stdout
    assert "Tuning" not in run.stdout
