"""YAML without its surprises: yes, no and 40_54 are words, and no key may appear twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml

YAMLError = yaml.YAMLError


class RepeatedKey(YAMLError):
    """A key stands twice in one mapping: which value is meant is not known.

    Parameters
    ----------
    key : str
    line : int
        Where the mapping starts; the first line of a text is 1.
    """

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key, line)
        self.key, self.line = key, line

    def __str__(self) -> str:
        return f"'{self.key}' (line {self.line})"


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(str(self.construct_object(key, deep=True)) for key, _ in node.value)
        for key, count in keys.items():
            if count > 1:
                raise RepeatedKey(key, node.start_mark.line + 1)
        return super().construct_mapping(node, deep)


# The core schema of YAML 1.2: PyYAML's 1.1 reads yes as true, 40_54 as 4054 and 1:30 as 90.
_CORE = {
    "bool": (r"^(true|false)$", "tf"),
    "int": (r"^[-+]?[0-9]+$", "-+0123456789"),
    "float": (r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
}
_TAG = "tag:yaml.org,2002:"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if tag.removeprefix(_TAG) not in _CORE]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _first) in _CORE.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def parse(text: str) -> Any:
    """Parse YAML safely.

    Parameters
    ----------
    text : str

    Returns
    -------
    object
        Mappings, lists, words, numbers and truth values.

    Raises
    ------
    RepeatedKey
        If a mapping has a key twice.
    YAMLError
        If it is not YAML; says where.

    Examples
    --------
    >>> parse("{answers: [yes, 40_54, 1:30, 3]}")
    {'answers': ['yes', '40_54', '1:30', 3]}
    """
    return yaml.load(text, Loader=_Loader)  # a subclass of SafeLoader
