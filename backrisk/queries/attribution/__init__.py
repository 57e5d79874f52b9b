"""Each cause's share in one person's outcome.

Enters: a posterior, a person, causes.
Leaves: an `Attribution`, its assumption named, bounds beside it.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
