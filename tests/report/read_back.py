"""What a report shows, read back from its files."""

import io
from html.parser import HTMLParser

import pypdf
from typer.testing import CliRunner

from backrisk.cli import app

DAY = "2026-01-02"
HURTING = {"age_years": 44, "sex": "female", "plank_seconds": 35, "strength_sessions": 0} | {
    "sleep_hours": 6,
    "back_pain_episodes": 2,
    "pain": "limiting",
}
HOSTILE = ("<script>alert(1)</script>", '#panic("x") *b* $x$ `y`', "=cmd|' /C calc'!A1", "@SUM(1)")


class Tables(HTMLParser):
    """The data of every cell by the table's id, row by row."""

    def __init__(self, page):
        super().__init__()
        self.found, self.outside = {}, []
        self._at = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        """Keep the numbers of cells, and every address."""
        values = dict(attributes)
        self.outside += [values[k] for k in ("src", "href", "action", "data") if k in values]
        if tag == "figure" and values.get("class") == "table":
            self._at = self.found.setdefault(values["id"], [])
        elif tag == "tr" and self._at is not None:
            self._at.append([])
        elif tag == "td" and self._at:
            numbers = {k[5:]: float(v) for k, v in values.items() if k.startswith("data-")}
            if numbers:
                self._at[-1].append(numbers)


def triple(row):
    return {name: row[name] for name in ("mean", "low", "high")}


def text_of(pdf):
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return [" ".join(page.extract_text().split()) for page in pages]


def fonts_of(page):
    return [font.get_object() for font in page["/Resources"]["/Font"].values()]


def said(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, " ".join(result.output.split())
