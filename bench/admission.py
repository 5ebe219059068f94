"""`python -m bench.admission`: what it costs to decide about a call, with 10,000 keys in the register.

The door is asked in the thread of the loop, so every microsecond here is one that no stream moves. Measured are the
reading of the headers and the decision, for requests such as the official SDKs send; limits and models as the key has.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from proxy.admission import Admission, Admitted
from proxy.config.budget import Budget
from proxy.config.builtin import BUILTIN
from proxy.config.model import Config, Proxy, Secret
from proxy.headers import Head
from proxy.keys import file
from proxy.keys.key import Key
from proxy.keys.keyring import Keyring
from proxy.keys.secret import digest, new_secret

_SDK = (
    (b"Host", b"127.0.0.1:8787"), (b"Accept-Encoding", b"gzip, deflate"), (b"Connection", b"keep-alive"),
    (b"Accept", b"application/json"), (b"Content-Type", b"application/json"),
    (b"User-Agent", b"AsyncOpenAI/Python 2.10.0"), (b"X-Stainless-Lang", b"python"),
    (b"X-Stainless-Package-Version", b"2.10.0"), (b"X-Stainless-OS", b"Linux"), (b"X-Stainless-Arch", b"x64"),
    (b"X-Stainless-Runtime", b"CPython"), (b"X-Stainless-Runtime-Version", b"3.11.7"),
    (b"X-Stainless-Async", b"async:asyncio"), (b"x-stainless-retry-count", b"0"),
    (b"x-stainless-read-timeout", b"600"), (b"Content-Length", b"120"),
)  # fmt: skip


@dataclass
class _Request:
    """As much of a request as the door looks at."""

    raw_path: str
    method: str = "POST"
    version: tuple[int, int] = (1, 1)
    body_exists: bool = True


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.admission", description=__doc__)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        _measure(Path(directory), options.keys, options.calls)


def _measure(data_dir: Path, count: int, calls: int) -> None:
    secrets = [new_secret() for _ in range(count)]
    file.replace(data_dir / file.FILE, tuple(map(_key, range(count), secrets)))
    keyring = Keyring(data_dir)
    began = time.perf_counter()
    keyring.refresh()
    print(f"{count} keys, read in {(time.perf_counter() - began) * 1000:.0f} ms; {calls} calls each\n")
    upstreams = {name: replace(one, api_key=Secret("sk-ours")) for name, one in BUILTIN.items()}
    closed = {name: replace(one, access="keys") for name, one in upstreams.items()}
    ours = Admission(Config(proxy=Proxy(access="keys"), upstreams=closed), keyring)
    open_ = Admission(Config(upstreams=upstreams), keyring)
    chat = "/openai/v1/chat/completions"
    none = [_head() for _ in range(1000)]
    issued = [_head(b"Authorization", b"Bearer " + secret.encode()) for secret in secrets]
    unknown = [_head(b"Authorization", b"Bearer " + new_secret().encode()) for _ in range(1000)]
    passed = [_head(b"Authorization", b"Bearer sk-proj-%020d" % number) for number in range(1000)]
    print(f"{'':44}  median     p99  (us)")
    bare = _run("reading the headers alone", issued, calls, Head)
    _run("no credential, open", none, calls, _door(open_, _Request(chat)), bare)
    _run("a passed-through credential, open", passed, calls, _door(open_, _Request(chat)), bare)
    _run("an issued key", issued, calls, _door(ours, _Request(chat)), bare)
    gemini = _Request("/gemini/v1beta/models/gpt-4o:generateContent")
    _run("an issued key, its model in the path", issued, calls, _door(ours, gemini), bare)
    _run("an unknown key, refused", unknown, calls, _door(ours, _Request(chat)), bare)


def _key(number: int, secret: str) -> Key:
    return Key(
        name=f"key-{number}", group=f"group-{number % 100}", kind="issued", digest=digest(secret),
        created_at=datetime(2026, 1, 1, tzinfo=UTC), expires_at=datetime(2099, 1, 1, tzinfo=UTC),
        models=("gpt-4o*", "o3"), upstreams=("openai", "gemini"), budgets=(Budget(Decimal(50000), "month"),),
        per_minute=100_000, concurrent=1000,
    )  # fmt: skip


def _head(*credential: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (*_SDK, (credential[0], credential[1])) if credential else _SDK


def _door(admission: Admission, request: Any) -> Callable[[Any], object]:
    def ask(raw: Any) -> object:
        head = Head(raw)
        answer = admission.admit(request, head)
        if isinstance(answer, Admitted):
            admission.over(answer)
        return answer, head.facts_without(answer.caller.credential)

    return ask


def _run(name: str, heads: list[Any], calls: int, ask: Callable[[Any], object], bare: float = 0.0) -> float:
    for number in range(2000):
        ask(heads[number % len(heads)])
    took = []
    gc.collect()
    gc.disable()
    clock = time.perf_counter_ns
    for number in range(calls):
        raw = heads[number % len(heads)]
        began = clock()
        ask(raw)
        took.append(clock() - began)
    gc.enable()
    took.sort()
    median = statistics.median(took) / 1000
    added = f"   {median - bare:.1f} of it the decision" if bare else ""
    print(f"{name:44}  {median:6.1f}  {took[int(len(took) * 0.99)] / 1000:6.1f}{added}")
    return median


if __name__ == "__main__":
    main()
