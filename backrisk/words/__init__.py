"""Every sentence, label and unit that a person reads.

Enters: a key of a language's files, draws, a node, a state.
Leaves: plain words.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
