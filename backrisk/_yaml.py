"""YAML without its surprises: yes and no are words, and no key may stand twice."""

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


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if tag != _BOOL]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(true|false)$"), ["t", "f"])


def parse(text: str) -> Any:
    """Parse YAML safely.

    Raises
    ------
    YAMLError
        With the place of the mistake.
    """
    return yaml.load(text, Loader=_Loader)  # a subclass of SafeLoader
