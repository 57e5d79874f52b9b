"""To and from other tools: files and objects of discrete Bayesian networks, completed surveys.

Enters: a posterior and perhaps a survey; a network's file; another library's network or draws.
Leaves: such a file or object; a `Posterior`; a frame of completed answers.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
