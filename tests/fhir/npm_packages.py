"""Packages of npm that tests need, taken once into a folder of their own and never committed."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

CACHE = Path(tempfile.gettempdir()) / "backrisk-npm"


def node_package(name, version):
    """Return the folder of a package in one version; skips where Node or the package is not there.

    Nothing of the package runs when it is fetched, and npm compares what arrives with the digest
    that the registry states.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"There is no '{program}' here; Node.js runs this test.")
    folder = CACHE / f"{name.replace('/', '-').lstrip('@')}-{version}"
    if not folder.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as place:
            fetched = subprocess.run(
                ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"],
                cwd=place,
                capture_output=True,
                text=True,
                check=False,
            )
            if fetched.returncode:
                pytest.skip(f"npm cannot fetch {name} {version} here.")
            (packed,) = Path(place).glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extractall(place, filter="data")
            (Path(place) / "package").rename(folder)
    return folder
