"""`python -m bench.edges`: an experiment. What would a server of our own cost, in place of aiohttp's?

Two pass-throughs that record nothing, both with Tollbook's own client towards the upstream: one behind aiohttp's
server, one behind the least that can be called a server. The difference is what such an edge could spare at most; the
least has none of what makes aiohttp's fit to be met by strangers: limits, timeouts, refusals, Expect, pipelining.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from typing import cast

import httptools
import uvloop
from aiohttp import web
from multidict import CIMultiDict

from bench.bare import HOP
from bench.circumstances import circumstances
from bench.lab import LAB, ROOT, Missing, Tools, free_port, places, prepare
from bench.measure import Result, measure
from bench.page import write_between
from bench.subjects import Subject, start, wait_until_it_answers
from bench.upstreams import Upstream, upstream
from bench.workloads import warm_up, workloads
from proxy.config import model
from proxy.upstream import Answer, Asker, Asking, UpstreamFault
from proxy.upstream.asker import OwnAsker

_NAMES = ("aiohttp", "edge-aiohttp", "edge-least")
_WORKLOADS = ("json-c1", "json-c32", "json-c256", "sse")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.edges", description=__doc__.partition("\n")[0])
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only, leave the page alone")
    parser.add_argument("--serve", nargs=3, metavar=("EDGE", "PORT", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        edge, port, url = options.serve
        uvloop.run((_behind_aiohttp if edge == "edge-aiohttp" else _behind_the_least)(int(port), url))
    try:
        tools = prepare()
    except Missing as missing:
        print(f"bench: {missing}.", file=sys.stderr)
        return 1
    for_tools, for_subject = places()
    results: list[Result] = []
    chosen = [one for one in workloads(quick=False) if one.name in _WORKLOADS]
    with upstream(tools, for_tools) as behind:
        running = [_started(name, tools, behind, for_subject) for name in _NAMES]
        try:
            for subject in running:
                for workload in warm_up():
                    measure(subject, workload, tools, for_tools, 0)
            for repetition in range(options.reps):
                for workload in chosen:
                    results += [measure(subject, workload, tools, for_tools, repetition) for subject in running]
        finally:
            for subject in running:
                subject.stop()
    how = f"medians of {options.reps} repetitions"
    text = f"{circumstances('bench.edges', how, tools)}\n\n{_table(results)}"
    print(text)
    if options.write:
        write_between(ROOT / "docs" / "performance.md", "edges", text)
    return 1 if any(one.failed for one in results) else 0


def _started(name: str, tools: Tools, behind: Upstream, processors: set[int]) -> Subject:
    if name == "aiohttp":
        return start(name, tools, behind, processors)
    subject = Subject(name, free_port())
    url = f"http://127.0.0.1:{behind.port}"
    with (LAB / f"{name}.log").open("wb") as log:
        subject.process = subprocess.Popen(
            [sys.executable, "-m", "bench.edges", "--serve", name, str(subject.port), url], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )  # fmt: skip
    wait_until_it_answers(subject)
    subject.find_processes()
    return subject


def _table(results: list[Result]) -> str:
    spent: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for one in results:
        spent[one.workload, one.subject].append(one.relay_cpu_s / max(1, one.units) * 1e6)
    lines = [
        "Microseconds of processor time a call, of streams an event.\n",
        "| workload | aiohttp on both sides | aiohttp's server, own client | the least server, own client | spared |",
        "|---|---|---|---|---|",
    ]
    for workload in _WORKLOADS:
        both, server, least = (statistics.median(spent[workload, name]) for name in _NAMES)
        lines.append(f"| {workload} | {both:.1f} | {server:.1f} | {least:.1f} | {server - least:.1f} |")
    return "\n".join(lines)


def _upstream(url: str) -> model.Upstream:
    return model.Upstream("up", url, "openai", "openai")


def _passed(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [pair for pair in answer.headers if pair[0].lower().decode("latin-1") not in HOP]


# ---------------------------------------------------------------------------------------------- aiohttp's server


async def _behind_aiohttp(port: int, url: str) -> None:
    asker, up = OwnAsker(), _upstream(url)

    async def relay(request: web.BaseRequest) -> web.StreamResponse:
        headers = [(name, value) for name, value in request.raw_headers if name.lower().decode("latin-1") not in HOP]
        body = await request.read() if request.can_read_body else None
        answer = await asker.ask(up, Asking(request.method, request.raw_path, headers, body))
        try:
            passed = CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in _passed(answer))
            first = answer.ready()
            if answer.at_end():
                return web.Response(status=answer.status, headers=passed, body=first)
            response = web.StreamResponse(status=answer.status, headers=passed)
            await response.prepare(request)
            if first:
                await response.write(first)
            while chunk := await answer.chunk():
                await response.write(chunk)
            await response.write_eof()
            return response
        finally:
            answer.close()

    runner = web.ServerRunner(web.Server(relay, access_log=None), handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


# ---------------------------------------------------------------------------------------------- the least server


class _Least(asyncio.Protocol):
    """One request after the other, in memory; anything unusual ends the connection."""

    def __init__(self, asker: Asker, up: model.Upstream) -> None:
        self._asker, self._up = asker, up
        self._parser = httptools.HttpRequestParser(self)
        self._task: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower().decode("latin-1") not in HOP:
            self._headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        asking = Asking(method, self._target.decode("latin-1"), self._headers, b"".join(self._body) or None)
        self._begin()
        self._task = asyncio.get_running_loop().create_task(self._relay(asking))

    async def _relay(self, asking: Asking) -> None:
        try:
            answer = await self._asker.ask(self._up, asking)
        except UpstreamFault:
            self._transport.abort()
            return
        try:
            lines = [b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason)]
            lines += [b"%b: %b\r\n" % pair for pair in _passed(answer)]
            first = answer.ready()
            if answer.at_end():
                lines.append(b"Content-Length: %d\r\n\r\n%b" % (len(first), first))
                self._transport.write(b"".join(lines))
                return
            lines.append(b"Transfer-Encoding: chunked\r\n\r\n")
            self._transport.write(b"".join(lines))
            chunk = first or await answer.chunk()
            while chunk:
                self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                chunk = await answer.chunk()
            self._transport.write(b"0\r\n\r\n")
        except UpstreamFault:
            self._transport.abort()
        finally:
            answer.close()


async def _behind_the_least(port: int, url: str) -> None:
    asker, up = OwnAsker(), _upstream(url)
    await asyncio.get_running_loop().create_server(lambda: _Least(asker, up), "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
