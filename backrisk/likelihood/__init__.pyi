from .cells import Cells as Cells
from .cells import stack_logs as stack_logs
from .circuit import Circuit as Circuit
from .circuit import build_circuit as build_circuit
from .circuit import size_of as size_of
from .kernel import VERSION as VERSION
from .kernel import row_log_likelihood as row_log_likelihood
from .kernel import value_and_counts as value_and_counts
