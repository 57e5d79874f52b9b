"""Reports as files: HTML and Markdown through Jinja2, PDF through Typst; nothing is fetched.

HTML and Markdown are escaped by their templates. Templates of a user's own run in Jinja's sandbox,
and read nothing outside their folder. Typst gets the report as data, not as markup, so
that no text in it can be read as a command. Its wheel embeds the fonts Libertinus Serif, New
Computer Modern and DejaVu Sans Mono; the first of them sets every page.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, date, datetime
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backrisk.errors import QueryError
from backrisk.report import charts
from backrisk.report.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Headline,
    Range,
    Report,
    Table,
    Text,
    number,
    worded,
)
from backrisk.report.common import joined
from backrisk.summary import Estimate
from backrisk.words import say, speaking

FORMATS = {
    "person": (".html", ".pdf"),
    "cohort": (".html", ".pdf", ".xlsx", ".csv"),
    "card": (".md", ".html", ".pdf"),
}
_NEEDS = {".html": "jinja2", ".md": "jinja2", ".pdf": "typst", ".xlsx": "xlsxwriter"}
_LOGOS = {"logo.svg": ("svg", "image/svg+xml"), "logo.png": ("png", "image/png")}
_PACKAGE = re.compile(r"@[\w-]+/[\w-]+(?::[\w.]*)?")  # as Typst names one
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def render(report: Report, suffix: str, templates: Path | None = None) -> bytes:
    """Return a report as the bytes of a file.

    Parameters
    ----------
    report : Report
    suffix : str
        One of `FORMATS` for the kind of report.
    templates : Path, optional
        A folder whose files stand in place of the packaged ones: ``report.html.j2``,
        ``style.css``, ``report.typ``, ``report.md.j2``, and ``logo.svg`` or ``logo.png``.

    Returns
    -------
    bytes
        The same for the same report, templates and versions of the libraries.

    Raises
    ------
    QueryError
        If the suffix does not fit the kind of report, a template has a mistake, or a package is
        missing.
    """
    with speaking(report.language):  # numbers are worded only here
        check_suffix(report.kind, suffix)
        if suffix in (".xlsx", ".csv"):
            from backrisk.report import sheets

            xlsx = suffix == ".xlsx"
            return sheets.workbook(report) if xlsx else sheets.csv_text(report).encode()
        if suffix == ".pdf":
            return _pdf(report, templates)
        name = "report.html.j2" if suffix == ".html" else "report.md.j2"
        return _page(report, name, templates).encode()


def check_suffix(kind: str, suffix: str) -> None:
    """Refuse a format that a kind of report does not have, or whose package is not installed.

    Raises
    ------
    QueryError
    """
    if suffix not in FORMATS[kind]:
        known = joined(FORMATS[kind])
        shown = suffix or say("report.files.without_suffix")
        raise QueryError(say(f"report.files.{kind}", suffix=shown, known=known))
    if suffix in _NEEDS and find_spec(_NEEDS[suffix]) is None:
        raise QueryError(say("report.files.needs", suffix=suffix, package=_NEEDS[suffix]))


def laid_out(report: Report) -> dict[str, Any]:
    """Return a report as plain values for a template; cells are worded, strips are drawn."""
    pages: list[list[dict[str, Any]]] = []
    for section in report.sections:
        if section.page or not pages:
            pages.append([])
        blocks = [found for block in section.blocks if (found := _block(block))]
        pages[-1].append({"title": section.title, "blocks": blocks})
    return {
        "kind": report.kind,
        "title": report.title,
        "date": report.date,
        "language": report.language.code,
        "alt": {"logo": say("report.alt.logo"), "scale": say("report.alt.scale")},
        "foot": report.foot,
        "lead": list(report.lead),
        "marks": list(report.marks),
        "warnings": list(report.warnings),
        "pages": pages,
        "compact": report.compact,
        "blanks": list(report.blanks),
    }


def _block(block: Block) -> dict[str, Any] | None:
    if isinstance(block, Text):
        paragraphs = list(block.paragraphs)
        return {
            "type": "bullets" if block.bullets else "text",
            "tone": block.tone,
            "paragraphs": paragraphs,
        }
    if isinstance(block, Facts):
        return {"type": "facts", "pairs": [list(pair) for pair in block.pairs]}
    if isinstance(block, Headline):
        return {"type": "headline", "number": block.number, "words": block.words}
    if isinstance(block, Figure):
        return {"type": "figure", "svg": block.svg, "words": block.words}
    return _table(block) if block.shown and block.rows else None


def _table(table: Table) -> dict[str, Any]:
    rows = table.rows if table.most is None else table.rows[: table.most]
    columns: list[dict[str, Any]] = []
    cells: list[list[dict[str, Any]]] = [[] for _ in rows]
    for place, column in enumerate(table.columns):
        right = column.kind != "text"
        columns.append({"title": column.title, "right": right, "wide": column.wide, "ruler": None})
        for row, line in zip(rows, cells, strict=True):
            line.append(_cell(row[place], worded(row[place], column.kind)))
        if not column.strip:
            continue
        estimates = [row[place] for row in rows if isinstance(row[place], Estimate)]
        limits = [next((c for c in row if isinstance(c, Range)), None) for row in rows]
        ends = charts.scale(
            [e for e in estimates if isinstance(e, Estimate)], [r for r in limits if r]
        )
        labels = (number(ends[0], column.kind), number(ends[1], column.kind))
        columns.append(
            {"title": "", "right": False, "wide": 0, "ruler": charts.ruler(ends, labels)}
        )
        for row, line, limit in zip(rows, cells, limits, strict=True):
            drawn = row[place]
            svg = charts.strip(drawn, ends, limit) if isinstance(drawn, Estimate) else None
            line.append(_cell(None, "", strip=True, svg=svg, words=worded(drawn, column.kind)))
    note = " ".join(filter(None, [table.rest * (len(rows) < len(table.rows)), table.note]))
    return {
        "type": "table",
        "name": table.name,
        "title": table.title,
        "note": note,
        "columns": columns,
        "rows": cells,
    }


def _cell(
    cell: Cell, text: str, *, strip: bool = False, svg: str | None = None, words: str = ""
) -> dict[str, Any]:
    data: dict[str, str] = {}
    if isinstance(cell, Estimate):
        data = {"mean": repr(cell.mean), "low": repr(cell.low), "high": repr(cell.high)}
    elif isinstance(cell, Range):
        data = {"low": repr(cell.low), "high": repr(cell.high)}
    elif isinstance(cell, float | int):
        data = {"value": repr(cell)}
    return {"text": text, "strip": strip, "svg": svg, "words": words, "data": data}


def _printable(value: Any) -> Any:
    """Return plain values without characters that no page can show."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {key: _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    return value


def _logo(templates: Path | None) -> tuple[str, bytes] | None:
    for name in _LOGOS if templates is not None else ():
        folder = Path(str(templates))
        path = folder / name
        if path.is_file():
            _demand_inside(path, folder)
            try:
                return name, path.read_bytes()
            except OSError as error:
                raise QueryError(
                    say("report.files.unreadable", path=path, why=error.strerror)
                ) from error
    return None


def _page(report: Report, name: str, templates: Path | None) -> str:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from markupsafe import Markup

    packaged = jinja2.PackageLoader("backrisk.report", "templates")

    def own(template: str) -> str | None:
        return None if templates is None else _own_template(templates, template)

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader([jinja2.FunctionLoader(own), packaged]),
        autoescape=name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["vector"] = Markup  # our own figures, whose words are escaped
    environment.filters["md"] = _markdown
    found = _logo(templates)
    logo = None
    if found is not None:
        logo = f"data:{_LOGOS[found[0]][1]};base64,{base64.b64encode(found[1]).decode()}"
    try:
        return environment.get_template(name).render(_printable(laid_out(report)) | {"logo": logo})
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        key = "report.files.template_line" if line else "report.files.template"
        raise QueryError(say(key, name=name, line=line, why=error.message)) from error
    except QueryError:
        raise
    except Exception as error:  # a template computes what it likes
        why = f"{type(error).__name__}: {error}"
        raise QueryError(say("report.files.template", name=name, why=why)) from error


def _own_template(templates: Path, name: str) -> str | None:
    """Return the text of a template in a user's folder; None where there is none."""
    from jinja2.loaders import split_template_path

    path = templates.joinpath(*split_template_path(name))  # which refuses to go up
    if not path.is_file():
        return None
    _demand_inside(path, templates)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise QueryError(say("report.files.not_text", path=path, byte=error.start)) from error
    except OSError as error:
        raise QueryError(say("report.files.unreadable", path=path, why=error.strerror)) from error


def _demand_inside(path: Path, folder: Path) -> None:
    """Refuse a file that is a link out of its folder."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise QueryError(say("report.files.outside", path=path))


def _demand_offline(root: Path) -> None:
    """Refuse a folder of Typst sources that fetch a package or lead out of it."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        _demand_inside(path, root)
        if path.suffix != ".typ":
            continue
        try:
            source = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise QueryError(say("report.files.not_text", path=path, byte=error.start)) from error
        if found := _PACKAGE.search(source):
            raise QueryError(say("report.files.package", path=path, package=found[0]))


def _markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(str(text).split()))


def _pdf(report: Report, templates: Path | None) -> bytes:
    import typst

    data = _printable(laid_out(report))
    found = _logo(templates)
    main, _, region = data["language"].partition("-")
    known = re.fullmatch("[a-z]{2,3}", main)
    data["language"] = main if known else "und"  # as BCP 47 calls a language that is not known
    data["region"] = region.lower() if known and re.fullmatch("[A-Za-z]{2}", region) else None
    data["logo"] = found and {"kind": _LOGOS[found[0]][0], "bytes": list(found[1])}
    stated = date.fromisoformat(report.date)
    made = int(datetime(stated.year, stated.month, stated.day, tzinfo=UTC).timestamp())
    name = "report.typ"
    with as_file(files("backrisk.report") / "templates") as packaged:
        root = templates if templates is not None and (templates / name).is_file() else packaged
        try:
            if root is templates:
                _demand_offline(root)
            source = (root / name).read_bytes()
            compiler = typst.Compiler(
                source,
                root=root,
                font_paths=typst.Fonts(include_system_fonts=False),
                sys_inputs={"report": json.dumps(data)},
            )
            page = compiler.compile(format="pdf", timestamp=made, pdf_standards="ua-1")
        except OSError as error:
            why = error.strerror
            raise QueryError(say("report.files.unreadable", path=root / name, why=why)) from error
        except typst.TypstError as error:
            why = error.message
            raise QueryError(say("report.files.layout", name=name, why=why)) from error
    assert isinstance(page, bytes)
    return page
