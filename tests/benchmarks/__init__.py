"""Timings against the peers: ``python -m tests.benchmarks [name ...]``.

Each module has ``run() -> list[dict]`` and is found by its name; see `tests.benchmarks.common`.
"""

from __future__ import annotations

import os

# One thread for everyone, before any library starts its pool. Parallel chains are processes or
# threads that a benchmark asks for itself.
for _name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_ENABLE_X64", "1")
