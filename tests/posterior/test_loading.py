"""A saved model answers as it did, in this version and from files of the one before."""

import json
from dataclasses import replace
from pathlib import Path

import arviz as az
import forging
import numpy as np
import pytest

from backrisk import CausalGraph, Codebook, Posterior, PosteriorError, load_posterior, risk
from backrisk.graph import Layout
from backrisk.posterior import Conflict, Diagnostics, SiteEffects, Verdict
from backrisk.posterior.storage import seal, store
from backrisk.words import Said, plain, say, speaking

SAVED = Path(__file__).parent / "saved"  # files of version 0.1, and what that version answered
WORST = {"r_hat": 1.02, "ess_bulk": 9.0, "ess_tail": 8.0, "divergences": 0.0, "e_bfmi": np.nan}
TWO = {"x": ["no", "yes"], "y": ["no", "yes"]}


@pytest.fixture
def graph():
    return CausalGraph.from_edges([("x", "y")], TWO)


@pytest.fixture
def fitted(graph):
    layout, rng = Layout(graph), np.random.default_rng(0)
    before = layout.draw_prior(3, rng)
    return Posterior(
        graph,
        *layout.draw_prior(8, rng),
        chains=2,
        diagnostics=Diagnostics("nutpie", WORST, ("Bad.",), ("So so.",)),
        codebook=Codebook.plain(graph),
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=SiteEffects(("a", "b"), rng.random((8, 2, 0)), rng.random((8, 0))),
        meta={"survey": "ours", "answered": {"x": 0.5}},
    )


@pytest.fixture(scope="module")
def answers():
    with np.load(SAVED / "answers.npz") as held:
        return dict(held)


def test_a_fitted_model_of_the_version_before_answers_as_it_did(answers):
    found = load_posterior(SAVED / "fitted.nc")
    for name in ("fractions", "beta", "prior_fractions", "prior_beta"):
        assert np.array_equal(getattr(found, name), answers[name]), name
    assert np.array_equal(found.sites.shift, answers["shift"])
    assert np.array_equal(found.sites.scale, answers["scale"])
    assert found.sites.names == ("north", "south")
    assert (found.chains, found.draws, found.graph.name) == (4, 12, "runner_core")
    assert found.diagnostics.warnings == ("The chains disagree.",)
    assert found.diagnostics.cautions == ("Nothing anchors it.",)
    # To the bit on one machine; another's logarithm may differ in the last place.
    for site, expected in (
        ("average", answers["risk"]),
        ("south", answers["south"]),
        ("new", answers["new"]),
    ):
        draws = risk(found.at_site(site, seed=3), {"fatigue": "high"}).draws
        np.testing.assert_allclose(draws, expected, rtol=1e-13)


def test_given_tables_of_the_version_before_answer_as_they_did(answers):
    found = load_posterior(SAVED / "given.nc")
    assert np.array_equal(found.cpt("x"), answers["x"])
    assert np.array_equal(found.cpt("y"), answers["y"])
    # That version read weights from every column of the name.
    plain = Codebook.plain(found.graph).model_copy(update={"weight": "weight", "ignore": ()})
    assert found.codebook == plain
    assert found.meta == {"survey": "ours"}
    assert found.diagnostics == Diagnostics("given")
    np.testing.assert_allclose(risk(found, {"x": "yes"}).draws, answers["given"], rtol=1e-15)
    np.testing.assert_allclose(risk(found, {}).draws, answers["everybody"], rtol=1e-15)


def test_everything_about_a_fit_comes_back(fitted, tmp_path):
    found = load_posterior(fitted.save(tmp_path / "m.nc"))
    for name in ("fractions", "beta", "prior_fractions", "prior_beta"):
        assert np.array_equal(getattr(found, name), getattr(fitted, name)), name
    for name in ("graph", "codebook", "meta", "chains"):
        assert getattr(found, name) == getattr(fitted, name), name
    assert found.given is None
    assert found.diagnostics.method == "nutpie"
    assert found.diagnostics.worst["r_hat"] == 1.02
    assert np.isnan(found.diagnostics.worst["e_bfmi"])
    assert (found.diagnostics.warnings, found.diagnostics.cautions) == (("Bad.",), ("So so.",))
    assert found.sites.names == ("a", "b")
    assert found.sites.shift.shape == (8, 2, 0)


def test_everything_about_given_tables_comes_back(graph, tmp_path):
    cpts = {"x": [[0.5, 0.5]], "y": [[[0.7, 0.3], [0.2, 0.8]]]}
    named = replace(
        Posterior.from_cpts(graph, cpts), codebook=Codebook.plain(graph), meta={"synthetic": True}
    )
    found = load_posterior(named.save(tmp_path / "m.nc"))
    assert found.cpt("y").tolist() == cpts["y"]
    assert found.codebook == named.codebook
    assert found.meta == {"synthetic": True}
    assert found.diagnostics.method == "given"
    assert found.fractions is None
    assert load_posterior(Posterior.from_cpts(graph, cpts).save(tmp_path / "n.nc")).codebook is None


@pytest.mark.parametrize("effects", [True, False])
def test_a_saved_model_answers_to_the_bit_as_before(graph, fitted, tmp_path, effects):
    if effects:  # without, the second vector is empty
        nodes = (graph.nodes[0], replace(graph.nodes[1], mechanism="ordinal_logit"))
        layout = Layout(replace(graph, nodes=nodes))
        fitted = Posterior(layout.graph, *layout.draw_prior(8, np.random.default_rng(0)), chains=2)
    assert fitted.beta.shape == (8, int(effects))
    loaded = load_posterior(fitted.save(tmp_path / "m.nc"))
    for person in ({}, {"x": "yes"}):
        draws = risk(loaded, person, target="y").draws
        assert np.array_equal(draws, risk(fitted, person, target="y").draws)


def test_arviz_reads_a_saved_model(fitted, tmp_path):
    tree = az.from_netcdf(fitted.save(tmp_path / "m.nc")).load()
    tree.close()
    found = az.rhat(tree["posterior"].to_dataset()[["continuation"]])["continuation"]
    assert found.dims == ("distribution",)
    labels = ["x: no", "y | x=no: no", "y | x=yes: no"]
    assert found.coords["distribution"].to_numpy().tolist() == labels


def test_arviz_plots_one_parameter_of_a_saved_model(fitted, tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    tree = az.from_netcdf(fitted.save(tmp_path / "m.nc")).load()
    tree.close()
    one = {"distribution": ["x: no"]}
    drawn = az.plot_trace(tree, var_names=["continuation"], coords=one, backend="matplotlib")
    assert len(drawn.viz["trace"]["continuation"].to_numpy().ravel()) == fitted.chains


def relabel(record):
    record["graph"]["nodes"]["x"].update(states=["a", "b"])


def changed(posterior, change):
    """Seal a record that was changed before it was sealed."""
    tree = posterior.to_datatree()
    record = json.loads(tree.attrs["record"])
    change(record)
    return seal(tree, record)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (relabel, "'plain'"),
        (lambda r: r.update(codebook=None) or relabel(r), "parameters"),
        (lambda r: r["graph"]["nodes"].pop("x"), "x"),
        (lambda r: r.pop("meta"), "meta"),
        (lambda r: r["diagnostics"].pop("method"), "method"),
    ],
)
def test_a_model_of_another_version_of_its_graph_is_refused(fitted, tmp_path, change, why):
    path = store(changed(fitted, change), tmp_path / "old.nc")
    with pytest.raises(PosteriorError, match=rf"old\.nc holds a model of another version.*{why}"):
        load_posterior(path)


def test_where_prior_and_data_disagree_comes_back(fitted, tmp_path):
    found = Conflict("edge", "y", "x", (1.4, 1.1, 1.8), (0.46, 0.34, 0.62), 1e-6, "yes")
    told = replace(fitted, diagnostics=replace(fitted.diagnostics, conflicts=(found,)))
    assert load_posterior(told.save(tmp_path / "m.nc")).diagnostics.conflicts == (found,)


def numbers(**changed):
    return lambda model: replace(model, **changed)


def at(name, value):
    """Change one number of an array."""

    def change(model):
        array = getattr(model, name).copy()
        array[1, 0] = value
        return replace(model, **{name: array})

    return change


def conflict(**about):
    """Tell of a conflict that differs from a sound one in this."""
    sound = Conflict("edge", "y", "x", (1.0, 1.0, 2.0), (1.0, 1.0, 2.0), 0.1, "yes")
    return numbers(diagnostics=Diagnostics("exact", conflicts=(replace(sound, **about),)))


def verdict(check, held, *about):
    return numbers(
        diagnostics=Diagnostics("exact", verdicts=(Verdict(check, "agrees", held, (about,)),))
    )


CLAIMS = {"against": 0, "tested": 1, "unseen": 0}
CARRIED = {"population": "a", "source": "b", "differs": ["z"], "baseline": [], "independent": []}
CARRIED["bits"] = 0.0
EDGE = ("edge", "y", "x", (1.0, 1.0, 2.0))  # and what the data say of it
UNSOUND = [
    (at("fractions", 1.5), r"'fractions' holds 1\.5, expected numbers from 0\.0 to 1\.0"),
    (at("fractions", -1e-300), "'fractions' holds -1e-300"),
    (at("fractions", np.nan), "'fractions' holds nan"),
    (at("prior_fractions", np.inf), "'prior_fractions' holds inf"),
    (at("beta", np.inf), "'beta' holds inf, which cannot be"),
    (lambda m: replace(m, fractions=m.fractions[:, :1]), r"'fractions' has shape \(8, 1\)"),
    (lambda m: replace(m, beta=m.beta[:4]), r"'beta' has shape \(4, 1\), expected \(8, 1\)"),
    (lambda m: replace(m, prior_beta=m.prior_beta[:2]), "'prior_beta' has shape"),
    (lambda m: replace(m, sites=replace(m.sites, scale=-m.sites.scale)), "'site_scale' holds -"),
    (lambda m: replace(m, sites=replace(m.sites, names=("a",))), "'site_shift' has shape"),
    (numbers(log_prior=np.zeros(7)), "'log_prior' has shape"),
    (numbers(log_likelihood=np.full(8, np.nan)), "'log_likelihood' holds a value that is not"),
    (numbers(sample_stats={"energy": np.zeros(7)}), "'sample_stats.energy' has shape"),
    (numbers(sample_stats={"energy": np.full(8, np.nan)}), "'sample_stats.energy' holds nan"),
    (numbers(meta={"people": "all"}), "'meta.people' is 'all'"),
    (numbers(meta={"people": 0}), "'meta.people' is 0"),
    (numbers(meta={"answered": {"x": 1.1}}), "'meta.answered.x' is 1.1"),
    (
        numbers(meta={"design": {"kind": "matched", "prevalence": 1.5}}),
        "'meta.design.prevalence' is 1.5",
    ),
    (numbers(diagnostics=Diagnostics("exact", {"r_hat": "low"})), "'diagnostics.worst.r_hat'"),
    (numbers(diagnostics=Diagnostics("nutpie", {"r_hat": 1.0})), "'diagnostics.worst' is {"),
    (numbers(diagnostics=Diagnostics("nutpie", WORST | {"r_hat": -3.0})), "'diagnostics.worst.r_h"),
    (numbers(diagnostics=Diagnostics("nutpie", WORST | {"divergences": -5})), "worst.divergences'"),
    (conflict(data=(-1.0, -2.0, 1.0)), r"'diagnostics\.conflicts\.0\.data\.0' is -1"),
    (conflict(data=(1.0, np.nan, 2.0)), r"'diagnostics\.conflicts\.0\.data\.1' is nan"),
    (conflict(data=(3.0, 1.0, 2.0)), r"'diagnostics\.conflicts\.0'"),
    (conflict(kind="margin", about="no"), r"'diagnostics\.conflicts\.0'"),
    (conflict(tail=7.0), r"'diagnostics\.conflicts\.0\.tail' is 7"),
    (conflict(node="z"), r"'diagnostics\.conflicts\.0\.node' is 'z'"),
    (conflict(about="y"), r"'diagnostics\.conflicts\.0\.about' is 'y'"),
    (conflict(state="maybe"), r"'diagnostics\.conflicts\.0\.state' is 'maybe'"),
    (verdict("local_tests", {}), r"'diagnostics\.verdicts\.0'"),
    (verdict("families", CLAIMS, "z"), r"'diagnostics\.verdicts\.0\.about' is 'z'"),
    (numbers(meta={"people": 10**400}), r"'meta\.people' is \.\.\."),
    (numbers(meta={"design": {"kind": "case_control"}}), "'meta.design.outcome' is None"),
    (numbers(meta={"design": {"kind": "matched", "outcome": "z"}}), "'meta.design.outcome' is 'z'"),
    (numbers(meta={"carried": CARRIED}), "'meta.carried.differs' is 'z'"),
    (lambda m: replace(m, sites=replace(m.sites, names=("a", "a"))), r"'sites' is \['a', 'a'\]"),
    (
        numbers(diagnostics=Diagnostics("exact", conflicts=(Conflict(*EDGE, (1, 2), 0.1),))),
        "'diagnostics.conflicts.0.data",
    ),
    (
        numbers(diagnostics=Diagnostics("exact", conflicts=(Conflict(*EDGE, "abc", 0.1),))),
        r"'diagnostics\.conflicts\.0\.data(\.0)?' is 'a",
    ),
]


@pytest.fixture
def ordinal(fitted):
    """A fit with every kind of parameter."""
    nodes = (fitted.graph.nodes[0], replace(fitted.graph.nodes[1], mechanism="ordinal_logit"))
    layout, rng = Layout(replace(fitted.graph, nodes=nodes)), np.random.default_rng(0)
    before = layout.draw_prior(3, rng)
    return replace(
        fitted,
        **dict(zip(("fractions", "beta"), layout.draw_prior(8, rng), strict=True)),
        graph=layout.graph,
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=SiteEffects(("a", "b"), rng.normal(size=(8, 2, 1)), rng.random((8, 1))),
        codebook=None,
    )


def test_a_step_diverged_or_did_not(ordinal, tmp_path):
    half = replace(ordinal, sample_stats={"diverging": np.full(8, 0.5)})
    with pytest.raises(PosteriorError, match=r"'sample_stats\.diverging' is 0\.5"):
        half.save(tmp_path / "m.nc")


@pytest.mark.parametrize(("change", "why"), UNSOUND)
def test_numbers_that_cannot_be_are_neither_saved_nor_loaded(ordinal, tmp_path, change, why):
    unsound = change(ordinal)
    with pytest.raises(PosteriorError, match=why):
        unsound.save(tmp_path / "m.nc")
    assert not (tmp_path / "m.nc").exists()
    try:
        store(unsound.to_datatree(), tmp_path / "m.nc")
    except ValueError:
        return  # of a shape that no file of ours can have
    with pytest.raises(PosteriorError, match=rf"m\.nc holds a model .*({why}|parameters)"):
        load_posterior(tmp_path / "m.nc")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([[[0.7, 0.4], [0.2, 0.8]]], "sum to 1"),
        ([[[-0.1, 1.1], [0.2, 0.8]]], "sum to 1"),
        ([[[np.nan, 0.3], [0.2, 0.8]]], "sum to 1"),
        ([[[0.7, 0.3]]], "has shape"),
    ],
)
def test_tables_that_are_no_cpts_are_neither_saved_nor_loaded(graph, tmp_path, table, why):
    sound = Posterior.from_cpts(graph, {"x": [0.5, 0.5], "y": np.full((2, 2), 0.5)})
    unsound = replace(sound, given={**sound.given, "y": np.array(table)})
    with pytest.raises(PosteriorError, match=why):
        unsound.save(tmp_path / "m.nc")
    path = store(unsound.to_datatree(), tmp_path / "m.nc")
    with pytest.raises(PosteriorError, match=why):
        load_posterior(path)


def test_tables_of_unequal_draws_are_not_saved(graph, tmp_path):
    given = {"x": np.full((1, 2), 0.5), "y": np.full((2, 2, 2), 0.5)}
    with pytest.raises(PosteriorError, match="different numbers of draws: 1, 2"):
        Posterior(graph, given=given).save(tmp_path / "m.nc")


def test_a_graph_that_asks_for_more_than_the_file_holds_is_not_laid_out(fitted, tmp_path):
    """Two nodes of which a forger claims nearly a million families: none is laid out."""
    many = [f"s{i}" for i in range(900)]

    def change(record):
        record["graph"]["nodes"]["x"]["states"] = many
        record["graph"]["nodes"]["y"] = {"states": many, "mechanism": "saturated"}
        record["codebook"] = None

    path = store(changed(fitted, change), tmp_path / "m.nc")
    with pytest.raises(PosteriorError, match="parameters are not those of its graph"):
        load_posterior(path)


@pytest.mark.parametrize("part", ["graph", "codebook", "diagnostics", "sites", "meta"])
def test_a_record_of_anything_is_refused_in_one_sentence(fitted, tmp_path, part):
    harmless = {"codebook": (None,), "meta": ({}, {"a": 1}, {"nodes": 3})}.get(part, ())
    path = fitted.save(tmp_path / "m.nc")
    for value in (None, 3, "text", [], [[]], {}, {"a": 1}, {"nodes": 3}, True):
        forging.reseal(path, lambda index, held=value: index["record"].update({part: held}))
        if value in harmless:
            load_posterior(path)
            continue
        with pytest.raises(PosteriorError) as raised:
            load_posterior(path)
        assert "\n" not in str(raised.value)
        assert str(path) in str(raised.value)


def test_a_warning_is_said_in_the_language_of_whoever_reads_it(fitted, tmp_path):
    lengthened = tmp_path / "long"
    lengthened.mkdir()
    (lengthened / "phrases.yaml").write_text("language: long\n", encoding="utf-8")
    (lengthened / "posterior.yaml").write_text(
        "no_sites: 'Ohne Orte, auch {site}.'\n", encoding="utf-8"
    )
    told = say("posterior.no_sites", site="here")
    warned = replace(fitted, diagnostics=Diagnostics("nutpie", {}, (told,), (told, "As it is.")))
    path = warned.save(tmp_path / "m.nc")
    assert load_posterior(path).diagnostics.warnings == (str(told),)
    with speaking(lengthened):
        found = load_posterior(path).diagnostics
        assert found.warnings == ("Ohne Orte, auch here.",)
        assert found.cautions == ("Ohne Orte, auch here.", "As it is.")
    assert isinstance(found.warnings[0], Said)
    assert plain(found.warnings[0])["key"] == "posterior.no_sites"


def test_a_saved_site_that_is_called_like_no_site_is_refused(fitted, tmp_path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("backrisk.posterior.sites.reserved", lambda name: False)
        sites = replace(fitted.sites, names=("a", "Average"))
        path = replace(fitted, sites=sites).save(tmp_path / "m.nc")
    with pytest.raises(
        PosteriorError, match=r"A site of this model is called 'Average', .* again\.$"
    ):
        load_posterior(path)


def swapped(index):
    index["record"]["graph"]["edges"].reverse()


RELABELLED = [
    swapped,
    lambda index: index["labels"]["prior/effect"].reverse(),
    lambda index: index["labels"]["prior/distribution"].reverse(),
    lambda index: index["labels"]["posterior/pooled"].reverse(),
    lambda index: index["record"].update(sites=["b", "a"]),
    lambda index: index["record"].update(sites="ab"),
    lambda index: index["record"].update(sites=None),
    lambda index: index["arrays"].pop("posterior/site_shift"),
    lambda index: index["arrays"].pop("posterior/site_scale"),
]


@pytest.mark.parametrize("change", RELABELLED)
def test_every_axis_has_the_labels_of_the_graph_and_the_sites(tmp_path, change):
    """Numbers of one effect are not read as those of another, nor one site's as another's."""
    graph = CausalGraph.from_edges([("x", "y"), ("w", "y"), ("x", "w")], TWO | {"w": TWO["x"]})
    nodes = tuple(
        replace(n, mechanism="ordinal_logit" if n.name in "wy" else None) for n in graph.nodes
    )
    layout, rng = Layout(replace(graph, nodes=nodes)), np.random.default_rng(0)
    before = layout.draw_prior(3, rng)
    pooled = len(layout.pooled)
    model = Posterior(
        layout.graph,
        *layout.draw_prior(4, rng),
        prior_fractions=before[0],
        prior_beta=before[1],
        sites=SiteEffects(("a", "b"), rng.normal(size=(4, 2, pooled)), rng.random((4, pooled))),
    )
    path = model.save(tmp_path / "m.nc")
    load_posterior(path)
    with pytest.raises(PosteriorError, match="parameters are not those of its graph"):
        load_posterior(forging.reseal(path, change))


@pytest.mark.parametrize("name", ["prior_beta", "prior_fractions"])
def test_half_of_the_prior_draws_is_none(ordinal, tmp_path, name):
    path = ordinal.save(tmp_path / "m.nc")
    stored = {"prior_beta": "beta", "prior_fractions": "continuation"}[name]
    with pytest.raises(PosteriorError, match="prior draws of its fractions or of its effects"):
        load_posterior(forging.reseal(path, lambda index: index["arrays"].pop(f"prior/{stored}")))
    with pytest.raises(PosteriorError, match="prior draws of its fractions or of its effects"):
        replace(ordinal, **{name: None}).save(path)


def test_what_steers_a_terminal_is_shown_and_not_obeyed(fitted, tmp_path):
    def change(index):
        index["record"]["diagnostics"]["warnings"] = ["\x1b[2JGood."]
        index["record"]["meta"]["population"] = "\x1b[2JAll."

    told = load_posterior(forging.reseal(fitted.save(tmp_path / "m.nc"), change)).warnings
    assert "".join(told) == "\N{REPLACEMENT CHARACTER}[2JAll.\N{REPLACEMENT CHARACTER}[2JGood."
