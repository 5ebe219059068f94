"""The table of what was replayed: provider x endpoint x stream, how many rows were right of how many seen."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.recordings.corpus import Recording

Kind = tuple[str, str, bool]


def show(config: pytest.Config, lines: Iterable[str]) -> None:
    """Lines on the terminal, under the test's name; for a test that does not capture at that moment."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    assert terminal is not None
    for line in ("", *lines):
        terminal.write_line(line)


class Table:
    """Counts one replay."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._right: Counter[Kind] = Counter()
        self._seen: Counter[Kind] = Counter()
        self._at_odds: dict[str, list[int]] = {}
        self._missed: dict[str, list[int]] = {}

    def count(self, recording: Recording, row: dict[str, Any], *, right: bool, contradicts: bool) -> None:
        """One exchange. `contradicts`: its provider's own counts do not fit each other."""
        kind = (recording.provider, recording.endpoint, row["stream"])
        self._seen[kind] += 1
        self._right[kind] += right
        if contradicts:
            self._at_odds.setdefault(recording.kind, []).append(recording.number)
        if not right:
            self._missed.setdefault(recording.kind, []).append(recording.number)

    @property
    def share(self) -> float:
        """How many of all were right."""
        return self._right.total() / self._seen.total()

    def print(self, config: pytest.Config, *, whole: bool) -> None:
        """To the terminal, under the test's name; all of it, or the last line alone."""
        lines = []
        if whole:
            lines.append(f"{'provider':13} {'endpoint':50} {'':6} right/all")
            for kind, count in sorted(self._seen.items()):
                provider, endpoint, stream = kind
                how = "stream" if stream else "whole"
                lines.append(f"{provider:13} {endpoint[-50:]:50} {how:6} {self._right[kind]}/{count}")
            for what, numbers in sorted(self._at_odds.items()):
                lines.append(f"counts that contradict each other, and rows that say so: {what} {numbers}")
        lines += [f"tokens not as reported: {what} {numbers}" for what, numbers in sorted(self._missed.items())]
        lines.append(f"{'replayed: ' + self._name:71} {self._right.total()}/{self._seen.total()}")
        show(config, lines)
