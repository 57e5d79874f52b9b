"""Judging models: what the data said, what the prior says, why a fit failed, calibration.

`backrisk.check.calibration` fits many models, and is imported by name where it is wanted.
"""

from backrisk.check.failures import explain
from backrisk.check.predictive import learned, predicted_margins
from backrisk.check.prior import prior_associations, prior_margins

__all__ = ["explain", "learned", "predicted_margins", "prior_associations", "prior_margins"]
