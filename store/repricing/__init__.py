"""Costs computed anew from what the rows keep: shown as a difference first, then written.

What a row does not keep is not guessed: a cost that the provider reported stays, and so does one of a call whose units
were not kept yet. A repriced row says what a call recorded today would say, and what it said before is kept beside it
(schema.sql, "repricing"). A call whose cost stays keeps its usage, whatever the terms of its group are by now.
"""

from store.repricing.asked import Asked, asked_of, fixed
from store.repricing.report import Report, Written
from store.repricing.repricing import apply, compare, written
from store.repricing.writer import Alone, Writer

__all__ = ["Alone", "Asked", "Report", "Writer", "Written", "apply", "asked_of", "compare", "fixed", "written"]
