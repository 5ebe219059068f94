"""What is taken out of a call before it is written, and what stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.config.model import Config, Dashboard, Secret, Store, Upstream
from proxy.journal.notes import Started
from proxy.keys.fingerprint import fingerprint
from proxy.keys.register import Register
from store.dialects import Document
from store.redaction import Redaction, Strainer

CREDENTIAL = "sk-proj-Ab_cd-Efgh0123456789_w-yz"
OURS = "gsk_Up+stream/Key-0123456789abc"
TOKEN = "dashboard-token-0123456789"
ISSUED = "tb-DIz4ElyX973gUTWMoTvqc8fiZ7cVu4FBgiz0NJDVq1R1r055f"


def strainer(tmp_path: Path, key: str | None = None, target: str = "/v1/chat/completions") -> Strainer:
    """That of a call by this key."""
    config = Config(
        upstreams={"groq": Upstream("groq", "http://x", "openai", "groq", api_key=Secret(OURS))},
        dashboard=Dashboard(token=Secret(TOKEN)),
        store=Store(tmp_path),
    )
    key = fingerprint(CREDENTIAL) if key is None else key
    return Redaction(config).of(
        Started(b"0" * 16, 1, 1, "groq", "openai", "POST", target, key, "default", "127.0.0.1", ())
    )


def asked(tmp_path: Path, data: bytes, **call: str) -> bytes:
    """What is kept of this request body."""
    return strainer(tmp_path, **call).request(Document(data)).head


@pytest.mark.parametrize("secret", [CREDENTIAL, OURS, TOKEN, ISSUED])
@pytest.mark.parametrize(
    "around", ["%s", '{"a": "%s"}', "key=%s&b=1", "provided: %s.", "x%sx", 'a\\n%s\\"', "b/%s/", "%s=="]
)
def test_a_secret_is_found_wherever_it_stands(tmp_path: Path, secret: str, around: str) -> None:
    """Whatever stands before and behind a secret, it is replaced, and what stands around it stays."""
    kept = asked(tmp_path, (around % secret).encode())
    before, after = around.encode().split(b"%s")
    assert secret.encode() not in kept
    assert kept.startswith(before + b"[redacted ")
    assert kept.endswith(b"]" + after)


@pytest.mark.parametrize("secret", [CREDENTIAL, OURS])
@pytest.mark.parametrize(
    "escapes",
    [
        {"/": "\\/"},
        {"+": "\\u002B", "-": "\\u002d"},
        {"+": "%2B", "/": "%2f", "-": "%2D", "_": "%5F"},
        {"/": "\\\\\\/"},
    ],
)
def test_a_secret_is_found_when_its_signs_are_escaped(tmp_path: Path, secret: str, escapes: dict[str, str]) -> None:
    """The escapes of JSON, of JSON in strings of JSON and of addresses hide no secret."""
    written = "".join(escapes.get(letter, letter) for letter in secret)
    assert asked(tmp_path, f'{{"a": "see {written} there"}}'.encode()).count(b"[redacted ") == 1


@pytest.mark.parametrize(
    "text",
    [
        "tb-is no key", "sk-of-somebody-else-0123456789", ISSUED[:-1] + ("0" if ISSUED[-1] != "0" else "1"),
        CREDENTIAL[1:], "another word that ends in w-yz", OURS[:-1], TOKEN.upper(),
        '{"properties": {"headers": {"type": "object"}, "authorization": {"type": "string"}}}',
        '{"content": "\\"authorization\\": \\"is what I want to know about\\""}', "sig=nothing", '"headers": 1',
    ],
)  # fmt: skip
def test_other_text_is_the_users(tmp_path: Path, text: str) -> None:
    """What only looks like a secret stays, byte for byte."""
    assert asked(tmp_path, text.encode()) == text.encode()


def test_a_named_key_is_found_by_the_register(tmp_path: Path) -> None:
    """A credential that was given a name is found although the row has only the name, a former one too."""
    register = Register(tmp_path)
    register.name(fingerprint(CREDENTIAL), "somebody", "lab")
    register.rename("somebody", "anybody")
    for name in ("somebody", "anybody"):
        assert asked(tmp_path, CREDENTIAL.encode(), key=name) == b"[redacted credential]"


def test_a_short_credential_is_a_word(tmp_path: Path) -> None:
    """A credential of fewer than twelve characters is not looked for."""
    assert asked(tmp_path, b"I use ollama", key=fingerprint("ollama")) == b"I use ollama"


@pytest.mark.parametrize(
    "field",
    [
        {"tools": [{"type": "mcp", "authorization": "?"}]},
        {"tools": [{"type": "mcp", "headers": {"X-A": "?", "B": "?"}}]},
        {"mcp_servers": [{"authorization_token": "?"}]},
        {"tools": [{"googleMaps": {"authConfig": {"apiKeyConfig": {"apiKeyString": "?"}}}}]},
        {"data_sources": [{"parameters": {"authentication": {"type": "api_key", "key": "?"}}}]},
        {"image_url": {"url": "https://a/b?X-Amz-Security-Token=?&X-Amz-Signature=?&c=1"}},
        {"image_url": {"url": "https://a/b?X-Goog-Signature=?"}},
        {"url": "https://a.blob.core.windows.net/b?sv=1&sig=?"},
    ],
)
@pytest.mark.parametrize("size", [1, 30])
def test_credential_fields_are_emptied(tmp_path: Path, field: dict[str, Any], size: int) -> None:
    """The value of every such field is replaced, escaped quotes and all; the rest is the same JSON."""
    value = "Qj" * size
    plain = json.dumps(field)
    kept = asked(tmp_path, plain.replace("?", value).replace("b" + value, "b?").encode()).decode()
    assert value not in kept
    assert json.loads(kept.replace("[redacted credential]", "?")) == json.loads(plain)


def test_fields_of_cut_bodies_are_emptied(tmp_path: Path) -> None:
    """A value is replaced also where the body ends in the middle of it."""
    cut = Document(b'{"tools": [{"authorization": "Bearer abc', b'ef"}, {"headers": {"X-A": "abc', cut=True)
    kept = strainer(tmp_path).request(cut)
    assert b"abc" not in kept.head + kept.tail


@pytest.mark.parametrize("secret", [CREDENTIAL, OURS, TOKEN, ISSUED])
def test_halves_of_secrets_are_not_kept(tmp_path: Path, secret: str) -> None:
    """Wherever a body is cut, fewer than sixteen characters in a row of a secret are kept at either side."""
    for place in range(1, len(secret)):
        cut = Document(f"a {secret[:place]}".encode(), f"{secret[place:]} b".encode(), cut=True)
        kept = strainer(tmp_path).request(cut)
        for side in (kept.head, kept.tail):
            assert not any(secret[begin : begin + 16].encode() in side for begin in range(len(secret) - 15)), (
                place,
                side,
            )
        assert kept.head.startswith(b"a ")
        assert kept.tail.endswith(b" b")


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("secret", [CREDENTIAL, OURS, TOKEN, ISSUED])
def test_a_model_that_repeats_a_secret_in_pieces(tmp_path: Path, secret: str, size: int) -> None:
    """A secret of the request is taken out of a stream's deltas however they split it; all else can still be read."""
    one = strainer(tmp_path)
    one.request(Document(json.dumps({"content": f"what is {secret}?"}).encode()))
    said = f'You said "{secret}", and \u00fc {secret}!'
    pieces = [said[place : place + size] for place in range(0, len(said), size)]
    events = b"".join(
        b"data: " + json.dumps({"id": "x", "choices": [{"delta": {"content": piece}}]}).encode() + b"\n\n"
        for piece in pieces
    )
    lines = one.answer(Document(events)).head.splitlines()
    deltas = [json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"]["content"] for line in lines if line]
    assert len(deltas) == len(pieces)
    before, between, after = "".join(deltas).replace("[redacted ", "\0[").split("\0")
    assert (before, between.partition("]")[2], after.partition("]")[2]) == ('You said "', '", and \u00fc ', "!")


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/v1/realtime/client_secrets", {"value": "ek_?", "session": {"client_secret": {"value": "ek_?"}}}),
        ("/v1/chatkit/sessions", {"id": "a", "client_secret": "ek_?"}),
        ("/v1alpha/auth_tokens", {"name": "auth_tokens/?"}),
        ("/v1/organization/admin_api_keys", {"value": "sk-admin-?"}),
    ],
)
def test_keys_that_are_handed_out(tmp_path: Path, target: str, answer: dict[str, Any]) -> None:
    """A key that the upstream gives to the client is not kept; the rest of the answer is."""
    kept = strainer(tmp_path, target=target).answer(Document(json.dumps(answer).encode())).head
    assert b"?" not in kept
    assert json.loads(kept).keys() == answer.keys()


@pytest.mark.parametrize("text", ["\ud800", "%", "%zz", "", "\0"])
def test_odd_texts_pass(tmp_path: Path, text: str) -> None:
    """What cannot be encoded or unescaped is returned as it is."""
    assert strainer(tmp_path).text(text) == text


def test_a_body_full_of_the_ending_takes_bounded_time(tmp_path: Path) -> None:
    """A body made to be searched in vain is given up, and kept as it is."""
    body = b"".join(b"%da-w-yz " % number * 3 for number in range(10**9, 10**9 + 20_000))
    assert asked(tmp_path, body) == body
