"""YAML without its surprises."""

import copy
import math
import pickle

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backrisk import _json, _yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("off", "off"), ("Yes", "Yes"), ("40_54", "40_54"),
        ("1:30", "1:30"), ("2002-02-30", "2002-02-30"), ("2002-03-01", "2002-03-01"),
        ("<<", "<<"), ("=", "="), ("tRue", "tRue"), ("0b1", "0b1"), ("1_000", "1_000"),
        ("true", True), ("false", False), ("True", True), ("FALSE", False),
        ("12", 12), ("-3", -3), ("+3", 3), ("010", 10), ("077", 77), ("08", 8), ("0100", 100),
        ("0o17", 15), ("0x1f", 31),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.50", 1.5), ("08.5", 8.5),
        ("-.inf", -math.inf), (".INF", math.inf), ("1e999", math.inf), ("9" * 400, math.inf),
        ("null", None), ("~", None), ("", None), ("Null", None), ("nULL", "nULL"),
    ],
)  # fmt: skip
def test_a_word_means_what_the_core_schema_says(text, value):
    found = _yaml.parse(text)
    assert found == value
    assert isinstance(found, type(value))
    assert _yaml.parse(f"- {text}") == [value]
    assert _yaml.parse(f"'{text}'") == text  # in quotation marks, everything is a word
    assert _yaml.parse(f"k: !!str {text}") == {"k": text}


def test_what_is_not_a_number_is_none():
    assert math.isnan(_yaml.parse(".nan"))


NUMBERS = r"[-+]?(0[0-7]{1,3}|[0-9]{1,4}(\.[0-9]{0,3})?([eE][-+]?[0-9]{1,2})?)"


@given(st.from_regex(NUMBERS, fullmatch=True))
def test_a_number_keeps_its_spelling(text):
    number = _yaml.parse(text)
    assert number == float(text)
    assert str(number) == f"{number}" == text
    for again in (pickle.loads(pickle.dumps(number)), copy.deepcopy(number)):
        assert (again, str(again)) == (number, text)


def test_a_key_is_the_text_that_stands_in_the_file():
    text = "{010: a, 1.50: b, no: c, true: d, ~: e, 2002-02-30: f, 9: g}"
    assert list(_yaml.parse(text)) == ["010", "1.50", "no", "true", "~", "2002-02-30", "9"]
    assert _yaml.parse("? &k 08\n: *k\n") == {"08": 8}


def refusal(text):
    with pytest.raises(_yaml.Unreadable) as raised:
        _yaml.parse(text)
    return raised.value.kind, raised.value.values


def test_a_repeated_key_is_told_with_its_place():
    kind, values = refusal("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (kind, values) == ("repeated_key", {"key": "c", "line": 3})
    assert refusal("{1: a, '1': b}")[0] == "repeated_key"
    assert _yaml.parse("{a: {x: 1}, b: {x: 1}}") == {"a": {"x": 1}, "b": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("a: [", "syntax", 1),
        ("a: 1\nb: c: d", "syntax", 2),
        ("a:\n\t- b", "syntax", 2),
        ('a: "\\UFFFFFFFF"', "syntax", 1),
        ("%YAML " + "9" * 5000 + ".1\n---\na", "syntax", 1),
        ("a: 1\n--- \nb: 2", "documents", 2),
        ("a: 1\nb: !!set {x}", "tag", 2),
        ("a: !!python/object/apply:os.getcwd []", "tag", 1),
        ("a: !!int no", "tag", 1),
        ("a: !!bool 1", "tag", 1),
        ("a: !mine x", "tag", 1),
        ("{a,!!set  b: c}", "tag", 1),
        ("? [a]\n: b", "key", 1),
        ("a: &x [1]\n*x : 2", "key", 2),
        ("a: *b", "alias", 1),
        ("a: &b [*b]", "alias", 1),
        ("a:\n  <<: b", "merge", 2),
        ("a: b\nc: \x07", "control", 2),
        ("[" * 41 + "]" * 41, "too_deep", 1),
        ("- " * 41 + "a", "too_deep", 1),
        ("[" * 100_000, "too_deep", 1),
        ("a: " + "x" * _yaml.LONGEST, "too_long", None),
        ("[" + "1," * _yaml.MOST_VALUES + "]", "too_many", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(text, kind, line):
    found, values = refusal(text)
    assert (found, values.get("line")) == (kind, line)


def test_half_a_character_is_refused_with_its_line():
    kind, values = refusal('a: 1\nb: "\\ud800"')
    assert (kind, values["line"]) in (("syntax", 2), ("control", 2))  # libyaml, or PyYAML alone


def bomb(levels, width):
    lines = ["a0: &a0 [" + ",".join(["x"] * width) + "]"]
    lines += [f"a{k}: &a{k} [" + ",".join([f"*a{k - 1}"] * width) + "]" for k in range(1, levels)]
    return "\n".join(lines)


def test_what_aliases_repeat_counts_as_if_it_were_written_out():
    written = _yaml.parse(bomb(4, 9))
    assert written["a1"] == [["x"] * 9] * 9
    assert refusal(bomb(9, 10))[0] == "too_many"
    assert refusal(bomb(60, 2))[0] == "too_many"
    assert refusal(bomb(50, 1))[0] == "too_deep"


def test_a_mapping_is_merged_beneath_what_is_written():
    text = "{a: &x {p: 1, q: 2}, b: {<<: *x, q: 3}, c: {q: 4, <<: [*x, {p: 9, r: 5}]}}"
    assert _yaml.parse(text)["b"] == {"p": 1, "q": 3}
    assert _yaml.parse(text)["c"] == {"p": 1, "q": 4, "r": 5}
    assert _yaml.parse("{'<<': 1}") == {"<<": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_unicode_that_announces_itself_is_read(tmp_path, encoding):
    (tmp_path / "a.yaml").write_bytes("ä: 1\n".encode(encoding))
    assert _yaml.read(tmp_path / "a.yaml") == {"ä": 1}


def test_other_bytes_are_told_with_their_line(tmp_path):
    (tmp_path / "a.yaml").write_bytes("a: 1\nb: ä\n".encode("latin-1"))
    with pytest.raises(_yaml.Unreadable) as raised:
        _yaml.read(tmp_path / "a.yaml")
    assert raised.value.kind == "not_text"
    assert raised.value.values == {"line": 2, "byte": "0xe4"}


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
LOOKS = st.sampled_from(["no", "010", "08", "1.50", "1e3", "~", "0x1f", ".inf", "<<", "true", "-"])
SCALARS = WORDS | LOOKS | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    SCALARS | st.booleans() | st.none(),
    lambda held: st.lists(held, max_size=4) | st.dictionaries(WORDS | LOOKS, held, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_what_is_written_is_read_as_it_was(data):
    text = _yaml.dump(data)
    assert _yaml.parse(text) == data
    assert _yaml.dump(_yaml.parse(text)) == text


def words(data):
    """Return data with numbers as the words that they are spelled as."""
    if isinstance(data, dict):
        return {key: words(value) for key, value in data.items()}
    return list(map(words, data)) if isinstance(data, list) else str(data)


LINES = WORDS.map(
    lambda text: " ".join(text.split())
)  # PyYAML loses an end of a line that is U+0085


@given(st.dictionaries(LINES | LOOKS, LINES | LOOKS | st.lists(LOOKS, max_size=3), max_size=5))
def test_what_others_write_says_the_same_words(data):
    assert words(_yaml.parse(yaml.safe_dump(data, allow_unicode=True))) == data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", "json"),
        ('{"a": 1, "a": 2}', "repeated_name"),
        ("NaN", "constant"),
        ("[NaN]", "constant_at"),
        ("[1e999]", "constant_at"),
        ("[" + "9" * 5000 + "]", "constant_at"),
        ("[" * 200_000, "too_deep"),
        ("[" * 41 + "]" * 41, "too_deep"),
        ('["\\ud83d\\ude00", "\\ud800"]', "control"),
        (" " * (_yaml.LONGEST + 1), "too_long"),
        ("[" + "1," * _yaml.MOST_VALUES + "1]", "too_many"),
    ],
)
def test_json_is_bounded_alike(text, kind):
    with pytest.raises(_yaml.Unreadable) as raised:
        _json.parse(text)
    assert raised.value.kind == kind
    assert str(_json.parse("[" * 40 + "]" * 40)) == "[" * 40 + "]" * 40
    assert _json.parse('\ufeff{"a": [1, 2.5, null, true]}') == {"a": [1, 2.5, None, True]}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400"])
def test_what_is_no_number_is_told_with_the_way_to_it(number):
    with pytest.raises(_yaml.Unreadable) as raised:
        _json.parse(f'{{"visits": [{{"pain": "none"}}, {{"age": [1, {number}]}}]}}')
    assert raised.value.kind == "constant_at"
    assert raised.value.values["name"] == "visits.1.age.1"
    assert number in raised.value.values["constant"]
