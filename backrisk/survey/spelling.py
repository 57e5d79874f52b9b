"""One spelling for every cell, label, state and header: that of the whole package."""

from __future__ import annotations

from backrisk._spelling import no_answer as no_answer
from backrisk._spelling import number_of as number_of
from backrisk._spelling import same_number as same_number
from backrisk._spelling import spell as spell
