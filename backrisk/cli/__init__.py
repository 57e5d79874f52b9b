"""The command line.

Enters: arguments and files.
Leaves: tables, JSON and files; a mistake is one sentence and exit code 2.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
