"""The public surface, what importing costs, and the packaged data."""

import re
import subprocess
import sys
from pathlib import Path

import backrisk
from backrisk import load_codebook, load_graph, simulate
from backrisk.posterior import drawn_truth, false_claims

PUBLIC = """
ArgumentError Attribution BackriskError CausalGraph Codebook Contrast Diagnosis Diagnostics Edge
FitError GraphError Mediation Node Posterior PosteriorError Prior QueryError Questions
Recommendation Risk Scored Survey SurveyError Understood ask_next attribute build_model
compile_model counterfactual describe diagnose fit intervene load_codebook load_graph load_posterior
log_likelihood mediate model_card odds_ratios packaged_graphs plot read_survey recommend
report_cohort report_person risk risks score simulate tabulate truth
Draft draft_codebook redcap_dictionary
""".split()

HEAVY = {"pymc", "pytensor", "numba", "matplotlib", "nutpie", "arviz"}
ROOT = Path(__file__).parents[1]


def loaded_after(code):
    script = f"import sys; {code}; print(*(m for m in {sorted(HEAVY)} if m in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(run.stdout.split()) & HEAVY


def test_public_names_are_pinned_and_exist():
    assert sorted(backrisk.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(backrisk, name).__doc__


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
