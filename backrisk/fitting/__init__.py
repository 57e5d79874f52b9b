"""From a survey to a posterior. The only room that imports PyMC.

Enters: a graph and a survey.
Leaves: a `Posterior`, its sampling judged.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
