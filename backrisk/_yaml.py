"""YAML 1.2 without surprises: its core schema, bounded, and no key twice.

Yes, no, 40_54 and 2002-02-30 are words; 010 is ten. A number still knows how it was spelled, and a
key is always the text that stands in the file: where a word is meant, 010 and 1.50 stay as they
are. Nesting, size and what aliases repeat are bounded before anything is built.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

LONGEST = 2_000_000  # bytes
MOST_VALUES = 100_000  # entries, with what aliases repeat
DEEPEST = 40  # levels of nesting

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there
_TAG = "tag:yaml.org,2002:"
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUTH = {word: word.lower() == "true" for low in ("true", "false")
          for word in (low, low.title(), low.upper())}  # fmt: skip
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = {".nan", ".NaN", ".NAN"}
_DIGITS = 300  # an integer of more is read as a float, and so is any that is endless
_BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
HALF = re.compile("[\ud800-\udfff]")  # of a character: no file can hold it
_BYTE_ORDER = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the next but one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Unreadable(Exception):
    """A text that cannot be read.

    Parameters
    ----------
    kind : str
        What is wrong: the name of its sentence under ``files.unreadable`` in the words.
    **values
        What fills the sentence; ``line`` in most, the first being 1.
    """

    def __init__(self, kind: str, **values: Any) -> None:
        super().__init__(kind, values)
        self.kind, self.values = kind, values

    def __str__(self) -> str:
        return ", ".join([self.kind, *(f"{name} {value}" for name, value in self.values.items())])


class Whole(int):
    """An integer that still knows how it was spelled: 010, +3, 0x1f."""

    spelling: str

    def __new__(cls, spelling: str) -> Whole:
        """Read the spelling."""
        base = {"0o": 8, "0x": 16}.get(spelling[:2], 10)
        made = super().__new__(cls, spelling, base)
        made.spelling = spelling
        return made

    def __str__(self) -> str:
        return self.spelling

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.spelling,)


class Fraction(float):
    """A float that still knows how it was spelled: 1.50, 1e3, .inf."""

    spelling: str

    def __new__(cls, spelling: str) -> Fraction:
        """Read the spelling."""
        endless = _ENDLESS.fullmatch(spelling)
        number = f"{endless[1]}inf" if endless else "nan" if spelling in _NAN else spelling
        made = super().__new__(cls, number)
        made.spelling = spelling
        return made

    def __str__(self) -> str:
        return self.spelling

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.spelling,)


def scalar(text: str) -> Any:
    """Return what a word without quotation marks means in the core schema of YAML 1.2.

    Examples
    --------
    >>> [scalar(word) for word in ("no", "true", "~", "12", "1:30", "2002-02-30")]
    ['no', True, None, 12, '1:30', '2002-02-30']
    >>> scalar("010") + 1, str(scalar("010")), scalar("1.50") * 2, str(scalar("1.50"))
    (11, '010', 3.0, '1.50')
    """
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INT.fullmatch(text) and len(text) <= _DIGITS:
        whole = Whole(text)
        return int(whole) if int.__repr__(whole) == text else whole
    if _FLOAT.fullmatch(text) or _ENDLESS.fullmatch(text) or text in _NAN:
        number = Fraction(text)
        return float(number) if float.__repr__(number) == text else number
    return text


def read(path: Path | Traversable) -> Any:
    """Read a file of YAML.

    Parameters
    ----------
    path : Path or Traversable

    Returns
    -------
    object
        As `parse` returns it.

    Raises
    ------
    Unreadable
    OSError
    """
    return parse(contents(path))


def contents(path: Path | Traversable) -> str:
    """Return the text of a file that is not too long.

    Raises
    ------
    Unreadable
        It is too long, or not in UTF-8 nor in another Unicode that its first bytes announce.
    OSError
    """
    with path.open("rb") as file:
        return decoded(file.read(LONGEST + 1))


def decoded(raw: bytes) -> str:
    r"""Return text from bytes in UTF-8, or in the UTF-16 or UTF-32 that their first bytes announce.

    Raises
    ------
    Unreadable

    Examples
    --------
    >>> decoded(b"\xef\xbb\xbfa: 1"), decoded("a: 1".encode("utf-16"))
    ('a: 1', 'a: 1')
    """
    if len(raw) > LONGEST:
        raise Unreadable("too_long", limit=f"{LONGEST:,}")
    mark, encoding = next(
        ((mark, name) for mark, name in _BYTE_ORDER if raw.startswith(mark)), (b"", "utf-8")
    )
    raw = raw[len(mark) :]
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable("not_text", line=line, byte=f"0x{raw[error.start]:02x}") from None


def parse(text: str) -> Any:
    """Read YAML.

    Parameters
    ----------
    text : str

    Returns
    -------
    object
        Mappings with keys of text, lists, words, numbers, truth values and None.

    Raises
    ------
    Unreadable
        If it is not YAML, has a key twice, or nests, repeats or lists more than any file needs.

    Examples
    --------
    >>> parse("{answers: [yes, 40_54, 1:30, 3, 010], 08: eight}")
    {'answers': ['yes', '40_54', '1:30', 3, 010], '08': 'eight'}
    """
    if len(text) > LONGEST:
        raise Unreadable("too_long", limit=f"{LONGEST:,}")
    if found := _BROKEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable("control", line=line, code=f"U+{ord(found[0]):04X}")
    composer = _Composer()
    try:
        for event in yaml.parse(text.removeprefix("\ufeff"), Loader=_PARSER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.count("\n")) + 1 if mark else 1  # the end has a line of its own
        why = " ".join(str(error.problem or error.context).split())
        raise Unreadable("syntax", line=line, why=why) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # an escape that is no character
        why = " ".join(str(getattr(error, "reason", error)).split())
        raise Unreadable("syntax", line=composer.line, why=why) from None
    return composer.whole


@dataclass
class _Value:
    """Something built, with what it would take to write it out in full."""

    value: Any
    size: int = 1
    height: int = 0
    text: str | None = None  # of a scalar, as it stands in the file
    merges: bool = False  # << without quotation marks


@dataclass
class _Open:
    """A list or a mapping that has not ended."""

    line: int
    anchor: str | None
    made: dict[str, Any] | None  # None for a list
    entries: list[Any] = field(default_factory=list)
    key: str | None = None
    merged: dict[str, Any] = field(default_factory=dict)
    merging: bool = False
    size: int = 1
    height: int = 0


class _Composer:
    """Values built from the events of PyYAML's parser, in one pass and without recursion."""

    def __init__(self) -> None:
        self.whole: Any = None
        self.line = 1
        self.size = 0
        self.documents = 0
        self.open: list[_Open] = []
        self.anchors: dict[str, _Value] = {}

    def take(self, event: yaml.Event) -> None:
        """Go on by one event."""
        if event.start_mark is not None:
            self.line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise Unreadable("documents", line=self.line)
        elif isinstance(event, yaml.ScalarEvent):
            self._give(self._scalar(event), event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise Unreadable("alias", line=self.line, name=event.anchor)
            self._give(self.anchors[event.anchor], None)
        elif isinstance(event, yaml.CollectionStartEvent):
            listed = isinstance(event, yaml.SequenceStartEvent)
            if event.tag not in (None, "!", _TAG + ("seq" if listed else "map")):
                raise Unreadable("tag", line=self.line, tag=_shown(event.tag))
            if self.open and self.open[-1].made is not None and self.open[-1].key is None:
                raise Unreadable("key", line=self.line)
            self._count(1, 1)
            self.open.append(_Open(self.line, event.anchor, None if listed else {}))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self.open.pop()
            self.size -= done.size  # given, and counted again, as a whole
            made = done.entries if done.made is None else {**done.merged, **done.made}
            self._give(_Value(made, done.size, done.height + 1), done.anchor)

    def _scalar(self, event: yaml.ScalarEvent) -> _Value:
        text, tag = event.value, event.tag
        if half := HALF.search(text):  # written as an escape
            raise Unreadable("control", line=self.line, code=f"U+{ord(half[0]):04X}")
        if tag is None:
            bare = event.implicit[0]
            return _Value(scalar(text) if bare else text, text=text, merges=bare and text == "<<")
        if tag in ("!", _TAG + "str"):
            return _Value(text, text=text)
        value = scalar(text)
        if tag.removeprefix(_TAG) not in _kinds(value):
            raise Unreadable("tag", line=self.line, tag=_shown(tag))
        return _Value(value, text=text)

    def _count(self, size: int, height: int) -> None:
        """Refuse what would be too much, before it is built."""
        self.size += size
        if self.size > MOST_VALUES:
            raise Unreadable("too_many", line=self.line, limit=f"{MOST_VALUES:,}")
        if len(self.open) + height > DEEPEST:
            raise Unreadable("too_deep", line=self.line, limit=DEEPEST)

    def _give(self, given: _Value, anchor: str | None) -> None:
        """Put a value where it belongs."""
        if anchor is not None:
            self.anchors[anchor] = given
        self._count(given.size, given.height)
        if not self.open:
            self.whole = given.value
            return
        top = self.open[-1]
        top.size += given.size
        top.height = max(top.height, given.height)
        if top.made is None:
            top.entries.append(given.value)
        elif top.key is None:
            if given.text is None:
                raise Unreadable("key", line=self.line)
            top.key, top.merging = given.text, given.merges
            if top.key in top.made:
                raise Unreadable("repeated_key", key=top.key, line=top.line)
        elif top.merging:
            for each in reversed(list(self._mappings(given.value))):
                top.merged.update(each)
            top.key = None
        else:
            top.made[top.key], top.key = given.value, None

    def _mappings(self, given: Any) -> Iterator[dict[str, Any]]:
        """Yield what ``<<`` merges: a mapping, or each of a list."""
        for each in given if isinstance(given, list) else [given]:
            if not isinstance(each, dict):
                raise Unreadable("merge", line=self.line)
            yield each


def _kinds(value: Any) -> tuple[str, ...]:
    """Return the tags that a value may bear."""
    if value is None or isinstance(value, bool):
        return ("null",) if value is None else ("bool",)
    if isinstance(value, int):
        return "int", "float"
    return ("float",) if isinstance(value, float) else ()


def _shown(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


class _Dumper(yaml.SafeDumper):
    """Writes words in quotation marks where any YAML, 1.1 or 1.2, would read something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _spelled(dumper: yaml.SafeDumper, number: Any) -> yaml.Node:
    return dumper.represent_scalar(_TAG + "float", number.spelling)


def _word(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if re.search("[\x85\u2028\u2029]", text) else None  # ends of lines, of a kind
    return dumper.represent_scalar(_TAG + "str", text, style=style)


_Dumper.add_representer(str, _word)
_Dumper.add_representer(Whole, _spelled)
_Dumper.add_representer(Fraction, _spelled)
for _pattern in (_INT, _FLOAT):
    _number = re.compile(f"({_pattern.pattern})$")
    _Dumper.add_implicit_resolver(_TAG + "float", _number, list("-+.0123456789"))


def dump(data: Any) -> str:
    """Write plain values as YAML that `parse` reads as they were.

    Parameters
    ----------
    data : object
        Mappings with keys of text, lists, words, finite numbers, truth values and None.

    Returns
    -------
    str

    Examples
    --------
    >>> print(dump({"states": ["no", "010", "low"], "margin": [0.25, 0.75]}), end="")
    states: ['no', '010', low]
    margin: [0.25, 0.75]
    """
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 100}
    text: str = yaml.dump(data, Dumper=_Dumper, default_flow_style=None, **options)
    return text
