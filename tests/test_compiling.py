"""What is compiled gives its numbers wherever it may, or may not, be kept."""

import errno

import pytest
from numba import types
from numba.core import caching

from backrisk._compiling import callback, loop


def full(*_):
    """Fail as a disk without room does."""
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("place", ["there", "nowhere", "full"])
def test_without_a_place_to_keep_it_a_loop_is_compiled_all_the_same(place, monkeypatch, tmp_path):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    if place == "nowhere":  # as where neither the package's folder nor the user's can be written
        monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    if place == "full":
        monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)

    @loop(nogil=True)
    def total(number):
        found = 0
        for one in range(number):
            found += one
        return found

    @callback(types.int64(types.int64))
    def twice(number):
        return 2 * number

    assert total(5) == 10
    assert twice.ctypes(21) == 42
    kept = {path.suffix for path in tmp_path.rglob("*.nb*")}
    assert kept == ({".nbi", ".nbc"} if place == "there" else set())
