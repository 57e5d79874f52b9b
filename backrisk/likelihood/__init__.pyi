from .circuit import Cells as Cells
from .circuit import Circuit as Circuit
from .circuit import build_circuit as build_circuit
from .circuit import stack_logs as stack_logs
from .kernel import VERSION as VERSION
from .kernel import row_log_likelihood as row_log_likelihood
from .kernel import value_and_counts as value_and_counts
