"""Tables in folders and at addresses: the rows of the one file that they were cut from."""

import sys

import duckdb
import numpy as np
import pandas as pd
import pytest

from backrisk import CausalGraph, read_survey
from backrisk.errors import SurveyError

fsspec = pytest.importorskip("fsspec")

GRAPH = CausalGraph.from_edges(
    [("a", "b"), ("c", "b")],
    {"a": ["no", "yes"], "b": ["no", "yes"], "c": ["0", "1"]},
)


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(3)
    states = {"a": ["no", "yes"], "b": ["no", "yes", None], "c": ["0", "1", None]}
    drawn = {name: rng.choice(np.array(each, object), 60) for name, each in states.items()}
    return pd.DataFrame(drawn)


@pytest.fixture
def parted(people, tmp_path):
    """Write the people as DuckDB parts them: the column of the folders is in no file."""
    place = tmp_path / "people"
    with duckdb.connect() as connection:
        connection.register("rows", people)
        connection.execute(f"COPY rows TO '{place}' (FORMAT parquet, PARTITION_BY (c))")
    return place


def counts(survey):
    return {tuple(row): survey.codes.tolist().count(row) for row in survey.codes.tolist()}


def test_a_parted_folder_is_the_table_that_was_parted(people, parted):
    assert {each.name for each in parted.iterdir()} == {
        "c=0", "c=1", "c=__HIVE_DEFAULT_PARTITION__"
    }  # fmt: skip
    (parted / "_SUCCESS").touch()
    (parted / "_temporary").mkdir()
    (parted / "_temporary" / "half.parquet").write_bytes(b"PAR1")
    assert counts(read_survey(parted, GRAPH)) == counts(read_survey(people, GRAPH))


def test_a_refused_cell_of_a_folder_is_told_with_its_file(parted):
    file = next((parted / "c=1").glob("*.parquet"))
    frame = pd.read_parquet(file)
    frame.loc[0, "a"] = "perhaps"
    frame.to_parquet(file)
    with pytest.raises(SurveyError, match=rf"{file.name}, row \d+, column 'a': value 'perhaps'"):
        read_survey(parted, GRAPH)


@pytest.mark.parametrize("kind", ["csv", "parquet", "folder", "pattern"])
def test_what_lies_at_an_address_is_read_as_a_file(people, parted, tmp_path, kind):
    store, root = fsspec.filesystem("memory"), f"/{tmp_path.name}"
    address, glob = f"memory:/{root}/people.{kind}", False
    if kind == "csv":
        store.pipe(f"{root}/people.csv", people.to_csv(index=False).encode())
    elif kind == "parquet":
        store.pipe(f"{root}/people.parquet", people.to_parquet())
    elif kind == "folder":
        store.put(str(parted), f"{root}/people.folder", recursive=True)
    else:
        for part, rows in enumerate((people[:20], people[20:])):
            store.pipe(f"{root}/{part}.csv", rows.to_csv(index=False).encode())
        address, glob = f"memory:/{root}/*.csv", True
    assert counts(read_survey(address, GRAPH, glob=glob)) == counts(read_survey(people, GRAPH))


def test_a_file_address_is_the_path(people, parted):
    found = read_survey(parted.as_uri(), GRAPH)
    assert counts(found) == counts(read_survey(people, GRAPH))
    assert found.source == "people"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("memory://nowhere/people.csv", "^memory://nowhere/people.csv: there is nothing at this"),
        ("nosuch://a/b.csv", "^nosuch://a/b.csv: Protocol not known: nosuch"),
    ],
)
def test_an_address_where_nothing_can_be_read_is_named(address, told):
    with pytest.raises(SurveyError, match=told):
        read_survey(address, GRAPH)


def test_a_store_without_its_package_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(SurveyError, match=r"^s3://bucket/a.csv: .*s3fs"):
        read_survey("s3://bucket/a.csv", GRAPH)
    monkeypatch.setattr("backrisk._addresses.find_spec", lambda name: None)
    with pytest.raises(SurveyError, match=r"fsspec: pip install 'backrisk\[remote\]'\.$"):
        read_survey("s3://bucket/a.csv", GRAPH)
