"""What the processes of `tollbook serve` say of themselves, on stderr: a line of text, or one JSON object a line.

Each record says when, how bad, who (parent, worker, store) and what; with an exception, where. Whatever it says goes
through `proxy/log_secrets.py` first, because an error may quote what somebody sent, and no control character reaches a
terminal or the parser of whoever collects the lines.
"""

import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

from proxy.config.model import Config
from proxy.harmless import harmless
from proxy.log_secrets import Secrets

_LONGEST = 32 * 1024  # characters of one message or traceback

log = logging.getLogger("tollbook")


def begin(role: str, config: Config, number: int = 0) -> None:
    """Log from here on as the configuration says; from this process alone. `number`: which of the workers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(role, config, number))
    root = logging.getLogger()
    for before in list(root.handlers):
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)  # libraries tell of themselves below that
    log.setLevel(config.log.level.upper())
    # What aiohttp would log of a request it could not parse may hold a credential.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    sys.excepthook = _unforeseen
    threading.excepthook = lambda broken: _unforeseen(
        broken.exc_type, broken.exc_value or broken.exc_type(), broken.exc_traceback
    )


def formatter(role: str, config: Config, number: int = 0) -> logging.Formatter:
    """How a record of this process is written."""
    secrets = Secrets.of(config)
    return _Json(role, number, secrets) if config.log.format == "json" else _Text(role, secrets)


def _unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, SystemExit | KeyboardInterrupt):
        return
    log.critical("%s ends what it was doing", kind.__name__, exc_info=(kind, error, trace))


class _Text(logging.Formatter):
    """`tollbook store: WARNING what`, a traceback below it. The parent, which says little, says just what."""

    def __init__(self, role: str, secrets: Secrets) -> None:
        super().__init__("tollbook: %(message)s" if role == "parent" else f"tollbook {role}: %(levelname)s %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return harmless(_cut(self._secrets.struck(super().format(record))), lines=True)


class _Json(logging.Formatter):
    """One object a line, in ASCII: nothing in it can end the line, or move a cursor."""

    def __init__(self, role: str, number: int, secrets: Secrets) -> None:
        super().__init__()
        self._process = f"{role} {number}" if number else role
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process,
            "pid": os.getpid(),
            "message": _cut(self._secrets.struck(record.getMessage())),
        }
        if record.exc_info:
            said["exception"] = _cut(self._secrets.struck(self.formatException(record.exc_info)))
        return json.dumps(said)


def _cut(text: str) -> str:
    """Its beginning and its end, where it is long. After secrets are struck: half of one is not recognised."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"
