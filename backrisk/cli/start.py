"""The start of the command line, in the language that was asked for.

Help is written when the commands are imported, so the language has to be known before. Nothing is
imported before an interruption ends the process as it ends any other program: without a traceback.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command line; whatever becomes of it, nobody's rows stay in a temporary folder."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    import typer

    from backrisk._files import sweep
    from backrisk.cli.completing import whole_words
    from backrisk.cli.console import sentences
    from backrisk.cli.stopping import Stopped, errors_held, leave, output_held, stoppable
    from backrisk.words import speaking

    lang, arguments = asked_language(sys.argv[1:])
    try:
        with (
            stoppable(),
            errors_held(),
            sentences(),
            output_held(),
            sentences(),
            speaking(lang or os.environ.get("BACKRISK_LANG")),
        ):
            sweep()  # what was killed could not
            from backrisk.cli.commands import app

            with whole_words():
                app(arguments, prog_name="backrisk")
    except typer.Exit as stopped:  # outside a command nobody else turns it into an exit code
        sys.exit(stopped.exit_code)
    except Stopped as stopped:
        leave(stopped.status)


def asked_language(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Take ``--lang X`` out of the arguments, wherever it stands.

    Examples
    --------
    >>> asked_language(["risk", "m.nc", "--lang", "en", "--person", "p.json"])
    ('en', ['risk', 'm.nc', '--person', 'p.json'])
    >>> asked_language(["--lang=en", "demo"])
    ('en', ['demo'])
    """
    rest = list(arguments)
    for place, argument in enumerate(rest):
        if argument.startswith("--lang="):
            return argument.partition("=")[2], [*rest[:place], *rest[place + 1 :]]
        if argument == "--lang" and place + 1 < len(rest):
            return rest[place + 1], [*rest[:place], *rest[place + 2 :]]
    return None, rest
