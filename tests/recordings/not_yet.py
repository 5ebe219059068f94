"""What is not right yet, to be seen by everybody. It only ever shrinks."""

NOT_YET: frozenset[str] = frozenset()
"""Providers and endpoints whose rows are not held to this yet; their bytes are."""
