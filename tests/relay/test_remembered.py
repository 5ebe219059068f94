"""Headers that come with every call are looked at once; what that keeps in memory is bounded, and no credential."""

import os

from proxy import headers
from proxy.headers import Head

_SECRET = b"Bearer sk-proj-canary-0123456789abcdef"


def test_a_head_is_the_same_the_second_time() -> None:
    """Whether its headers were seen before makes no difference to what is read, kept and passed on."""
    raw = [
        (b"Host", b"a"), (b"Connection", b"close, X-Hop"), (b"X-Hop", b"1"), (b"X-Zebra", b"1"), (b"x-zebra", b"1"),
        (b"Authorization", _SECRET), (b"User-Agent", b"caf\xe9"), (b"Content-Type", b"text/plain"),
        (b"X-Tollbook-User", b"u"), (b"Set-Cookie", b"a=b"), (b"X-Request-Id", b"tb-" + b"a" * 40),
    ]  # fmt: skip
    seen = []
    for _ in range(2):
        head = Head([(bytes(name), bytes(value)) for name, value in raw])
        seen.append((
            head.facts, head.hop, head.first("authorization"), head.passed_on(), head.to_client(),
            [value for _, value in head.marked], head.facts_without("sk-proj-canary-0123456789abcdef"),
        ))  # fmt: skip
    assert seen[0] == seen[1]
    assert (b"X-Zebra", b"1") in seen[0][3]
    assert (b"X-Hop", b"1") not in seen[0][3]


def test_no_credential_is_remembered() -> None:
    """Values of credential headers, cookies and issued keys are not among what is kept in memory for the next call."""
    for name in (b"Authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"Cookie", b"Sec-WebSocket-Protocol"):
        Head([(name, _SECRET), (b"X-Title", b"tb-" + b"b" * 40)])
    assert not [pair for pair in headers._lines if _SECRET in pair[1] or b"tb-bbbb" in pair[1]]


def test_what_is_remembered_has_an_end() -> None:
    """However many different headers come, no more than so many are kept, and none that is long."""
    for number in range(3 * headers._MOST_LINES):
        Head([(b"X-Request-Id", b"%d %b" % (number, os.urandom(8).hex().encode())), (b"X-Long", b"y" * 5000)])
    assert 0 < len(headers._lines) <= headers._MOST_LINES
    assert max(len(value) for _, value in headers._lines) <= headers._LONGEST_LINE
