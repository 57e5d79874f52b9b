"""The blocks of a page of the documentation, and what a comment before each says of it."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

PAGES = Path(__file__).parents[2] / "notebooks" / "site"
_BLOCK = re.compile(r"(?:<!-- ([^\n]*) -->\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the comment before it, such as ``file: x``."""

    language: str
    text: str
    told: str

    @property
    def file(self):
        """The file that the block stands for, or nothing."""
        return self.told.removeprefix("file: ") if self.told.startswith("file: ") else ""

    @property
    def skipped(self):
        """Whether the block is shown and not run."""
        return self.told.startswith("skip: ")

    @property
    def commands(self):
        """The lines of a console's block, each as a shell splits it."""
        lines = [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]
        return [shlex.split(line) for line in lines]


def pages():
    """Return every page that is written by hand."""
    return sorted(path for path in PAGES.rglob("*.md") if "made" not in path.parts)


def blocks(page):
    """Return the blocks of a page, in their order."""
    return [
        Block(language, text, told or "")
        for told, language, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


LONG = {"fit", "check", "claims", "score", "report"}  # commands that take seconds or minutes


def is_slow(page):
    """Whether a page takes long: it fits a model, or asks much of one."""
    shown = [block for block in blocks(page) if not block.skipped]
    return any(block.told == "slow" or "br.fit(" in block.text for block in shown) or any(
        command[1] in LONG for block in shown for command in block.commands
    )
