"""How many files a process may have open: each connection is one, and systems often start with room for 1024."""

import resource
from dataclasses import dataclass

from proxy.config.model import Proxy
from proxy.turned_away import MOST

_BESIDES = 200  # the journal, keys, listening sockets, what libraries open
_FEWEST = 10  # connections, however few files there are


@dataclass(frozen=True, slots=True)
class TooFew:
    """The system grants fewer than are needed; what that means, and what to do."""

    granted: int
    proxy: Proxy

    @property
    def connections(self) -> int:
        """As many as a worker takes instead of `max_connections`, so that calls and notes have the files they need."""
        left = self.granted - MOST - _BESIDES
        return max(_FEWEST, left // 2, left - self.proxy.max_concurrent)

    @property
    def problem(self) -> str:
        """In a sentence without its end."""
        return (
            f"The system grants {self.granted:,} open files, {needed(self.proxy):,} may be needed: a worker takes "
            f"{self.connections:,} connections, not {self.proxy.max_connections:,}"
        )

    @property
    def remedy(self) -> str:
        """In a sentence."""
        return (
            "Raise the hard limit (`ulimit -Hn`; LimitNOFILE= of a systemd service), or lower max_connections and "
            "max_concurrent of [proxy]."
        )


def needed(proxy: Proxy) -> int:
    """What one worker may need: a file for each connection of a client, and one upstream for each call on them."""
    return proxy.max_connections + min(proxy.max_connections, proxy.max_concurrent) + MOST + _BESIDES


def judged(hard: int, proxy: Proxy) -> TooFew | None:
    """Whether this hard limit is enough."""
    return None if hard == resource.RLIM_INFINITY or hard >= needed(proxy) else TooFew(hard, proxy)


def hard_limit() -> int:
    """As many as this process may ask for."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def ask_for_enough(proxy: Proxy) -> TooFew | None:
    """Raise the limit of this process, and of the children it starts, to what a worker may need, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed(proxy)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return None
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    except (OSError, ValueError):  # macOS has another limit behind an infinite one
        granted = soft
    return None if granted >= wanted else TooFew(granted, proxy)
