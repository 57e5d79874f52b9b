"""Files are whole or not there."""

import os

import pytest

from backrisk._files import no_file, written
from backrisk.errors import BackriskError, PosteriorError


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written(path) as beside:
        beside.write_text("new")
        assert beside.parent == tmp_path
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt(), ValueError("no")])
def test_what_fails_leaves_the_old_file_and_nothing_beside(tmp_path, failure):
    path = tmp_path / "a.txt"
    path.write_text("old")
    raised = PosteriorError if isinstance(failure, OSError) else type(failure)

    def fail():
        with written(path, PosteriorError) as beside:
            beside.write_text("half")
            raise failure

    with pytest.raises(raised) as told:
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(failure, OSError):
        assert str(told.value) == f"{path} cannot be written: disk full."
        assert told.value.__cause__ is failure


def test_the_system_s_own_words_are_told_without_its_number(tmp_path):
    said = r"a\.txt cannot be written: No space left\.$"
    with pytest.raises(BackriskError, match=said), written(tmp_path / "a.txt"):
        raise OSError(28, "No space left", "elsewhere")


def test_an_error_of_our_own_passes_unchanged(tmp_path):
    ours = PosteriorError("as it is")
    with pytest.raises(PosteriorError) as told, written(tmp_path / "a.txt"):
        raise ours
    assert told.value is ours


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with written(path) as one, written(path) as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert path.read_text() == "one"  # the outer one ends last


def test_a_folder_is_no_place_for_a_file(tmp_path):
    for path, said in (
        (tmp_path, "is a folder, expected a file"),
        (tmp_path / "none" / "a.txt", r"cannot be written: there is no folder '.*none'"),
    ):
        with pytest.raises(PosteriorError, match=said), written(path, PosteriorError):
            pytest.fail("nothing should be written")


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_a_new_file_has_the_permissions_that_new_files_get(tmp_path):
    (tmp_path / "plain").touch()
    with written(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert no_file(tmp_path) == f"{tmp_path} is a folder, expected a file."
    assert no_file(tmp_path / "x") == f"{tmp_path / 'x'}: there is no such file."
