"""The configuration as a value: read as a whole, and passed to whoever needs it.

Nothing else reads the file or the environment. `proxy/config/load.py` makes these values and lists every mistake;
`config.example.toml` documents every key. Workers import only this module, so they carry no validation library.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from proxy.config.budget import Budget

Dialect = Literal["openai", "azure", "anthropic", "gemini", "vertex", "bedrock", "cohere", "ollama", "generic"]
"""The wire formats an upstream may speak."""

Access = Literal["open", "keys"]
"""Who may call: anybody, with credentials of their own; or holders of keys that were issued here."""

LogFormat = Literal["text", "json"]
"""Lines for people, or for whoever collects them."""


class Secret(str):
    """A string that does not print itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def reveal(self) -> str:
        """The secret itself, for the one place that sends it."""
        return str.__str__(self)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)


class SecretUrl(Secret):
    """A URL that prints only its origin: what follows may be the secret of whoever listens there."""

    __slots__ = ()

    def __repr__(self) -> str:
        url = urlsplit(self.reveal())
        return f"'{url.scheme}://{url.netloc}/***'"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True)
class Proxy:
    """`[proxy]`: the listener that clients call."""

    listen: Address = Address("127.0.0.1", 8787)
    workers: int = 1
    access: Access = "open"
    on_client_gone: Literal["cancel", "finish"] = "cancel"
    on_store_failure: Literal["serve", "refuse"] = "serve"
    finish_timeout_s: float = 600.0
    max_concurrent: int = 2000
    shutdown_timeout_s: float = 20.0
    max_connections: int = 4000
    idle_timeout_s: float = 150.0
    header_timeout_s: float = 30.0
    max_header_bytes: int = 32_768  # of one line; eight times that in all
    max_headers: int = 256
    max_body_bytes: int = 4_000_000_000
    body_timeout_s: float = 60.0
    min_body_bytes_per_s: int = 500  # 0: any pace
    write_timeout_s: float = 60.0
    heartbeat_s: float = 30.0
    journal_wait_ms: float = 40.0


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`[dashboard]`: the listener that people and tools ask."""

    listen: Address = Address("127.0.0.1", 8788)
    token: Secret | None = None
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """`[store]`: where the book is kept, and how much of it. None: all of it."""

    data_dir: Path = Path("tollbook")
    keep_bodies: timedelta | None = None
    max_bodies: int | None = None  # bytes of bodies.db
    keep_calls: timedelta | None = None
    low_space: int | None = None  # free bytes below which less is kept; None: by the size of the disk


@dataclass(frozen=True, slots=True)
class Capture:
    """`[capture]`: what is kept of requests and answers."""

    bodies: Literal["full", "none"] = "full"
    max_bytes: int = 262_144


@dataclass(frozen=True, slots=True)
class Log:
    """`[log]`: what the processes say of themselves, on stderr."""

    format: LogFormat = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Credits:
    """`[credits]`: the unit of usage."""

    per_usd: Decimal = Decimal(1000)
    tz: str = "UTC"  # whose days, weeks and months budgets are for
    warn_at: Decimal = Decimal("0.8")  # the share of a budget from which on there are warnings
    webhook_url: SecretUrl | None = None  # who is told of budgets that are nearly used, or used up
    webhook_secret: Secret | None = None  # with which such messages are signed; there whenever the URL is


@dataclass(frozen=True, slots=True)
class Upstream:
    """`[upstreams.NAME]`: one model API."""

    name: str
    base_url: str  # scheme://host[:port][/path], no trailing slash, no query
    dialect: Dialect
    provider: str  # whose price list
    api_key: Secret | None = None
    access: Access = "open"  # that of [proxy] unless the table says otherwise
    stream_usage: Literal["ask", "leave"] = "leave"
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 600.0  # longest silence
    max_concurrent: int | None = None  # calls under way; None: as many as there are


@dataclass(frozen=True, slots=True)
class Group:
    """`[groups.NAME]`: a set of keys."""

    name: str
    ratio: Decimal = Decimal(1)
    budgets: tuple[Budget, ...] = ()  # the key `budget`
    unpriced: Literal["allow", "refuse"] = "allow"  # calls of models without a known price
    unpriced_usd_per_million: Decimal | None = None  # what each of their tokens is charged as; None: nothing is known


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One `[[prices]]` table. Token rates are USD per million tokens, unit rates USD per unit; None = not given."""

    upstream: str  # name or pattern; "*" matches any run of characters
    model: str
    since: date | None = None  # the key `from`
    tier: str | None = None  # the service tier it is for; None: for every one
    above: int | None = None  # only for calls with more input tokens than these; None: for those of any length
    free: bool = False
    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    output: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    cache_read_audio: Decimal | None = None
    input_image: Decimal | None = None
    output_image: Decimal | None = None
    cache_read_image: Decimal | None = None
    output_reasoning: Decimal | None = None
    output_citation: Decimal | None = None
    input_video: Decimal | None = None
    output_video: Decimal | None = None
    request: Decimal | None = None
    image: Decimal | None = None
    second: Decimal | None = None
    character: Decimal | None = None
    page: Decimal | None = None
    annotated_page: Decimal | None = None
    search_unit: Decimal | None = None
    text_message: Decimal | None = None
    web_search: Decimal | None = None
    file_search: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the user chose, complete and checked."""

    proxy: Proxy = Proxy()
    dashboard: Dashboard = Dashboard()
    store: Store = Store()
    capture: Capture = Capture()
    credits: Credits = Credits()
    log: Log = Log()
    upstreams: dict[str, Upstream] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    prices: tuple[PriceEntry, ...] = ()
    source: Path | None = None  # the file it came from, None for the defaults
    sandbox: bool = False  # set by `tollbook demo`, never by a file
