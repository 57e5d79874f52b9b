from .conflicts import find_conflicts as find_conflicts
from .judging import judge as judge
from .model import build_model as build_model
from .observed import survey_circuit as survey_circuit
from .pointwise import log_likelihood as log_likelihood
from .sampling import CompiledModel as CompiledModel
from .sampling import compile_model as compile_model
from .sampling import fit as fit
