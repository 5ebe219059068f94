"""Keys and credentials in every position, through a whole running Tollbook; and then nowhere."""

import asyncio
import gzip
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from proxy.config.model import Config
from proxy.keys.fingerprint import fingerprint
from proxy.keys.register import Register
from proxy.keys.secret import new_secret
from store.api import make_app
from tests.realtime.wire import Wire, accepting, open_wire
from tests.relay.canaries import caught, files, kept
from tests.relay.neighbours import CHUNKED, LAST, RawClient, RawUpstream, Visit, chunked, sized
from tests.relay.served import Served, serve

WORDS = "the very own words of a user"

UPSTREAM = "sk-of-the-house-Q7vUpstreamCanary0Kd83hTq-_w"
TOKEN = "dashboard-X2mDashboardCanary9Zr41pLs"
PASSED = "sk-proj-B5nPassedThroughCanary6Yt27jVe-_fghi"
NAMED = "sk-ant-api03-H8cNamedCanaryOfSomebody3Ub95xWo+/=abcd"
FIELD = "T4kFieldOfTheWireFormat1Gy68zAi"
SIGNED = "M9sSignatureOfAnAddress5Fe02qCu"
HANDED = "ek_R3wHandedOutToABrowser7Lb46nDa"
UNKNOWN = new_secret()


async def echo(visit: Visit) -> None:
    """An upstream that repeats whatever it is told, as some do when a key is wrong."""
    body = await visit.read()
    target = visit.head.line.split()[1]
    if visit.head.values(b"content-encoding") == [b"gzip"]:
        body = gzip.decompress(body)
    secrets = b" ".join(
        value for name, value in visit.head.headers if b"key" in name.lower() or name.lower() == b"authorization"
    ).decode("latin-1")
    said = body.decode("utf-8", "replace")
    if b"sessions" in target:
        await accepting(lambda wire: repeat(wire, secrets))(visit)
    if b"garbage" in target:
        await visit.say(f"HTTP/1.1 200 OK\r\n{secrets}\x01\r\n\r\n".encode("latin-1"))
        visit.abort()
        return
    if b"client_secrets" in target:
        await visit.say(sized(json.dumps({"value": HANDED, "session": {"a": WORDS}}).encode()))
        return
    if b"stream" in target:
        pieces = [said[place : place + 7] for place in range(0, len(said), 7)]
        events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        data = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
        await visit.say(CHUNKED, chunked(*data, b"data: [DONE]\n\n") + LAST)
        return
    message = f"Incorrect API key provided: {secrets}. You said: {said}"
    answer = json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": secrets}}).encode()
    if not body:
        answer = b"{}"
    lines = [b"Content-Type: application/json"]
    lines += [b"%b: %b" % (name, secrets.encode("latin-1")) for name in (
        b"X-Request-Id", b"Request-Id", b"OpenAI-Organization", b"Server", b"Set-Cookie", b"X-Unheard-Of", b"Via",
    )]  # fmt: skip
    if b"gzip" in target:
        answer, lines = gzip.compress(answer), [*lines, b"Content-Encoding: gzip"]
    await visit.say(sized(answer, *lines, status=b"401 Unauthorized"))


async def repeat(wire: Wire, secrets: str) -> None:
    """The same, of a session: by messages, by an error, and by the reason of its close."""
    for _ in range(2):
        said = await wire.message()
        assert isinstance(said, str)
        await wire.send(said)
        error = {"type": "invalid_request_error", "message": f"{secrets} {said}", "code": secrets}
        await wire.send(json.dumps({"type": "error", "error": error}))
    await wire.close(4001, f"bad key {secrets}"[:120])
    await wire.end()


@dataclass(frozen=True, slots=True)
class Planted:
    """A running Tollbook, and the secrets that are told to it."""

    served: Served
    register: Register
    data_dir: Path
    canaries: dict[str, str]

    def credentials(self) -> list[str]:
        """Those that clients present."""
        return [self.canaries[name] for name in ("issued", "passed", "named")]

    async def raw(self, *pieces: bytes) -> None:
        """Say this on a connection of its own, and wait for whatever comes."""
        client = await RawClient.dial(self.served.proxy)
        await client.say(*pieces)
        try:
            await asyncio.wait_for(client.answer(), 5)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        client.leave()

    async def ask(self, target: str, *lines: str, method: str = "POST", body: bytes = b"") -> None:
        """One request."""
        length = [f"Content-Length: {len(body)}"] if body or method == "POST" else []
        head = [f"{method} {target} HTTP/1.1", "Host: localhost", *lines, *length, "", ""]
        await self.raw("\r\n".join(head).encode("latin-1") + body)

    async def told(self, session: aiohttp.ClientSession, path: str) -> bytes:
        """What the dashboard answers its owner."""
        async with session.get(self.served.dashboard + path) as answer:
            return str(answer.headers).encode() + await answer.read()

    async def settled(self, session: aiohttp.ClientSession) -> None:
        """Wait until every call is in the book and in the index."""
        for _ in range(1200):
            async with session.get(self.served.dashboard + "/api/health") as answer:
                health = await answer.json()
            if not health["waiting"] and not health["open"] and not health["search"]["waiting"]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(health)


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    """See `echo`."""
    raw = RawUpstream()
    await raw.open(echo)
    yield raw
    await raw.close()


@pytest.fixture
async def planted(tmp_path: Path, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Planted]:
    """A running Tollbook with a key, a named credential, an upstream's credential and a token."""
    monkeypatch.setenv("CANARY_UPSTREAM", UPSTREAM)
    monkeypatch.setenv("CANARY_TOKEN", TOKEN)
    config = tmp_path / "tollbook.toml"
    tables = [
        f'[upstreams.{name}]\nbase_url = "{upstream.url}"\ndialect = "{dialect}"\napi_key_env = "CANARY_UPSTREAM"\n'
        for name, dialect in (("oai", "openai"), ("ant", "anthropic"), ("gem", "gemini"), ("gen", "generic"))
    ]
    config.write_text(f'[proxy]\nworkers = 2\n[dashboard]\ntoken_env = "CANARY_TOKEN"\n{"".join(tables)}')
    data_dir = tmp_path / "data"
    register = Register(data_dir)
    _, issued = register.create("laptop", "lab")
    register.name(fingerprint(NAMED), "somebody", "lab")
    canaries = {
        "issued": issued, "unknown": UNKNOWN, "passed": PASSED, "named": NAMED, "upstream": UPSTREAM, "token": TOKEN,
        "field": FIELD, "signed": SIGNED, "handed": HANDED,
    }  # fmt: skip
    running = await serve(data_dir, config)
    yield Planted(running, register, data_dir, canaries)
    await running.stop(signal.SIGKILL)


async def plant_in_heads(planted: Planted) -> None:
    """Every position of a request line and of headers."""
    for secret in planted.credentials():
        bearer = f"Authorization: Bearer {secret}"
        for line in (
            bearer, f"authorization: {secret}", f"x-api-key: {secret}", f"api-key: {secret}",
            f"X-Goog-Api-Key: {secret}", f"Ocp-Apim-Subscription-Key: {secret}", f"Proxy-Authorization: {secret}",
            f"Cookie: session={secret}", f"X-Never-Heard-Of: {secret}", f"X-Amz-Security-Token: {secret}",
            f"HTTP-Referer: http://x/?key={secret}", f"Helicone-Auth: Bearer {secret}",
        ):  # fmt: skip
            await planted.ask("/oai/v1/models", line, method="GET")
        for line in (
            f"User-Agent: {secret}", f"X-Title: my {secret}", f"Baggage: user={secret},b={quote(secret, safe='')}",
            f"X-Tollbook-User: {secret}", f"X-Tollbook-Tag-A: {secret}", f"Helicone-Property-B: {secret}",
            f"Authorization: Bearer {secret}", f"Authorization: Basic {secret}", f"X-Client-Request-Id: {secret}",
            f"User-Agent: {secret}\r\nAuthorization: Bearer another-{secret}", f"OpenAI-Project: {secret}",
            f"x-portkey-metadata: {json.dumps({'_user': secret})}", f"X-Api-Key: {secret}\r\nX-Api-Key: {secret}",
        ):  # fmt: skip
            await planted.ask("/oai/v1/models", bearer, line, method="GET")
            await planted.ask(f"/oai/v1/models?a={secret}", bearer, line, method="GET")
        await planted.ask(
            "/oai/v1/realtime", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{secret}", method="GET",
        )  # fmt: skip
        escaped = "".join(f"%{ord(letter):02X}" if not letter.isalnum() else letter for letter in secret)
        for target in (
            f"/gem/v1/models?key={secret}", f"/gem/v1/models?api_key={secret}&a=1", f"/gem/v1/models?k%65y={escaped}",
            f"/gem/v1/models?a=1;key={secret}", f"/oai/v1/models?X-Amz-Signature={secret}", f"/{secret}/v1/models",
            f"/oai/../v1?api_key={secret}", f"/oai/v1#{secret}", f"http://user:{secret}@host/oai/v1",
            f"/nowhere/v1?key={secret}", f"/gen/v1/garbage?key={secret}",
        ):  # fmt: skip
            await planted.ask(target, method="GET")
            await planted.ask(target, bearer, method="GET")
        await planted.ask(f"/oai/v1/models/{secret}", bearer, method="GET")
        await planted.ask(f"/oai/v1/models/{escaped}?b={escaped}", bearer, method="GET")
        for line in (
            f"GET /oai/v1?key={secret} HTTP/9.9", f"GET {secret}", secret, f"{secret} /oai/v1 HTTP/1.1",
            f"CONNECT user:{secret}@localhost:1 HTTP/1.1\r\nHost: localhost",
            f"GET /oai/v1 HTTP/1.1\r\nHost: localhost\r\n{secret}", f"GET /oai/v1 HTTP/1.1\r\n{secret}: a",
            f"GET /oai/v1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\x01",
            f"POST /oai/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {secret}",
            f"POST /oai/v1 HTTP/1.1\r\nHost: {secret}\r\nTransfer-Encoding: {secret}",
        ):  # fmt: skip
            await planted.raw(f"{line}\r\n\r\n".encode("latin-1"))


async def plant_in_bodies(planted: Planted) -> None:
    """Every kind of body, asked and answered, and what only the store knows to be a secret."""
    canaries = planted.canaries
    for secret in planted.credentials():
        bearer = f"Authorization: Bearer {secret}"
        everything = " ".join((secret, UNKNOWN, canaries["issued"], UPSTREAM, TOKEN))
        asked: dict[str, Any] = {
            "model": "gpt-4o",
            "user": secret,
            "metadata": {"a": everything, "words": WORDS},
            "messages": [{"role": "user", "content": f"{WORDS}: {everything}."}],
            "tools": [{"type": "mcp", "authorization": FIELD, "headers": {"X-Api-Key": FIELD}, "server_label": "a"}],
            "mcp_servers": [{"name": "b", "authorization_token": FIELD}],
            "image": f"https://a.s3.amazonaws.com/b?X-Amz-Credential={SIGNED}&X-Amz-Signature={SIGNED}&c=1",
            "blob": f"https://c.blob.core.windows.net/d?sv=2024&sig={SIGNED}%3D",
        }
        body = json.dumps(asked).encode()
        plain = "Content-Type: application/json"
        for target, line in (
            ("/oai/v1/chat/completions", bearer), ("/oai/v1/chat/completions?gzip", bearer),
            ("/oai/v1/responses", bearer), ("/oai/v1/chat/completions?stream=1", bearer),
            ("/ant/v1/messages", f"x-api-key: {secret}"), ("/gen/v1/anything", bearer),
            ("/gem/v1beta/models/gemini-2.5-flash:generateContent", f"x-goog-api-key: {secret}"),
            (f"/gem/v1beta/models/gemini-2.5-flash:generateContent?key={quote(secret, safe='')}", "X-A: b"),
        ):  # fmt: skip
            await planted.ask(target, line, plain, body=body)
        await planted.ask("/oai/v1/chat/completions", bearer, plain, "Content-Encoding: gzip", body=gzip.compress(body))
        slashed = body.replace(b"/", b"\\/").replace(b"+", b"\\u002B")
        await planted.ask("/oai/v1/chat/completions", bearer, plain, body=slashed)
        await planted.ask("/oai/v1/files", bearer, body=body[:-40])  # that is not JSON
        form = urlencode({"a": everything, "words": WORDS}).encode()
        await planted.ask("/gen/oauth", bearer, "Content-Type: application/x-www-form-urlencoded", body=form)
        parts = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
            for name, more, value in (
                ("prompt", "", everything),
                ("file", '; filename="a.txt"', f"{WORDS} {everything}"),
            )
        )
        multipart = "Content-Type: multipart/form-data; boundary=b"
        await planted.ask("/oai/v1/audio/transcriptions", bearer, multipart, body=f"{parts}--b--\r\n".encode())
        await planted.ask("/oai/v1/realtime/client_secrets", bearer, plain, body=b"{}")
        for ours in (UPSTREAM, TOKEN, UNKNOWN):
            escaped = "".join(f"%{ord(letter):02X}" for letter in ours)
            await planted.ask("/oai/v1/models", bearer, f"Baggage: user={escaped}")
            await planted.ask(f"/oai/v1/models?a={ours}", bearer, f"X-Title: {ours}", f"X-Tollbook-User: {ours}")


async def plant_in_sessions(planted: Planted) -> None:
    """Websockets: keys among the subprotocols, in headers and in messages, and what an upstream makes of them."""
    for secret in planted.credentials():
        told = f"{WORDS}: {secret} {UNKNOWN} {UPSTREAM} {TOKEN}"
        setup = {"tools": [{"type": "mcp", "authorization": FIELD, "server_label": "a"}], "instructions": told}
        update = json.dumps({"type": "session.update", "session": setup})
        created = json.dumps({"type": "session.created", "session": {"id": secret, "model": f"gpt {secret}"}})
        subprotocols = f"realtime, openai-insecure-api-key.{secret}".encode()
        for headers in (
            [(b"Sec-WebSocket-Protocol", subprotocols)],
            [(b"Authorization", f"Bearer {secret}".encode()), (b"Sec-WebSocket-Protocol", b"realtime")],
        ):
            wire = await open_wire(planted.served.proxy, "/oai/v1/sessions/realtime?model=gpt-realtime", headers)
            for message in (update, created):
                await wire.send(message)
                await wire.message()
                await wire.message()
            await wire.end()
            await wire.close(4001)
            wire.writer.close()


def pages(planted: Planted, calls: list[str]) -> list[str]:
    """The address of everything that the dashboard tells."""
    app = make_app(Config(), cast("Any", None), cast("Any", lambda: None))
    paths = {route.resource.canonical for route in app.router.routes() if route.method == "GET" and route.resource}
    found: list[str] = []
    for path in sorted(paths - {"/api/tail", "/static/{version}/{name}"}):
        if "{id}" not in path:
            found.append(path)
            continue
        sides = ("request", "response") if "{side}" in path else ("",)
        ways = ("earlier", "later") if "{direction}" in path else ("",)
        found += [path.format(id=call, side=side, direction=way) for call in calls for side in sides for way in ways]
    found += [f"/api/export?format={name}&bodies=true" for name in ("csv", "jsonl", "parquet")]
    found += [f"/api/export?format={name}" for name in ("csv", "jsonl", "parquet")]
    found += ["/api/logs?limit=1000", "/logs?limit=500", "/keys/one?name=laptop", "/keys/one?name=somebody"]
    return [*found, *(f"/api/facets?field={name}" for name in ("key", "user", "session", "model"))]


async def test_no_secret_stays_anywhere(planted: Planted) -> None:
    """Whatever a secret was told in, no file, page, answer, export or log holds it; users' words are still there."""
    served, canaries = planted.served, planted.canaries
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        async with session.get(served.dashboard + "/api/tail") as tail:
            store = served.child("store")
            store.suspend()  # so that the journal holds it all
            await plant_in_heads(planted)
            places = files(planted.data_dir)
            assert any(name.startswith("journal") for name in places), list(places)
            assert caught(canaries, places) == set()
            store.resume()
            await plant_in_bodies(planted)
            await plant_in_sessions(planted)
            await planted.settled(session)
            await asyncio.sleep(1)
            tailed = tail.content.read_nowait()
        async with session.get(served.dashboard + "/api/logs?limit=1000") as answer:
            rows = (await answer.json())["logs"]
        assert len(rows) > 100
        some = [row["id"] for row in [*rows[:60], *rows[60::10]]]  # all those with bodies: they came last
        places = {"/api/tail": tailed}
        for path in pages(planted, some):
            places[path] = await planted.told(session, path)
        headers = {"Authorization": f"Bearer {canaries['issued']}"}
        async with aiohttp.ClientSession(headers=headers) as holder, holder.get(served.proxy + "/api/me") as answer:
            assert answer.status == 200
            places["/api/me"] = await answer.read()
        for name in ("issued", "passed", "named", "upstream", "token"):
            async with session.get(served.dashboard + "/api/logs", params={"q": f'"{canaries[name]}"'}) as answer:
                assert (await answer.json())["logs"] == []
        async with session.get(served.dashboard + "/api/logs", params={"q": f'"{WORDS}"'}) as answer:
            assert len((await answer.json())["logs"]) >= 20
    served.process.send_signal(signal.SIGTERM)
    said, complained = await asyncio.wait_for(served.process.communicate(), 60)
    places |= {"stdout": said, "stderr": complained, **files(planted.data_dir), **kept(planted.data_dir)}
    assert caught(canaries, places) == set()
    assert places["bodies"].count(WORDS.encode()) >= 40
