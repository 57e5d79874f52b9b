"""Draws of every CPT with what produced them: saved, loaded and simulated from.

Enters: draws of the parameters, or CPTs as they are.
Leaves: a `Posterior` that queries ask.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
