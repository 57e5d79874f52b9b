"""Whether a model can be believed: before the data, after them, and against a known truth.

Enters: a graph, a posterior, a survey.
Leaves: tables that show what agrees and what does not.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
