from .methods import Attribution as Attribution
from .methods import attribute as attribute
