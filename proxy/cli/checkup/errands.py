"""Whether the running store takes errands, which is how commands have the book changed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from proxy.cli.checkup.finding import Finding, ok, warn
from store.errands.asking import takes_errands

_PATIENCE_S = 5.0


def errands(data_dir: Path) -> Iterator[Finding]:
    """One finding, while `serve` runs."""
    if asyncio.run(takes_errands(data_dir, _PATIENCE_S)):
        yield ok("errands", "The running store does what `tollbook prune` and `tollbook reprice` ask for")
    else:
        yield warn(
            "errands",
            "The running store does not listen to commands, so `tollbook prune` and `tollbook reprice` are refused",
            "Look at what `serve` prints about a socket in the data directory; restart it.",
        )
