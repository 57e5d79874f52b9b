from .drafting import Draft as Draft
from .drafting import draft_codebook as draft_codebook
from .outwards import redcap_dictionary as redcap_dictionary
