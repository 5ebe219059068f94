"""How a body came in pieces is nothing to anybody: not to what is kept, not to its reading, not to what a stream's
watchers see. Over a sample of the recordings, one of each kind, compressed in every way and cut at every limit."""

import itertools
import random
from collections.abc import Iterator

import pytest

from proxy.journal.notes import Body
from proxy.stream_usage import UsageHider
from proxy.terminal import TerminalWatch
from store.call import Reading
from store.dialects import Document, read
from store.dialects.decoding import decode
from tests.pieces import captured, cut_anywhere, one_by_one
from tests.recordings.corpus import Recording, recordings, where
from tests.recordings.transport import CODINGS, encode
from tests.recordings.upstream import with_usage
from tests.recordings.upstreams import dialect_at

_LARGEST_BY_BYTE = 4_000
_WATCHED = 30_000  # bytes of a stream
_LIMITS = (64, 4096, 1 << 20)


@pytest.fixture(scope="module")
def sample() -> list[Recording]:
    """Two recordings of each kind, the longest and the shortest answer."""
    found = where()
    if found is None:
        pytest.skip("no recordings: TOLLBOOK_CORPUS names no folder with open.jsonl.xz")
    kinds = itertools.groupby(sorted(recordings(found), key=_kind), key=_kind)
    ends: dict[int, Recording] = {}
    for _, group in kinds:
        by_size = sorted(group, key=lambda one: len(one.response))
        ends |= {one.number: one for one in (by_size[0], by_size[-1])}
    return list(ends.values())


def _kind(recording: Recording) -> tuple[str, str, bool]:
    return recording.provider, recording.endpoint, recording.response[:1] not in (b"{", b"[")


def read_kept(recording: Recording, body: Body, coding: str) -> Reading:
    """What the store makes of a recording whose answer was kept so."""
    return read(
        dialect_at(recording.upstream),
        recording.method,
        recording.target,
        recording.request_headers,
        Document(recording.request),
        recording.status,
        recording.response_headers,
        decode(body, coding).document,
    )


def _ways(body: bytes, dice: random.Random) -> Iterator[list[bytes]]:
    yield [body]
    if len(body) <= _LARGEST_BY_BYTE:
        yield one_by_one(body)
    yield cut_anywhere(body, dice)


def test_readings_do_not_depend_on_pieces(sample: list[Recording]) -> None:
    """Byte by byte, whole and in random pieces, within any limit, compressed or not, an answer reads the same."""
    assert len(sample) > 200
    for recording in sample:
        dice = random.Random(recording.number)
        for coding, limit in (("identity", dice.choice(_LIMITS)), (dice.choice(CODINGS), dice.choice(_LIMITS))):
            wire = encode(recording.response, coding)
            readings = [read_kept(recording, captured(way, limit, coding), coding) for way in _ways(wire, dice)]
            assert all(one == readings[0] for one in readings), (recording.name, coding, limit)


def test_coding_does_not_change_a_reading(sample: list[Recording]) -> None:
    """What was compressed on its way reads as if it had not been."""
    for recording in sample:
        plain = read_kept(recording, captured([recording.response], 1 << 30, "identity"), "identity")
        for coding in CODINGS:
            wire = encode(recording.response, coding)
            assert read_kept(recording, captured([wire], 1 << 30, coding), coding) == plain, (recording.name, coding)


def test_limit_is_the_same_compressed_or_not(sample: list[Recording]) -> None:
    """Of a compressed body over the limit the same two ends are kept as of a plain one."""
    for recording in sample:
        dice = random.Random(f"limit {recording.number}")
        coding = dice.choice(CODINGS)
        wire = encode(recording.response, coding)
        limit = len(wire) - 1
        if not 2 <= limit < len(recording.response):
            continue
        kept = captured(cut_anywhere(wire, dice), limit, coding)
        plain = captured([recording.response], limit, "identity")
        assert (kept.head, kept.tail, kept.decoded) == (plain.head, plain.tail, plain.size), (recording.name, coding)


def test_terminal_event_ends_where_it_ends(sample: list[Recording]) -> None:
    """The chunk that completes a stream's last event is the one that holds its last byte, however the stream is cut."""
    ended = 0
    for recording in sample:
        end = _end_of(one_by_one(recording.response[:_WATCHED]))
        ended += end is not None
        for seed in range(3):
            pieces = cut_anywhere(recording.response[:_WATCHED], random.Random(f"{seed} {recording.number}"))
            found = _end_of(pieces)
            assert (found is None) == (end is None), recording.name
            if found is not None and end is not None:
                before = sum(map(len, pieces[:found]))
                assert before <= end < before + len(pieces[found]), recording.name
    assert ended > 20


def _end_of(pieces: list[bytes]) -> int | None:
    watch = TerminalWatch()
    return next((at for at, piece in enumerate(pieces) if watch.completes(piece)), None)


def test_hidden_usage_is_the_same_whole_and_in_pieces(sample: list[Recording]) -> None:
    """What a client gets of a stream that was asked for its usage does not depend on how it came."""
    hidden = 0
    for recording in sample:
        if not recording.path.endswith("/completions"):
            continue
        body = with_usage(recording.response)
        dice = random.Random(recording.number)
        passed = [_passed(way) for way in _ways(body, dice)]
        assert all(one == passed[0] for one in passed), recording.name
        assert Document(body).form != "json" or passed[0] == body
        hidden += passed[0] != body
    assert hidden > 5


def _passed(pieces: list[bytes]) -> bytes:
    hider = UsageHider()
    return b"".join([*(hider.pass_on(piece) for piece in pieces if piece), hider.rest()])
