"""Networks to and from files, by the ending of their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from backrisk._arguments import checked
from backrisk._files import demand_file, demand_place, write
from backrisk.errors import PosteriorError
from backrisk.exchange.bif import read_bif, write_bif
from backrisk.exchange.hugin import read_net, write_net
from backrisk.exchange.network import Network, network_of, posterior_of
from backrisk.exchange.uai import names_beside, names_of_uai, read_uai, write_uai
from backrisk.exchange.xdsl import read_xdsl, write_xdsl
from backrisk.exchange.xmlbif import read_xmlbif, write_xmlbif
from backrisk.graph import CausalGraph
from backrisk.posterior import Posterior
from backrisk.words import choices, say, whole

_WRITERS = {
    ".bif": write_bif,
    ".xmlbif": write_xmlbif,
    ".bifxml": write_xmlbif,
    ".xml": write_xmlbif,
    ".xdsl": write_xdsl,
    ".net": write_net,
    ".uai": write_uai,
}
NETWORK_KINDS = tuple(_WRITERS)
_LONGEST = 200_000_000  # bytes of a file
_XML = {
    ".xmlbif": read_xmlbif,
    ".bifxml": read_xmlbif,
    ".xml": read_xmlbif,
    ".xdsl": read_xdsl,
}
_TEXT = {".bif": read_bif, ".net": read_net}


@checked()
def save_network(posterior: Posterior, path: str | Path, *, draw: int | None = None) -> Path:
    """Save the tables of a posterior as a network that other tools read.

    Names that a format does not take are written as identifiers (``40_54`` as ``s_40_54``), and
    what they stand for beside them, so that `read_network` gives them back. Numbers have all their
    digits.

    *Estimand*: for each node, the posterior mean of its table, or the table of one draw. What is
    computed from mean tables is not the posterior mean of what is computed from each draw's; take
    `risk` for that. No format holds more than one set of tables: the uncertainty is lost, how the
    rows of a table hang together, the prior, the grades of the evidence, and the codebook.

    Parameters
    ----------
    posterior : Posterior
        Of a site where `Posterior.at_site` gives it; else the pooled tables.
    path : str or Path
        Its ending says the format: ``.bif``; ``.xmlbif``, ``.bifxml`` or ``.xml`` (XMLBIF 0.3);
        ``.xdsl`` (GeNIe, SMILE); ``.net`` (Hugin); ``.uai``, which has no place for names: they go
        into a file beside it, of the same name and ``.json``.
    draw : int, optional
        The draw to save, from 0; default the posterior mean.

    Returns
    -------
    Path

    Raises
    ------
    PosteriorError
        If the ending is of no known format, or the file cannot be written.
    QueryError
        If there is no such draw, or a table is too large to be written out.

    See Also
    --------
    read_network : The way back.
    to_pgmpy, to_pyagrum : The same as an object of another library.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from backrisk import CausalGraph, Posterior, read_network, risk, save_network
    >>> g = CausalGraph.from_edges([("age", "pain")], {"age": ["40_54", "55+"],
    ...     "pain": ["no", "yes"]})
    >>> posterior = Posterior.from_cpts(g, {"age": [0.6, 0.4], "pain": [[0.7, 0.3], [0.2, 0.8]]})
    >>> with TemporaryDirectory() as folder:
    ...     back = read_network(save_network(posterior, f"{folder}/pain.bif"))
    >>> back.graph.node("age").states, risk(back, {"age": "55+"}).draws.tolist()
    (('40_54', '55+'), [0.8])
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise PosteriorError(say("exchange.kind", file=path.name, known=choices(NETWORK_KINDS)))
    beside = names_beside(path) if path.suffix.lower() == ".uai" else None
    for place in (path, beside):
        if place is not None:
            demand_place(place, PosteriorError)
    network = network_of(posterior, draw)
    if beside is not None:
        write(beside, names_of_uai(network), PosteriorError)
    return write(path, _WRITERS[path.suffix.lower()](network), PosteriorError)


@checked()
def read_network(
    path: str | Path,
    *,
    outcome: str | None = None,
    graph: CausalGraph | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> Posterior:
    """Read a network's file as a posterior of one draw, which every query takes.

    Nothing in a file is run or expanded: XML that declares entities is refused.

    *Assumptions*: the arrows of the file are causal, and the first state of a node is its
    reference; a graph that is given says otherwise. One draw holds no uncertainty: intervals have
    no width, whatever the tables rest on.

    Parameters
    ----------
    path : str or Path
        As `save_network` or another program wrote it; its ending says the format.
    outcome : str, optional
        The node that queries are about by default; default what the file says, else the only node
        without effects.
    graph : CausalGraph, optional
        A graph of the same nodes, states and edges, from which everything but the tables is taken:
        the order of states, labels, evidence, roles.
    names : mapping of node to states, optional
        Of a file of UAI, in the order of its variables; default what stands in the file beside it,
        else ``x0`` with states ``s0``, ``s1`` and so on.

    Returns
    -------
    Posterior

    Raises
    ------
    PosteriorError
        In one sentence that names the file, and the line or node: if it cannot be read, is cut
        short, has a table too large, a row that does not sum to 1 (to three digits; what is
        missing is shared out), a state or a node that is not declared, nodes that cause each
        other, or is not the graph that was given.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from backrisk import read_network, risk
    >>> text = '''
    ... network dog { }
    ... variable out { type discrete [ 2 ] { no, yes }; }
    ... variable bark { type discrete [ 2 ] { no, yes }; }
    ... probability ( out ) { table 0.75, 0.25; }
    ... probability ( bark | out ) { (no) 0.9, 0.1; (yes) 0.3, 0.7; }
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "dog.bif"
    ...     _ = path.write_text(text)
    ...     posterior = read_network(path)
    >>> risk(posterior, {}).draws.round(3).tolist()
    [0.25]
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in _WRITERS:
        raise PosteriorError(say("exchange.kind", file=path.name, known=choices(NETWORK_KINDS)))
    data = _contents(path)
    network: Network
    if kind in _XML:
        network = _XML[kind](data, path.name)
    else:
        text = _decoded(data, path)
        if kind == ".uai":
            network = read_uai(text, path.name, names_beside(path), names)
        else:
            network = _TEXT[kind](text, path.name)
    return posterior_of(network, path.name, outcome, graph)


def _contents(path: Path) -> bytes:
    """Return the bytes of a file that is not too long."""
    demand_file(path, PosteriorError)
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        why = error.strerror or error
        raise PosteriorError(say("posterior.unreadable", path=path, why=why)) from error
    if len(data) > _LONGEST:
        raise PosteriorError(say("exchange.long", source=path.name, most=f"{_LONGEST:,}"))
    return data


def _decoded(data: bytes, path: Path) -> str:
    """Return bytes as text: UTF-8, else what older programs wrote."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def lost(posterior: Posterior, draw: int | None = None) -> tuple[str, ...]:
    """Say what of a posterior a file of another tool does not hold.

    Parameters
    ----------
    posterior : Posterior
    draw : int, optional
        As for `save_network`.

    Returns
    -------
    tuple of str
    """
    if posterior.draws == 1:
        first = str(say("exchange.lost.nothing"))
    elif draw is None:
        first = str(say("exchange.lost.mean", draws=whole(posterior.draws)))
    else:
        first = str(say("exchange.lost.one", draw=draw, draws=whole(posterior.draws)))
    return first, str(say("exchange.lost.rest"))
