"""The probability of a survey, as one circuit that all respondents share.

Enters: coded rows and a graph.
Leaves: the log likelihood and its gradient, compiled.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
