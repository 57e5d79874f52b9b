"""YAML without its surprises: yes, no and 40_54 are words, and no key may stand twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml

YAMLError = yaml.YAMLError


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(str(self.construct_object(key, deep=True)) for key, _ in node.value)
        for key, count in keys.items():
            if count > 1:
                line = node.start_mark.line + 1
                raise yaml.YAMLError(f"'{key}' stands twice in the mapping at line {line}")
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

    Raises
    ------
    YAMLError
        With the place of the mistake.
    """
    return yaml.load(text, Loader=_Loader)  # a subclass of SafeLoader
