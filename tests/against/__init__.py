"""What other programs and print say of the same model, beside what this package says.

Needs the extra ``peers``. `rows` computes everything, in some minutes; ``python -m tests.against``
prints it as a table. Each comparison says what equals what: a number of another program is compared
only where it is the same estimand of an equivalent model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.against.common import Row

__all__ = ["Row", "rows"]


def parts() -> dict[str, Callable[[], Iterator[Row]]]:
    """Return the comparisons, by name; importing one imports what it is compared with."""
    from tests.against import attributions, networks, published

    return {
        "tables": networks.tables,
        "interventions": networks.interventions,
        "anomalies": attributions.anomalies,
        "changes": attributions.changes,
        "marathon": published.marathon,
        "back pain": published.back_pain,
        "role conflict": published.role_conflict,
    }


def rows() -> list[Row]:
    """Return every comparison."""
    return [row for part in parts().values() for row in part()]
