"""Graphs from files: the packaged ones by name, others by path."""

import pytest

from backrisk import GraphError, load_graph, packaged_graphs


def test_packaged_graphs_are_found_by_name():
    assert packaged_graphs() == ("runner", "runner_core")
    assert [load_graph(name).name for name in packaged_graphs()] == ["runner", "runner_core"]


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
        (b"nodes: [", "mine.yaml: not valid YAML: .*line 1"),
        (b"\xff\xfe", "mine.yaml: cannot be read as UTF-8 text"),
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
    with pytest.raises(GraphError, match=f"no graph '{name}'.* 'runner', 'runner_core', or"):
        load_graph(name)
