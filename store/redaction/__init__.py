"""Takes secrets out of what a call left, before any of it is written: bodies, labels, errors, targets, headers.

Five kinds: keys that were issued here; the credential that the call presented; the credentials of the upstreams and the
token of the dashboard, as configured; and what the wire formats themselves call a credential. Everything else is the
user's text and stays. Never raises on what a peer sent. An ordinary call costs a few searches for fixed bytes, from the
end, which CPython does three times faster than from the beginning.

What is not found: a credential shorter than twelve characters (it is a word); one whose every letter is escaped, or
that is encoded (base64, say) as a whole; one that a stream's deltas split, unless the request held it in one piece.
"""

from store.redaction.redaction import Redaction, Strainer

__all__ = ["Redaction", "Strainer"]
