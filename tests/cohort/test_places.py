"""Cohorts from folders, engines and addresses: the scores of the same people in one frame."""

import ibis
import pandas as pd
import pytest

from backrisk import score, simulate
from backrisk.errors import QueryError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def people(core_prior):
    frame = simulate(core_prior.graph, 40, seed=5).astype(object)
    frame.insert(0, "who", [f"r{place}" for place in range(len(frame))])
    return frame.where(frame.notna() & frame.ne(""), None)


@pytest.fixture(scope="module")
def whole(core_prior, people, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "scored.parquet"
    score(core_prior, people, out, ids="who", draws=20)
    return pd.read_parquet(out).drop(columns="row")


def same(found, whole, ids=("who",)):
    """Hold scores to those of the whole, whatever the order of rows and of columns."""
    found = found.drop(columns="row", errors="ignore")[[*whole.columns]].astype(object)
    found = found.where(found.notna(), None).sort_values("who", ignore_index=True)
    other = whole.astype(object).where(whole.notna(), None).sort_values("who", ignore_index=True)
    pd.testing.assert_frame_equal(found, other, check_dtype=False)


def read(folder):
    import duckdb

    with duckdb.connect() as connection:
        rows = f"read_parquet('{folder}/**/*.parquet', hive_partitioning=true)"
        found = connection.execute(f"SELECT * FROM {rows}").df().astype(object)
    found = found.replace("__HIVE_DEFAULT_PARTITION__", None)
    return found.where(found.notna(), None)


def test_a_folder_in_parts_holds_the_scores_of_everyone(core_prior, people, whole, tmp_path):
    out = tmp_path / "scored"
    by = ["fatigue", "reported"]
    done = score(core_prior, people, out, ids="who", draws=20, partition_by=by)
    assert done.out == out
    found = read(out)
    same(found, whole)
    told = people.set_index("who")["fatigue"]
    assert found.set_index("who")["fatigue"].to_dict() == told.to_dict()
    assert {each.name for each in out.iterdir()} == {
        f"fatigue={state or '__HIVE_DEFAULT_PARTITION__'}" for state in told
    }


def test_parts_of_the_source_are_those_of_the_result(core_prior, people, whole, tmp_path):
    import duckdb

    with duckdb.connect() as connection:
        connection.register("rows", people)
        how = "FORMAT parquet, PARTITION_BY (fatigue)"
        connection.execute(f"COPY rows TO '{tmp_path / 'people'}' ({how})")
    score(core_prior, tmp_path / "people", tmp_path / "scored", ids="who", draws=20)
    same(read(tmp_path / "scored"), whole)
    folders = [{each.name for each in (tmp_path / name).iterdir()} for name in ("people", "scored")]
    assert folders[0] == folders[1]
    # A file has no parts, and no columns for them.
    done = score(core_prior, tmp_path / "people", tmp_path / "one.parquet", ids="who", draws=20)
    assert [*pd.read_parquet(done.out).columns[:2]] == ["row", "who"]


def test_a_table_of_ibis_is_scored_as_its_rows(core_prior, people, whole, tmp_path):
    people.to_parquet(tmp_path / "people.parquet")
    connection = ibis.duckdb.connect()
    table = connection.read_parquet(tmp_path / "people.parquet")
    done = score(core_prior, table, tmp_path / "scored.parquet", ids="who", draws=20)
    assert done.people == len(people)
    same(pd.read_parquet(done.out), whole)
    connection.disconnect()


@pytest.mark.parametrize("ending", ["", ".parquet"])
def test_scores_go_to_an_address(core_prior, people, whole, tmp_path, ending):
    store, root = fsspec.filesystem("memory"), f"memory://{tmp_path.name}"
    store.pipe(f"/{tmp_path.name}/people.parquet", people.to_parquet())
    out = f"{root}/scored{ending}"
    done = score(core_prior, f"{root}/people.parquet", out, ids="who", draws=20)
    assert done.out == out
    store.get(f"/{tmp_path.name}/scored{ending}", str(tmp_path / "back"), recursive=True)
    same(pd.read_parquet(tmp_path / "back"), whole)
    if not ending:
        with pytest.raises(QueryError, match="files are there already"):
            score(core_prior, people, out, draws=20)


def test_an_address_of_this_machine_is_its_file(core_prior, people, whole, tmp_path):
    """What is read from is not written over, whichever of the two is an address."""
    table = tmp_path / "people.csv"
    people.to_csv(table, index=False)
    before = table.read_bytes()
    for source, out in ((table, table.as_uri()), (table.as_uri(), table)):
        with pytest.raises(QueryError, match="is read from"):
            score(core_prior, source, out, ids="who", draws=20)
    assert table.read_bytes() == before
    out = tmp_path / "scored.parquet"
    assert score(core_prior, table.as_uri(), out.as_uri(), ids="who", draws=20).out == out
    assert len(pd.read_parquet(out)) == len(whole)


def test_patterns_name_folders_and_a_file_may_be_called_like_one(core_prior, people, tmp_path):
    store, root = fsspec.filesystem("memory"), f"memory://{tmp_path.name}"
    for place in ("site=1/a.parquet", "site=2/a.parquet", "a[1].parquet"):
        store.pipe(f"/{tmp_path.name}/{place}", people.to_parquet())
    for source, many in (
        (f"{root}/site=?/a.parquet", 2),
        (f"{root}/site=*", 2),
        (f"{root}/site=[2]", 1),
        (f"{root}/a[1].parquet", 1),
    ):
        done = score(core_prior, source, tmp_path / "scored.parquet", ids="who", draws=2)
        assert done.people == many * len(people), source


def test_parts_are_named_once_and_are_not_too_many(core_prior, people, tmp_path, monkeypatch):
    from backrisk.cohort import writing

    out = tmp_path / "scored"
    score(core_prior, people, out, draws=2, partition_by=["reported", "reported"])
    assert all(len(file.relative_to(out).parts) == 2 for file in out.rglob("*.parquet"))
    monkeypatch.setattr(writing, "_PARTS", 1)
    with pytest.raises(QueryError, match="Parts by who are more than 1 folders"):
        score(core_prior, people, tmp_path / "other", draws=2, partition_by="who")
    assert not (tmp_path / "other").exists()


def test_problems_lie_beside_what_was_sent(core_prior, people, tmp_path):
    store, out = fsspec.filesystem("memory"), f"memory://{tmp_path.name}/scored.csv"
    wrong = people.assign(fatigue=["dreadful", *people["fatigue"][1:]])
    done = score(core_prior, wrong, out, ids="who", draws=20)
    assert done.listed == f"memory://{tmp_path.name}/scored.problems.csv"
    assert b"dreadful" in store.cat(f"/{tmp_path.name}/scored.problems.csv")
    assert score(core_prior, people, out, ids="who", draws=20).listed is None
    assert not store.exists(f"/{tmp_path.name}/scored.problems.csv")


@pytest.mark.parametrize(
    ("out", "by", "told"),
    [
        ("scored.parquet", "fatigue", "scored.parquet: only a folder can be in parts"),
        ("scored", "risk", "cannot be in parts by 'risk', which holds no texts"),
        ("scored", "fatige", "has no column 'fatige' \\(did you mean 'fatigue'\\?\\)"),
        ("full", "fatigue", "full cannot be written: files are there already"),
        ("none/scored", "fatigue", "there is no folder"),
        ("scored.txt", None, "written as .parquet or .csv"),
    ],
)
def test_a_place_that_cannot_be_is_refused_and_nothing_is_left(
    core_prior, people, tmp_path, out, by, told
):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(QueryError, match=told):
        score(core_prior, people, tmp_path / out, ids="who", draws=20, partition_by=by)
    assert {each.name for each in tmp_path.iterdir()} == {"full"}


def test_a_folder_that_is_not_finished_leaves_nothing(core_prior, people, tmp_path, monkeypatch):
    from backrisk.cohort import scoring

    def stopped(*given):
        yield from ()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scoring, "_joined", stopped)
        with pytest.raises(KeyboardInterrupt):
            score(core_prior, people, tmp_path / "scored", ids="who", draws=20)
    assert not [*tmp_path.iterdir()]
    score(core_prior, people, tmp_path / "scored", ids="who", draws=20)
    assert [each.name for each in tmp_path.iterdir()] == ["scored"]


def test_a_folder_that_cannot_be_sent_whole_is_taken_back(
    core_prior, people, tmp_path, monkeypatch
):
    from backrisk import _addresses

    put, sent = _addresses._put, []

    def failing(store, place, path):
        if len(sent) == 2:
            raise OSError("the bucket is full")
        put(store, place, path)
        sent.append(path)

    monkeypatch.setattr(_addresses, "_put", failing)
    out = f"memory://{tmp_path.name}/scored"
    with pytest.raises(QueryError, match=f"{out}: the bucket is full"):
        score(core_prior, people, out, ids="who", draws=20, partition_by="fatigue")
    assert len(sent) == 2
    assert not fsspec.filesystem("memory").find(f"/{tmp_path.name}")


def test_what_is_read_is_not_written_over(core_prior, people, tmp_path):
    address = f"memory://{tmp_path.name}/people.parquet"
    fsspec.filesystem("memory").pipe(f"/{tmp_path.name}/people.parquet", people.to_parquet())
    with pytest.raises(QueryError, match="is read from; write to another"):
        score(core_prior, address, address, ids="who")
