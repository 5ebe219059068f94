"""The keys as a worker holds them: in memory, looked up in a microsecond, as new as the register's file.

A thread of its own looks whether the file was replaced, so that a stalled disk stops no call. A file that cannot be
read, or is gone, changes nothing: the last known keys stay, and the log says so once. At the start, there are none.
"""

import hmac
import logging
import os
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from proxy.keys.file import FILE, Unreadable, read
from proxy.keys.key import Key
from proxy.keys.secret import digest, well_formed
from proxy.keys.used_up import NothingSpent, Standing

LOOKS_EVERY_S = 0.25

log = logging.getLogger("tollbook.keys")


class _Held:
    """One reading of the register. Never changed, so a look-up needs no lock."""

    __slots__ = ("issued", "named")

    def __init__(self, keys: Iterable[Key]) -> None:
        self.issued: dict[str, tuple[Key, datetime | None]] = {}  # digest: key, and until when this digest is its
        self.named: dict[str, Key] = {}
        for key in keys:
            if key.kind == "issued":
                if key.previous_digest is not None:
                    self.issued[key.previous_digest] = key, key.previous_until
                self.issued[key.digest] = key, None
            elif not key.deleted:
                self.named[key.digest] = key


class Keyring:
    """The keys of one worker; `standing` is what it knows of their budgets."""

    def __init__(self, data_dir: Path, standing: Standing | None = None) -> None:
        self.standing: Standing = standing or NothingSpent()
        self._path = data_dir / FILE
        self._held = _Held(())
        self._seen: tuple[int, int, int] | None = None
        self._trouble = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def issued(self, secret: str) -> tuple[Key, datetime | None] | None:
        """The key of this secret, and until when the secret is valid; None when no key has it."""
        if not well_formed(secret):
            return None
        presented = digest(secret)
        found = self._held.issued.get(presented)
        known = presented if found is None else found[0].digest if found[1] is None else found[0].previous_digest
        if not hmac.compare_digest(presented, known or ""):
            return None
        return found

    def named(self, fingerprint: str) -> Key | None:
        """The key that this passed-through credential was named as."""
        return self._held.named.get(fingerprint)

    def start(self) -> None:
        """Read the register, and go on looking at it."""
        self.refresh()
        self._thread = threading.Thread(target=self._watch, name="tollbook-keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def refresh(self) -> None:
        """Read the register if it is another than before."""
        try:
            about = os.stat(self._path)
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen == self._seen:
                self._trouble = False
                return
            self._held = _Held(read(self._path))
        except FileNotFoundError:
            if self._seen is not None:
                self._complain("is gone")
        except Unreadable as problem:
            self._complain(str(problem))
        except OSError as error:
            self._complain(f"cannot be read: {error.strerror}")
        else:
            self._seen = seen
            self._trouble = False

    def _complain(self, problem: str) -> None:
        if not self._trouble:
            self._trouble = True
            log.warning("%s %s; the keys known before stay in force", self._path, problem)

    def _watch(self) -> None:
        while not self._stop.wait(LOOKS_EVERY_S):
            self.refresh()
