from .diagnostics import ESS_PER_CHAIN as ESS_PER_CHAIN
from .diagnostics import R_HAT as R_HAT
from .diagnostics import Diagnostics as Diagnostics
from .posterior import Posterior as Posterior
from .posterior import load_posterior as load_posterior
from .simulation import simulate as simulate
from .simulation import truth as truth
from .sites import SiteEffects as SiteEffects
