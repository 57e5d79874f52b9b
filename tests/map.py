"""The map of imports: `python -m tests.map` draws it, with `--check` it only judges.

The graph is made from the code: imports inside functions count, and so do those for types only. A
name that a room's door hands on (`__init__.pyi`) is followed to the file that defines it, so that
a circle of files cannot hide behind a door. The order of the rooms is the one in `.importlinter`.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.sax.saxutils import escape

import grimp
import networkx as nx

ROOT = Path(__file__).parents[1]
MAP = ROOT / "reports" / "map.svg"
# Ways to import that no graph of imports sees; only a room's door may be lazy.
HIDING = {"import_module", "__import__", "exec_module", "load_module", "resolve_name", "run_module"}
BASE = "below all rooms"


@dataclass(frozen=True, order=True)
class Import:
    """One statement in a file, and one of the files that it ends at."""

    importer: str
    line: int
    imported: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        what = f"{', '.join(self.names)}; " if self.names else ""
        return f"{self.importer} -> {self.imported} ({what}line {self.line})"


@dataclass(frozen=True)
class Package:
    """A package of rooms that can be imported, with the order its `.importlinter` states."""

    root: Path
    name: str = "backrisk"

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each module; a folder's is its `__init__.py`."""
        found = {}
        for path in sorted((self.root / self.name).rglob("*.py")):
            parts = path.relative_to(self.root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The parsed text of each module."""
        return {name: ast.parse(path.read_text("utf-8")) for name, path in self.files.items()}

    @cached_property
    def layers(self) -> list[list[str]]:
        """Rooms and loose files from the top down, as the contract of layers lists them."""
        read = ConfigParser()
        read.read(self.root / ".importlinter", encoding="utf-8")
        (lines,) = (part["layers"] for part in read.values() if "layers" in part)
        return [
            [name.strip(" ()") for name in line.replace(":", "|").split("|")]
            for line in lines.split("\n")
            if line.strip()
        ]

    @cached_property
    def doors(self) -> dict[str, dict[str, tuple[str, str]]]:
        """By folder, the module and name behind each name that its `.pyi` hands on."""
        found: dict[str, dict[str, tuple[str, str]]] = {}
        for name, path in self.files.items():
            stub = path.with_suffix(".pyi")
            if path.name == "__init__.py" and stub.exists():
                found[name] = {
                    alias.asname or alias.name: (source(node, name), alias.name)
                    for node in ast.walk(ast.parse(stub.read_text("utf-8")))
                    if isinstance(node, ast.ImportFrom)
                    for alias in node.names
                }
        return found

    def behind(self, module: str, name: str) -> str:
        """Follow a name through doors to the module that defines it."""
        if f"{module}.{name}" in self.files and name not in self.doors.get(module, {}):
            return f"{module}.{name}"
        if name in self.doors.get(module, {}):
            return self.behind(*self.doors[module][name])
        return module

    def ends(self, module: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield each file that an import of names from a module ends at, with the name."""
        for name in names:
            yield self.behind(module, name), name
        if not names:  # The folder as a whole: whatever it hands on may be used.
            yield module, ""
            for name in self.doors.get(module, {}):
                yield self.behind(module, name), name

    def place(self, module: str) -> str:
        """Return the room of a module, or the name of a loose file."""
        return [*module.split("."), ""][1]

    def height(self, module: str) -> int:
        """Return the layer of a module, counted from below."""
        for height, layer in enumerate(reversed(self.layers)):
            if self.place(module) in layer:
                return height
        raise SystemExit(f"{self.place(module)} is in no layer of .importlinter.")

    @cached_property
    def imports(self) -> list[Import]:
        """All imports inside the package, file to file."""
        graph = grimp.build_graph(self.name, cache_dir=None)
        found: dict[tuple[str, int, str], set[str]] = defaultdict(set)
        for importer in sorted(graph.modules):
            for imported in graph.find_modules_directly_imported_by(importer):
                for detail in graph.get_import_details(importer=importer, imported=imported):
                    line = detail["line_number"]
                    names = self._names(importer, line, imported)
                    for end, name in self.ends(imported, names):
                        found[importer, line, end] |= {name} - {""}
        return sorted(Import(*at, tuple(sorted(names))) for at, names in found.items())

    def _names(self, importer: str, line: int, imported: str) -> list[str]:
        """Return the names that the statement in this line takes from a module, if it does."""
        package = self.files[importer].name == "__init__.py"
        home = importer if package else importer.rpartition(".")[0]
        taken = [
            (source(node, home), alias.name)
            for node in ast.walk(self.trees[importer])
            if isinstance(node, ast.ImportFrom) and node.lineno == line
            for alias in node.names
        ]
        whole = {f"{module}.{name}": name for module, name in taken}
        if imported in whole and imported not in self.doors:
            return [whole[imported]]
        return [
            name
            for module, name in taken
            if module == imported and f"{module}.{name}" not in self.files
        ]

    @cached_property
    def upward(self) -> list[Import]:
        """Imports of another room that is not in a lower layer. The package's own door has none."""
        return [
            each
            for each in self.imports
            if self.name not in (each.importer, each.imported)
            and self.place(each.importer) != self.place(each.imported)
            and self.height(each.importer) <= self.height(each.imported)
        ]

    @cached_property
    def circles(self) -> list[list[Import]]:
        """Circles of files: by the import that most of them share, one for each import to cut."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        for each in self.imports:
            if not graph.has_edge(each.importer, each.imported):
                graph.add_edge(each.importer, each.imported, of=each)
        found = []
        while shortest := _circles(graph):
            shared = Counter(pair for circle in shortest for pair in circle)
            cut = min(shared, key=lambda pair: (-shared[pair], pair))
            circle = min((one for one in shortest if cut in one), key=lambda one: (len(one), one))
            found.append([graph.edges[pair]["of"] for pair in circle])
            graph.remove_edge(*cut)
        return found

    @cached_property
    def hidden(self) -> list[str]:
        """Imports that no graph sees: by a call, or lazily anywhere but in a door."""
        found = set()
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                names: set[str] = set()
                if isinstance(node, ast.Name):
                    names = {node.id} & HIDING
                elif isinstance(node, ast.Attribute):
                    names = {node.attr} & HIDING
                elif isinstance(node, ast.Import | ast.ImportFrom):
                    names = {alias.name for alias in node.names}
                    names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
                    door = self.files[module].name == "__init__.py"
                    names &= HIDING if door else HIDING | {"lazy_loader"}
                found |= {(module, node.lineno, name) for name in names if hasattr(node, "lineno")}
        return [f"{module} line {line}: {name}" for module, line, name in sorted(found)]

    @cached_property
    def registered(self) -> list[str]:
        """What one room finds of another by an entry point of this package, which is no import."""
        about = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))
        groups: Mapping[str, Mapping[str, str]] = about["project"].get("entry-points", {})
        return [
            f"{module} finds {target} by the entry point {group}"
            for module, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and "entry_points" in ast.unparse(node.func)
            for group, targets in groups.items()
            if repr(group) in ast.unparse(node)
            for target in targets.values()
        ]

    @cached_property
    def problems(self) -> list[str]:
        """One sentence for each circle, upward import and hidden import."""
        return [
            *(f"Circle: {', '.join(map(str, circle))}" for circle in self.circles),
            *(f"Upward: {each}" for each in self.upward),
            *(f"Hidden import: {each}" for each in self.hidden),
        ]


def _circles(graph: nx.DiGraph[str]) -> set[tuple[tuple[str, str], ...]]:
    """Return the shortest circle through each edge that is part of one."""
    found = set()
    for part in nx.strongly_connected_components(graph):
        for start, end in graph.subgraph(part).edges:
            walk = nx.shortest_path(graph, end, start)
            first = walk.index(min(walk))
            walk = [*walk[first:], *walk[:first]]
            found.add(tuple(zip(walk, [*walk[1:], walk[0]], strict=True)))
    return found


def source(node: ast.ImportFrom, home: str) -> str:
    """Return the full name of the module that a statement in the package `home` imports from."""
    if not node.level:
        return node.module or ""
    parts = home.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])


# The drawing. Rooms are rows, bands are layers. An arrow leaves its room to the right, runs down in
# the lane of the room that it imports, and ends there; so no arrow passes a box, and arrows cross
# at right angles only. What goes up would be drawn on the left, in red.

WIDTH, EDGE, BOX, LINE = 1200, 24, 500, 17
HUES = ("#1d4ed8", "#0f766e", "#7c3aed", "#a16207", "#0369a1", "#4d7c0f")
GREY = "#64748b"
RED = "#dc2626"


@dataclass
class Row:
    """A room, or what lies below all rooms, on the map."""

    name: str
    height: int
    files: list[str]
    lines: int
    top: float = 0
    bottom: float = 0

    @property
    def wrapped(self) -> list[str]:
        """The names of the files in lines that fit the box."""
        return textwrap.wrap("  ".join(self.files), 70, break_on_hyphens=False)


def thickness(count: int) -> float:
    """Return how thick an arrow of so many imports is."""
    return min(0.9 + 0.3 * count, 7.0)


def rows_of(package: Package) -> list[Row]:
    """Rooms from the top layer down; loose files share the last row."""
    rooms = {name for name in package.doors if name.count(".") == 1}
    rows = []
    for layer in package.layers:
        for name in layer:
            if f"{package.name}.{name}" in rooms:
                inside = package_files(package, f"{package.name}.{name}.")
                door = package.files[f"{package.name}.{name}"]
                rows.append(
                    Row(
                        name,
                        package.height(f"{package.name}.{name}"),
                        [each for each, path in inside if path.name != "__init__.py"],
                        lines_of([door, *(path for _, path in inside)]),
                    )
                )
    loose = [
        (each, path)
        for each, path in package_files(package, f"{package.name}.")
        if f"{package.name}.{each.split('/')[0]}" not in rooms
    ]
    rows.append(Row(BASE, -1, [each for each, _ in loose], lines_of(path for _, path in loose)))
    return rows


def package_files(package: Package, under: str) -> list[tuple[str, Path]]:
    """Return the modules below a folder as they are named inside it."""
    return [
        (name.removeprefix(under).replace(".", "/"), path)
        for name, path in package.files.items()
        if name.startswith(under)
    ]


def lines_of(paths: Iterable[Path]) -> int:
    """Count lines of code as an editor does."""
    return sum(len(path.read_text("utf-8").splitlines()) for path in paths)


def arrows_of(package: Package, rows: Sequence[Row]) -> dict[tuple[int, int], int]:
    """Count the statements of one row that import from another."""
    at = {row.name: number for number, row in enumerate(rows)}
    statements = {
        (
            at.get(package.place(each.importer), len(rows) - 1),
            at.get(package.place(each.imported), len(rows) - 1),
            each.importer,
            each.line,
        )
        for each in package.imports
        if package.name not in (each.importer, each.imported)
    }
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for start, end, *_ in sorted(statements):
        if start != end:
            counts[start, end] += 1
    return dict(counts)


def summed_up(package: Package) -> str:
    """Return the line of counts."""
    rows = rows_of(package)
    between = [pair for pair in arrows_of(package, rows) if len(rows) - 1 not in pair]
    circles, upward = len(package.circles), len(package.upward)
    return (
        f"{len(rows) - 1} rooms, {len(between)} arrows between them, {upward} upward,"
        f" {circles} circle{'' if circles == 1 else 's'}"
    )


def drawn(package: Package) -> str:
    """Return the map as SVG; the same tree gives the same bytes."""
    rows = rows_of(package)
    counts = arrows_of(package, rows)
    rising = {pair for pair in counts if rows[pair[0]].height <= rows[pair[1]].height}
    falling = sorted(set(counts) - rising)
    left = EDGE + 14 + 12 * len(rising)
    right = left + BOX
    # Lanes from left to right are rooms from the top down; in a lane the lowest importer is first.
    lanes, x = {}, right + 34.0
    headings = {}
    for end in range(len(rows)):
        first = x
        for start in sorted((a for a, b in falling if b == end), reverse=True):
            thick = thickness(counts[start, end])
            lanes[start, end] = x + thick / 2
            x += thick + 3
        if x > first:
            headings[end] = (first + x - 3) / 2
            x += 13
    width = max(x + EDGE, right + 300)
    # In a row arrows arrive above and leave below; outermost is farthest.
    arrive, leave, y = {}, {}, 196.0
    for number, row in enumerate(rows):
        y += 18 if number and row.height != rows[number - 1].height else 8
        row.top = y
        at = y + 9
        for start in sorted((a for a, b in falling if b == number), reverse=True):
            arrive[start, number] = at
            at += max(thickness(counts[start, number]) + 3, 8)
        for end in sorted((b for a, b in falling if a == number), reverse=True):
            thick = thickness(counts[number, end])
            leave[number, end] = at + thick / 2
            at += thick + 3
        row.bottom = y = max(at + 4, row.top + 34 + LINE * len(row.wrapped))
    notes = [f"By registration, not by import: {each}." for each in package.registered]
    top_of_notes = y + 42
    troubles = [
        part
        for each in package.problems
        for part in textwrap.wrap(each, 150, subsequent_indent=" ")
    ]
    height = top_of_notes + LINE * (len(notes) + len(troubles)) + 8
    hue = {end: HUES[number % len(HUES)] for number, end in enumerate(headings)}
    hue[len(rows) - 1] = GREY
    circling = {each.importer for circle in package.circles for each in circle}

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" role="img"'
        f' height="{height * WIDTH / width:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
        ' font-family="DejaVu Sans, Verdana, Arial, sans-serif" font-size="13" fill="#1f2937">',
        f"<title>The rooms of {package.name}: {summed_up(package)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(EDGE, 40, f"The rooms of {package.name}", 'font-size="22" font-weight="bold"'),
        _text(
            EDGE,
            66,
            summed_up(package),
            f'font-size="15" fill="{RED if package.problems else "#15803d"}"',
        ),
        _text(EDGE, 96, "Each band is a layer: what is in it imports from bands below it only."),
        _text(EDGE, 115, "An arrow runs from a room to the one that it imports; on the left, in"),
        _text(EDGE, 134, "red, if it goes up. Its thickness is the number of imports:"),
    ]
    for number, count in enumerate((1, 5, 10, 20)):
        out += [
            f'<path d="M{EDGE + 100 * number} 158h36" stroke="#475569"'
            f' stroke-width="{thickness(count):.1f}"/>',
            _text(EDGE + 100 * number + 44, 162, str(count), 'font-size="12"'),
        ]
    for layer in sorted({row.height for row in rows}, reverse=True):
        inside = [row for row in rows if row.height == layer]
        above, below = inside[0].top - 6, inside[-1].bottom + 6
        out.append(
            f'<rect x="{EDGE - 12}" y="{above:.1f}" width="{width - 2 * EDGE + 24:.1f}"'
            f' height="{below - above:.1f}" rx="6" fill="#f1f5f9"/>'
        )
    for end, middle in headings.items():
        until = min(leave[pair] for pair in falling if pair[1] == end)
        name = "loose files" if rows[end].name == BASE else rows[end].name
        out += [
            f'<path d="M{middle:.1f} 192V{until:.1f}" stroke="{hue[end]}" stroke-dasharray="1 4"/>',
            _text(
                0, 0, name, f'transform="translate({middle + 4:.1f} 188) rotate(-60)"'
                f' font-size="12" fill="{hue[end]}"',
            ),
        ]  # fmt: skip
    for pair in falling:
        out += _falling(rows, counts, pair, right, lanes[pair], leave[pair], arrive[pair], hue)
    for number, row in enumerate(rows):
        out += [
            f'<rect x="{left}" y="{row.top:.1f}" width="{BOX}" height="{row.bottom - row.top:.1f}"'
            f' rx="4" fill="#ffffff" stroke="{hue.get(number, GREY)}" stroke-width="1.4"/>',
            _text(left + 12, row.top + 21, row.name, 'font-size="15" font-weight="bold"'),
            _text(
                right - 12,
                row.top + 21,
                f"{row.lines:,} lines",
                'text-anchor="end" font-size="12" fill="#475569"',
            ),
        ]
        under = package.name if row.name == BASE else f"{package.name}.{row.name}"
        for line, names in enumerate(row.wrapped):
            out.append(
                _text(
                    left + 12,
                    row.top + 40 + LINE * line,
                    "".join(
                        f'<tspan fill="{RED}">{name}</tspan>&#160; '
                        if f"{under}.{name.replace('/', '.')}" in circling
                        else f"{name}&#160; "
                        for name in names.split()
                    ).rstrip(),
                    'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="11"'
                    ' fill="#475569"',
                    marked_up=True,
                )
            )
    for number, pair in enumerate(sorted(rising)):
        out += _rising(rows, counts, pair, left, EDGE + 4 + 12.0 * number, number)
    for number, note in enumerate(notes):
        out.append(_text(EDGE, top_of_notes + LINE * number, note, 'font-size="12"'))
    for number, trouble in enumerate(troubles, len(notes)):
        style = f'font-size="12" fill="{RED}"'
        out.append(_text(EDGE, top_of_notes + LINE * number, trouble, style))
    return "\n".join([*out, "</svg>", ""])


def _text(x: float, y: float, text: str, style: str = "", *, marked_up: bool = False) -> str:
    return f'<text x="{x:g}" y="{y:.1f}" {style}>{text if marked_up else escape(text)}</text>'


def _falling(
    rows: Sequence[Row],
    counts: Mapping[tuple[int, int], int],
    pair: tuple[int, int],
    right: float,
    lane: float,
    leave: float,
    arrive: float,
    hue: Mapping[int, str],
) -> list[str]:
    """Draw one arrow that goes down, over a pale edge that parts it from those it crosses."""
    thick, colour = thickness(counts[pair]), hue[pair[1]]
    path = f"M{right:g} {leave:.1f}H{lane - 6:.1f}q6 0 6 6V{arrive - 6:.1f}q0 6 -6 6H{right + 8:g}"
    head = 3 + thick / 2
    return [
        f'<path d="{path}" fill="none" stroke="#f1f5f9" stroke-width="{thick + 2:.1f}"/>',
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{thick:.1f}">'
        f"<title>{_said(rows, counts, pair)}</title></path>",
        f'<path d="M{right + 1:g} {arrive:.1f}l8 {-head:.1f}v{2 * head:.1f}z" fill="{colour}"/>',
    ]


def _rising(
    rows: Sequence[Row],
    counts: Mapping[tuple[int, int], int],
    pair: tuple[int, int],
    left: float,
    lane: float,
    number: int,
) -> list[str]:
    """Draw one arrow that should not be, on the left of the boxes."""
    start, end = rows[pair[0]].bottom - 8 - 3 * number, rows[pair[1]].top + 8 + 3 * number
    path = f"M{left:g} {start:.1f}H{lane:.1f}V{end:.1f}H{left - 8:g}"
    return [
        f'<path d="{path}" fill="none" stroke="{RED}" stroke-width="{thickness(counts[pair]):.1f}">'
        f"<title>{_said(rows, counts, pair)}</title></path>",
        f'<path d="M{left - 1:g} {end:.1f}l-8 -5v10z" fill="{RED}"/>',
    ]


def _said(rows: Sequence[Row], counts: Mapping[tuple[int, int], int], pair: tuple[int, int]) -> str:
    return escape(f"{rows[pair[0]].name} imports {rows[pair[1]].name}: {counts[pair]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the map, or only judge; a problem is exit code 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="draw nothing")
    asked = parser.parse_args(arguments)
    package = Package(ROOT)
    if not asked.check:
        MAP.write_text(drawn(package), "utf-8")
        print(f"Wrote {MAP.relative_to(ROOT)}.")
    print(*package.problems, f"{summed_up(package)}.", sep="\n")
    return bool(package.problems)


if __name__ == "__main__":
    sys.exit(main())
