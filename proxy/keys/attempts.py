"""How often an address may be wrong about a secret: a number of times at once, then once in a while.

Kept in memory and bounded: past so many addresses the one that was wrong longest ago is forgotten. What an IPv6 host
chooses freely, the lower half of its address, does not make it another.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

_AT_ONCE = 20
_REGAINED_PER_S = 0.5
_ADDRESSES = 4096


class Attempts:
    """Counts wrong tokens, or wrong keys, by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, and as of when

    def __len__(self) -> int:
        return len(self._wrong)

    def too_many(self, address: str | None) -> bool:
        """Whether this address has to wait before it may try again."""
        return self._count(_host(address)) > _AT_ONCE - 1

    def failed(self, address: str | None) -> None:
        """Note that it was wrong."""
        host = _host(address)
        self._wrong[host] = (self._count(host) + 1, self._clock())
        self._wrong.move_to_end(host)
        if len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)

    def wait_s(self) -> int:
        """After how long one more attempt is surely allowed."""
        return int(1 / _REGAINED_PER_S)

    def _count(self, host: str) -> float:
        count, as_of = self._wrong.get(host, (0.0, 0.0))
        return max(0.0, count - (self._clock() - as_of) * _REGAINED_PER_S)


def _host(address: str | None) -> str:
    try:
        host = ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(host, IPv6Address) and not host.ipv4_mapped:
        return host.exploded[:19]  # the first 64 bits
    return str(host)
