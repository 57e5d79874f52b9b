"""What `check` lays out."""

import pandas as pd

from backrisk.cli.data import _failed


def test_parameters_that_failed_for_one_reason_are_one_row():
    slow, ridge = ("slow", "more draws"), ("ridge", "a second item")
    columns = ["parameter", "r_hat", "ess", "why", "what_to_do"]
    rows = [("a", 1.30, 90.0, *slow), ("b", 1.20, 40.0, *slow), ("c", 1.10, 70.0, *ridge)]
    found, folded = _failed(pd.DataFrame(rows, columns=columns))
    assert found == {
        "parameters": ["a and 1 more", "c"],
        "worst": ["1.300", "1.100"],
        "least": ["40", "70"],
        "why": ["slow", "ridge"],
        "what_to_do": ["more draws", "a second item"],
    }
    assert set(folded) == {"parameters", "why", "what_to_do"}
