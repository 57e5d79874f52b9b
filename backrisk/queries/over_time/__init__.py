"""Questions about one person over time: what will be, what a plan would do, what it was due to.

Enters: a posterior of an unrolled graph, a person's history, a plan.
Leaves: answers whose numbers have a period, exact or simulated with their Monte Carlo error.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
