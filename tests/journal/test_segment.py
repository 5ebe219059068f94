"""A segment is read record by record, past whatever is torn, flipped or not yet written."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.journal.segment import HEADER_SIZE, MARK, Damage, Record, header, scan

PAYLOADS = [b"first", b"x", b"second " * 3, MARK + b"inside", b"\0\0\0\0", b"last"]
RECORDS = [header(payload) + payload for payload in PAYLOADS]
SEGMENT = b"".join(RECORDS)
ENDS = [sum(map(len, RECORDS[: count + 1])) for count in range(len(RECORDS))]


def payloads(data: bytes, *, sealed: bool) -> list[bytes]:
    """The payloads of the records that count."""
    return [found.payload for found in scan(data, sealed=sealed) if isinstance(found, Record)]


def damage(data: bytes, *, sealed: bool) -> list[Damage]:
    """What was no record."""
    return [found for found in scan(data, sealed=sealed) if isinstance(found, Damage)]


def test_records_come_back() -> None:
    """What was written is read, with the place of each record."""
    found = list(scan(SEGMENT, sealed=False))
    assert [one.payload for one in found if isinstance(one, Record)] == PAYLOADS
    assert [one.end for one in found] == ENDS
    assert [one.start for one in found] == [0, *ENDS[:-1]]


def test_cut_at_every_byte() -> None:
    """Of a segment cut anywhere, the records before the cut count; only a sealed one calls the rest damage."""
    for cut in range(len(SEGMENT) + 1):
        whole = sum(end <= cut for end in ENDS)
        data = SEGMENT[:cut]
        assert payloads(data, sealed=False) == payloads(data, sealed=True) == PAYLOADS[:whole]
        assert damage(data, sealed=False) == []
        torn = data[ENDS[whole - 1] if whole else 0 :].rstrip(b"\0")
        assert b"".join(one.data for one in damage(data, sealed=True)) == torn
        assert all(one.unfinished for one in damage(data, sealed=True))


def test_every_byte_flipped() -> None:
    """A flipped byte costs the record it lies in, and no other."""
    for place in range(len(SEGMENT)):
        data = bytearray(SEGMENT)
        data[place] ^= 0x55
        struck = sum(end <= place for end in ENDS)
        expected = PAYLOADS[:struck] + PAYLOADS[struck + 1 :]
        assert payloads(bytes(data), sealed=True) == expected
        (struck_record,) = damage(bytes(data), sealed=True)
        if struck < len(RECORDS) - 1:  # a longer length in the last cannot be told from a cut
            assert not struck_record.unfinished
        # In one that grows it may be a record being written: no other is lost, and those behind it may have to wait.
        growing = payloads(bytes(data), sealed=False)
        assert growing in (expected, PAYLOADS[:struck])


def test_room_not_yet_written() -> None:
    """Zeros where nothing was written yet are neither records nor damage."""
    for room in (1, HEADER_SIZE - 1, HEADER_SIZE, 5000):
        data = SEGMENT + b"\0" * room
        assert payloads(data, sealed=False) == payloads(data, sealed=True) == PAYLOADS
        assert damage(data, sealed=True) == []


def test_record_growing_in_its_room() -> None:
    """While a record is being written into preallocated room, nothing of it counts and nothing is damage."""
    for written in range(len(RECORDS[2])):
        data = RECORDS[0] + RECORDS[2][:written] + b"\0" * (500 - written)
        assert payloads(data, sealed=False) == [PAYLOADS[0]], written
        assert damage(data, sealed=False) == []


def test_hole_between_records() -> None:
    """A record whose middle was never written (a torn page) costs itself."""
    hole = bytearray(SEGMENT)
    start = ENDS[1]
    hole[start : start + len(RECORDS[2])] = b"\0" * len(RECORDS[2])
    assert payloads(bytes(hole), sealed=True) == PAYLOADS[:2] + PAYLOADS[3:]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.binary(max_size=60), st.data())
def test_garbage_between_records(written: list[bytes], garbage: bytes, data: st.DataObject) -> None:
    """Garbage between records costs none of them."""
    records = [header(payload) + payload for payload in written]
    place = data.draw(st.integers(0, len(records)))
    segment = b"".join([*records[:place], garbage, *records[place:]])
    found = payloads(segment, sealed=True)
    assert found[:place] == written[:place]
    assert found[len(found) - len(written) + place :] == written[place:]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(0, 400), max_size=6))
def test_reading_while_it_grows(written: list[bytes], looks: list[int]) -> None:
    """Read again and again while it grows, from where the last look ended, a segment gives each record once."""
    whole = b"".join(header(payload) + payload for payload in written)
    seen: list[bytes] = []
    position = 0
    for size in [*sorted(min(look, len(whole)) for look in looks), len(whole)]:
        visible = whole[:size] + b"\0" * (len(whole) - size)
        for found in scan(visible, position, sealed=False):
            assert isinstance(found, Record)
            seen.append(found.payload)
            position = found.end
    assert seen == written


def test_record_inside_a_record() -> None:
    """What a body holds is never taken for a record, however much of the record around it is there."""
    forged = header(b"forged") + b"forged"
    honest = b"body " + forged * 3 + b" more"
    segment = RECORDS[0] + header(honest) + honest + RECORDS[2]
    for cut in range(len(segment) + 1):
        for room in (b"", b"\0" * 300):
            assert b"forged" not in payloads(segment[:cut] + room, sealed=False)
    assert payloads(segment, sealed=True) == [PAYLOADS[0], honest, PAYLOADS[2]]


def test_struck_record_around_a_forged_one() -> None:
    """A struck record is skipped as a whole when the next one stands where it says it ends."""
    forged = header(b"forged") + b"forged"
    honest = bytearray(header(b"body " + forged) + b"body " + forged)
    honest[HEADER_SIZE] ^= 1
    segment = RECORDS[0] + bytes(honest) + RECORDS[2]
    for sealed in (False, True):
        assert payloads(segment, sealed=sealed) == [PAYLOADS[0], PAYLOADS[2]]
