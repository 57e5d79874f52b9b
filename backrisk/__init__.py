"""Bayesian causal attribution of low back pain in runners.

Glossary
--------
graph
    The causal DAG.
node
    A discrete variable with ordered states; state 0 is the reference (healthiest).
mechanism
    How a node depends on its parents; gives a CPT for any parameter value.
survey
    A row for each person, a column for each node; answers may be missing.
item
    A survey answer as a noisy child of the node it measures.
posterior
    Draws of every CPT, with what produced them.
person
    The evidence about one individual, ``{node: state}``; may be incomplete.
target
    The event asked about; by default, that the graph's outcome is not at its reference.
draw
    One posterior sample; every query is computed for each draw and summarised last.
coupling
    How a node's noise is shared between what was and what would have been.
"""

import lazy_loader as _lazy

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
