"""What is asked of each subject."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["json", "stream", "large"]

# What the official OpenAI client for Python sends besides what every client sends.
_OF_THE_SDK = (
    "Accept-Encoding: gzip, deflate", "Connection: keep-alive", "X-Stainless-Lang: python",
    "X-Stainless-Package-Version: 2.10.0", "X-Stainless-OS: Linux", "X-Stainless-Arch: x64",
    "X-Stainless-Runtime: CPython", "X-Stainless-Runtime-Version: 3.11.7", "X-Stainless-Async: false",
    "x-stainless-retry-count: 0", "x-stainless-read-timeout: 600",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of traffic; `seconds` of it, or so many `calls`."""

    name: str
    kind: Kind
    about: str
    word: str
    connections: int
    seconds: float = 2.0
    calls: int | None = None
    more: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """For the load client."""
        stop = ["-n", str(self.calls), "-d", "60"] if self.calls else ["-d", f"{self.seconds:g}"]
        return ["-m", self.word, "-c", str(self.connections), *stop, *self.more]


def _headers(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in ("-H", line))


def workloads(*, quick: bool) -> list[Workload]:
    """All of them, in the order of the report."""
    part = 0.25 if quick else 1.0
    events = 40 if quick else 200
    small, full = "bench-json-1200-0", "bench-full-1200-0"
    return [
        Workload("json-c1", "json", "2 KB request, 1.2 KB answer, 1 connection", small, 1, 1.5 * part),
        Workload("json-c32", "json", "the same, 32 connections", small, 32, 2.0 * part),
        Workload("json-c256", "json", "the same, 256 connections", small, 256, 2.0 * part),
        Workload(
            "json-sdk", "json", "the same, 32 connections, with the headers of an SDK and of OpenAI", full, 32,
            2.0 * part, more=_headers(_OF_THE_SDK),
        ),
        Workload(
            "sse", "stream", f"200 streams of {events} events of 220 B, one every 20 ms; the client does not ask for "
            "usage", f"bench-sse-{events}-20", 200, calls=200, more=("-s", "-r", "200" if quick else "500"),
        ),
        Workload(
            "sse-usage", "stream", "the same; the client asks for usage itself", f"bench-sse-{events}-20", 200,
            calls=200, more=("-s", "-U", "-r", "200" if quick else "500"),
        ),
        Workload("up-1mb", "large", "1 MB request, 4 connections", small, 4, 1.5 * part, more=("-b", "1048576")),
        Workload("down-2mb", "large", "2 MB answer, 4 connections", "bench-json-2097152-0", 4, 1.5 * part),
    ]  # fmt: skip


def warm_up() -> list[Workload]:
    """Run first by every subject, and not kept."""
    return [
        Workload("warm-json", "json", "", "bench-json-1200-0", 32, 0.6),
        Workload("warm-sse", "stream", "", "bench-sse-40-5", 16, calls=16, more=("-s",)),
    ]
