"""Where the command line writes, and how it reports a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from backrisk._files import is_standard
from backrisk.errors import BackriskError
from backrisk.words import say


class Teller(Console):
    """A console that, where Markdown is asked for, prints each text as a paragraph of its own."""

    markdown = False

    def print(self, *objects: Any, **how: Any) -> None:
        """Print as `rich.console.Console` does, or a paragraph."""
        if not self.markdown:
            super().print(*objects, **how)
            return
        super().print(*objects, **how | {"soft_wrap": True, "style": None})
        super().print()


out = Teller(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def in_markdown() -> Iterator[None]:
    """Print Markdown on the standard output until the block ends."""
    before, out.markdown = out.markdown, True
    try:
        yield
    finally:
        out.markdown = before


def about(path: Path | None) -> Console:
    """Return where to tell of a file: not in its midst, if it is the standard output itself."""
    return err if is_standard(path) else out


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the package's errors, and what the system refuses, into one sentence and exit code 2."""
    try:
        yield
    except BackriskError as error:
        _tell(str(error))
        raise typer.Exit(2) from error
    except OSError as error:
        why = error.strerror or str(error)
        path = error.filename
        if isinstance(path, bytes):
            path = path.decode(errors="replace")
        _tell(say("cli.system", why=why) if path is None else say("cli.file", path=path, why=why))
        raise typer.Exit(2) from error
    except MemoryError as error:
        _tell(say("cli.memory"))
        raise typer.Exit(2) from error


def _tell(error: str) -> None:
    words = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in error
    )
    message = say("cli.error", error=words)
    err.print(message, style="red", markup=False, soft_wrap=True)


def such_as(name: str) -> str:
    """Return the example that stands below the help of a command."""
    return say("cli.such_as", example=say(f"cli.examples.{name.replace('-', '_')}"))
