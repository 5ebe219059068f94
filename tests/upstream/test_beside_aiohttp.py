"""The own client and aiohttp's make the same of answers that are wrong, but for what is explained."""

import random

from proxy.upstream.asker import OwnAsker
from tests.upstream.asking import Seen, playing, seen
from tests.upstream.cases import Case
from tests.upstream.explained import explained
from tests.upstream.run import run

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


async def test_no_difference_is_unexplained() -> None:
    """Of some hundreds of damaged answers, none is seen differently without a known reason, and most are seen alike."""
    course = await run(random.randrange(10**6), most=400)
    assert [(one.seed, one.case, one.ours, one.theirs) for one in course.findings] == []
    assert course.explained["same"] > course.played / 2


async def test_a_body_that_was_cut_is_never_whole() -> None:
    """However an answer is cut, what has a length or is chunked never passes for whole; every prefix is tried."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    own = OwnAsker()
    async with playing() as player:
        for whole in (_HEAD + b"ok", chunked):
            for size in range(len(whole)):
                got = await seen(own, player, Case("POST", (whole[:size],), "close"))
                assert got.end == "upstream_broke_off", (size, got)
            assert (await seen(own, player, Case("POST", (whole,), "close"))).end == "complete"
    await own.close()


async def test_what_follows_an_answer_is_no_part_of_it() -> None:
    """Bytes after the end of an answer neither break it nor reach the next one: its connection is not used again."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    own = OwnAsker()
    async with playing() as player:
        for more in (b"x", b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\0" * 2000):
            for method, whole, body in (("POST", _HEAD + b"ok", b"ok"), ("GET", chunked, b"ok"), ("HEAD", _HEAD, b"")):
                got = await seen(own, player, Case(method, (whole + more,), "stay"))  # type: ignore[arg-type]
                assert (got.end, got.body) == ("complete", body), (more, method)
                assert (await seen(own, player, Case("POST", (_HEAD + b"me",), "stay"))).body == b"me"
    await own.close()


async def test_every_split_is_the_same() -> None:
    """In two pieces, wherever they are cut, an answer is what it is in one."""
    whole = (
        b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 Fine\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n")
    )
    expected = Seen("complete", 200, b"Fine", ((b"X-A", b"1"), (b"Transfer-Encoding", b"chunked")), b"abcde")
    own = OwnAsker()
    async with playing() as player:
        for cut in range(1, len(whole)):
            assert await seen(own, player, Case("POST", (whole[:cut], whole[cut:]), "stay")) == expected, cut
    await own.close()


def test_what_explains_a_difference_is_narrow() -> None:
    """A whole answer with another body, another status or another header is explained by nothing."""
    case = Case("POST", (_HEAD + b"ok",), "close")
    right = Seen("complete", 200, b"OK", ((b"Content-Length", b"2"),), b"ok")
    assert explained(case, right, right) == "same"
    for wrong in (
        Seen("complete", 200, b"OK", right.headers, b"no"),
        Seen("complete", 201, b"OK", right.headers, b"ok"),
        Seen("complete", 200, b"OK", ((b"Content-Length", b"3"),), b"ok"),
        Seen("complete", 200, b"OK", (), b"ok"),
    ):
        assert explained(case, wrong, right) is None
    assert explained(case, right, Seen("upstream_broke_off", 200, b"OK", right.headers, b"o")) is None
