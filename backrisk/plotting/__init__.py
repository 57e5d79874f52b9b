"""Figures of answers, of models, and of the cascade.

Enters: an answer, a posterior, a graph.
Leaves: a Matplotlib figure, or the layout that page and figure share.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
