from .course import Course as Course
from .course import history_of as history_of
from .effects import ContrastOverTime as ContrastOverTime
from .forecasting import Forecast as Forecast
from .forecasting import forecast as forecast
from .plans import Plan as Plan
from .plans import read_plan as read_plan
from .positivity import Kept as Kept
