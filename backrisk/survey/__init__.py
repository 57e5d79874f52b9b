"""What was answered: from a table and its codebook to coded rows.

Enters: a file, a database or a frame, and a codebook.
Leaves: a `Survey`, or its distinct answer `Patterns`; never a name or an identifier.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
