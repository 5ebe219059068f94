"""Where an upstream is: the address to connect to, whether TLS is spoken there, and how requests name it."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL


@dataclass(frozen=True, slots=True)
class Origin:
    """One `base_url`, taken apart."""

    host: str  # as DNS knows it, or an address
    port: int
    tls: bool
    named: bytes  # the Host header
    prefix: bytes  # what stands before every target

    @property
    def is_address(self) -> bool:
        """Whether the host is an address and no name."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True


@lru_cache(maxsize=1024)
def origin_of(base_url: str) -> Origin:
    """The origin of a base URL that the configuration has checked."""
    url = URL(base_url, encoded=True)
    host, port = url.raw_host or "", url.port or (443 if url.scheme == "https" else 80)
    named = f"[{host}]" if ":" in host else host
    if not url.is_default_port():
        named += f":{port}"
    _, _, rest = base_url.partition("://")
    _, slash, path = rest.partition("/")
    return Origin(host, port, url.scheme == "https", named.encode(), (slash + path).rstrip("/").encode())
