"""Reference pages made from the code: public names, commands, and the keys of the YAML formats."""

import ast
import importlib
import inspect
from importlib.resources import files

import typer

from backrisk.cli import app
from backrisk.graph import graph_schema
from backrisk.survey import codebook_schema

ROOMS = (
    "graph",
    "survey",
    "fitting",
    "posterior",
    "queries",
    "check",
    "cohort",
    "report",
    "plotting",
    "fhir",
    "summary",
    "errors",
    "words",
)


def write_reference(folder):
    """Write every page of the reference; a page that stays as it was keeps its time."""
    folder.mkdir(exist_ok=True)
    top = exported("backrisk")
    pages = {"python.md": python_page(top), "commands.md": command_page(), "formats.md": formats()}
    for room in ROOMS:
        pages[f"room_{room}.md"] = room_page(room, top)
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def exported(module):
    """Return the names that a module's stub exports, or those that a plain module defines."""
    package, _, name = module.partition(".")
    stub = files(package).joinpath(*filter(None, name.split(".")), "__init__.pyi")
    if stub.is_file():
        tree = ast.parse(stub.read_text(encoding="utf-8"))
        return [a.asname for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]
    held = importlib.import_module(module)
    return [
        name
        for name, value in vars(held).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module
    ]


def documented(module, name):
    """Return the directive that documents a name, from its docstring."""
    value = getattr(importlib.import_module(module), name)
    full = f"{module}.{name}"
    if inspect.isclass(value):
        lines = [f".. autoclass:: {full}", "   :members:"]
    elif callable(value):
        lines = [f".. autofunction:: {full}"]
    else:
        lines = [f".. autodata:: {full}", "   :no-value:"]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def python_page(names):
    """Return the page of what ``import backrisk as br`` offers."""
    parts = [
        "# Python\n",
        "What `import backrisk as br` offers, in alphabetical order. "
        "Each docstring states its estimand and what it assumes.\n",
    ]
    for name in sorted(names, key=str.lower):
        parts += [f"## {name}\n", documented("backrisk", name), ""]
    links = "\n".join(f"room_{room}" for room in ROOMS)
    return "\n".join([*parts, "```{toctree}\n:hidden:\n", links, "```", ""])


def room_page(room, top):
    """Return the page of a room: what it offers beyond the names of the package itself."""
    module = f"backrisk.{room}"
    about = (inspect.getdoc(importlib.import_module(module)) or "").partition("\n\n")[0]
    names = sorted(exported(module), key=str.lower)
    also = [name for name in names if name in top]
    parts = [f"# {module}\n", " ".join(about.split()) + "\n"]
    if also:
        named = ", ".join(f"{{py:obj}}`~backrisk.{name}`" for name in also)
        parts.append(f"Also here, and documented as names of the package: {named}.\n")
    for name in names:
        value = getattr(importlib.import_module(module), name)
        if name not in top and (inspect.getdoc(value) if callable(value) else False):
            parts += [f"## {name}\n", documented(module, name), ""]
    return "\n".join(parts)


def command_page():
    """Return the page of every command, as ``--help`` has it."""
    parts = [
        "# Commands\n",
        "Every command answers to `--help`. A mistake is one sentence and exit code 2, and nothing"
        " is left half-written.\n",
    ]
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        parts += described(command, f"backrisk {name}", 2)
        for inner, nested in getattr(command, "commands", {}).items():
            parts += described(nested, f"backrisk {name} {inner}", 3)
    return "\n".join(parts)


def described(command, called, depth):
    """Return a command's part of the page: its help, its arguments, its options."""
    help_text = inspect.cleandoc(command.help or "").replace("\b", "").replace("\f", "")
    parts = [f"{'#' * depth} {called}\n", escaped(" ".join(help_text.split())) + "\n"]
    rows = []
    for each in command.params:
        record = getattr(each, "help", None)
        if each.name == "help":
            continue
        flags = [*each.opts, *each.secondary_opts]
        shown = (
            ", ".join(f"`{f}`" for f in flags)
            if each.param_type_name == "option"
            else (f"`{each.name.upper()}`")
        )
        need = " *Required.*" if each.required else ""
        default = each.default
        plain = isinstance(default, (str, int, float)) and not isinstance(default, bool)
        stated = f" Default: `{default}`." if plain and default != "" else ""
        rows.append(f"| {shown} | {cell(record or '')}{need}{stated} |")
    if rows:
        parts += ["| option | what it says |", "|---|---|", *rows, ""]
    return parts


def formats():
    """Return the page of the keys of a graph's YAML and of a codebook's."""
    parts = [
        "# Formats\n",
        "Made from the JSON Schemas that `backrisk schema graph` and `backrisk schema codebook`"
        " print, by which an editor completes and checks what you write.\n",
    ]
    for title, schema in (("A graph", graph_schema()), ("A codebook", codebook_schema())):
        parts += [f"## {title}\n", schema["description"] + "\n", *keys(schema)]
        for name, part in schema["$defs"].items():
            parts += [f"### {title}: {name}\n", escaped(part["description"]) + "\n", *keys(part)]
    return "\n".join(parts)


def keys(schema):
    """Return the table of an object's keys."""
    needed = schema.get("required", ())
    rows = [
        f"| `{name}` | {cell(kind(entry))} | {cell(entry.get('description', ''))}"
        f"{' *Required.*' if name in needed else ''} |"
        for name, entry in schema.get("properties", {}).items()
    ]
    return ["| key | value | what it says |", "|---|---|---|", *rows, ""] if rows else []


def kind(entry):
    """Return what a value may be, in words."""
    if "$ref" in entry:
        return entry["$ref"].rpartition("/")[2]
    if "enum" in entry:
        return ", ".join(str(value) for value in entry["enum"])
    if "const" in entry:
        return str(entry["const"])
    for choice in ("anyOf", "oneOf"):
        if choice in entry:
            return " or ".join(dict.fromkeys(kind(each) for each in entry[choice]))
    kinds = entry.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds == ["array"] and isinstance(entry.get("items"), dict):
        return f"list of {kind(entry['items'])}"
    if kinds == ["object"] and isinstance(entry.get("additionalProperties"), dict):
        return f"mapping to {kind(entry['additionalProperties'])}"
    if {"string", "number", "boolean"} <= set(kinds):
        kinds = ["string", *(each for each in kinds if each == "null")]  # YAML made it so
    words = {
        "string": "text",
        "boolean": "true or false",
        "array": "list",
        "object": "mapping",
        "null": "nothing",
    }
    return " or ".join(words.get(each, each) for each in kinds)


def escaped(text):
    """Return text of which Markdown takes nothing for its own."""
    return text.replace("<", "\\<").replace("*", "\\*").replace("{", "\\{")


def cell(text):
    """Return text as a cell of a table holds it."""
    return escaped(" ".join(str(text).split())).replace("|", "\\|")
