"""Damaged graphs, codebooks, surveys and persons: each is read, or refused in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import KINDS

FEW = 50
MANY = {"graph": 1500, "codebook": 1500, "survey": 1000, "person": 1000}


def wrong(kind, first, last):
    """Read damaged files in a process of their own; return what is no sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", kind, str(first), str(last)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = list(map(json.loads, done.stdout.splitlines()))
    assert done.returncode == 0, (kind, lines[-1:], done.stderr[-3000:])
    reading = [line["reading"] for line in lines if "reading" in line]
    assert reading == list(range(first, last))
    return [line for line in lines if "wrong" in line]


linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the bound on memory is Linux's"
)


@linux
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(kind):
    found = wrong(kind, 0, FEW)
    assert not found, "\n".join(f"{each['seed']}: {each['wrong']}" for each in found)


@linux
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_are_read_or_refused_in_a_sentence(kind):
    found = wrong(kind, FEW, MANY[kind])
    assert not found, "\n".join(f"{each['seed']}: {each['wrong']}" for each in found)


@linux
@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("raise ValueError('no sentence')", "ValueError: no sentence"),
        ("while True: pass", "Hang"),
        ("bytearray(2 * fuzz.MEMORY)", "MemoryError"),
        ("raise fuzz.BackriskError('')", "without a sentence"),
        ("raise fuzz.BackriskError('A sentence.')", ""),
    ],
)
def test_the_fuzz_would_notice(bad, told):
    program = f"""
import json
from tests import fuzz
def read(rng):
    {bad}
fuzz.bound_memory()
print(json.dumps(fuzz.attempt(read, 0, 0.2)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert told in found if told else found == ""
