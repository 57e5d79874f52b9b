"""Print the comparisons as a table of Markdown: ``python -m tests.against [part ...]``."""

from __future__ import annotations

import sys

from tests.against import parts

COLUMNS = ("what", "ours", "theirs", "error", "verdict", "source")


def main() -> None:
    """Print a row as soon as it is known."""
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for name, part in parts().items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            for row in part():
                cells = {**row}
                print("| " + " | ".join(str(cells[key]) for key in COLUMNS) + " |", flush=True)


if __name__ == "__main__":
    main()
