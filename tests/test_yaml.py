"""YAML without its surprises."""

import pytest

from backrisk import _yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("off", "off"), ("Yes", "Yes"), ("40_54", "40_54"),
        ("1:30", "1:30"), ("0x1f", "0x1f"), ("true", True), ("false", False), ("True", "True"),
        ("12", 12), ("-3", -3), ("+3", 3), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0),
        ("null", None),
    ],
)  # fmt: skip
def test_only_what_looks_like_a_number_or_a_truth_value_is_one(text, value):
    found = _yaml.parse(text)
    assert found == value
    assert type(found) is type(value)


def test_a_repeated_key_is_told_with_its_place():
    with pytest.raises(_yaml.RepeatedKey) as raised:
        _yaml.parse("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (raised.value.key, raised.value.line) == ("c", 3)
    assert isinstance(raised.value, _yaml.YAMLError)
    assert _yaml.parse("{a: {x: 1}, b: {x: 1}}") == {"a": {"x": 1}, "b": {"x": 1}}


def test_nothing_but_plain_values_is_made():
    with pytest.raises(_yaml.YAMLError):
        _yaml.parse("!!python/object/apply:os.getcwd []")
