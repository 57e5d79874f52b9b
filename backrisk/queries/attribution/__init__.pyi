from .methods import attribute as attribute
from .shown import Attribution as Attribution
