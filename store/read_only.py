"""How a database file is opened to be read only.

A file with a write-ahead log takes a small file beside it even of those who only read. Where that cannot be made (a
copy on a read-only disk, a directory that was locked away), the file itself is read as one that nobody changes: it is
whole as long as no log is beside it, and whoever wrote to it would have one.
"""

import os
from pathlib import Path
from urllib.parse import quote

_BESIDE = ("-wal", "-shm")


def uri(file: Path) -> str:
    """The file for `sqlite3.connect(uri=True)` and `attach`."""
    path = file.absolute()
    alone = not any(path.with_name(path.name + end).exists() for end in _BESIDE)
    unchanging = alone and not os.access(path.parent, os.W_OK)
    return f"file:{quote(str(path))}?mode=ro{'&immutable=1' if unchanging else ''}"
