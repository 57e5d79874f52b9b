"""Codebooks written for the user, and forms written from a codebook.

Enters: a table, with the description that REDCap, Qualtrics or LimeSurvey keeps of it; a codebook.
Leaves: the text of a codebook with what is to be decided marked; a REDCap data dictionary.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
