"""How well the effects of causes over time are known, and which of them nobody measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from backrisk._types import Array
from backrisk.graph import GRADES, UnrolledGraph
from backrisk.inference import Stacked, Tables
from backrisk.posterior import Posterior
from backrisk.queries.over_time.course import Course
from backrisk.queries.paths import weakest_link
from backrisk.queries.support import Support, support

_FEW = 4  # periods that a path is looked for in: a longer one is as well known as its parts
_PRIOR_DRAWS = 100  # beside which support is judged, where an answer is simulated


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of causes of the target in some period.

    Parameters
    ----------
    course : Course
    period : int
        When the target is asked about.
    """

    course: Course
    period: int

    @cached_property
    def _graph(self) -> UnrolledGraph:
        """The same graph, over as many periods as paths are looked for in."""
        return self.course.graph.extended(min(max(self.period + 1, 2), _FEW))

    @property
    def _last(self) -> int:
        return min(self.period, _FEW - 1)

    @cached_property
    def causes(self) -> frozenset[str]:
        """The nodes of the template that are a cause of the target, in whatever period."""
        graph = self.course.graph
        above = graph.ancestors(self.course.at(self.period))
        found = {graph.base(name)[0] for name in above}
        return frozenset(found & set(self.course.template.names)) - {self.course.target.node}

    def grade(self, name: str) -> str:
        """Return the grade of the weakest edge on a node's strongest path to the target."""
        target = self._graph.at(self.course.target.node, self._last)
        if name == self.course.target.node:
            return GRADES[0]
        starts = {self._graph.at(name, period) for period in range(self._last + 1)}
        grades = [
            weakest_link(self._graph, start, target)
            for start in sorted(starts & self._graph.ancestors(target))
        ]
        return min(grades, key=GRADES.index, default=GRADES[-1])

    def support(self, draws: Array, groups: Sequence[Iterable[str]]) -> Support:
        """Return what the data did to some quantities, each about nodes of the template."""
        course = self.course
        found = support(draws, course.posterior, [()] * len(groups), course.at(self.period))
        return replace(found, unmeasured=tuple(map(self._unmeasured, groups)))

    def _unmeasured(self, group: Iterable[str]) -> tuple[str, ...] | None:
        """Return the nodes from some causes to the target that nobody measured in any period."""
        answered = self.course.posterior.meta.get("answered")
        if answered is None:
            return None
        graph, template = self._graph, self.course.template
        seen = {name.rpartition("__")[0] if name not in template.names else name
                for name, people in answered.items() if people > 0}  # fmt: skip
        target = graph.at(self.course.target.node, self._last)
        before = graph.ancestors(target) | {target}
        starts = {graph.at(name, t) for name in group for t in range(self._last + 1)}
        between = {
            graph.base(each)[0]
            for start in starts
            for each in (graph.descendants(start) | {start}) & before
        }

        def measured(name: str) -> bool:
            signs = (child for child in template.children(name) if child in template.items)
            return any(each in seen for each in (name, *signs))

        return tuple(n for n in template.topological if n in between and not measured(n))


def beside_prior(posterior: Posterior) -> Tables:
    """Return some draws, and then a few of the prior's, as they are simulated together."""
    prior = posterior.prior
    return posterior if prior is None else Stacked(posterior, prior.subset(_PRIOR_DRAWS))
