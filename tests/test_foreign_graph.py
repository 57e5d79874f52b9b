"""The whole package on a graph about something else: nothing in it knows what a graph is about."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backrisk import (
    CausalGraph,
    Posterior,
    load_codebook,
    load_graph,
    model_card,
    read_survey,
    report_cohort,
    report_person,
    score,
    simulate,
)
from backrisk.check import prior
from backrisk.cli import app

HERE = Path(__file__).parent / "foreign"
OURS = re.compile(r"\b(back pain|low back|pain|runn(?:er|ers|ing)|spine|lumbar|trunk)\b", re.I)
PERSON = {"behandlungen": 0, "futter_kg": 12, "waben": "wenige"}


@pytest.fixture(scope="module")
def graph():
    return load_graph(HERE / "bees.yaml")


@pytest.fixture(scope="module")
def posterior(graph) -> Posterior:
    book = load_codebook(HERE / "bees_codebook.yaml", graph)
    believed = prior.prior_model(book.extend(graph), draws=40, seed=1)
    return Posterior(
        believed.graph,
        believed.fractions,
        believed.beta,
        codebook=book,
        prior_fractions=believed.fractions,
        prior_beta=believed.beta,
    )


@pytest.fixture(scope="module")
def files(graph, posterior, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bees")
    book = load_codebook(HERE / "bees_codebook.yaml", graph)
    simulate(graph, 60, seed=1, codebook=book).to_csv(folder / "cohort.csv", index=False)
    posterior.save(folder / "model.nc")
    (folder / "person.json").write_text(json.dumps(PERSON), encoding="utf-8")
    lost = {**PERSON, "verlust": "ja"}
    (folder / "lost.json").write_text(json.dumps(lost), encoding="utf-8")
    return folder


def demand_foreign(text: str) -> None:
    found = OURS.search(text.replace("backrisk", ""))
    assert found is None, text[max(0, found.start() - 80) : found.end() + 80]


@pytest.mark.parametrize(
    ("arguments", "knows"),
    [
        (["risk", "--person", "person.json"], "Verlust im Winter"),
        (["diagnose", "--person", "person.json"], "Milbenbefall"),
        (["intervene", "--person", "lage.json", "--do", "behandlung=zweimal"], "Behandlung"),
        (["counterfactual", "--person", "lost.json", "--do", "fütterung=genug"], "Fütterung"),
        (["attribute", "--person", "lost.json"], "Milbenbefall"),
        (["attribute", "--person", "person.json", "--method", "shapley"], "Milbenbefall"),
        (
            ["attribute", "--person", "person.json", "--method", "pathways", "--level", "distal"],
            "Milbenbefall",
        ),
        (
            ["mediate", "--person", "lage.json", "--cause", "behandlung", "--mediator", "milben"],
            "Milbenbefall",
        ),
        (["recommend", "--person", "person.json"], "Behandlung gegen Milben"),
        (["ask-next", "--person", "lage.json"], "Fütterung"),
        (["check"], "Milbenbefall"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_command_line(files, monkeypatch, arguments, knows):
    monkeypatch.chdir(files)
    Path("lage.json").write_text('{"lage": "Tal"}', encoding="utf-8")
    command, *rest = arguments
    result = CliRunner().invoke(app, [command, "model.nc", *rest])
    assert result.exit_code == 0, result.output
    assert knows in " ".join(result.output.split())
    demand_foreign(result.output)


def test_its_survey_from_the_command_line(files, monkeypatch):
    monkeypatch.chdir(files)
    given = ["--graph", str(HERE / "bees.yaml"), "--codebook", str(HERE / "bees_codebook.yaml")]
    result = CliRunner().invoke(app, ["validate", "cohort.csv", *given])
    assert result.exit_code == 0, result.output
    assert "volksstärke" in result.output  # the name of the node, as the codebook has it
    demand_foreign(result.output)
    result = CliRunner().invoke(app, ["simulate", "--n", "5", "--out", "few.csv", *given])
    assert result.exit_code == 0, result.output
    demand_foreign(result.output)
    result = CliRunner().invoke(app, ["prior", "--draws", "100", *given[:2]])
    assert result.exit_code == 0, result.output
    demand_foreign(result.output)


@pytest.mark.parametrize("name", ["person.html", "person.pdf"])
def test_a_person(posterior, tmp_path, name):
    out = report_person(posterior, {**PERSON, "verlust": "ja"}, tmp_path / name, date="2026-01-01")
    text = said_by(out)
    assert "Milbenbefall" in text
    demand_foreign(text)


@pytest.mark.parametrize("name", ["cohort.html", "cohort.pdf", "cohort.csv"])
def test_a_cohort(posterior, files, tmp_path, name):
    out = report_cohort(posterior, files / "cohort.csv", tmp_path / name, date="2026-01-01")
    text = said_by(out)
    assert "am Berg" in text
    demand_foreign(text)


def test_a_cohort_scored(posterior, files, tmp_path):
    done = score(posterior, files / "cohort.csv", tmp_path / "scored.csv", shares=True)
    demand_foreign(done.out.read_text(encoding="utf-8"))


def test_a_model_card(posterior, tmp_path):
    out = model_card(posterior, tmp_path / "card.html", date="2026-01-01")
    demand_foreign(said_by(out))


def test_the_page(posterior):
    testclient = pytest.importorskip("starlette.testclient")
    from backrisk.web import create_app

    client = testclient.TestClient(create_app(posterior), base_url="http://localhost")
    page = client.get("/")
    assert page.status_code == 200
    assert "Behandlung gegen Milben" in page.text
    demand_foreign(page.text)
    for path in ("risk", "attribute", "recommend", "ask-next", "cascade", "diagnose"):
        method = {"method": "shapley"} if path == "attribute" else {}
        answer = client.post(f"/api/v1/{path}", json={"person": PERSON, **method})
        assert answer.status_code == 200, answer.text
        demand_foreign(answer.text)


def test_its_figures(posterior):
    pytest.importorskip("matplotlib")
    from backrisk import attribute, plot, recommend, risk

    for answer in (
        risk(posterior, PERSON),
        recommend(posterior, PERSON),
        attribute(posterior, PERSON, method="shapley"),
    ):
        figure = plot(answer)
        texts = [
            text.get_text()
            for axes in figure.axes
            for text in axes.findobj()
            if hasattr(text, "get_text")
        ]
        demand_foreign(" ".join(map(str, texts)))


def test_a_graph_without_words_of_its_own_is_worded_from_its_names():
    graph = CausalGraph.from_edges(
        [("heavy_rain", "flood")], {"heavy_rain": ["no", "yes"], "flood": ["no", "yes"]}
    )
    cpts = {"heavy_rain": [[0.8, 0.2]], "flood": [[[0.9, 0.1], [0.4, 0.6]]]}
    from backrisk import risk

    assert "flood" in risk(Posterior.from_cpts(graph, cpts), {"heavy_rain": "yes"}).text


def said_by(path: Path) -> str:
    """Return what a person reads in a report."""
    if path.suffix == ".pdf":
        pypdf = pytest.importorskip("pypdf")
        return " ".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]+>", " ", text, flags=re.S)
    return text


def test_a_survey_of_it_is_read(graph, files):
    read = read_survey(files / "cohort.csv", graph, HERE / "bees_codebook.yaml")
    assert read.n == 60
