"""What a shell completes: files of models and people, graphs, nodes, states.

Nothing here may fail or print: a shell would show it in the midst of what is typed.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import typer

from backrisk.errors import BackriskError

_ASKED = "_BACKRISK_COMPLETE"  # by which a shell asks for completions


def models(incomplete: str) -> list[str]:
    """Return saved models, and folders that may hold some."""
    return _files(incomplete, ".nc")


def people(incomplete: str) -> list[str]:
    """Return files of JSON, and folders that may hold some."""
    return _files(incomplete, ".json")


def visits(incomplete: str) -> list[str]:
    """Return files that a history may be in, and folders that may hold some."""
    return _files(incomplete, ".json", ".csv", ".tsv", ".txt", ".parquet", ".xlsx")


def graphs(incomplete: str) -> list[str]:
    """Return the packaged graphs, then files that a graph may be in."""
    from backrisk.graph import packaged_graphs

    return [*packaged_graphs(), *_files(incomplete, ".yaml", ".yml", ".json", ".txt", ".dag")]


def nodes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the nodes of the model, or of the graph, that the command names."""
    return list(_states(ctx))


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return each node with each of its states, as ``node=state``."""
    return [f"{node}={state}" for node, states in _states(ctx).items() for state in states]


def targets(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return each node, and with each state but the first, as ``node>=state``."""
    return [
        target
        for node, states in _states(ctx).items()
        for target in (node, *(f"{node}>={state}" for state in states[1:]))
    ]


def _files(incomplete: str, *endings: str) -> list[str]:
    folder, _, begun = incomplete.rpartition("/")
    before = f"{folder}/" if "/" in incomplete else ""
    try:
        with os.scandir(before or ".") as entries:
            found = sorted((each.name, each.is_dir()) for each in entries)
    except OSError:
        return []
    return [
        f"{before}{name}/" if is_folder else f"{before}{name}"
        for name, is_folder in found
        if (is_folder or name.endswith(endings))
        and name.startswith("." * begun.startswith("."))
        and (begun.startswith(".") or not name.startswith("."))
    ]


def _states(ctx: typer.Context) -> Mapping[str, Sequence[str]]:
    """Return states by node as far as the arguments before tell of which model or graph."""
    # An option whose value is being typed keeps arguments from being told apart.
    model = ctx.params.get("model") or next((each for each in ctx.args if _is_model(each)), None)
    try:
        if isinstance(model, str | Path):
            from backrisk.posterior import states_in

            return states_in(model)
        if isinstance(graph := ctx.params.get("graph"), str):
            from backrisk.graph import load_graph

            return {node.name: node.states for node in load_graph(graph).nodes}
    except (BackriskError, OSError, LookupError, TypeError, AttributeError):
        pass
    return {}


def _is_model(argument: str) -> bool:
    return argument.endswith(".nc") and os.path.isfile(argument)


@contextmanager
def whole_words() -> Iterator[None]:
    """Let Bash complete what holds an equals sign, at which it breaks words.

    Bash hands over ``--do``, ``fatigue``, ``=``, ``hi`` and puts what comes back in place of the
    last of them alone. The parts are joined for whoever completes, and taken off again.
    """
    if os.environ.get(_ASKED) != "complete_bash":
        yield
        return
    words, place, begun = joined(
        os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0"))
    )
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(words), str(place)
    held = io.StringIO()
    try:
        with redirect_stdout(held):
            yield
    finally:
        lines = held.getvalue().splitlines()
        sys.stdout.write("".join(f"{line.removeprefix(begun)}\n" for line in lines))


def joined(words: Sequence[str], place: int) -> tuple[list[str], int, str]:
    """Join what Bash broke at equals signs, up to the word that is completed.

    Parameters
    ----------
    words : sequence of str
        Those of the command line, the program first.
    place : int
        Which of them is completed.

    Returns
    -------
    words : list of str
        Up to that one, which is the last.
    place : int
        Where it now is.
    begun : str
        What stands in it before what Bash takes for the word.

    Examples
    --------
    >>> joined(["backrisk", "intervene", "m.nc", "--do", "fatigue", "=", "hi"], 6)
    (['backrisk', 'intervene', 'm.nc', '--do', 'fatigue=hi'], 4, 'fatigue=')
    >>> joined(["backrisk", "intervene", "m.nc", "--do", "fat"], 4)
    (['backrisk', 'intervene', 'm.nc', '--do', 'fat'], 4, '')
    """
    found: list[str] = []
    begun = ""
    for word in [*words, ""][: place + 1]:
        follows = bool(found) and found[-1].endswith("=") and len(found) > 1
        if word == "=" and found:
            found[-1] += "="
            begun = found[-1]
        elif follows and begun == found[-1]:
            found[-1] += word
        else:
            found.append(word)
            begun = ""
    return found, len(found) - 1, begun
