"""Build the wheel and the sdist; install each as a stranger would, with no extra and with each.

Every environment is new and nothing is taken from pip's cache. `python -m tests.installs` tries
all, under each of the Pythons that are found; names of environments choose among them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMOKE = Path(__file__).with_name("smoke.py")
PYTHONS = ("3.13", "3.12")
EXTRAS = ("", "plot", "fhir", "formats", "remote", "web", "report", "spark")


def python_of(version: str) -> str | None:
    """Return a Python of a version that runs; pyenv has some that are not on the path."""
    versions = (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")
    for each in (f"python{version}", *map(str, sorted(versions))):
        if shutil.which(each) is not None:
            run = subprocess.run([each, "--version"], capture_output=True, check=False)
            if run.returncode == 0:
                return each
    return None


def environments() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, Python, kind of distribution, extra."""
    for version in PYTHONS:
        if python_of(version) is None:
            print(f"python{version} is not on this machine: nothing is tried under it.")
            continue
        for extra in EXTRAS:
            yield f"{version}-wheel-{extra or 'core'}", version, "wheel", extra
        yield f"{version}-sdist-core", version, "sdist", ""


def built(folder: Path) -> dict[str, Path]:
    """Build both distributions from what git holds, the wheel from the sdist."""
    source = folder / "source"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    build = [sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(source)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,), (sdist,) = ((folder / "dist").glob(f"*.{end}") for end in ("whl", "tar.gz"))
    return {"wheel": wheel, "sdist": sdist}


def tried(name: str, version: str, distribution: Path, extra: str, folder: Path) -> bool:
    """Install one distribution in a new environment and try it, outside the repository."""
    home = folder / name
    subprocess.run([str(python_of(version)), "-m", "venv", str(home)], check=True)
    python = str(home / "bin" / "python")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PIP_CACHE_DIR")}
    pip = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    pip += ["--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    wanted = f"{distribution}[{extra}]" if extra else str(distribution)
    started = time.monotonic()
    for line in ([*pip, wanted], [python, "-m", "pip", "check"]):
        done = subprocess.run(line, env=clean, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            print(f"{name}: {' '.join(line[1:4])} failed\n{done.stdout}{done.stderr}")
            return False
    smoke = [python, str(SMOKE), *([extra] if extra else [])]
    done = subprocess.run(smoke, env=clean, capture_output=True, text=True, cwd=folder)
    print(f"{name}: {done.stdout.strip() or done.stderr} ({time.monotonic() - started:.0f} s)")
    shutil.rmtree(home)
    return done.returncode == 0


def holds_its_tests(sdist: Path, folder: Path) -> bool:
    """Whether the sdist's own tests of the package run where the sdist was unpacked."""
    shutil.unpack_archive(sdist, folder / "unpacked", filter="data")
    (home,) = (folder / "unpacked").iterdir()
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only"]
    clean = {**os.environ, "PYTHONPATH": str(home)}
    collected = subprocess.run(line, cwd=home, env=clean, capture_output=True, text=True)
    line[-1] = "tests/test_package.py"
    ran = subprocess.run(line, cwd=home, env=clean, capture_output=True, text=True)
    print(f"sdist's tests: {collected.stdout.splitlines()[-1]}; {ran.stdout.splitlines()[-1]}")
    return collected.returncode == 0 and ran.returncode == 0


def main(chosen: list[str]) -> int:
    """Try all environments, or those chosen; return an exit code."""
    with tempfile.TemporaryDirectory(prefix="backrisk-installs-") as temporary:
        folder = Path(temporary)
        made = built(folder)
        results = {"sdist-tests": holds_its_tests(made["sdist"], folder)}
        for name, version, kind, extra in environments():
            if not chosen or name in chosen:
                results[name] = tried(name, version, made[kind], extra, folder)
    failed = [name for name, well in results.items() if not well]
    print(f"{len(results) - len(failed)} of {len(results)} work; failed: {failed or 'none'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
