"""The clinician's page and the programming interface. Needs the extra ``web``.

Enters: requests over HTTP.
Leaves: pages and JSON; no answer is kept or logged.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
