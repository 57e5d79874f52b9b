"""Exact sums over unobserved nodes, for all draws at once, in one world or in two.

Enters: the tables of a posterior, evidence, an intervention.
Leaves: joint tables, draws last.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
