"""The page on recovery counts what was run."""

from tests.recovery.__main__ import page
from tests.recovery.studies import Run


def test_the_page_counts_intervals_that_hold_the_truth():
    ends = [(-0.5, 0.5), (-0.2, 0.4), (0.1, 0.96), (-1.0, -0.1)]
    runs = [
        Run("trait", seed, 0.0, low, high, (low + high) / 2, seed > 0, 8.0)
        for seed, (low, high) in enumerate(ends)
    ]
    assert [run.covers for run in runs] == [True, True, False, False]
    (row,) = [line for line in page(runs, "today").splitlines() if line.startswith("| People")]
    assert row.split(" | ")[1:6] == ["0.000", "4", "2", "50 % (12 to 88)", "+0.020 (0.222)"]
    assert row.endswith("| 0.88 | 1 | 8 |")
