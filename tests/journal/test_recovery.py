"""The book made of a journal: every call once, whatever happened to the worker, the store or the file."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from proxy.config.model import Config, Proxy, Store
from proxy.journal.directory import new_boot_id, segments
from proxy.journal.tally import Tally, read_tally, remove_tally
from proxy.journal.writer import Journal
from proxy.worker import Worker
from store.book import Book, Progress
from store.health import LiveCounts
from store.ingest import Ingest
from tests.conftest import OpenHouse
from tests.house import listening, upstreams
from tests.journal.runs import HandWritten, an_ingest, asked, ended, framed, ingested, rows, started, stored, whole_call
from tests.relay.conftest import Dial, OpenUpstream, dial, raw_upstream
from tests.relay.neighbours import CHUNKED, LAST, RawClient, Visit, chunked, sized

__all__ = ["dial", "raw_upstream"]  # fixtures


def balanced(live: LiveCounts) -> bool:
    """received = stored + waiting + open + lost."""
    return live.received == live.stored + live.waiting + live.open + sum(live.lost.values())


async def test_calls_of_a_dead_worker(tmp_path: Path) -> None:
    """What a dead worker finished is completed; what it only began is interrupted; its journal and page are removed."""
    run = HandWritten(tmp_path)
    finished, begun, half = whole_call(1), started(2), started(3)
    run.write(1, *framed(*finished, begun, half, asked(half)))
    run.tally.count("received", 3)
    run.die()
    counters = await ingested(tmp_path)
    assert [row["outcome"] for row in await rows(tmp_path)] == ["completed", "interrupted", "interrupted"]
    assert [row["model"] for row in await rows(tmp_path)] == ["gpt-4o", None, "gpt-4o"]
    assert (counters["received"], counters["stored"]) == (3, 3)
    assert not any(name.startswith("lost.") and count for name, count in counters.items())
    assert not run.directory.path.exists()
    assert read_tally(tmp_path, run.directory.boot_id) is None


async def test_calls_of_a_living_worker_are_open(tmp_path: Path) -> None:
    """A call whose worker lives is open, not interrupted, until its end or its worker's."""
    run = HandWritten(tmp_path)
    run.tally.count("received", 2)
    run.tally.count("ended", 1)
    run.write(1, *framed(*whole_call(1), started(2)))
    assert (await ingested(tmp_path))["stored"] == 1
    assert len(await rows(tmp_path)) == 1
    run.die()
    await ingested(tmp_path)
    assert [row["outcome"] for row in await rows(tmp_path)] == ["completed", "interrupted"]


@pytest.mark.parametrize("missing", [1, 7])
async def test_lost_calls_are_counted(tmp_path: Path, missing: int) -> None:
    """Calls that the page counted and the journal does not hold are lost, exactly so many."""
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1), *whole_call(2)))
    run.tally.count("received", 2 + missing)
    run.die()
    counters = await ingested(tmp_path)
    assert (counters["received"], counters["stored"], counters["lost.unwritten"]) == (2 + missing, 2, missing)


async def test_a_run_that_was_accounted_for_is_counted_once(tmp_path: Path) -> None:
    """A store that died before it could remove what it had accounted for counts right from its first word on."""
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1)))
    run.tally.count("received", 3)
    run.tally.count("late_notes", 2)
    run.die()
    await ingested(tmp_path)
    with Book(tmp_path) as book:
        book.add([], Progress(finished=[run.directory.boot_id]))
    again = Tally(tmp_path, run.directory.boot_id)
    again.count("received", 3)
    again.count("late_notes", 2)
    again.close()
    run.directory.path.mkdir()
    ingest = Ingest(Config(store=Store(tmp_path)))
    live = ingest.live()
    ingest.start()
    await asyncio.to_thread(ingest.stop)
    assert (live.received, live.stored, live.lost, live.late_notes, balanced(live)) == (3, 1, {"unwritten": 2}, 2, True)
    assert (ingest.live().received, ingest.live().lost) == (live.received, live.lost)
    assert not run.directory.path.exists()


async def test_lost_calls_of_a_worker_that_never_had_a_directory(tmp_path: Path) -> None:
    """A worker that begins without room for its journal is known by its page: open while it lives, then lost, once."""
    tally = Tally(tmp_path, boot_id := new_boot_id())
    tally.tell_without_room(tmp_path)
    tally.count("received", 3)
    tally.count("ended", 2)
    tally.count("lost_notes", 1)
    ingest = an_ingest(tmp_path)
    try:
        live = ingest.live()
        assert (live.received, live.open, balanced(live)) == (3, 1, True)
    finally:
        await asyncio.to_thread(ingest.stop)
    tally.close()
    for _ in range(2):
        counters = await ingested(tmp_path)
        assert (counters["received"], counters["lost.disk"], counters["lost.unwritten"]) == (3, 1, 2)
    assert read_tally(tmp_path, boot_id) is None


async def test_pages_of_another_data_directory_are_let_alone(tmp_path: Path) -> None:
    """A worker that found room, or that served a directory that had this one's name before, is none that was lost."""
    (tmp_path / "before").mkdir()
    for without_room in (False, True):
        tally = Tally(tmp_path, new_boot_id())
        tally.count("received", 3)
        if without_room:
            tally.tell_without_room(tmp_path / "before")
        tally.close()
    assert (await ingested(tmp_path)).get("received", 0) == 0


async def test_lost_calls_after_a_power_cut(tmp_path: Path) -> None:
    """Without the page, gaps in the numbers of the notes still prove what is missing."""
    run = HandWritten(tmp_path)
    run.write(1, *framed(*whole_call(1), *whole_call(5)))
    run.die()
    remove_tally(tmp_path, run.directory.boot_id)
    counters = await ingested(tmp_path)
    assert (counters["received"], counters["stored"], sum(v for k, v in counters.items() if k.startswith("lost."))) == (
        5, 2, 3,
    )  # fmt: skip


async def test_damage_costs_one_call(tmp_path: Path) -> None:
    """A flipped byte loses the call it struck, which is counted and kept aside; its neighbours are in the book."""
    run = HandWritten(tmp_path)
    records = [framed(*whole_call(seq)) for seq in (1, 2, 3)]
    struck = bytearray(records[1][0])
    struck[20] ^= 1
    run.write(1, *records[0], bytes(struck), *records[1][1:], *records[2])
    run.tally.count("received", 3)
    run.die()
    counters = await ingested(tmp_path)
    assert len(await rows(tmp_path)) == 2
    assert (counters["received"], counters["stored"], counters["lost.damaged"]) == (3, 2, 1)
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


@pytest.mark.parametrize("calls", [1, 3, 700])
async def test_a_call_that_the_book_refuses_costs_one_call(tmp_path: Path, calls: int) -> None:
    """A call whose numbers no row can hold is counted and kept aside; all others of its batch are rows, each once."""
    run = HandWritten(tmp_path)
    notes = [whole_call(seq) for seq in range(1, calls + 1)]
    odd = started(calls + 1)
    odd = msgspec.structs.replace(odd, received_at_us=2**63)
    notes.insert(calls // 2, [odd, asked(odd), ended(odd)])
    run.write(1, *(record for one in notes for record in framed(*one)))
    run.tally.count("received", calls + 1)
    run.die()
    counters = await ingested(tmp_path)
    assert (counters["received"], counters["stored"], counters["lost.refused"]) == (calls + 1, calls, 1)
    assert len(await rows(tmp_path)) == calls
    assert [kept.name for kept in (tmp_path / "quarantine").iterdir()] == [f"{odd.call_id.hex()}.notes"]


@pytest.mark.parametrize("cut", range(0, 700, 23))
async def test_torn_tail(tmp_path: Path, cut: int) -> None:
    """A segment cut anywhere gives every call whose notes are whole, and counts the rest as never written: a worker
    that is killed leaves its last write unfinished, and that is no damage."""
    run = HandWritten(tmp_path)
    data = b"".join(framed(*whole_call(1), *whole_call(2)))
    begins = [0, len(b"".join(framed(*whole_call(1))))]
    run.write(1, data[: len(data) - min(cut, len(data))])
    run.tally.count("received", 2)
    run.die()
    counters = await ingested(tmp_path)
    lost = sum(count for name, count in counters.items() if name.startswith("lost."))
    assert counters["received"] == 2 == counters.get("stored", 0) + lost
    assert lost == counters.get("lost.unwritten", 0)
    assert not (tmp_path / "quarantine").exists()
    assert len(await rows(tmp_path)) == counters.get("stored", 0) <= len(begins)


async def test_store_reads_again_without_doubles(tmp_path: Path) -> None:
    """A store that starts again and again on the same journal has each call once."""
    run = HandWritten(tmp_path)
    records: list[bytes] = []
    for seq in range(1, 6):
        records += framed(*whole_call(seq))
        run.write(1, *records)
        run.tally.count("received")
        run.tally.count("ended")
        assert (await ingested(tmp_path))["stored"] == seq
    run.die()
    counters = await ingested(tmp_path)
    assert (counters["stored"], counters["received"]) == (5, 5)
    assert len(await rows(tmp_path)) == 5


async def test_cursor_behind_the_book(tmp_path: Path) -> None:
    """A journal that the book already has, read from its beginning, changes nothing."""
    run = HandWritten(tmp_path)
    records = framed(*whole_call(1), *whole_call(2))
    run.write(1, *records)
    run.tally.count("received", 2)
    run.tally.count("ended", 2)
    await ingested(tmp_path)
    run.write(2, *records)  # the same calls once more, where no cursor is
    run.die()
    counters = await ingested(tmp_path)
    assert len(await rows(tmp_path)) == 2
    assert counters["stored"] == 2


async def test_segments_are_dropped_once_stored(tmp_path: Path) -> None:
    """Of a living worker's many segments only those remain that the store still needs."""
    run = HandWritten(tmp_path)
    journal = Journal(run.directory, run.tally, patience_s=30, segment_bytes=2000)
    ingest = an_ingest(tmp_path)
    running = started(1)
    run.tally.count("received")
    ticket = journal.put(running)
    for seq in range(2, 200):
        run.tally.count("received")
        for note in whole_call(seq):
            ticket = journal.put(note)
        run.tally.count("ended")
        if seq % 20 == 0:
            await journal.written(ticket)
    await journal.written(ticket)
    await stored(ingest, 198)
    assert balanced(ingest.live())
    assert ingest.live().open == 1
    journal.put(ended(running))
    await journal.close()
    await stored(ingest, 199)
    await asyncio.to_thread(ingest.stop)
    assert len(segments(run.directory.path)) <= 1
    run.die()
    counters = await ingested(tmp_path)
    assert (counters["received"], counters["stored"]) == (199, 199)


async def test_a_run_is_counted_before_the_store_has_met_it(tmp_path: Path) -> None:
    """Whoever asks is told of the calls of a worker that began a moment ago, and of none twice when it is over."""
    ingest = Ingest(Config(store=Store(tmp_path)))  # which has looked, and does not look again before it is started
    run = HandWritten(tmp_path)
    run.tally.count("received", 2)
    run.write(1, *framed(*whole_call(1), *whole_call(2)))
    assert (ingest.live().received, ingest.live().open) == (2, 2)
    run.tally.count("ended", 2)
    assert (ingest.live().received, ingest.live().waiting) == (2, 2)
    run.die()
    ingest.start()
    await stored(ingest, 2)
    async with asyncio.timeout(30):
        while run.directory.path.exists():
            assert ingest.live().received == 2
            await asyncio.sleep(0)
    assert balanced(ingest.live())
    assert ingest.live().received == 2
    await asyncio.to_thread(ingest.stop)


async def test_book_is_balanced_all_the_time(house: OpenHouse, raw_upstream: OpenUpstream) -> None:
    """Under load, at every moment, received = stored + waiting + open + lost, and no number goes back."""
    upstream = await raw_upstream(sized(b"{}", b"Content-Type: application/json"))
    home = await house(upstream.url)
    over = False
    seen: list[LiveCounts] = []

    async def look() -> None:
        while not over:
            seen.append(home.ingest.live())
            await asyncio.sleep(0)

    async def call(count: int) -> None:
        client = await RawClient.dial(home.proxy)
        for _ in range(count):
            await client.ask("/groq/v1/x", "POST", body=b"{}")
            assert (await client.answer()).status == 200
        client.leave()

    looking = asyncio.create_task(look())
    await asyncio.gather(*[call(40) for _ in range(5)])
    await home.rows(200)
    over = True
    await looking
    assert all(balanced(live) for live in seen)
    assert [live.stored for live in seen] == sorted(live.stored for live in seen)
    last = home.ingest.live()
    assert (last.received, last.stored, last.open, last.waiting) == (200, 200, 0, 0)


async def streaming(config: Config, dial: Dial) -> tuple[Worker, RawClient]:
    """A worker, and a client that has the first chunk of a stream by it."""
    sock = listening()
    worker = Worker(config)
    await worker.start([sock])
    client = await dial(f"http://127.0.0.1:{sock.getsockname()[1]}")
    await client.ask("/groq/v1/chat/completions", "POST", body=b'{"model":"gpt-4o","stream":true}')
    await client.head()
    await client.chunk()
    return worker, client


async def test_what_is_noted_as_cut_does_not_arrive(tmp_path: Path, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """An answer that ends after a stopping worker has noted it as interrupted is cut for its client, too."""
    noted, over = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(b"data: {}\n\n"))
        await noted.wait()
        await visit.say(chunked(b"data: [DONE]\n\n"), LAST)
        over.set()

    upstream = await raw_upstream(script)
    config = Config(store=Store(tmp_path), upstreams=upstreams(upstream.url))
    worker, client = await streaming(config, dial)
    await worker._calls.drain(0.01)
    noted.set()
    await over.wait()
    assert await client.rest() == b""
    await worker.stop()
    await ingested(tmp_path)
    (row,) = await rows(tmp_path)
    assert row["outcome"] == "interrupted"


async def test_stopping_worker_notes_what_it_cuts(tmp_path: Path, raw_upstream: OpenUpstream, dial: Dial) -> None:
    """A worker that stops lets calls end for a while, and leaves the rest as interrupted rows."""

    async def script(visit: Visit) -> None:
        await visit.read()
        await visit.say(CHUNKED, chunked(b"data: {}\n\n"))
        await visit.left()

    upstream = await raw_upstream(script)
    config = Config(proxy=Proxy(shutdown_timeout_s=0.1), store=Store(tmp_path), upstreams=upstreams(upstream.url))
    worker, client = await streaming(config, dial)
    await worker.stop()
    assert await client.rest() == b""  # cut, visibly
    counters = await ingested(tmp_path)
    (row,) = await rows(tmp_path)
    assert (row["outcome"], row["status"]) == ("interrupted", 200)
    assert counters["received"] == counters["stored"] == 1
