"""The errand of a pruning: the store forgets what is not kept, between its batches (store/pruning/retention.py)."""

import msgspec

from store.pruning.limits import Limits


class Prune(msgspec.Struct, frozen=True, tag="prune", tag_field="errand"):
    """Forget what these limits do not keep. The command brings its own: a corrected file needs no restart."""

    source: str | None  # the configuration file that the limits are of; None: the defaults
    limits: Limits
