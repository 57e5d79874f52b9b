"""Codebooks: what each column of a survey measures, read from YAML and checked in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from backrisk import _json, _yaml
from backrisk._arguments import checked
from backrisk._html import MOST_ROWS, block, paragraph, table
from backrisk._spelling import spell
from backrisk.errors import SurveyError
from backrisk.graph import CausalGraph, load_graph
from backrisk.survey import branching, decode, encode, items
from backrisk.survey.cautions import PLAIN, WEIGHT
from backrisk.survey.problems import failure, schema_problems, undecided
from backrisk.survey.resolve import resolve
from backrisk.survey.schema import Column, Contents
from backrisk.words import say, suggest, unreadable


class Codebook(Contents):
    """How the columns of a survey map to the nodes of a graph; frozen.

    Made by `load_codebook`, `Codebook.from_dict` or `Codebook.plain`, which check it against its
    graph. Each parameter is a key of the YAML file; `graph` and `columns` are needed, and in a
    file `name` is by default the file's.

    The keys below these are explained in `backrisk.survey`, each as a class: `Column` (and within
    it `AskedIf` and `Nonresponse`), `Derived` with its `Rule` and `Condition`, `OneRowPer`,
    `Design` and `Visits`. `backrisk schema codebook` prints all of them as a JSON Schema, by which
    editors complete and check a codebook; `draft_codebook` writes a first one from a table;
    `describe` shows how a table is read by it.

    Parameters
    ----------
    name : str
        What messages and reports call it.
    graph : str
        The graph it belongs to: a packaged one, or the name of the user's own.
    title, description : str
        For people: what was asked, whom, and what the codebook's judgements are. Empty by default.
    population : str
        Where people were not drawn from those that the model will be asked about: whom the answers
        compare, in a sentence or two, which every answer of a model fitted to the survey repeats.
        Empty by default.
    synthetic : bool
        Whether the survey is simulated, which every report then says; ``false`` by default.
    missing : tuple of str
        Answers that stand for no answer, in every column: ``["", "NA", "don't know"]``; a column
        may have others of its own. By default ``["", "NA", "N/A", "NaN", "nan"]``.
    columns : dict of str to Column
        By the name in the file's header; see `Column` for the keys of each.
    derived : dict of str to Derived
        Values computed from the columns, such as a body mass index; see `Derived`. None by default.
    site : str, optional
        The column that names the site or centre of each person: ``site: clinic``. By default there
        is none, whatever the columns are called.
    weight : str, optional
        The column of sampling weights, finite numbers not below 0: ``weight: w``. By default there
        is none: a column called weight may hold a body's.
    ignore : tuple of str, or "rest"
        Columns that the file may hold and that are not read, such as identifiers: ``[id, email]``.
        ``ignore: rest`` leaves out every column that the codebook does not name; they are told.
    leaves_out : dict of str to str
        Nodes of the graph that the survey knows nothing of and that a fit to it leaves out, each
        with the reason, a sentence that whoever asks about the node is told:
        ``{surface: Nobody was asked where they run.}``. A fit learns nothing of a node that nobody
        measures, and each that leads to the outcome multiplies the work of summing it out. Its
        effects become part of chance, as in `CausalGraph.without`. None by default.
    one_row_per : OneRowPer, optional
        Which row stands for a person who appears several times:
        ``{column: id, by: date, keep: first}``; or that all rows of a person are read as one:
        ``{column: id, merge: true}``. By default every row is a person.
    rows : dict of str to tuple of str, optional
        The rows that are read, where a file has others: for each column named, the cells that a
        row may have there, ``{visit: [baseline], copy: [""]}``. By default all.
    design : Design, optional
        How people were chosen, where not each with the same chance: ``{kind: case_control,
        prevalence: 0.14}``, ``{kind: matched, set: pair}``, ``{kind: repeated, person: id}``.
    panel : Visits, optional
        How `read_panel` reads a table in which people appear over time:
        ``{id: athlete, time: date, every: 7D, combine: {pain: worst}}``. `read_survey` does not
        read over time, and leaves it aside.

    Examples
    --------
    >>> from backrisk import CausalGraph, Codebook
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> hours = {"node": "a", "type": "number", "unit": "h", "cuts": [7], "states": ["yes", "no"]}
    >>> data = {"name": "sleep", "graph": "graph", "columns": {"hours": hours}}
    >>> Codebook.from_dict(data, graph).encode_answer("hours", "6.5")
    ('a', 'yes')
    """

    def __repr__(self) -> str:
        """Return the name, the graph and the size; `to_dict` gives everything."""
        return f"Codebook({self.name!r}, graph={self.graph!r}, columns={len(self.columns)})"

    def _repr_html_(self) -> str:
        """Return how many columns are about how many nodes, and the first of them."""
        nodes = {spec.measured for spec in self.measures.values()}
        told = say(
            "survey.shown.columns",
            columns=len(self.columns),
            nodes=len(nodes),
            graph=self.graph,
            synthetic=say("survey.shown.yes" if self.synthetic else "survey.shown.no"),
        )
        first = list(self.measures.items())[:MOST_ROWS]
        left = len(self.measures) - len(first)
        columns: dict[str, list[str]] = {
            say("survey.shown.column"): [name for name, _ in first],
            say("survey.shown.node"): [str(spec.measured) for _, spec in first],
        }
        return block(
            self.title or self.name,
            paragraph(told),
            table(columns),
            paragraph(say("survey.shown.more_columns", count=left, n=left) if left else ""),
            paragraph(self.population),
        )

    def __init__(self, **data: Any) -> None:
        """Refuse what a key may not hold in the sentences of a codebook's file."""
        try:
            super().__init__(**data)
        except ValidationError as error:
            source = say("survey.codebook.named", name=data.get("name", "?"))
            raise failure(source, schema_problems(error, source)) from None

    @classmethod
    @checked()
    def from_dict(cls, data: Mapping[str, Any], graph: CausalGraph | None = None) -> Codebook:
        """Check a codebook's contents, as read from YAML, against its graph.

        Parameters
        ----------
        data : mapping
            The contents of the file, or what `to_dict` gave.
        graph : CausalGraph, optional
            The packaged graph that the codebook names, where it is left out.

        Returns
        -------
        Codebook

        Raises
        ------
        SurveyError
            Names the codebook, the key or column, its value and what was expected, of every
            mistake at once.
        GraphError
            The graph that the codebook names cannot be loaded.
        """
        source = say("survey.codebook.named", name=data.get("name", "?"))
        try:
            _json.bound(dict(data))
        except _yaml.Unreadable as error:
            raise SurveyError(unreadable(error, source)) from None
        return cls._checked(data, graph, source)

    @classmethod
    def _checked(cls, data: Mapping[str, Any], graph: CausalGraph | None, source: str) -> Codebook:
        if left := undecided(data, source):
            raise failure(source, left)
        try:
            # Of the file, not of the class: its initialiser would name the source another way.
            held = Contents.model_validate(data)
        except ValidationError as error:
            raise failure(source, schema_problems(error, source)) from None
        values = {name: getattr(held, name) for name in Contents.model_fields}
        codebook = cls.model_construct(held.model_fields_set, **values)
        return resolve(codebook, graph or load_graph(codebook.graph), source)

    @classmethod
    @checked()
    def plain(cls, graph: CausalGraph) -> Codebook:
        """Return the codebook of a plain table: columns named by nodes, states as labels.

        A column ``weight`` may be there and is not read: whether it holds sampling weights or a
        body's weight, only its owner knows; see `with_roles`.
        """
        columns = {name: Column(node=name) for name in graph.names}
        ignore = () if WEIGHT in columns else (WEIGHT,)
        return cls(name=PLAIN, graph=graph.name, columns=columns, ignore=ignore).resolved(graph)

    @checked()
    def with_roles(
        self,
        columns: Iterable[str],
        source: str,
        *,
        weight: str | None = None,
        site: str | None = None,
    ) -> Codebook:
        """Return the codebook with the columns that hold weights and sites, where they are given.

        Parameters
        ----------
        columns : iterable of str
            Of the table, as its header spells them.
        source : str
            What messages call the table.
        weight, site : str, optional
            By default as the codebook says.

        Raises
        ------
        SurveyError
            The table has no such column, or the codebook reads it as something else.
        """
        names, update = tuple(columns), dict[str, str]()
        for role, given in (("weight", weight), ("site", site)):
            if given is None:
                continue
            name = spell(given) or ""
            told = {"source": source, "role": role, "column": given}
            if name not in names:
                raise SurveyError(say("survey.roles.none", **told, near=suggest(given, names)))
            if name in self.columns:
                raise SurveyError(say("survey.roles.taken", **told, book=self.name))
            update[role] = name
        book = self.model_copy(update=update)
        if book.site is not None and book.site == book.weight:
            raise SurveyError(say("survey.roles.both", source=source, column=book.site))
        return book

    def resolved(self, graph: CausalGraph) -> Codebook:
        """Return the codebook with its states written out.

        Raises
        ------
        SurveyError
            Every contradiction with the graph, or within the codebook.
        """
        return resolve(self, graph, say("survey.codebook.named", name=self.name))

    def to_dict(self) -> dict[str, Any]:
        """Return the contents as plain lists and dictionaries, for JSON or YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def extend(self, graph: CausalGraph) -> CausalGraph:
        """Add the nodes that tell of answers, with their edges, and leave out what it leaves out.

        An Item for every item of the codebook, a child of its construct; a response for every
        answer that may be missing because of its own value, a child of that answer. Nodes that
        the graph already has stay as they are.
        """
        return items.extend(self, graph)

    def with_responses(
        self,
        codes: NDArray[np.int8],
        graph: CausalGraph,
        columns: Iterable[str],
        not_asked: Mapping[str, NDArray[np.bool_]] | None = None,
    ) -> NDArray[np.int8]:
        """Fill in which answers were given, for the measures whose missingness is modelled.

        Parameters
        ----------
        codes : ndarray of int8, shape (rows, nodes)
        graph : CausalGraph
            As `extend` gave it.
        columns : iterable of str
            What the file has: what was not asked at all was not refused.
        not_asked : mapping of str to ndarray of bool, shape (rows,), optional
            By measure, the rows of people who were not asked.

        Returns
        -------
        ndarray of int8, shape (rows, nodes)
        """
        return items.with_responses(self, codes, graph, columns, not_asked or {})

    def of_anybody(self) -> Codebook:
        """Return the codebook for people who were not chosen as the survey's were.

        Without its design; a column of sets or of persons may be there and is not read.
        """
        if self.design is None:
            return self
        apart = [name for name in (self.design.set, self.design.person) if name is not None]
        site = None if self.design.set is not None else self.site
        return self.model_copy(update={"design": None, "site": site}).ignoring(*apart)

    def encode_answer(self, column: str, raw: object) -> tuple[str, str | None]:
        """Return the node that a raw answer fills, and the label of the state it says.

        The state is None for a missing answer.

        Raises
        ------
        SurveyError
            The column is unknown or only an input, or the answer is not one it accepts.
        """
        return encode.encode_answer(self, column, raw)

    def encode_person(self, answers: Mapping[str, object], graph: CausalGraph) -> dict[str, str]:
        """Return one person's evidence from raw answers, node labels, or both mixed.

        Parameters
        ----------
        answers : mapping
            Raw answer by column, or state label by node. Where a column bears a node's name,
            both its raw answers and the node's labels are understood; a word that is one state as
            the one and another as the other is refused.
        graph : CausalGraph
            The extended graph.

        Returns
        -------
        dict
            State label by node; missing answers are left out.

        Raises
        ------
        QueryError
            Every problem of the person at once.
        """
        return encode.encode_person(self, answers, graph)

    def decode(self, name: str, state: str, rng: np.random.Generator) -> float | str:
        """Draw an answer to a column that says a state: the reverse of `encode_answer`.

        It is one of the labels that say the state, or a typical number of its interval.

        Raises
        ------
        SurveyError
            The column is unknown, or no answer says the state.
        """
        return decode.decode(self, name, state, rng)

    def decode_derived(self, name: str, state: str, rng: np.random.Generator) -> dict[str, float]:
        """Draw typical inputs, by column, from which a ``bmi`` or ``ratio`` says a state.

        Raises
        ------
        SurveyError
            The name is unknown or its text cannot be drawn, or no typical inputs say the state.
        """
        return decode.decode_derived(self, name, state, rng)

    def without_unasked(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Leave blank what people would not have been asked, as `asked_if` of each column says.

        Parameters
        ----------
        frame : pandas.DataFrame
            Raw answers, a row for each person.

        Returns
        -------
        pandas.DataFrame
        """
        return branching.blanked(self, frame)


@checked()
def load_codebook(name_or_path: str | Path, graph: CausalGraph | None = None) -> Codebook:
    """Read a codebook by the name of a packaged one or by path, and check it.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a packaged codebook, for instance ``"runner"``, or the path of a YAML file.
    graph : CausalGraph, optional
        The graph to check against; by default the one the codebook names.

    Returns
    -------
    Codebook

    Raises
    ------
    SurveyError
        There is no such codebook, it is not YAML, or its contents are wrong.

    Examples
    --------
    A packaged codebook, and one's own for one's own graph:

    >>> from backrisk import CausalGraph, load_codebook
    >>> load_codebook("runner").columns["age_years"].cuts
    (40.0, 55.0)
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "sleep.yaml"
    >>> _ = path.write_text('''
    ... graph: graph
    ... columns:
    ...   hours: {node: a, type: number, unit: h, cuts: [7], states: [yes, no]}
    ... ''')
    >>> graph = CausalGraph.from_edges([("a", "b")], {"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> load_codebook(path, graph).encode_answer("hours", "6.5")
    ('a', 'yes')
    """
    names = packaged_codebooks()
    own = str(name_or_path) not in names
    folder = files("backrisk.survey") / "codebooks"
    path = Path(name_or_path) if own else folder / f"{name_or_path}.yaml"
    try:
        there = path.is_file()
    except (OSError, ValueError):  # no name that a file can have
        there = False
    if not there:
        raise SurveyError(
            say(
                "survey.codebook.none",
                name=str(name_or_path),
                near=suggest(name_or_path, names),
                known=", ".join(names),
            )
        )
    source = path.name if own else say("survey.codebook.named", name=str(name_or_path))
    try:
        data = _yaml.read(path)
    except OSError as error:
        raise SurveyError(say("survey.codebook.not_text", source=source, why=str(error))) from error
    except _yaml.Unreadable as error:
        raise SurveyError(unreadable(error, source)) from error
    if not isinstance(data, dict):
        raise SurveyError(say("survey.codebook.not_mapping", source=source))
    return Codebook._checked({"name": Path(name_or_path).stem, **data}, graph, source)


def packaged_codebooks() -> tuple[str, ...]:
    """Return the names of the codebooks that come with the package."""
    folder = files("backrisk.survey") / "codebooks"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


def choose_codebook(
    codebook: Codebook | str | Path | None,
    columns: Iterable[str],
    graph: CausalGraph,
) -> Codebook:
    """Return the codebook to read these columns with, checked against the graph.

    Without a choice it is the packaged codebook with the graph's name, where that fits at least
    as well as the plain reading.
    """
    if isinstance(codebook, Codebook):
        return codebook.resolved(graph)
    if codebook is not None:
        return load_codebook(codebook, graph)
    plain = Codebook.plain(graph)
    if graph.name not in packaged_codebooks():
        return plain
    try:
        packaged = load_codebook(graph.name, graph)
    except SurveyError:  # a graph of the user's own that shares a packaged name
        return plain
    names = set(columns)
    return packaged if len(names & set(packaged.known)) >= len(names & set(plain.known)) else plain
