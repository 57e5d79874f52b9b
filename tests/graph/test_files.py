"""Graphs from files: the packaged ones by name, others by path."""

import pytest
from places import SHARED

from backrisk import GraphError, load_codebook, load_graph, packaged_graphs
from backrisk.errors import BackriskError

CASES = SHARED / "cases" / "reading"


def test_packaged_graphs_are_found_by_name():
    assert packaged_graphs() == ("athletes", "runner", "runner_core")
    assert tuple(load_graph(name).name for name in packaged_graphs()) == packaged_graphs()


def test_a_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("nodes: {x: {states: [no, yes, 40_54]}}\n", encoding="utf-8")
    graph = load_graph(path)
    assert graph.node("x").states == ("no", "yes", "40_54")
    assert graph.name == str(path)
    assert load_graph(str(path)) == graph


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"name: g\nnodes: {}\nname: h\n", "mine.yaml: the key 'name' is repeated .* line 1"),
        (b"nodes:\n  x: {}\n  x: {}\n", "mine.yaml: the key 'x' is repeated .* line 2"),
        (b"nodes: [", "mine.yaml, line 1: not valid YAML: "),
        (b"a: 1\nb: \xff", "mine.yaml, line 2: cannot be read as UTF-8 text"),
        (b"- x", "mine.yaml: expected a mapping"),
    ],
)
def test_a_file_that_holds_no_graph_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text)
    with pytest.raises(GraphError, match=message) as raised:
        load_graph(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["runer", "no/such/file.yaml"])
def test_what_is_neither_packaged_nor_a_file_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        GraphError, match=f"no graph '{name}'.* 'athletes', 'runner', 'runner_core', or"
    ):
        load_graph(name)


BOMB = "&a [x,x,x,x,x,x,x,x,x,x]", *(f"&{b} [{','.join([f'*{a}'] * 10)}]" for a, b in
                                      zip("abcdefghi", "bcdefghij", strict=True))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"nodes: {{x: {{states: [a, b]}}}}\nedges: [{', '.join(BOMB)}]",
            "line 2: more than 100,000",
        ),
        (
            "\n".join(f"n{k}: {part}" for k, part in enumerate(BOMB)) + "\n? *j\n: 1",
            "line 5: more than",
        ),
        (
            "nodes:\n  x: {group: a,!!set  modifiable: true, states: [a, b]}",
            "line 2: the tag '!!set'",
        ),
        (
            f"nodes:\n  x: {{states: [a, b], margin: [{'9' * 400}, 0.5]}}",
            r"margin \[inf, 0.5\]",
        ),
        ("nodes: {x: {states: [a, b], concentration: 1e999}}", "concentration .* got inf"),
        (
            "nodes: {x: {states: [a, b], reliability: .nan}}",
            "reliability should lie",
        ),
        ("nodes: {x: {states: [!!str 1.0, 1]}}", "state '1' is repeated"),
        ("nodes: " + "{x: " * 50, "line 1: nested more than 40 levels"),
        ("nodes: {x: {states: [a, b]}}\n--- {}", "line 2: a second document"),
        ("nodes: {? [x] : {states: [a, b]}}", "line 1: a key should be a word or a number"),
        (
            "figures: ../../../etc/passwd\nnodes: {x: {states: [a, b]}}",
            "no published figures",
        ),
        (f"figures: {'a' * 5000}\nnodes: {{x: {{states: [a, b]}}}}", "no published figures"),
        ("edges: " + "[" * 20 + "x" + "]" * 20 + "\nnodes: {x: {states: [a, b]}}", "got '?\\["),
    ],
)
def test_what_would_break_a_reader_is_one_sentence(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(GraphError, match=message) as raised:
        load_graph(tmp_path / "mine.yaml")
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(not CASES.is_dir(), reason="inputs that went wrong lie beside the repository")
@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_files_that_once_broke_a_reader_are_refused_in_a_sentence(path):
    with pytest.raises(BackriskError) as raised:
        (load_codebook if "codebook" in path.stem else load_graph)(path)
    assert "\n" not in str(raised.value)


def test_a_name_too_long_for_the_system_is_no_graph():
    for name in ("x" * 5000, "a\0b", "..", "../data/runner"):
        with pytest.raises(GraphError, match="There is no graph"):
            load_graph(name)


def test_a_graph_of_json_is_read_as_json(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"nodes": {"x": {"states": ["\\u00e4", "a\\/b"]}}}', encoding="utf-8")
    assert load_graph(path).node("x").states == ("ä", "a/b")
    path.write_text('{"nodes": {"x": 1, "x": 2}}', encoding="utf-8")
    with pytest.raises(GraphError, match="the name 'x' is repeated in one object"):
        load_graph(path)
