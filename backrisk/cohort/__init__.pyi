from .scoring import Scored as Scored
from .scoring import score as score
