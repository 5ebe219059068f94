"""Why was it slow? One call, placed against what is usual for its model.

Pure: figures in, reasons and sentences out; no clock, no database. The question that fetches the figures is
store/questions/pace.py. Refuses to explain a difference that does not matter: what is named took a noticeable part of
the call's time, and was beyond what nine of ten calls need.
"""

from store.pace.measured import FEWEST, Measured, Spread, Usual, usual
from store.pace.reasons import Reason, Retries, reasons
from store.pace.slowness import Slowness, Thresholds, slowness
from store.pace.timings import Part, parts

__all__ = [
    "FEWEST", "Measured", "Part", "Reason", "Retries", "Slowness", "Spread", "Thresholds", "Usual",
    "parts", "reasons", "slowness", "usual",
]  # fmt: skip
