"""Files of the first format, which HDF5 has to read: damaged and malicious ones end a process."""

from pathlib import Path

import forging
import h5py
import numpy as np
import pytest

from backrisk import PosteriorError
from backrisk.posterior.contents import contents
from backrisk.posterior.storage import restore

SAVED = Path(__file__).parent / "saved"
NUMBERS = {"first/a": np.arange(12.0).reshape(2, 3, 2), "second/b": [[1.0]]}


@pytest.fixture
def old(tmp_path):
    return forging.first_format(tmp_path / "old.nc", NUMBERS, {"name": "ours"})


def test_a_sound_file_of_the_first_format_is_read(old):
    found = restore(old)
    assert found.record == {"name": "ours"}
    assert found.labels == {}
    assert set(found.arrays) == set(NUMBERS)
    for name, values in NUMBERS.items():
        assert np.array_equal(found.arrays[name], values)


def test_a_file_whose_flipped_bit_leads_in_circles_is_refused():
    """HDF5 never comes back from the attribute: the process is ended that asked it."""
    with pytest.raises(PosteriorError, match=r"hang\.nc cannot be read as a model"):
        restore(SAVED / "hang.nc")


def number(file):
    file["first/a"][1, 2, 1] = 0.5


def record(file):
    file.attrs["record"] = '{"name": "theirs"}'


@pytest.mark.parametrize("change", [number, record, lambda file: file.move("first/a", "first/c")])
def test_what_was_changed_after_saving_is_refused(old, change):
    with h5py.File(old, "r+") as file:
        change(file)
    with pytest.raises(PosteriorError, match=r"old\.nc was altered"):
        restore(old)


def linked(file):
    file["first/c"] = h5py.ExternalLink("elsewhere.nc", "first/a")


def linked_group(file):
    file["third"] = h5py.ExternalLink("elsewhere.nc", "first")


def soft(file):
    file["first/c"] = h5py.SoftLink("/first/a")


def virtual(file):
    layout = h5py.VirtualLayout((2, 3), "<f8")
    layout[0] = h5py.VirtualSource("elsewhere.nc", "first/a", (3,))
    file["first"].create_virtual_dataset("c", layout)


def external(file):
    file["first"].create_dataset("c", (2, 3), "<f8", external=[("elsewhere.bin", 0, 48)])


def compressed(file):
    file["first"].create_dataset("c", (10**6, 10**6), "<f8", chunks=(1000, 1000), compression=9)


def never_written(file):
    file["first"].create_dataset("c", (10**6, 10**6), "<f8")


def whole(file):
    file["first/c"] = np.zeros((2, 3), np.int64)


def nested(file):
    file["first/more/c"] = [[1.0]]


def shared(file):
    file["first/large"] = np.zeros((10, 100))
    for place in range(20):
        file[f"first/c{place}"] = file["first/large"]


def repeated_labels(file):
    scale = file["first"].create_dataset("kind", (10**6,), h5py.string_dtype())
    scale.make_scale("kind")


@pytest.mark.parametrize(
    "change",
    [
        *(linked, linked_group, soft, virtual, external, compressed, never_written, whole),
        *(nested, shared, repeated_labels),
    ],
)
def test_what_these_files_never_need_is_refused(old, change):
    with h5py.File(old, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=r"\w"):
        contents(old)


def test_the_process_that_looks_has_no_say_but_its_answer(old):
    with h5py.File(old, "r+") as file:
        linked(file)
    with pytest.raises(PosteriorError, match=r"old\.nc cannot be read as a model"):
        restore(old)


def test_a_file_of_another_kind_is_told_from_a_broken_one(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["x"] = [1.0]
    with pytest.raises(PosteriorError, match=r"a\.nc is another kind of file"):
        restore(tmp_path / "a.nc")


@pytest.mark.parametrize("cut", [1, 1000])
def test_a_file_that_was_cut_short_is_refused_without_a_process(old, cut, monkeypatch):
    monkeypatch.setattr("subprocess.run", None)
    old.write_bytes(old.read_bytes()[:-cut])
    with pytest.raises(PosteriorError, match=r"old\.nc cannot be read as a model"):
        restore(old)


def test_no_process_to_look_is_told(old, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(PosteriorError, match=r"old\.nc cannot be read: No such file"):
        restore(old)
