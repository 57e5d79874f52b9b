"""Making the mutants of a module with mutmut's operators, and drawing a sample of them.

mutmut's own runner leaves out decorated functions (properties, compiled loops), samples nothing and
knows one set of tests for the whole tree, so only its operators are used here.
"""

from __future__ import annotations

import difflib
import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper
from mutmut.mutation.mutators import mutation_operators, operator_string

EQUIVALENT = Path(__file__).with_name("equivalent.tsv")

OPERATORS = [(kind, make) for kind, make in mutation_operators if make is not operator_string]

_NO_BEHAVIOUR = (
    m.Annotation()
    | m.Decorator()
    | m.Raise()
    | m.TypeAlias()
    | m.Call(func=m.Attribute(m.Name("warnings"), m.Name("warn")))
    | m.If(test=m.Name("TYPE_CHECKING") | m.Attribute(attr=m.Name("TYPE_CHECKING")))
)
_ALIAS = m.Assign(value=m.Subscript() | m.BinaryOperation(operator=m.BitOr()))


@dataclass(frozen=True)
class Mutant:
    """One fault: the lines it changes, and the module's source with it."""

    file: str
    line: int
    operator: str
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """What names the mutant as long as its module does not change."""
        return hashlib.sha256(f"{self.file}\n{self.source}".encode()).hexdigest()[:16]


def _is_alias(node: cst.CSTNode) -> bool:
    """Whether a statement names a type: ``Array = NDArray[np.float64]``."""
    if not m.matches(node, _ALIAS):
        return False
    target = cst.ensure_type(node, cst.Assign).targets[0].target
    name = target.value if isinstance(target, cst.Name) else ""
    return name[:1].isupper() and not name.isupper()


class _Places(cst.CSTVisitor):
    """Collects each node with each operator that has something to do there."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, str, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, _NO_BEHAVIOUR) or _is_alias(node):
            return False
        for kind, make in OPERATORS:
            if isinstance(node, kind):
                name = make.__name__.removeprefix("operator_")
                self.found += [(node, name, mutated) for mutated in make(node)]
        return True


def _changed(before: list[str], after: list[str]) -> tuple[int, str, str]:
    """Return the first changed line and what is on the changed lines, each as one line."""
    gone, come, first = [], [], 0
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if tag != "equal":
            first = first or i1 + 1
            gone += before[i1:i2]
            come += after[j1:j2]
    return first, " ".join(" ".join(gone).split()), " ".join(" ".join(come).split())


class Module:
    """A module's source and all its mutants; its length is the number of places that have some.

    Parameters
    ----------
    file : str
        Relative to the root of the tree.
    source : str
    """

    def __init__(self, file: str, source: str) -> None:
        self.file, self.source = file, source
        self._tree = MetadataWrapper(cst.parse_module(source)).module
        places = _Places()
        self._tree.visit(places)
        self._places = places.found

    def __len__(self) -> int:
        return len({id(node) for node, _, _ in self._places})

    @property
    def mutants(self) -> int:
        """How many mutants there are."""
        return len(self._places)

    def drawn(self, seed: int) -> Iterator[Mutant]:
        """Yield all mutants in an order that the seed sets: the first n are a sample of n.

        Places come first, and one fault at each before a second at any: a call has two for each
        argument, most of them easily noticed, and would be most of the sample.
        """
        order = list(self._places)
        random.Random(f"{seed} {self.file}").shuffle(order)
        turns: Counter[int] = Counter()
        turn = []
        for node, _, _ in order:
            turn.append(turns[id(node)])
            turns[id(node)] += 1
        seen = {self.source}
        for at in sorted(range(len(order)), key=turn.__getitem__):
            node, operator, mutated = order[at]
            source = cst.ensure_type(self._tree.deep_replace(node, mutated), cst.Module).code
            try:
                compile(source, self.file, "exec", dont_inherit=True)
            except SyntaxError:
                continue
            if source not in seen:
                seen.add(source)
                changed = _changed(self.source.splitlines(), source.splitlines())
                yield Mutant(self.file, changed[0], operator, changed[1], changed[2], source)


def shares(sizes: dict[str, int], total: int) -> dict[str, int]:
    """Split a sample over modules in proportion to their places, at least one for each.

    Parameters
    ----------
    sizes : dict of str to int
        How many places each module has.
    total : int
        Of the sample; a module's share is never more than what it has.
    """
    sizes = {name: size for name, size in sizes.items() if size}
    total = min(total, sum(sizes.values()))
    exact = {name: total * size / sum(sizes.values()) for name, size in sizes.items()}
    given = {name: min(sizes[name], max(1, int(exact[name]))) for name in sizes}
    for name in sorted(sizes, key=lambda name: (int(exact[name]) - exact[name], name)):
        if sum(given.values()) >= total:
            break
        given[name] += given[name] < sizes[name]
    return given


def equivalents(path: Path = EQUIVALENT) -> dict[tuple[str, str, str], str]:
    """Read the mutants that were judged by hand to change nothing, and why."""
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) != 4 or not cells[3].strip():
                raise ValueError(
                    f"{path.name}, line {number}: expected file, original line, mutated line and "
                    f"reason with tabs between, found {len(cells)} cells"
                )
            found[cells[0], cells[1], cells[2]] = cells[3]
    return found
