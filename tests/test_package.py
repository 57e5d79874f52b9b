"""The public surface, what importing costs, and the packaged data."""

import ast
import builtins
import doctest
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import backrisk
from backrisk import load_codebook, load_graph, simulate
from backrisk.posterior import drawn_truth, false_claims

PUBLIC = """
Review review Consultation consult FollowUp follow_up
ArgumentError Attribution BackriskError CausalGraph Codebook Contrast Diagnosis Diagnostics Edge
FitError GraphError Mediation Node Posterior PosteriorError Prior QueryError Questions
Recommendation Risk Scored Survey SurveyError Understood ask_next attribute build_model
compile_model counterfactual describe diagnose fit intervene load_codebook load_graph load_posterior
log_likelihood mediate model_card odds_ratios packaged_graphs plot read_survey recommend
report_cohort report_person risk risks score simulate simulate_panel tabulate truth
Draft draft_codebook redcap_dictionary example_people example_person example_posterior
Confounding confounded effects to_datatree unroll Panel read_panel Forecast forecast score_panel
RedFlags red_flags
fit_each
save_network read_network impute to_pgmpy from_pgmpy to_pyagrum from_pyagrum from_cmdstan_csv
""".split()

HEAVY = {"pymc", "pytensor", "numba", "matplotlib", "nutpie", "arviz"}
ROOT = Path(__file__).parents[1]


def loaded_after(code):
    script = f"import sys; {code}; print(*(m for m in {sorted(HEAVY)} if m in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(run.stdout.split()) & HEAVY


def test_a_risk_at_the_shell_imports_no_library_of_graphs():
    """It takes as long as all of NumPy, and nothing is asked of it."""
    code = """
import json, sys, tempfile
from pathlib import Path
from backrisk.cli import main
folder = Path(tempfile.mkdtemp())
(folder / "person.json").write_text(json.dumps({"core_strength": "weak"}))
from backrisk import example_posterior
example_posterior().save(folder / "model.nc")
sys.argv = ["backrisk", "risk", str(folder / "model.nc"), "--person", str(folder / "person.json")]
try:
    main()
except SystemExit as end:
    assert not end.code
assert "networkx" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)


def test_public_names_are_pinned_and_exist():
    assert sorted(backrisk.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(backrisk, name).__doc__


def examples():
    """Yield the name and the source of each example of the public names and their methods."""
    for name in PUBLIC:
        found = getattr(backrisk, name)
        members = vars(found).items() if inspect.isclass(found) else ()
        for part, each in [("", found), *((part, m) for part, m in members if part[0] != "_")]:
            text = getattr(each, "__doc__", None) or ""
            code = "".join(e.source for e in doctest.DocTestParser().get_examples(text))
            if code:
                yield f"{name}.{part}", code


def test_examples_run_as_pasted_behind_an_import_of_the_public_names():
    """Other libraries, and what is not exported here, an example imports itself."""
    found = dict(examples())
    assert len(found) > 30
    for name, code in found.items():
        made, used = set(), set()
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Name):
                (made if isinstance(node.ctx, ast.Store) else used).add(node.id)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                made |= {(each.asname or each.name).partition(".")[0] for each in node.names}
            elif isinstance(node, ast.arg):
                made.add(node.arg)
        assert used - made <= {*dir(builtins), *PUBLIC}, name


def test_importing_is_light():
    assert loaded_after("import backrisk") == set()


def test_asking_a_saved_model_never_imports_pymc(core_model):
    code = (
        "import backrisk as br; "
        f"p = br.load_posterior({str(core_model)!r}); "
        "br.risk(p, {}); br.attribute(p, {'pain': 'limiting'}); br.intervene(p, {}, "
        "{'fatigue': 'low'})"
    )
    assert loaded_after(code) == set()


def test_the_packaged_survey_is_what_simulate_gives():
    graph = load_graph("runner")
    codebook = load_codebook("runner", graph)
    source = drawn_truth(codebook.extend(graph), 1)
    frame = simulate(graph, 2000, 1, codebook=codebook, posterior=source)
    assert (ROOT / "data" / "survey.csv").read_text() == frame.to_csv(index=False)
    told = (ROOT / "data" / "README.md").read_text()
    assert "ynthetic" in told
    listed = re.findall(r"^- `(\w+)` -> `(\w+)`$", told, re.MULTILINE)
    assert tuple(listed) == false_claims(graph, 1)


def imported(files):
    """Yield the top-level packages that files import, the standard library's aside."""
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "backrisk":
                    yield top, path


def declared(*lists):
    """Return the names of distributions in lists of requirements, spelled alike."""
    return {
        re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for part in lists for each in part
    }


def test_what_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core, extras = project["dependencies"], project["optional-dependencies"]
    package = ROOT / "backrisk"
    rooms = {
        "exchange": ["pgmpy", "pyagrum"],
        "fhir": ["fhir"],
        "web": ["web"],
        "report": ["report"],
        "plotting": ["plot"],
        "survey": ["formats", "spark"],
        "fitting": ["joblib"],
    }
    rooms |= {package.name: ["remote"]}  # files beside the rooms
    of = packages_distributions()
    checked = 0
    for room in [path for path in package.iterdir() if path.is_dir()] + [package]:
        files = room.rglob("*.py") if room != package else room.glob("*.py")
        known = declared(core, *(extras[extra] for extra in rooms.get(room.name, [])))
        for name, path in imported(files):
            distributions = {each.lower().replace("_", "-") for each in of.get(name, [name])}
            typing_only = name == "matplotlib"  # what a figure is, said to a type checker
            assert distributions & known or typing_only, f"{path} imports {name}"
            checked += 1
    assert checked > 100


def test_the_example_people_are_those_in_data():
    data = ROOT / "data" / "persons"
    packaged = list((ROOT / "backrisk" / "posterior" / "data" / "persons").iterdir())
    for path in packaged:
        assert path.read_text() == (data / path.name).read_text()
    assert sorted(path.stem for path in packaged) == sorted(backrisk.example_people())
