"""What is asked of whom."""

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["json", "stream", "large", "tls"]

_BOTH = ("tollbook", "tollbook-2")
_EVERYBODY = ("direct", "nginx", "aiohttp", *_BOTH)
_ONE_WORKER = ("direct", "nginx", "aiohttp", "tollbook")
_BY_TLS = ("nginx", "aiohttp", "tollbook", "tollbook-asyncio")
PEERS = ("litellm", "portkey", "mitmproxy")

# What the official OpenAI client for Python sends besides what every client sends.
_OF_THE_SDK = (
    "Accept-Encoding: gzip, deflate", "Connection: keep-alive", "X-Stainless-Lang: python",
    "X-Stainless-Package-Version: 2.10.0", "X-Stainless-OS: Linux", "X-Stainless-Arch: x64",
    "X-Stainless-Runtime: CPython", "X-Stainless-Runtime-Version: 3.11.7", "X-Stainless-Async: false",
    "x-stainless-retry-count: 0", "x-stainless-read-timeout: 600",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of traffic; `seconds` of it, or so many `calls`.

    `few` is what those get of it that need milliseconds for a call or an event.
    """

    name: str
    kind: Kind
    about: str
    word: str
    connections: int
    seconds: float = 1.5
    calls: int | None = None
    more: tuple[str, ...] = ()
    subjects: tuple[str, ...] = _EVERYBODY
    few: "Workload | None" = None

    @property
    def streams(self) -> bool:
        """Whether the answers are streams of events."""
        return "-s" in self.more

    @property
    def by_tls(self) -> bool:
        """Whether the upstream is asked by TLS."""
        return self.kind == "tls"

    def arguments(self) -> list[str]:
        """For the load client."""
        stop = ["-n", str(self.calls), "-d", "60"] if self.calls else ["-d", f"{self.seconds:g}"]
        return ["-m", self.word, "-c", str(self.connections), *stop, *self.more]


def _headers(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in ("-H", line))


def workloads(*, quick: bool) -> list[Workload]:
    """All of them, in the order of the report."""
    events = 40 if quick else 200
    small, full = "bench-json-1200-0", "bench-full-1200-0"
    found = [
        Workload(
            "json-c1", "json", "2 KB request, 1.2 KB answer, 1 connection", small, 1, 1.2,
            subjects=(*_EVERYBODY, *PEERS),
        ),
        Workload(
            "json-c32", "json", "the same, 32 connections", small, 32,
            subjects=(*_EVERYBODY, "tollbook-asyncio", *PEERS),
        ),
        Workload("json-c256", "json", "the same, 256 connections", small, 256),
        Workload("json-c1-50ms", "json", "the same, 1 connection, upstream answers after 50 ms", _after(50), 1, 1.2),
        Workload(
            "json-c32-50ms", "json", "the same, 32 connections, upstream answers after 50 ms", _after(50), 32, 1.2,
            subjects=(*_EVERYBODY, *PEERS),
        ),
        Workload(
            "json-c256-50ms", "json", "the same, 256 connections, upstream answers after 50 ms", _after(50), 256, 1.2
        ),
        Workload(
            "json-sdk", "json", "2 KB request, 1.2 KB answer, 32 connections, with the headers of an SDK and of OpenAI",
            full, 32, 1.0, more=_headers(_OF_THE_SDK), subjects=_ONE_WORKER,
        ),
        _streams("sse", 200, events, few=_streams("sse", 20, 50, subjects=PEERS), subjects=(
            *_EVERYBODY, "tollbook-asyncio", *PEERS
        )),
        _streams("sse-1000", 1000, events, ramp_ms=1000, subjects=(*_EVERYBODY, "tollbook-asyncio")),
        Workload(
            "sse-full", "stream", "64 streams of 200 events, one sent right after the other", "bench-sse-200-0", 64,
            more=("-s",),
        ),
        _streams("sse-usage", 200, events // 2, usage=True, subjects=_ONE_WORKER),
        Workload("up-1mb", "large", "1 MB request, 4 connections", small, 4, 1.2, more=("-b", "1048576")),
        Workload("down-2mb", "large", "2 MB answer, 4 connections", "bench-json-2097152-0", 4, 1.2),
        Workload(
            "tls-json-c32", "tls", "2 KB request, 1.2 KB answer, 32 connections, TLS to the upstream", small, 32,
            subjects=_BY_TLS,
        ),
        replace(_streams("tls-sse", 200, events, subjects=_BY_TLS), kind="tls"),
    ]  # fmt: skip
    return [replace(one, seconds=one.seconds / 4) for one in found] if quick else found


def _after(delay_ms: int) -> str:
    return f"bench-json-1200-{delay_ms}"


def _streams(
    name: str, streams: int, events: int, *, ramp_ms: int = 500, usage: bool = False,
    subjects: tuple[str, ...] = _EVERYBODY, few: Workload | None = None,
) -> Workload:  # fmt: skip
    """So many at once, begun within `ramp_ms`, an event every 20 ms."""
    about = f"{streams} streams of {events} events of 220 B, one every 20 ms"
    about += "; the client asks for usage itself" if usage else "; the client does not ask for usage"
    if name.startswith("tls"):
        about += "; TLS to the upstream"
    if few is not None:
        about += f"; of {', '.join(PEERS)} {few.connections} streams of 50 events"
    return Workload(
        name, "stream", about, f"bench-sse-{events}-20", streams, calls=streams,
        more=("-s", *(("-U",) if usage else ()), "-r", str(ramp_ms if events > 100 else ramp_ms // 2)),
        subjects=subjects, few=few,
    )  # fmt: skip


def warm_up() -> list[Workload]:
    """Run first by every subject, and not kept."""
    return [
        Workload("warm-json", "json", "", "bench-json-1200-0", 32, 0.6),
        Workload("warm-sse", "stream", "", "bench-sse-40-5", 16, calls=16, more=("-s",)),
    ]
