"""The one look that spares most calls the cleaning agrees with the cleaning."""

import random
from pathlib import Path

import pytest

from proxy.config.model import Config, Dashboard, Secret, Store, Upstream
from proxy.journal.notes import Headers, Started
from proxy.keys.fingerprint import fingerprint
from store.dialects import Document
from store.redaction import Redaction

CREDENTIAL = "sk-proj-Ab_cd-Efgh0123456789_w-yz"
OURS = "gsk_Up+stream/Key-0123456789abc"
TOKEN = 'dash "token" 01\\23-45.67'  # no run of letters is long: it is looked for as it is
ISSUED = "tb-ZXelk8ZWYAykGFyCOf88heLM049wYlmRDL9lJQGvztp3kMmBF"

_SECRETS = (CREDENTIAL, OURS, TOKEN, ISSUED)
_FIELDS = (
    '"authorization":"Qj1"', '"Authorization": "Bearer Qj1"', '"authentication":{"type":"api_key","key":"Qj1"}',
    '"headers":{"X-A":"Qj1"}', '"headers" : {"token":"Qj1"}', '"headers":{"type":"object"}', '"headers":1',
    "?X-Amz-Signature=Qj1&a=1", "?sv=1&sig=Qj1", "%3FX-Goog-Signature=Qj1", "signature=", '"access_token":"Qj1"',
    '"value":"ek_Qj1"', '{"authConfig":{"apiKeyConfig":{"apiKeyString":"Qj1"}}}', '\\"headers\\":{\\"a\\":\\"b\\"}',
)  # fmt: skip
_PLAIN = (
    "the toll of a call", '{"content": "two words"}', '{"tools": []}', "data: ", "\n\n", " ", "=", "%", "%zz", "\ud800",
    "\0", "\u00fc", "tb", "-", '"auth', "headers", "w-yz"[:3], "[", "{", "}", '"', "\\", "a=1&b=2",
)  # fmt: skip


def redaction(tmp_path: Path) -> Redaction:
    config = Config(
        upstreams={"groq": Upstream("groq", "http://x", "openai", "groq", api_key=Secret(OURS))},
        dashboard=Dashboard(token=Secret(TOKEN)),
        store=Store(tmp_path),
    )
    return Redaction(config)


def a_call(chance: random.Random, target: str = "/v1/chat/completions", headers: Headers = ()) -> Started:
    key = chance.choice((None, "laptop", fingerprint(CREDENTIAL)))
    return Started(b"0" * 16, 1, 1, "groq", "openai", "POST", target, key, "default", "127.0.0.1", headers)


def escaped(text: str, chance: random.Random) -> str:
    """The text as it stands, or as an address or JSON may have it."""
    how = chance.randrange(4)
    if how == 1:
        return "".join(letter if letter.isalnum() else f"%{ord(letter):02X}" for letter in text if letter.isascii())
    if how == 2:
        return text.replace('"', '\\"').replace("/", "\\/")
    return text


def some_text(chance: random.Random) -> str:
    """Ordinary text, and sometimes a secret, a part of one, or a field that names one."""
    parts = []
    for _ in range(chance.randrange(6)):
        kind = chance.random()
        if kind < 0.03:
            secret = chance.choice(_SECRETS)
            parts.append(escaped(secret, chance))
        elif kind < 0.06:
            secret = chance.choice(_SECRETS)
            begin = chance.randrange(len(secret))
            parts.append(secret[begin : begin + chance.randrange(40)])
        elif kind < 0.12:
            parts.append(escaped(chance.choice(_FIELDS), chance))
        else:
            parts.append(chance.choice(_PLAIN))
    return "".join(parts)


def a_document(chance: random.Random) -> Document:
    begins = chance.choice(("", "{", "[", "data: ", "event: x\n"))
    head = (begins + some_text(chance)).encode("utf-8", "surrogatepass")
    if chance.random() < 0.1:
        return Document(head, some_text(chance).encode("utf-8", "surrogatepass"), cut=True)
    return Document(head)


@pytest.mark.parametrize("seed", range(40))
def test_where_nothing_is_found_cleaning_changes_nothing(tmp_path: Path, seed: int) -> None:
    """Of texts, headers and bodies in which one look finds nothing, cleaning leaves every byte as it is."""
    chance = random.Random(seed)
    cleaner = redaction(tmp_path)
    found = missed = 0
    for _ in range(500):
        asked: Headers = tuple(("x", some_text(chance)) for _ in range(chance.randrange(3)))
        answered: Headers = tuple(("y", some_text(chance)) for _ in range(chance.randrange(3)))
        target = chance.choice(("/v1/chat/completions", "/v1/realtime/client_secrets", "/v1/a?" + some_text(chance)))
        started = a_call(chance, target, asked)
        request, answer = a_document(chance), a_document(chance)
        text = "\n".join((target, *(value for _, value in (*asked, *answered))))
        if not cleaner.nothing_in(started, text, request, answer):
            found += 1
            continue
        missed += 1
        strainer = cleaner.of(started)
        assert strainer.text(text) == text
        assert strainer.text(target) == target
        assert (strainer.headers(asked), strainer.headers(answered)) == (asked, answered)
        assert (strainer.request(request), strainer.answer(answer)) == (request, answer)
    assert found > 50
    assert missed > 50


@pytest.mark.parametrize("secret", _SECRETS)
@pytest.mark.parametrize("place", ["text", "request", "answer", "stream"])
def test_no_secret_is_overlooked(tmp_path: Path, secret: str, place: str) -> None:
    """A secret is seen wherever in a call it stands."""
    key = fingerprint(CREDENTIAL)
    started = Started(b"0" * 16, 1, 1, "groq", "openai", "POST", "/v1/x", key, "default", "", ())
    plain, held = b'{"a": "b"}', f'{{"a": "see {secret}"}}'.encode()
    text = f"/v1/x\nsee {secret}" if place == "text" else "/v1/x"
    request = Document(held if place == "request" else plain)
    answer = Document({"answer": held, "stream": b"data: " + held}.get(place, plain))
    assert not redaction(tmp_path).nothing_in(started, text, request, answer)
    assert redaction(tmp_path).nothing_in(started, "/v1/x", Document(plain), Document(plain))
