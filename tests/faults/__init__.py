"""Faults: disks that fill, calls that fail, processes that are killed; what is lost, if anything.

``python -m tests.faults`` tries every kind and writes ``reports/faults.md``; with ``--quick`` it
tries a few of each and writes nothing. A kind is one module of `tests.faults.kinds`: its docstring
says what is tried, and its function ``run(rng, budget)`` returns an `Outcome`.
"""
