"""A codebook as the text of a YAML file, with a comment where a person has to decide."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[A-Za-z][\w/-]*( [\w/-]+)*")
# What YAML takes for a line's end within quotes, or for no character at all.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# Words that some readers of YAML take for truth values or for nothing.
_RESERVED = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
_WIDE = 96


@dataclass
class Writer:
    """Lines of a YAML file under way.

    Attributes
    ----------
    lines : list of str
    decide : list of str
        What a person has to decide, in the order of the lines that ask it.
    under : list of str
        The keys under which the next line stands.
    """

    lines: list[str] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    under: list[str] = field(default_factory=list)

    def put(self, depth: int, key: str, value: object = ..., ask: str = "", note: str = "") -> None:
        """Write a key, its value on the same line, and what is to be decided about it.

        Parameters
        ----------
        depth : int
            Of indentation.
        key : str
        value : object, optional
            By default the key's own keys follow.
        ask : str
            What to decide; the line is marked.
        note : str
            Any other comment.
        """
        shown = "" if value is ... else f" {flow(value)}"
        line = f"{'  ' * depth}{scalar(key)}:{shown}"
        self.under = [*self.under[:depth], key]
        if ask:
            line += f"  # decide: {_one_line(ask)}"
            self.decide.append(f"{'.'.join(self.under)}: {_one_line(ask)}")
        elif note:
            line += f"  # {_one_line(note)}"
        self.lines.append(line)

    def note(self, text: str) -> None:
        """Write comment lines; an empty text is an empty line."""
        if not text:
            self.lines.append("")
        words, line = _one_line(text).split(" "), "#"
        for word in words if text else ():
            if len(line) + len(word) >= _WIDE and line != "#":
                self.lines.append(line)
                line = "#"
            line += f" {word}"
        if text:
            self.lines.append(line)

    def ask(self, text: str) -> None:
        """Write a comment of its own, about the keys above it, that asks for a decision."""
        self.lines.append(f"{'  ' * len(self.under[:2])}# decide: {_one_line(text)}")
        self.decide.append(f"{'.'.join(self.under[:2])}: {_one_line(text)}")

    @property
    def text(self) -> str:
        """All lines, as a file."""
        return "\n".join([*self.lines, ""])


def scalar(value: object) -> str:
    """Return a text, a number or nothing as YAML writes it.

    Examples
    --------
    >>> scalar("not limiting"), scalar("no"), scalar("40_54"), scalar(40.0), scalar(None)
    ('not limiting', '"no"', '"40_54"', '40', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.15g}"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.casefold() not in _RESERVED:
        return text
    return _UNSAFE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


def flow(value: object) -> str:
    """Return any value on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())
