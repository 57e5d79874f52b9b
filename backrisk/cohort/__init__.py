"""Many people at once: scored one by one, or summed up as a group.

Enters: a posterior and a table of people.
Leaves: a scored file, or the numbers of a cohort report.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
