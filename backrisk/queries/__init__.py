"""Questions about one person, on every rung: seeing, doing, counterfactual.

Enters: a posterior, a person, a target.
Leaves: an `Answer` with draws, a table and a text.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
