"""Who may open a session: keys, models and budgets are asked before the upstream is, and refusals are plain HTTP."""

import json
from typing import Any

import pytest

from proxy.config.model import Secret
from proxy.keys.asked_model import of_session
from proxy.keys.register import Register
from tests.conftest import OpenHouse
from tests.house import House
from tests.realtime.conftest import Dial, OpenUpstream
from tests.realtime.wire import Refused, until_closed
from tests.relay.neighbours import Headers

GEMINI_LIVE = "/gemini/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


async def made(opened: House, **settings: Any) -> str:
    """A key, known to the worker."""
    _, secret = Register(opened.config.store.data_dir).create("laptop", "lab", **settings)
    opened.worker.keyring.refresh()
    return secret


@pytest.mark.parametrize("place", ["subprotocol", "authorization", "x-goog-api-key", "query", "xai"])
async def test_an_issued_key_is_swapped(house: OpenHouse, upstream: OpenUpstream, dial: Dial, place: str) -> None:
    """Wherever a client puts a key that was issued here, the upstream gets its own credential, and no key."""
    up = await upstream(until_closed, subprotocol="realtime")
    opened = await house(up.url, upstream={"api_key": Secret("sk-of-the-house-0123456789")})
    secret = (await made(opened)).encode()
    headers: Headers = [(b"Sec-WebSocket-Protocol", b"realtime, openai-beta.realtime-v1")]
    target = "/openai/v1/realtime?model=gpt-realtime"
    match place:
        case "subprotocol":
            headers = [(b"Sec-WebSocket-Protocol", b"realtime, openai-insecure-api-key.%b, a" % secret)]
        case "xai":
            headers = [(b"Sec-WebSocket-Protocol", b"realtime, xai-client-secret.%b" % secret)]
        case "authorization":
            headers.append((b"Authorization", b"Bearer %b" % secret))
        case "x-goog-api-key":
            headers.append((b"x-goog-api-key", secret))
            target = GEMINI_LIVE
        case _:
            target = f"{GEMINI_LIVE}?key={secret.decode()}"
    client = await dial(opened.proxy, target, headers)
    assert client.head.values(b"sec-websocket-protocol") == [b"realtime"]
    await client.close()
    await client.end()
    (visit,) = up.visits
    assert secret not in visit.head.line + repr(visit.head.headers).encode()
    ours = [value for _, value in visit.head.headers if b"sk-of-the-house-0123456789" in value]
    assert len(ours) == 1
    (offered,) = visit.head.values(b"sec-websocket-protocol")
    assert offered.split(b", ")[0] == b"realtime"
    row = await opened.row()
    assert (row["key"], row["group"], row["outcome"]) == ("laptop", "lab", "completed")


async def test_a_clients_own_key_passes(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """A browser's own key among the subprotocols reaches the upstream, and the row has its fingerprint."""
    up = await upstream(until_closed, subprotocol="realtime")
    opened = await house(up.url, upstream={"api_key": Secret("sk-of-the-house-0123456789")})
    offered = b"realtime, openai-insecure-api-key.ek_ABCDEFGHIJKLMNOP"
    client = await dial(opened.proxy, "/openai/v1/realtime?model=m", [(b"Sec-WebSocket-Protocol", offered)])
    await client.close()
    await client.end()
    (visit,) = up.visits
    assert visit.head.values(b"sec-websocket-protocol") == [offered]
    assert visit.head.values(b"authorization") == []
    assert str((await opened.row())["key"]).endswith("-MNOP")


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("/openai/v1/realtime?model=gpt-realtime-mini", True),
        ("/openai/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-realtime-mini", True),
        ("/openai/v1/realtime?model=gpt-realtime", False),
        ("/openai/v1/realtime?model=gpt-realtime-mini&model=gpt-realtime", False),
        ("/openai/v1/realtime?model=gpt-realtime-mini&Model=gpt-realtime", False),
        ("/openai/v1/realtime?model=gpt-realtime-mini;model=gpt-realtime", False),
        ("/openai/v1/realtime?model=gpt-realtime-mini&deployment=gpt-realtime", False),
        ("/openai/v1/realtime?call_id=rtc_1", False),  # whichever model that call has
        ("/openai/v1/realtime", False),
        ("/openai/v1/responses?model=gpt-realtime-mini", False),  # each message names its own
        (GEMINI_LIVE, False),  # the first message names it
        (f"{GEMINI_LIVE}?model=gpt-realtime-mini", False),
    ],
)
async def test_a_key_for_some_models(
    house: OpenHouse, upstream: OpenUpstream, dial: Dial, target: str, allowed: bool
) -> None:
    """A key with a list of models may open a session only where the address names one of them, and decides."""
    up = await upstream(until_closed)
    opened = await house(up.url, upstream={"api_key": Secret("sk-of-the-house-0123456789")})
    key = await made(opened, models=("*-mini",))
    bearer: Headers = [(b"Authorization", f"Bearer {key}".encode())]
    if allowed:
        client = await dial(opened.proxy, target, bearer)
        await client.close()
        await client.end()
        return
    with pytest.raises(Refused) as refused:
        await dial(opened.proxy, target, bearer)
    assert b" 403 " in refused.value.head.line
    assert refused.value.head.values(b"x-tollbook-error") == [b"model_not_allowed"]
    error = json.loads(refused.value.body)["error"]
    assert error["status" if "gemini" in target else "code"] == (
        "PERMISSION_DENIED" if "gemini" in target else "model_not_allowed"
    )
    assert up.connections == 0


async def test_a_stranger_is_refused(house: OpenHouse, upstream: OpenUpstream, dial: Dial) -> None:
    """Where keys are needed, a websocket without one is a 401; a web page may not use the upstream's."""
    up = await upstream(until_closed)
    closed = await house(up.url, upstream={"access": "keys"})
    with pytest.raises(Refused) as refused:
        await dial(closed.proxy, "/openai/v1/realtime?model=m")
    assert b" 401 " in refused.value.head.line
    opened = await house(up.url, upstream={"api_key": Secret("sk-of-the-house-0123456789")})
    with pytest.raises(Refused) as refused:
        await dial(opened.proxy, "/openai/v1/realtime?model=m", [(b"Origin", b"https://elsewhere.example")])
    assert b" 403 " in refused.value.head.line
    assert up.connections == 0


def test_which_model_an_address_names() -> None:
    """Percent escapes are read; what does not look like a name is none."""
    assert of_session("/v1/realtime", "a=b&model=gpt%2Drealtime") == ("gpt-realtime",)
    assert of_session("/v1/realtime/", "model=gpt-realtime") == ("gpt-realtime",)
    assert of_session("/v1/realtime", "model=a/b") == ()
    assert of_session("/v1/realtime", "model=") == ()
