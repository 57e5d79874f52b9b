"""Fitting with PyMC: the only part of the package that imports it."""

from backrisk.fitting.fit import CompiledModel, compile_model, fit, log_likelihood
from backrisk.fitting.model import build_model

__all__ = ["CompiledModel", "build_model", "compile_model", "fit", "log_likelihood"]
