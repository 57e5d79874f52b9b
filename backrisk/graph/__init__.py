"""What is assumed: the causal DAG, and how each node depends on its parents.

Enters: YAML, or names and edges.
Leaves: a `CausalGraph`, its mechanisms, and a `Layout` of their parameters.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
