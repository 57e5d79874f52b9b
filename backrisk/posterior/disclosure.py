"""What a saved model tells of people: the smallest counts that follow from it.

A model holds no person's row, and yet counts of people follow from it.

- *Draws.* Where a node has a Dirichlet for each configuration of its parents and both were
  observed, the posterior is Dirichlet(prior + counts). The prior stands in the graph, so a few
  thousand draws give the counts back: how many people had this configuration and this state.
- *Log likelihood.* It is kept of every draw, and is a sum over cells: count times the logarithm
  of a probability that the draw gives. With more draws than cells these are equations enough for
  the counts, whatever the mechanism; and where answers are missing, for how many people gave
  the same answers.
- *Record.* It says in how many people each node was observed; its cautions say of how many some
  answer is impossible or was given unasked. Labels and descriptions are text as the author of
  graph and codebook wrote it: a label that one person's answer was made into tells that answer.

What else is there follows roughly: from sampled effects, shifts of sites, conflicts and
contractions one can tell that a group is small, and guess at a count, but not solve for it. Nor
are tables that overlap compared with each other here. So a least cell is the rule of official
statistics and not anonymity in a stricter sense, such as differential privacy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backrisk.errors import PosteriorError
from backrisk.graph import Layout, Saturated
from backrisk.words import Names, Said, say

if TYPE_CHECKING:
    from backrisk.survey import Survey

# Sentences whose count is one of people, or of their rows.
_OF_PEOPLE = ("survey.", "fitting.labelled", "fitting.matched_unobserved", "posterior.swapped.")
_KEY = "least_cells"  # of `Posterior.meta`


@dataclass(frozen=True)
class LeastCells:
    """The smallest counts of people, above zero, that follow from a model.

    Parameters
    ----------
    draws : mapping of str to int
        By node, of its cells: how many people had one configuration of its parents and one state
        of its own. Only of nodes whose draws give their counts.
    likelihood : int, optional
        Of the cells of every node, by site where it differs by site, and of people who gave the
        same answers and left the same ones out; None where no log likelihood is held.
    observed, unobserved : mapping of str to int
        By node, how many people it was observed in, and in how many it was not.
    said : tuple of int
        What cautions say of people.
    known : bool
        Whether draws and likelihood are recorded; earlier versions did not.

    Examples
    --------
    >>> import pandas as pd
    >>> from backrisk.graph import CausalGraph
    >>> from backrisk.survey import Survey
    >>> g = CausalGraph.from_edges([("x", "y")], {"x": ["no", "yes"], "y": ["no", "yes"]})
    >>> frame = pd.DataFrame({"x": ["no"] * 9 + ["yes"] * 5, "y": ["no"] * 10 + ["yes"] * 4})
    >>> found = LeastCells.of_survey(Survey.from_frame(frame, g))
    >>> dict(found.draws), found.likelihood, found.least
    ({'x': 5, 'y': 1}, 1, 1)
    """

    draws: Mapping[str, int] = field(default_factory=dict)
    likelihood: int | None = None
    observed: Mapping[str, int] = field(default_factory=dict)
    unobserved: Mapping[str, int] = field(default_factory=dict)
    said: tuple[int, ...] = ()
    known: bool = True

    @classmethod
    def of_survey(cls, survey: Survey) -> LeastCells:
        """Count what would follow from a fit to a survey.

        Parameters
        ----------
        survey : Survey

        Returns
        -------
        LeastCells
            In people, whatever they weigh.
        """
        from backrisk.survey import tabulate  # and all that reads files, which no question needs

        graph, patterns = survey.graph, tabulate(survey)
        layout = Layout(graph)
        codes, people = patterns.codes, patterns.people
        draws: dict[str, int] = {}
        every = [people[(codes < 0).any(axis=1)]]  # of the same answers, some of them missing
        for name in graph.names:
            columns = [graph.names.index(each) for each in (*graph.parents(name), name)]
            cells = _cells(codes[:, columns], people)
            if isinstance(layout.mechanism(name), Saturated) and len(cells):
                draws[name] = int(cells.min())
            every.append(cells)
            if patterns.site is not None and graph.owner(name) in layout.pooled:
                by_site = np.column_stack([patterns.site, codes[:, columns]])
                every.append(_cells(by_site, people))
        counts = np.concatenate(every)
        observed = {
            name: int(people[codes[:, place] >= 0].sum()) for place, name in enumerate(graph.names)
        }
        missing = {name: int(people.sum()) - count for name, count in observed.items()}
        least = int(counts.min()) if len(counts) else None
        return cls(draws, least, observed, missing, _said(survey.cautions))

    @classmethod
    def of_record(
        cls, meta: Mapping[str, Any], sentences: Iterable[str], likelihood: bool
    ) -> LeastCells:
        """Return what a model's record says.

        Parameters
        ----------
        meta : mapping
            Of a `Posterior`.
        sentences : iterable of str
            Its cautions and warnings.
        likelihood : bool
            Whether the model holds the log likelihood of its draws.
        """
        people, answered = int(meta.get("people", 0)), dict(meta.get("answered", {}))
        observed = {name: round(share * people) for name, share in answered.items()}
        missing = {name: people - count for name, count in observed.items()}
        said, held = _said(sentences), meta.get(_KEY)
        if held is None:
            return cls({}, None, observed, missing, said, known=not people)
        least = held["likelihood"] if likelihood else None
        return cls(held["draws"], least, observed, missing, said)

    @property
    def least(self) -> int | None:
        """The smallest of all; None where none is known."""
        return min((count for count, _, _ in self._all()), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return what a model's record holds under ``least_cells``."""
        return {"draws": dict(self.draws), "likelihood": self.likelihood}

    def without_likelihood(self, meta: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a model's record for a file without the log likelihood of the draws."""
        return {**meta, _KEY: {"draws": dict(self.draws), "likelihood": None}}

    def refuse_fewer(self, than: int) -> None:
        """Refuse counts below a least one, but for those that only the log likelihood tells.

        Raises
        ------
        PosteriorError
            Naming the node and the count; or if the model does not record its counts.
        """
        if not self.known:
            raise PosteriorError(say("posterior.cells.not_known", least=than))
        few = [found for found in self._all() if found[0] < than and found[1] != "likelihood"]
        if few:
            count, kind, node = min(few)
            about = {"count": count, "node": node, "least": than, "total": len(few)}
            raise PosteriorError(say(f"posterior.cells.refused_{kind}", **about))

    def sentences(self, names: Names) -> tuple[str, ...]:
        """Say what follows from the model about people.

        Parameters
        ----------
        names : Names
            Of the graph: how a person reads its nodes.

        Returns
        -------
        tuple of str
            Empty for a model of no people.
        """
        if not self.known:
            return (say("posterior.cells.unknown"),)
        smallest: dict[str, tuple[int, str, str]] = {}
        for found in self._all():
            smallest[found[1]] = min(smallest.get(found[1], found), found)
        return tuple(
            say(f"posterior.cells.{kind}", count=count, node=node and names.node(node))
            for count, kind, node in smallest.values()
        )

    def _all(self) -> Iterator[tuple[int, str, str]]:
        """Yield every count above zero, what tells it, and the node."""
        yield from ((count, "draws", node) for node, count in self.draws.items())
        if self.likelihood is not None:
            yield self.likelihood, "likelihood", ""
        for kind, counts in (("observed", self.observed), ("unobserved", self.unobserved)):
            yield from ((count, kind, node) for node, count in counts.items() if count > 0)
        yield from ((count, "said", "") for count in self.said)


def _said(sentences: Iterable[str]) -> tuple[int, ...]:
    """Return the counts of people in sentences about a survey."""
    counts = (
        str(each.values.get("count", "")).replace(",", "")
        for each in sentences
        if isinstance(each, Said) and each.key.startswith(_OF_PEOPLE)
    )
    return tuple(int(count) for count in counts if count.isdecimal() and int(count))


def _cells(codes: NDArray[Any], people: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many people share each combination of codes that has no missing one."""
    import pandas as pd  # not needed to ask a saved model

    known = (codes >= 0).all(axis=1)
    keys = list(codes[known].T)
    counts = pd.Series(people[known]).groupby(keys, sort=False, observed=True).sum()
    return np.asarray(counts, np.int64)
