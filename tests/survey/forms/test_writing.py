"""YAML written so that it is read back, and comments that ask."""

from hypothesis import given
from hypothesis import strategies as st

from backrisk import _yaml
from backrisk.survey.forms.writing import Writer, flow

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
NUMBER = st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6).map(lambda x: round(x, 4) + 0.0)
VALUE = st.recursive(
    TEXT | NUMBER | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(VALUE)
def test_whatever_is_written_is_read_back(value):
    assert _yaml.parse(flow(value)) == value


@given(st.dictionaries(TEXT, VALUE, max_size=4), TEXT, TEXT)
def test_comments_change_nothing(contents, ask, note):
    out = Writer()
    for key, value in contents.items():
        out.put(0, key, value, ask, note)
        out.note(note)
    assert (_yaml.parse(out.text) or {}) == contents
    assert len(out.decide) == (len(contents) if ask else 0)


def test_what_is_asked_names_its_key_with_all_above_it():
    out = Writer()
    out.put(0, "columns")
    out.put(1, "age")
    out.put(2, "node", "age", "is it?")
    out.ask("anything else?")
    out.put(1, "sex", {}, "which?")
    assert out.decide == ["columns.age.node: is it?", "columns.age: anything else?",
                          "columns.sex: which?"]  # fmt: skip
    assert "    node: age  # decide: is it?" in out.lines
