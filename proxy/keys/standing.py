"""Which budgets are used up, and which models have no price: a small file that the store replaces and workers read.

The store says; workers keep what it said last, so that a store that is gone, or a book that cannot be read, neither
opens the door nor shuts it. A budget that was changed since is not held against anybody until the store says so anew,
and one whose period is over has begun again, whether the store is there to say it or not.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from proxy.config.budget import Budget, Period
from proxy.config.model import Group
from proxy.keys.key import Key
from proxy.keys.used_up import UsedUp

FILE = "standing.json"
_VERSION = 1
_LOOKS_EVERY_S = 0.1

log = logging.getLogger("tollbook.keys")


class Published(msgspec.Struct, frozen=True):
    """What the file says."""

    version: int = _VERSION
    used_up: tuple[UsedUp, ...] = ()
    unpriced: tuple[tuple[str, str], ...] = ()  # upstream, and the model as it is asked for


_read = msgspec.json.Decoder(Published).decode


def publish(data_dir: Path, published: Published) -> None:
    """Replace the file, at once and whole.

    Raises:
        OSError: it says what it said before.
    """
    path = data_dir / FILE
    beside = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    fd = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(published))
        file.flush()
        os.fsync(fd)
    beside.replace(path)


def read(data_dir: Path) -> Published:
    """What the file says.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is not what it should be.
    """
    found = _read((data_dir / FILE).read_bytes())
    if found.version != _VERSION:
        raise ValueError("another version")
    return found


class _Held:
    """One reading of the file. Never changed, so a look-up needs no lock."""

    __slots__ = ("unpriced", "used_up")

    def __init__(self, published: Published) -> None:
        self.used_up: dict[tuple[str, str, Period], UsedUp] = {
            (one.of, one.name, one.period): one for one in published.used_up
        }
        self.unpriced = frozenset(published.unpriced)


class PublishedStanding:
    """The standing as one worker knows it; a thread of its own looks whether the store said something new."""

    def __init__(self, data_dir: Path, groups: Mapping[str, Group]) -> None:
        self._data_dir = data_dir
        self._budgets = {group.name: group.budgets for group in groups.values() if group.budgets}
        self._held = _Held(Published())
        self._seen: tuple[int, int, int] | None = None
        self._trouble = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def used_up(self, key: Key | None, group: str) -> UsedUp | None:
        """The first budget of the key or its group that is used up; `key` is None for a credential without a name."""
        if not self._held.used_up:
            return None
        if key is not None and key.budgets:
            for name in (key.name, *key.former_names):  # renamed a moment ago: the store may not have seen it yet
                if (found := self._find("key", name, key.budgets)) is not None:
                    return found if name == key.name else replace(found, name=key.name)
        budgets = self._budgets.get(group)
        return None if budgets is None else self._find("group", group, budgets)

    def unpriced(self, upstream: str, model: str) -> bool:
        """Whether this model is known to have no price."""
        return (upstream, model) in self._held.unpriced

    def _find(self, of: str, name: str, budgets: tuple[Budget, ...]) -> UsedUp | None:
        known = self._held.used_up
        for budget in budgets:
            found = known.get((of, name, budget.period))
            # A smaller budget than the one that was used up is used up as well; of a larger one nothing is known.
            if found is None or budget.credits > found.credits:
                continue
            if found.until is None or datetime.now(UTC) < found.until:
                return replace(found, credits=budget.credits)
        return None

    def start(self) -> None:
        """Read what there is, and go on looking at it."""
        self.refresh()
        self._thread = threading.Thread(target=self._watch, name="tollbook-standing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def refresh(self) -> None:
        """Read the file if it is another than before."""
        try:
            about = os.stat(self._data_dir / FILE)
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen == self._seen:
                return
            self._held = _Held(read(self._data_dir))
            self._seen = seen
            self._trouble = False
        except FileNotFoundError:
            return  # the store has said nothing yet, or somebody took it away: it will be there again
        except (OSError, ValueError) as error:
            if not self._trouble:
                self._trouble = True
                log.warning("%s cannot be read (%s); what was known stays in force", FILE, type(error).__name__)

    def _watch(self) -> None:
        while not self._stop.wait(_LOOKS_EVERY_S):
            self.refresh()
