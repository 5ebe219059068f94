"""What a session told on its way, from the journal to the book: over segments, restarts and damage."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from proxy.journal.directory import segments
from proxy.journal.notes import Body, Close, Ended, Started, Told
from store.questions import call as call_details
from store.reader import Reader
from tests.journal.runs import HandWritten, an_ingest, ended, framed, ingested, rows, started, stored, whole_call
from tests.realtime.said import CREATED, done


def opened(seq: int) -> Started:
    """A session that began."""
    return replace(
        started(seq),
        upstream="openai",
        method="GET",
        target="/v1/realtime?model=m",
        headers=(("upgrade", "websocket"),),
    )


def told(call: Started, message: str) -> Told:
    """A message of it."""
    data = message.encode()
    return Told(call.call_id, False, Body(len(data), data))


def closed(call: Started, count: int) -> Ended:
    """Its good end."""
    return replace(ended(call), status=101, body=Body(0), told=count, close=Close("client", 1000))


async def test_a_session_over_several_segments(tmp_path: Path) -> None:
    """What was told is joined from all segments, and none is dropped while its session runs."""
    run = HandWritten(tmp_path)
    call = opened(1)
    run.tally.count("received", 3)
    run.tally.count("ended", 2)
    run.write(1, *framed(call, told(call, CREATED), told(call, done(1)), *whole_call(2)))
    run.write(2, *framed(told(call, done(2)), *whole_call(3)))
    run.write(3)
    ingest = an_ingest(tmp_path)
    await stored(ingest, 2)
    await asyncio.sleep(0.3)
    assert [number for number, _ in segments(run.directory.path)] == [1, 2, 3]
    run.write(3, *framed(told(call, done(3)), closed(call, 4)))
    await stored(ingest, 3)
    await asyncio.to_thread(ingest.stop)
    assert [number for number, _ in segments(run.directory.path)] == [3]
    (row,) = [row for row in await rows(tmp_path) if row["type"] == "realtime"]
    assert (row["tokens"]["total"], row["model"], row["outcome"]) == (45, "gpt-realtime-2025-08-28", "completed")
    run.die()


async def test_a_store_that_restarts_in_the_middle(tmp_path: Path) -> None:
    """A store that begins anew reads what was told before, and no response is counted twice."""
    run = HandWritten(tmp_path)
    call = opened(1)
    run.tally.count("received", 2)
    run.tally.count("ended", 1)
    notes = framed(call, told(call, CREATED), told(call, done(1)), *whole_call(2))
    run.write(1, *notes)
    await ingested(tmp_path)
    run.write(1, *notes, *framed(told(call, done(2)), closed(call, 3)))
    await ingested(tmp_path)
    await ingested(tmp_path)
    found = await rows(tmp_path)
    assert [row["tokens"]["total"] for row in found] == [30, 5]
    run.die()


async def test_a_worker_that_died(tmp_path: Path) -> None:
    """A session without an end has the tokens that were told, and says that Tollbook cut it."""
    run = HandWritten(tmp_path)
    first, second, third = opened(1), opened(2), opened(3)
    run.tally.count("received", 3)
    run.write(1, *framed(first, second, third, told(first, CREATED), told(second, done(1)), told(first, done(1))))
    run.die()
    await ingested(tmp_path)
    found = await rows(tmp_path)
    assert [row["tokens"]["total"] for row in found] == [15, 15, None]
    assert [(row["outcome"], row["status"]) for row in found] == [
        ("interrupted", 101), ("interrupted", 101), ("interrupted", None),
    ]  # fmt: skip


async def test_damage_costs_one_message(tmp_path: Path) -> None:
    """A flipped byte in what was told loses that message alone, and the row says that its tokens are too low."""
    run = HandWritten(tmp_path)
    call = opened(1)
    run.tally.count("received", 1)
    records = framed(call, told(call, CREATED), told(call, done(1)), told(call, done(2)), closed(call, 3))
    struck = bytearray(records[2])
    struck[-5] ^= 1
    run.write(1, *records[:2], bytes(struck), *records[3:])
    run.die()
    counters = await ingested(tmp_path)
    (row,) = await rows(tmp_path)
    assert (row["tokens"]["total"], row["outcome"]) == (15, "completed")
    assert (counters["received"], counters["stored"]) == (1, 1)
    async with Reader.open(tmp_path) as reader:
        details = await call_details(reader, row["id"])
    assert details is not None
    assert details["anomalies"] == ["told_in_part"]
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


async def test_what_is_told_of_no_call(tmp_path: Path) -> None:
    """A message of a session whose beginning is lost does no harm."""
    run = HandWritten(tmp_path)
    run.tally.count("received", 2)
    run.write(1, *framed(told(opened(1), done(1)), *whole_call(2)))
    run.die()
    counters = await ingested(tmp_path)
    assert (counters["stored"], counters["lost.unwritten"]) == (1, 1)
