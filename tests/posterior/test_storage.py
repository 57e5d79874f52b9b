"""The container: what goes in comes out, and what was not put in by us is refused."""

import h5py
import numpy as np
import pytest
import xarray as xr

from backrisk import PosteriorError, _files
from backrisk.posterior.storage import FORMAT, restore, seal, store


@pytest.fixture
def tree():
    rng = np.random.default_rng(0)
    values = xr.Dataset(
        {
            "a": (("chain", "draw", "kind"), rng.random((2, 3, 2))),
            "b": (("chain", "draw"), [[1.0] * 3] * 2),
        },
        coords={"kind": ["one", "two"]},
    )
    return seal(xr.DataTree.from_dict({"first": values, "second": values[["b"]]}), {"name": "ours"})


def test_record_arrays_and_labels_come_back(tree, tmp_path):
    path = store(tree, tmp_path / "m.nc")
    assert path == tmp_path / "m.nc"
    found = restore(path)
    assert found.record == {"name": "ours"}
    assert sorted(found.arrays) == ["first/a", "first/b", "second/b"]
    assert np.array_equal(found.arrays["first/a"], tree["first"]["a"].to_numpy())
    assert found.labels == {"first/kind": ("one", "two")}
    assert tree.attrs["format"] == FORMAT == "backrisk-posterior-1"
    assert [each.name for each in tmp_path.iterdir()] == ["m.nc"]


def test_numbers_of_any_type_are_sealed_as_the_reals_that_are_read(tmp_path):
    values = xr.Dataset(
        {
            "whole": (("chain", "draw"), np.array([[1, 2, 3]])),
            "single": (("chain", "draw"), np.array([[0.1, 0.2, 0.3]], np.float32)),
        }
    )
    found = restore(store(seal(xr.DataTree.from_dict({"g": values}), {}), tmp_path / "m.nc"))
    assert found.arrays["g/whole"].tolist() == [[1.0, 2.0, 3.0]]
    assert np.array_equal(found.arrays["g/single"], values["single"])


def altered(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        (lambda f: f["first/a"].__setitem__((1, 2, 1), 0.5), ["altered", "checksum"]),
        (lambda f: f.attrs.__setitem__("record", '{"name": "theirs"}'), ["altered"]),
        (lambda f: f.move("first/b", "first/c"), ["altered"]),
        (lambda f: f.attrs.__delitem__("checksum"), ["altered"]),
        (
            lambda f: f.attrs.__setitem__("format", "backrisk-posterior-0"),
            ["'backrisk-posterior-0'", "'backrisk-posterior-1'"],
        ),
        (lambda f: f.attrs.__delitem__("format"), ["another kind of file"]),
    ],
)
def test_what_was_changed_after_saving_is_refused(tree, tmp_path, change, facts):
    path = store(tree, tmp_path / "bad.nc")
    altered(path, change)
    with pytest.raises(PosteriorError) as raised:
        restore(path)
    for fact in (str(path), *facts):
        assert fact in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_broken_file_is_refused_in_one_sentence(tree, tmp_path):
    whole = store(tree, tmp_path / "m.nc").read_bytes()
    for content in (whole[: len(whole) // 2], b"not a model", b""):
        (tmp_path / "bad.nc").write_bytes(content)
        with pytest.raises(PosteriorError, match=r"bad\.nc cannot be read as a model.*\.$"):
            restore(tmp_path / "bad.nc")


def test_a_file_of_another_kind_is_told_from_a_broken_one(tmp_path):
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(PosteriorError, match=r"a\.nc is another kind of file"):
        restore(tmp_path / "a.nc")


def test_no_file_and_a_folder_are_told_apart(tree, tmp_path):
    with pytest.raises(PosteriorError, match=r"m\.nc: there is no such file"):
        restore(tmp_path / "m.nc")
    with pytest.raises(PosteriorError, match="is a folder, expected a file"):
        restore(tmp_path)
    with pytest.raises(PosteriorError, match="is a folder, expected a file"):
        store(tree, tmp_path)
    with pytest.raises(PosteriorError, match=r"there is no folder '.*none'"):
        store(tree, tmp_path / "none" / "m.nc")


def test_nothing_is_left_behind_when_saving_fails(tree, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(PosteriorError, match=r"m\.nc cannot be written: disk full\.$"):
        store(tree, tmp_path / "m.nc")
    assert list(tmp_path.iterdir()) == []
