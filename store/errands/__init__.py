"""Errands: what a command wants changed in the book while `serve` runs, and the store process does for it.

There is one writer. So a command asks at the counter, a Unix socket in the data directory that only its owner can
reach, and is told how far it is until it is done. When nobody is there to be asked, it takes the store's own lock and
does it itself.
"""

from store.errands.asking import Ended, NobodyThere, NotDone, errand
from store.errands.counter import Handler, Tell, at_the_counter
from store.errands.lines import Progressed

__all__ = ["Ended", "Handler", "NobodyThere", "NotDone", "Progressed", "Tell", "at_the_counter", "errand"]
