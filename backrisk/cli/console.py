"""Where the command line writes, and how it reports a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from backrisk.errors import BackriskError
from backrisk.words import say

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the package's errors into one sentence and exit code 2."""
    try:
        yield
    except BackriskError as error:
        words = "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(error)
        )
        message = say("cli.error", error=words)
        err.print(message, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
