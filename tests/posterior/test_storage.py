"""The container: what goes in comes out, and what was not put in by us is refused."""

import json
import subprocess
import sys

import forging
import h5py
import numpy as np
import pytest
import xarray as xr

from backrisk import PosteriorError, _files
from backrisk.posterior.storage import _SEAL, FORMAT, restore, seal, store

SEAL = _SEAL.size


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


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_what_no_file_can_be_called_is_refused(name):
    with pytest.raises(PosteriorError, match=r"cannot be read|no such file|is a folder"):
        restore(name)


def test_record_arrays_and_labels_come_back(tree, tmp_path):
    path = store(tree, tmp_path / "m.nc")
    assert path == tmp_path / "m.nc"
    found = restore(path)
    assert found.record == {"name": "ours"}
    assert sorted(found.arrays) == ["first/a", "first/b", "second/b"]
    assert np.array_equal(found.arrays["first/a"], tree["first"]["a"].to_numpy())
    assert found.labels == {"first/kind": ("one", "two")}
    assert tree.attrs["format"] == FORMAT == "backrisk-posterior-2"
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


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:], "altered"),
        (lambda data: data[:-60] + bytes([data[-60] ^ 1]) + data[-59:], "damaged"),  # a length
        (lambda data: data[:-51] + bytes([data[-51] ^ 1]) + data[-50:], "altered"),  # the version
        (lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:], "altered"),  # the digest
        (lambda data: data[:-1] + b"x", "damaged"),  # what says that it is sealed
        (lambda data: data + b"x", "damaged"),
        (lambda data: data[1:], "damaged"),
        (lambda data: data[:-SEAL], "damaged"),
        (lambda data: data[-SEAL:], "damaged"),
        (lambda data: data[-SEAL + 1 :], "damaged"),
    ],
)
def test_what_was_changed_after_saving_is_refused(tree, tmp_path, change, fact):
    path = store(tree, tmp_path / "bad.nc")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(PosteriorError, match=fact) as raised:
        restore(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_another_program_wrote_into_the_netcdf_is_refused(tree, tmp_path):
    path = store(tree, tmp_path / "m.nc")
    with h5py.File(path, "r+") as file:
        file["first/a"][1, 2, 1] = 0.5
    with pytest.raises(PosteriorError, match=r"altered|damaged"):
        restore(path)


def test_a_later_format_is_told_by_its_number(tree, tmp_path):
    path = store(tree, tmp_path / "m.nc")
    body, _ = forging.parts(path)
    path.write_bytes(forging.sealed(body, b"whatever it holds", version=3))
    with pytest.raises(PosteriorError, match=r"later version .* format is 3, .* up to 2\.$"):
        restore(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index["arrays"].update({"first/a": [0, [2, 3, 10**9]]}),
        lambda index: index["arrays"].update({"first/a": [0, [2**40, 2**40]]}),
        lambda index: index["arrays"].update({"first/a": [10**9, [2, 3, 2]]}),
        lambda index: index["arrays"].update({"first/a": [-8, [2, 3, 2]]}),
        lambda index: index["arrays"].update({"first/a": [8, [-2, -3]]}),
        lambda index: index["arrays"].update({"first/a": [8.0, [2, 3]]}),
        lambda index: index["arrays"].update({"first/a": [True, [2, 3]]}),
        lambda index: index["arrays"].update({"first/a": [8, [6]]}),
        lambda index: index["arrays"].update({f"first/{i}": [0, [1, 900]] for i in range(99)}),
        lambda index: index["arrays"].update({"first/a": 8}),
        lambda index: index.update(arrays=[]),
        lambda index: index.update(labels={"first/kind": [1]}),
        lambda index: index.update(record="text"),
        lambda index: index.pop("record"),
    ],
)
def test_a_sealed_index_that_claims_what_is_not_there_is_refused(tree, tmp_path, change):
    path = forging.reseal(store(tree, tmp_path / "m.nc"), change)
    with pytest.raises(PosteriorError, match=r"m\.nc cannot be read as a model"):
        restore(path)


@pytest.mark.parametrize("index", [b"", b"[", b"\xff", b"[" * 100_000, b"[]", b"null"])
def test_a_sealed_index_that_is_none_is_refused(tree, tmp_path, index):
    path = store(tree, tmp_path / "m.nc")
    path.write_bytes(forging.sealed(forging.parts(path)[0], index))
    with pytest.raises(PosteriorError, match=r"m\.nc cannot be read as a model"):
        restore(path)


def test_hdf5_is_never_asked_about_a_sealed_file(tree, tmp_path, monkeypatch):
    """What stands there may lead anywhere: only the places of numbers count."""
    path = store(tree, tmp_path / "m.nc")
    body, index = forging.parts(path)
    first = min(offset for offset, _ in index["arrays"].values() if offset)
    path.write_bytes(forging.sealed(b"\xff" * first + body[first:], json.dumps(index).encode()))
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setattr(subprocess, "run", None)
    found = restore(path)
    assert np.array_equal(found.arrays["first/a"], tree["first"]["a"].to_numpy())


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
