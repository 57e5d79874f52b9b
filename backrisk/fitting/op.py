"""The circuit as a PyTensor operation, with its gradient, for nutpie and for PyMC's samplers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic as numba_basic
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from backrisk.likelihood import VERSION, value_and_counts


class MarginalLogLikelihood(Op):  # type: ignore[misc]
    """Log CPT cells and a packed circuit in; log-likelihood and expected family counts out.

    The expected counts are the gradient of the first output with respect to the log cells, so
    one pass serves the value and its pullback.
    """

    __props__ = ()

    def make_node(self, log_cells: Any, tape: Any, reals: Any) -> Apply:
        """Check the inputs and type the outputs."""
        inputs = [pt.as_tensor(log_cells), pt.as_tensor(tape), pt.as_tensor(reals)]
        return Apply(self, inputs, [pt.dscalar("log_likelihood"), pt.dvector("expected_counts")])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[Any]) -> None:
        """Run the kernel from Python."""
        value, counts = value_and_counts(*inputs)
        outputs[0][0] = np.asarray(value)
        outputs[1][0] = counts

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only the log cells carry a derivative, and only of the value."""
        return [[True, False], [False, False], [False, False]]

    def pullback(
        self, inputs: list[Variable], outputs: list[Variable], cotangents: list[Variable]
    ) -> list[Variable]:
        """Scale the expected counts."""
        return [cotangents[0] * outputs[1], disconnected_type(), disconnected_type()]


@register_funcify_default_op_cache_key(MarginalLogLikelihood)
def _numba(op: Op, node: Apply, **kwargs: Any) -> tuple[Any, int]:
    @numba_basic.numba_njit
    def run(log_cells, tape, reals):  # type: ignore[no-untyped-def]
        value, counts = value_and_counts(log_cells, tape, reals)
        return np.asarray(value), counts

    return run, VERSION
