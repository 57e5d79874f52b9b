from .calibration import Calibration as Calibration
from .calibration import calibrate as calibrate
from .failures import explain as explain
from .predictive import learned as learned
from .predictive import predicted_margins as predicted_margins
from .prior import prior_associations as prior_associations
from .prior import prior_margins as prior_margins
