"""Each cause's share in one person's outcome.

Enters: a posterior, a person, causes.
Leaves: an `Attribution` that names its assumption and gives bounds without it.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
