"""Pruning: what `[store]` does not keep goes, bodies first, then calls; what was summed of them stays."""

from store.pruning.limits import Before, Limits
from store.pruning.outlook import Outlook, look
from store.pruning.pruning import Alone, Pruned, Writer, prune

__all__ = ["Alone", "Before", "Limits", "Outlook", "Pruned", "Writer", "look", "prune"]
