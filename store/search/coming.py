"""Whether calls come so fast that the index waits for a quieter time.

Reading the words of a call takes as long as writing its row. Whoever relays calls shall not share the processors with
what can wait: nobody searches for what was said a moment ago in the middle of a rush.
"""

_MANY = 100  # calls a second
_WINDOW_S = 0.5  # over which they are counted
_BEHIND_S = 60.0  # so old may the index become by that


class Coming:
    """Looks at how the book grows."""

    def __init__(self, now: float) -> None:
        self.fast = False
        self._since, self._last = now, 0
        self._level_at = now

    def look(self, now: float, last: int, indexed: int) -> None:
        """`last`: the newest number in the book; `indexed`: the newest in the index; `now`: seconds on any clock."""
        if indexed >= last:
            self._level_at = now
        if now - self._since >= _WINDOW_S:
            self.fast = bool(self._last) and last - self._last > _MANY * (now - self._since)
            self._since, self._last = now, last
        if now - self._level_at > _BEHIND_S:
            self.fast = False
