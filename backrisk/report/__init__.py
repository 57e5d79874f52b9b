"""Documents for a person, a clinician or an analyst: laid out once, rendered in any format.

Enters: a posterior and a person, or a cohort.
Leaves: HTML, PDF, Markdown, XLSX or CSV.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
