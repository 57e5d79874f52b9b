"""Many fits through one function: each as it would be alone, wherever it runs."""

import hashlib
import pickle
import shutil
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from backrisk import CausalGraph, Survey, fit, fit_each, load_posterior
from backrisk.errors import FitError, SurveyError
from backrisk.fitting import each
from backrisk.fitting.each import model_path, seed_of
from backrisk.posterior.storage import _SEAL
from backrisk.survey import Codebook, read_panel, resample_survey, split_survey

GRAPH = CausalGraph.from_edges(
    [("a", "b"), ("c", "b")], {"a": ["no", "yes"], "b": ["no", "yes"], "c": ["0", "1", "2"]}
)
FEW = {"seed": 3, "draws": 40, "chains": 2, "progress": False}


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "a": rng.choice(["no", "yes"], 90),
            "b": rng.choice(["no", "yes"], 90),
            "c": rng.choice(["0", "1", "2"], 90),
            "club": rng.choice(["North / A", "South"], 90),
            "w": rng.uniform(0.5, 2, 90),
        }
    )
    return Survey.from_frame(frame, GRAPH, site="club", weight="w")


@pytest.fixture(scope="module")
def parts(survey):
    return split_survey(survey)


def same(one, other):
    for name in GRAPH.names:
        np.testing.assert_array_equal(one.cpt(name), other.cpt(name))


def backwards(work, tasks):
    """Run pickled tasks from the last to the first, as another machine would."""
    sent = pickle.loads(pickle.dumps((work, list(tasks))))
    yield from map(sent[0], sent[1][::-1])


@pytest.mark.parametrize("runner", [None, "joblib", backwards], ids=["here", "joblib", "own"])
def test_each_fit_is_the_one_that_it_is_alone(parts, runner):
    found = fit_each(GRAPH, parts, runner=runner, **FEW)
    assert list(found.fitted) == ["North / A", "South"]
    for key, model in found.fitted.items():
        alone = fit(GRAPH, parts[key], **{**FEW, "seed": seed_of(FEW["seed"], key)})
        same(model, alone)
    one = fit_each(GRAPH, {"South": parts["South"]}, **FEW)
    same(one.fitted["South"], found.fitted["South"])


def test_one_that_fails_is_named_and_the_others_are_there(parts, monkeypatch):
    other = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    strange = Survey.from_frame(pd.DataFrame({"a": ["no"], "b": ["no"]}), other)
    found = fit_each(GRAPH, {"strange": strange, **parts}, **FEW)
    assert list(found.fitted) == list(parts)
    assert "was read for graph" in found.failed["strange"]

    def broken(*args, seed, **kwargs):
        if seed == seed_of(FEW["seed"], "South"):
            raise MemoryError("no room")
        return fit(*args, seed=seed, **kwargs)

    monkeypatch.setattr(each, "fit", broken)
    found = fit_each(GRAPH, parts, **FEW)
    assert (list(found.fitted), dict(found.failed)) == (
        ["North / A"],
        {"South": "MemoryError: no room"},
    )


def test_a_folder_is_gone_on_with_where_it_was_stopped(parts, tmp_path, monkeypatch):
    out = tmp_path / "models"

    def stopped(work, tasks):
        yield work(tasks[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_each(GRAPH, parts, out=out, runner=stopped, **FEW)
    assert [each.name for each in out.iterdir()] == ["North %2F A.nc"]
    asked = []

    def counting(work, tasks):
        asked.extend(key for key, _ in tasks)
        yield from map(work, tasks)

    found = fit_each(GRAPH, parts, out=out, runner=counting, **FEW)
    assert (asked, found.kept) == (["South"], ("North / A",))
    assert found.fitted == {key: model_path(out, key) for key in parts}
    for key, model in fit_each(GRAPH, parts, **FEW).fitted.items():
        same(load_posterior(found.fitted[key]), model)
    # One that is damaged is fitted again; one of another fit is not replaced.
    whole = found.fitted["South"].read_bytes()
    found.fitted["South"].write_bytes(whole[: len(whole) // 2])
    assert fit_each(GRAPH, parts, out=out, **FEW).kept == ("North / A",)
    for change in ({"seed": 4}, {"draws": 41}, {"tune": 50}, {"draws": 80, "chains": 1}):
        with pytest.raises(FitError, match="holds the model of another survey, graph, seed or set"):
            fit_each(GRAPH, parts, out=out, **{**FEW, **change})
    swapped = dict(zip(parts, reversed(parts.values()), strict=True))
    with pytest.raises(FitError, match="holds the model of another survey"):
        fit_each(GRAPH, swapped, out=out, **FEW)


def test_a_model_of_other_edges_or_of_answers_that_were_corrected_is_not_kept(tmp_path):
    """Every answer is given in all of them, by as many people, about the same nodes."""
    states = {"a": ["no", "yes"], "b": ["no", "yes"]}
    frame = pd.DataFrame({"a": ["no", "yes"] * 5, "b": ["no"] * 5 + ["yes"] * 5})
    graphs = [CausalGraph.from_edges([edge], states) for edge in (("a", "b"), ("b", "a"))]
    there, turned = ({"k": Survey.from_frame(frame, graph)} for graph in graphs)
    fit_each(graphs[0], there, out=tmp_path, **FEW)
    again = {"k": Survey.from_frame(frame[::-1], graphs[0])}
    assert fit_each(graphs[0], again, out=tmp_path, **FEW).kept == ("k",)
    corrected = {"k": Survey.from_frame(frame.assign(b="yes"), graphs[0])}
    for graph, surveys in ((graphs[0], corrected), (graphs[1], turned)):
        with pytest.raises(FitError, match="holds the model of another survey, graph"):
            fit_each(graph, surveys, out=tmp_path, **FEW)


def written(kind, path):
    """Put something of another kind where a model is to come."""
    if kind == "text":
        path.write_text("notes of the south")
    elif kind == "nothing":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(path.with_name("gone"))
    elif kind == "another netCDF":
        xr.Dataset({"temperature": ("day", [3.0, 4.0])}).to_netcdf(path, engine="h5netcdf")
    else:
        model = fit(GRAPH, Survey.from_frame(pd.DataFrame({"a": ["no", "yes"]}), GRAPH), **FEW)
        model.save(path)
        if kind == "later format":  # sealed by a version to come
            whole = path.read_bytes()
            body, length, version, _, magic = _SEAL.unpack(whole[-_SEAL.size :])
            lengths = _SEAL.pack(body, length, version + 1, b"", b"")[: -32 - len(magic)]
            begun = whole[: -_SEAL.size] + lengths
            path.write_bytes(begun + hashlib.sha256(begun).digest() + magic)


@pytest.mark.parametrize(
    "kind",
    [
        "text",
        "nothing",
        "folder",
        "link",
        "another netCDF",
        "model of a single fit",
        "later format",
    ],
)
def test_what_no_fit_of_many_wrote_is_not_replaced(parts, tmp_path, kind):
    place = tmp_path / "South.nc"
    written(kind, place)
    before = None if kind in ("folder", "link") else place.read_bytes()
    with pytest.raises(FitError, match=r"South\.nc (is there already|holds the model of another)"):
        fit_each(GRAPH, parts, out=tmp_path, **FEW)
    assert [each.name for each in tmp_path.iterdir()] == ["South.nc"]  # nor the North's is there
    assert place.is_symlink() or place.is_dir() or place.read_bytes() == before


def test_one_byte_that_was_altered_on_the_way_is_damage(parts, tmp_path):
    found = fit_each(GRAPH, parts, out=tmp_path, **FEW)
    whole = found.fitted["South"].read_bytes()
    wrong = bytearray(whole)
    wrong[len(whole) // 2] ^= 1
    found.fitted["South"].write_bytes(wrong)
    assert fit_each(GRAPH, parts, out=tmp_path, **FEW).kept == ("North / A",)
    same(load_posterior(found.fitted["South"]), fit_each(GRAPH, parts, **FEW).fitted["South"])


def test_what_a_runner_leaves_out_is_told(parts):
    found = fit_each(GRAPH, parts, runner=lambda work, tasks: map(work, tasks[:1]), **FEW)
    assert list(found.fitted) == ["North / A"]
    assert found.failed == {"South": "The runner gave nothing of this fit."}


@pytest.mark.parametrize("key", [1, None, "x" * 300, "\u00e9" * 50, "\ud800"])
def test_a_key_that_cannot_name_a_file_is_refused(parts, key):
    with pytest.raises(FitError, match="cannot name a file"):
        fit_each(GRAPH, {key: parts["South"]}, **FEW)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"surveys": {}}, "no survey to fit"),
        ({"out": "s3://bucket/models"}, "s3://bucket/models is an address; expected a folder"),
        ({"surveys": {"north": "north.csv"}}, r"'north' is no survey \(str\)"),
        ({"trait": True}, "give a panel, as read_panel reads it"),
        ({"runner": "sparc"}, r"no runner 'sparc' \(did you mean 'spark'"),
        ({"runner": 3}, "no runner '3'"),
        ({"draws": 0}, "draws is 0, expected at least 1"),
        ({"sampler": "nutpy"}, "no sampler 'nutpy'"),
    ],
)
def test_what_cannot_be_is_refused_before_any_fit(parts, given, told):
    with pytest.raises(FitError, match=told):
        fit_each(GRAPH, **{"surveys": parts, **FEW, **given})


def test_a_runner_without_its_package_names_it(parts, monkeypatch):
    monkeypatch.setattr(each, "find_spec", lambda name: None)
    with pytest.raises(FitError, match=r"package joblib: pip install 'backrisk\[joblib\]'"):
        fit_each(GRAPH, parts, runner="joblib", **FEW)


def test_parts_are_the_people_of_a_site_or_of_a_state(survey, parts):
    assert {key: part.n for key, part in parts.items()} == {
        name: int((survey.site == place).sum()) for place, name in enumerate(survey.sites)
    }
    states = split_survey(survey, "c")
    assert list(states) == ["0", "1", "2"]
    for place, part in enumerate(states.values()):
        rows = survey.codes[:, survey.graph.names.index("c")] == place
        np.testing.assert_array_equal(part.codes, survey.codes[rows])
        np.testing.assert_array_equal(part.weights, survey.weights[rows])
    with pytest.raises(SurveyError, match=r"'d' is no node of the survey's graph"):
        split_survey(survey, "d")
    with pytest.raises(SurveyError, match="has no sites"):
        split_survey(parts["South"])


def test_samples_keep_sites_and_weights_on_average(survey):
    drawn = resample_survey(survey, 400, seed=2)
    assert resample_survey(survey, 2, seed=2)["0002"].people.tolist() == (
        drawn["0002"].people.tolist()
    )
    sizes = np.bincount(survey.site)
    for sample in drawn.values():
        assert np.bincount(sample.site, sample.people).tolist() == sizes.tolist()
    totals = [sample.weights.sum() for sample in drawn.values()]
    spread = np.sqrt(sum(sizes[s] * survey.weights[survey.site == s].var() for s in (0, 1)))
    assert abs(np.mean(totals) - survey.weights.sum()) < 4 * spread / 20
    assert np.std(totals) == pytest.approx(spread, rel=0.15)  # of 400: an error of 3.5 %
    for sample in list(drawn.values())[:5]:
        assert (sample.squares >= sample.weights**2 / sample.people * (1 - 1e-12)).all()


def test_of_a_design_no_single_rows_are_drawn_again():
    book = Codebook.from_dict(
        {"name": "visits", "graph": GRAPH.name, "design": {"kind": "repeated", "person": "id"},
         "columns": {name: {"node": name} for name in GRAPH.names}},
        GRAPH,
    )  # fmt: skip
    frame = pd.DataFrame({"id": [1, 1, 2], "a": ["no"] * 3, "b": ["no"] * 3, "c": ["0"] * 3})
    visits = Survey.from_frame(frame, GRAPH, book)
    with pytest.raises(SurveyError, match="chosen by a design"):
        resample_survey(visits, 2, seed=1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*:DeprecationWarning:pyspark")
def test_spark_and_joblib_sample_what_is_sampled_here(monkeypatch):
    """NUTS of an ordinal logit; the loops of other processes may differ by rounding."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on the path.")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    from backrisk import load_graph, simulate

    graph = load_graph("runner_core")
    survey = Survey.from_frame(simulate(graph, 150, seed=1), graph)
    parts = split_survey(survey, "fatigue")
    few = {"seed": 3, "draws": 20, "chains": 1, "tune": 50, "progress": False}
    here, *others = (
        fit_each(graph, parts, runner=runner, **few) for runner in (None, "joblib", "spark")
    )
    for found in others:
        assert list(found.fitted) == list(here.fitted) == ["low", "moderate", "high"]
        for key, model in found.fitted.items():
            for name in graph.names:
                np.testing.assert_allclose(model.cpt(name), here.fitted[key].cpt(name), atol=1e-9)


def test_parts_of_a_panel_are_the_histories_of_their_people():
    graph = CausalGraph.from_text("a -> b; b[-1] -> b")
    constant = replace(graph, nodes=tuple(replace(n, constant=n.name == "a") for n in graph.nodes))
    rng = np.random.default_rng(4)
    who, when = np.divmod(np.arange(60), 3)
    frame = pd.DataFrame({"who": who, "day": when, "a": np.where(who % 4, "no", "yes")})
    frame["b"] = rng.choice(["no", "yes"], 60)
    frame["w"], frame["club"] = 1.0 + who % 3, np.where(who < 7, "north", "south")
    frame = frame[(who + when) % 5 > 0]  # with gaps, late entries and early ends
    how = {"id": "who", "time": "day", "every": 1, "start": 0, "weight": "w"}
    whole = read_panel(frame, constant, site="club", **how)
    for by, column in ((None, "club"), ("a", "a")):
        parts = split_survey(whole, by)
        assert sum(part.n for part in parts.values()) == whole.n == 20
        for key, part in parts.items():
            here = frame[frame[column] == key].drop(columns="club")
            alone = read_panel(here, constant, **how)
            periods = alone.periods
            np.testing.assert_array_equal(part.codes[:, :periods], alone.codes)
            for name in ("first", "last", "weights"):
                np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))
    with pytest.raises(SurveyError, match="'b' changes over time"):
        split_survey(whole, "b")


def test_panels_are_fitted_and_known_again_by_their_histories(tmp_path):
    graph = CausalGraph.from_text("a -> b; b[-1] -> b")
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"who": np.repeat(range(20), 2), "day": [0, 1] * 20})
    for name in "ab":
        frame[name] = rng.choice(["no", "yes"], 40)
    panel = read_panel(frame, graph, id="who", time="day", every=1)
    few = {**FEW, "trait": False}
    found = fit_each(graph, {"all": panel}, out=tmp_path, **few)
    alone = fit(graph, panel, **{**few, "seed": seed_of(FEW["seed"], "all")})
    model = load_posterior(found.fitted["all"])
    np.testing.assert_array_equal(model.fractions, alone.fractions)
    again = read_panel(frame[::-1], graph, id="who", time="day", every=1)
    assert fit_each(graph, {"all": again}, out=tmp_path, **few).kept == ("all",)
    frame.loc[0, "b"] = {"no": "yes", "yes": "no"}[frame.loc[0, "b"]]
    changed = read_panel(frame, graph, id="who", time="day", every=1)
    for other, more in ((changed, {}), (panel, {"dropout": ("b",)})):
        with pytest.raises(FitError, match="holds the model of another survey"):
            fit_each(graph, {"all": other}, out=tmp_path, **few, **more)
