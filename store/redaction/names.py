"""Which credential a named key is: the row has its name only, the register its fingerprint.

A name is never given to another key, so what is known of it stays true, and the file is looked at only for new names.
"""

import os
from pathlib import Path

from proxy.keys import file
from store.redaction.presented import Fingerprint, fingerprint


class Names:
    """The fingerprints of one data directory's named keys."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / file.FILE
        self._seen: tuple[int, int, int] | None = None
        self._known: dict[str, Fingerprint | None] = {}

    def fingerprint(self, key: str) -> Fingerprint | None:
        """That of the credential which bears this name, or is called by it."""
        found = fingerprint(key)
        if found is None and key not in self._known:
            self._look()
            found = self._known.get(key)
        return found or self._known.get(key)

    def _look(self) -> None:
        """A register that is gone or cannot be read leaves what was known."""
        try:
            about = os.stat(self._path)
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen == self._seen:
                return
            keys = file.read(self._path)
        except (OSError, file.Unreadable):
            return
        self._seen = seen
        for key in keys:
            credential = fingerprint(key.digest) if key.kind == "named" else None
            self._known.update(dict.fromkeys((key.name, *key.former_names), credential))
