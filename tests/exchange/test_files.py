"""Networks through files: the same answers again, other programs' reading, and bad files."""

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from strategies import every_mechanism, nominal_causes, random_graph, random_posterior

import backrisk as br
from backrisk.errors import PosteriorError, QueryError
from backrisk.exchange.spelling import STATE, safe_names

KINDS = ["bif", "xmlbif", "xdsl", "net", "uai"]
# No format takes all of these as they are.
STATES = {
    "age": ["under_40", "40_54", "55+"],
    "table": ["no", "yes; (a|b) 'c' \"d\" 50 % é", "table"],
    "_weak": ["a b", "a_b"],
    "Schmerz_ü": ["none", "default"],
}


def awkward():
    graph = br.CausalGraph(
        "two words",
        tuple(
            br.Node(
                name, tuple(states), label=f'{name}; <said> "so" | 5 %', nominal=name == "table"
            )
            for name, states in STATES.items()
        ),
        # A node that comes first and has causes, and parents that are not in the order of nodes.
        tuple(
            br.Edge(a, b, "claim", "stated", "weak")
            for a, b in [
                ("table", "age"),
                ("_weak", "Schmerz_ü"),
                ("age", "Schmerz_ü"),
                ("table", "Schmerz_ü"),
            ]
        ),
        outcome="Schmerz_ü",
    )
    return random_posterior(np.random.default_rng(1), graph, draws=3)


def same_answers(posterior, draw, back):
    """The joint distribution in one draw: every question follows from it."""
    graph = posterior.graph
    for name in graph.names:
        expected = posterior.cpt(name)[draw] if draw is not None else posterior.mean_cpt(name)
        order = [graph.parents(name).index(parent) for parent in back.graph.parents(name)]
        found = back.cpt(name)[0]
        np.testing.assert_allclose(found, expected.transpose(*order, len(order)), atol=1e-12)
    person = {graph.names[0]: graph.nodes[0].states[-1]}
    one = br.risk(back, person).draws[0]
    if draw is not None:
        assert one == pytest.approx(br.risk(posterior, person).draws[draw], abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draw", [None, 1])
def test_a_network_comes_back_with_its_names_and_its_answers(kind, draw, tmp_path):
    posterior = awkward()
    back = br.read_network(br.save_network(posterior, tmp_path / f"n.{kind}", draw=draw))
    same_answers(posterior, draw, back)
    for node in posterior.graph.nodes:
        other = back.graph.node(node.name)
        assert (other.states, other.nominal) == (node.states, node.nominal)
        assert other.label == node.label
    assert back.graph.outcome == "Schmerz_ü"
    assert back.graph.names == posterior.graph.names
    assert back.draws == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_random_networks_come_back(kind, seed, tmp_path):
    rng = np.random.default_rng(seed)
    posterior = random_posterior(rng, random_graph(rng, 6))
    back = br.read_network(br.save_network(posterior, tmp_path / f"n.{kind}", draw=0))
    same_answers(posterior, 0, back)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mechanism_is_written_as_its_table(kind, tmp_path):
    for graph in (every_mechanism(), nominal_causes()):
        posterior = br.truth(graph)
        back = br.read_network(br.save_network(posterior, tmp_path / f"n.{kind}"))
        for name in graph.names:
            assert back.graph.parents(name) == graph.parents(name)
            np.testing.assert_allclose(back.cpt(name), posterior.cpt(name), atol=1e-12)


def test_a_graph_says_what_the_file_does_not(tmp_path):
    posterior = awkward()
    path = br.save_network(posterior, tmp_path / "n.xdsl", draw=2)
    back = br.read_network(path, graph=posterior.graph)
    assert back.graph == posterior.graph
    same_answers(posterior, 2, back)
    edges = [(edge.cause, edge.effect) for edge in reversed(posterior.graph.edges)]
    turned = {name: states[::-1] for name, states in STATES.items()}
    other = br.read_network(path, graph=br.CausalGraph.from_edges(edges, turned))
    assert br.risk(other, {"age": "40_54"}, target="Schmerz_ü").draws[0] == pytest.approx(
        1 - br.risk(posterior, {"age": "40_54"}).draws[2], abs=1e-12
    )


def test_names_of_uai_can_be_given(tmp_path):
    posterior = awkward()
    path = br.save_network(posterior, tmp_path / "n.uai", draw=0)
    Path(f"{path}.json").unlink()
    bare = br.read_network(path)
    assert bare.graph.names == ("x0", "x1", "x2", "x3")
    named = br.read_network(path, names=STATES, outcome="age")
    assert named.graph.outcome == "age"
    assert br.risk(named, {}, target="Schmerz_ü").draws == pytest.approx(
        br.risk(posterior, {}).draws[:1]
    )
    with pytest.raises(PosteriorError, match="does not give a name and as many states"):
        br.read_network(path, names={"age": ["no", "yes"]})


def test_identifiers_are_taken_by_nobody_else():
    texts = ["s_1", "1", "1 ", "table", "s_table", "ü", "", "é"]
    found = safe_names(texts, STATE)
    assert len(set(found.values())) == len(texts)
    assert found["s_1"] == "s_1"
    for name in found.values():
        assert name.isascii()
        assert name.isidentifier()


def test_who_renames_a_state_elsewhere_means_it(tmp_path):
    path = br.save_network(awkward(), tmp_path / "n.bif")
    path.write_text(path.read_text().replace("s_40_54", "middle"))
    assert br.read_network(path).graph.node("age").states == ("under_40", "middle", "s_55")


DOG = """
// as JavaBayes writes it
network "Dog-Problem" { property "author" ; }
variable "light-on" { type discrete[2] { "true" "false" }; property "position = (1, 2)" ; }
variable "bowel-problem" { type discrete[2] { "true" "false" }; }
variable "family-out" { type discrete[2] { "true" "false" }; }
variable "dog-out" { type discrete[2] { "true" "false" }; }
probability ( "family-out" ) { table 0.15 0.85 ; }
probability ( "bowel-problem" ) { table 0.01 0.99 ; }
probability ( "light-on" "family-out" ) { table 0.6 0.05 0.4 0.95 ; }
probability ( "dog-out" "bowel-problem" "family-out" ) {
  table 0.99 0.97 0.9 0.3 0.01 0.03 0.1 0.7 ;
}
"""


def test_the_dog_problem_as_charniak_has_it(tmp_path):
    # Charniak 1991, doi:10.1609/aimag.v12i4.918, figure 2.
    (tmp_path / "dog.bif").write_text(DOG)
    dog = br.read_network(tmp_path / "dog.bif")
    assert dog.graph.node("light_on").label == "light-on"

    def chance(node, **given):
        return 1 - br.risk(dog, given, target=node).draws[0]

    assert chance("light_on", family_out="true") == pytest.approx(0.6)
    assert chance("light_on", family_out="false") == pytest.approx(0.05)
    assert chance("dog_out", family_out="true", bowel_problem="false") == pytest.approx(0.9)
    assert chance("dog_out", family_out="false", bowel_problem="true") == pytest.approx(0.97)


def test_rows_of_few_digits_are_made_whole_and_a_default_fills(tmp_path):
    (tmp_path / "n.bif").write_text(
        "network n { } variable a { type discrete [ 3 ] { x, y, z }; }\n"
        "variable b { type discrete [ 3 ] { x, y, z }; }\n"
        "probability ( a ) { table 0.333, 0.333, 0.333; }\n"
        "probability ( b | a ) { default 0.2, 0.3, 0.5; (y) 1e-1, .4, 5E-1; }\n"
    )
    back = br.read_network(tmp_path / "n.bif")
    np.testing.assert_allclose(back.cpt("a")[0], [1 / 3] * 3)
    np.testing.assert_allclose(
        back.cpt("b")[0], [[0.2, 0.3, 0.5], [0.1, 0.4, 0.5], [0.2, 0.3, 0.5]]
    )


def test_xmlbif_may_describe_its_own_elements(tmp_path):
    path = br.save_network(awkward(), tmp_path / "n.xmlbif", draw=0)
    head, _, rest = path.read_text().partition("<BIF")
    path.write_text(f"{head}<!DOCTYPE BIF [ <!ELEMENT BIF ( NETWORK )*> ]>\n<BIF{rest}")
    same_answers(awkward(), 0, br.read_network(path))


SMALL = br.Posterior.from_cpts(
    br.CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]}),
    {"a": [0.5, 0.5], "b": [[0.7, 0.3], [0.2, 0.8]]},
)


LAST = {"bif": "}", "xmlbif": "</BIF>", "xdsl": "</smile>", "net": "}", "uai": "0.2 0.8"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_short_is_told_in_a_sentence(kind, tmp_path):
    path = br.save_network(SMALL, tmp_path / f"n.{kind}")
    whole = path.read_text()
    # The end tag, the last brace, or the last number is lost with the last characters.
    for length in range(0, len(whole.rstrip()) - len(LAST[kind]) + 1):
        path.write_text(whole[:length])
        with pytest.raises(PosteriorError) as told:
            br.read_network(path)
        assert "\n" not in str(told.value)
        assert path.name in str(told.value)


BOMB = """<?xml version="1.0"?>
<!DOCTYPE BIF [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<BIF><NETWORK><NAME>&b;</NAME></NETWORK></BIF>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE smile [<!ENTITY a SYSTEM "file:///etc/hostname">]><smile><nodes>&a;</nodes></smile>"""
UNKNOWN = "<!DOCTYPE BIF SYSTEM 'x.dtd'><BIF><NETWORK><NAME>&gone;</NAME></NETWORK></BIF>"


@pytest.mark.parametrize(("kind", "text"), [("xmlbif", BOMB), ("xdsl", OUTSIDE), ("xml", UNKNOWN)])
def test_no_entity_is_expanded(kind, text, tmp_path):
    (tmp_path / f"n.{kind}").write_text(text)
    with pytest.raises(PosteriorError, match="an entity of its own"):
        br.read_network(tmp_path / f"n.{kind}")


def changed(kind, old, new, tmp_path):
    path = br.save_network(SMALL, tmp_path / f"n.{kind}")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


BAD = [
    ("bif", "0.7, 0.3", "0.7, 0.4", "at a=no it holds 0.7, 0.4"),
    ("net", "0.7 0.3", "0.7 nan", "at a=no it holds 0.7, nan"),
    ("xdsl", "0.7 0.3", "1.7 -0.7", "at a=no it holds 1.7, -0.7"),
    ("uai", "0.5 0.5", "0.5 inf", "holds 0.5, inf"),
    ("xmlbif", "0.7 0.3", "0.7", "3 numbers where 4"),
    ("bif", "(yes)", "(maybe)", "no state 'maybe', expected one of 'no', 'yes'"),
    ("bif", "(yes)", "(no)", "at a=yes it holds nan, nan"),
    ("net", "(b | a)", "(b | c)", "'c' is not the name of a declared node"),
    ("xdsl", "<parents>a", "<parents>b", "names a node twice"),
    ("bif", "variable b", "variable a", "'a' is declared twice"),
    ("bif", "0.5, 0.5", "half, half", "'half', which is no number"),
    ("net", "node a", "continuous node a", "the kind 'continuous'"),
    ("xmlbif", "nature", "utility", "the kind 'utility'"),
    ("xdsl", '<state id="no" />', "", "expected two or more"),
    ("uai", "BAYES", "MARKOV", "BAYES is expected"),
    ("uai", "2 2\n", "2 9999999999\n", "whole number"),
]


@pytest.mark.parametrize(("kind", "old", "new", "said"), BAD)
def test_a_mistake_is_told_in_a_sentence(kind, old, new, said, tmp_path):
    path = changed(kind, old, new, tmp_path)
    with pytest.raises(PosteriorError) as told:
        br.read_network(path)
    assert said in str(told.value)
    assert path.name in str(told.value)


def test_circles_huge_tables_and_deep_elements_are_refused(tmp_path):
    path = tmp_path / "n.bif"
    nodes = "".join(
        f"variable n{i} {{ type discrete [ 9 ] {{ {', '.join(f's{k}' for k in range(9))} }}; }}\n"
        for i in range(12)
    )
    given = ", ".join(f"n{i}" for i in range(1, 12))
    path.write_text(f"network n {{ }} {nodes} probability ( n0 | {given} ) {{ }}")
    with pytest.raises(PosteriorError, match="more than 10,000,000 cells"):
        br.read_network(path)
    two = "type discrete [ 2 ] { no, yes };"
    path.write_text(
        f"network n {{ }} variable a {{ {two} }} variable b {{ {two} }}"
        "probability ( a | b ) { (no) 1, 0; (yes) 0, 1; }"
        "probability ( b | a ) { (no) 1, 0; (yes) 0, 1; }"
    )
    with pytest.raises(PosteriorError, match=r"n\.bif does not hold a network .* cycle"):
        br.read_network(path)
    (tmp_path / "n.xdsl").write_text("<a>" * 100)
    with pytest.raises(PosteriorError, match="nested more than 40 deep"):
        br.read_network(tmp_path / "n.xdsl")


def test_a_wrong_ending_draw_or_graph_is_told(tmp_path):
    with pytest.raises(PosteriorError, match=r"expected one of '\.bif'"):
        br.save_network(SMALL, tmp_path / "n.txt")
    with pytest.raises(QueryError, match="counted from 0 to 0"):
        br.save_network(SMALL, tmp_path / "n.bif", draw=1)
    with pytest.raises(PosteriorError, match="no such file"):
        br.read_network(tmp_path / "gone.bif")
    path = br.save_network(SMALL, tmp_path / "n.bif")
    two = ["no", "yes"]
    for edges, states, said in [
        ([("b", "a")], {"a": two, "b": two}, "has the causes none; in graph"),
        ([("a", "b")], {"a": two, "b": ["no", "maybe"]}, "has the states no and yes; in"),
        ([("a", "b"), ("c", "b")], {"a": two, "b": two, "c": two}, "has no node 'c'"),
        ([], {"a": two}, "has a node 'b'"),
    ]:
        with pytest.raises(PosteriorError, match=said):
            br.read_network(path, graph=br.CausalGraph.from_edges(edges, states))


def needs(module):
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


@needs("pyagrum")
@pytest.mark.parametrize("kind", ["bif", "bifxml", "net"])
def test_pyagrum_reads_the_same_tables(kind, tmp_path):
    """XDSL and UAI are left out: it has the first parent as the fastest axis there."""
    posterior = awkward()
    path = br.save_network(posterior, tmp_path / f"n.{kind}", draw=0)
    nodes = safe_names(posterior.graph.names, "n_")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own; where they are errors it does not survive
        import pyagrum

        net = pyagrum.loadBN(str(path))
        for name in posterior.graph.names:
            table = net.cpt(nodes[name])
            # The first of its names is the last axis of its array.
            axes = [*(nodes[parent] for parent in posterior.graph.parents(name)), nodes[name]]
            order = [table.names[::-1].index(axis) for axis in axes]
            # It reads some formats in single precision.
            found = table.toarray().transpose(order)
            np.testing.assert_allclose(found, posterior.cpt(name)[0], atol=1e-7)


@needs("pgmpy")
@pytest.mark.parametrize("kind", ["bif", "xmlbif", "xdsl", "net"])
def test_pgmpy_reads_the_same_tables(kind, tmp_path):
    """UAI is left out: it has the node itself as the slowest axis there."""
    from pgmpy.readwrite import BIFReader, NETReader, XDSLReader, XMLBIFReader

    readers = {"bif": BIFReader, "xmlbif": XMLBIFReader, "xdsl": XDSLReader, "net": NETReader}
    posterior = awkward()
    path = br.save_network(posterior, tmp_path / f"n.{kind}", draw=0)
    model = readers[kind](str(path)).get_model()
    nodes = safe_names(posterior.graph.names, "n_")
    for name in posterior.graph.names:
        cpd = model.get_cpds(nodes[name])
        axes = [nodes[name], *(nodes[parent] for parent in posterior.graph.parents(name))]
        values = cpd.values.transpose([cpd.variables.index(axis) for axis in axes])
        np.testing.assert_allclose(np.moveaxis(values, 0, -1), posterior.cpt(name)[0], atol=1e-6)


UAI = """c a comment
BAYES
4
2 2 2 2
4
1 0
2 0 1
2 0 2
3 1 2 3

2
 0.2 0.8
4
 0.6 0.4 0.3 0.7
4
 0.25 0.75 0.75 0.25
8
 1.0 0.0 0.35 0.65 0.8 0.2 0.0 1.0
"""


def test_uai_is_read_as_its_users_describe_it(tmp_path):
    # https://aia-uclouvain.github.io/schlandals/modelization/bn/uai.html: the last axis fastest.
    (tmp_path / "n.uai").write_text(UAI)
    back = br.read_network(tmp_path / "n.uai")
    assert back.graph.parents("x3") == ("x1", "x2")
    assert back.cpt("x1")[0].tolist() == [[0.6, 0.4], [0.3, 0.7]]
    assert back.cpt("x3")[0].tolist() == [[[1, 0], [0.35, 0.65]], [[0.8, 0.2], [0, 1]]]


def test_the_names_beside_a_uai_file_are_plain_json(tmp_path):
    path = br.save_network(awkward(), tmp_path / "n.uai")
    told = json.loads(Path(f"{path}.json").read_text())
    assert [node["name"] for node in told["nodes"]] == list(STATES)
