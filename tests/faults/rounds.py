"""One round: keep some calls while something happens at a system call, start again, look whether each is there once."""

from pathlib import Path

from tests.faults import strace
from tests.journal.runs import HandWritten, framed, ingested, rows, whole_call

WRITING = ("pwritev", "pwritev2", "fallocate", "ftruncate")  # which of the first two it is depends on the interpreter
FILLING = ("pwrite64", "fdatasync", "unlink")
NOT_REACHED = "it was over before"
_CALLS = 12


def _made(folder: Path) -> Path:
    data_dir = folder / "data"
    data_dir.mkdir(parents=True)
    return data_dir


async def kept_although(folder: Path, what: str, nth: int, names: str, half_bytes: int = 0) -> str:
    """What is wrong after a worker's run with this: nothing, or `NOT_REACHED` when there is no such call."""
    data_dir = _made(folder)
    ran = await strace.run(
        names, what, nth, "tests.faults.writing", str(data_dir), str(_CALLS), str(half_bytes), trace=folder / "trace"
    )
    promised = [line for line in ran.said if line != "done"]
    if not ran.struck:
        return NOT_REACHED if ran.said[-1:] == ["done"] else f"the worker ended for another reason: {ran}"
    if what.startswith("error") and (ran.status != 0 or len(promised) != _CALLS):
        return f"the worker did not go on: {ran}"
    counters = await ingested(data_dir)
    found = [str(row["id"]).replace("-", "") for row in await rows(data_dir)]
    if len(set(found)) != len(found):
        return f"a call is in the book twice: {found}"
    completed = {str(row["id"]).replace("-", "") for row in await rows(data_dir) if row["outcome"] == "completed"}
    if missing := set(promised) - completed:
        return f"promised, but not in the book as completed: {missing}"
    lost = sum(count for name, count in counters.items() if name.startswith("lost."))
    if counters.get("received", 0) != counters.get("stored", 0) + lost:
        return f"the counters do not balance: {counters}"
    return ""


async def buffered_although(folder: Path, what: str, nth: int, names: str) -> str:
    """The same of a worker whose notes outlive it in a buffer, which is full now and then."""
    return await kept_although(folder, what, nth, names, half_bytes=1000)


async def filled_although(folder: Path, what: str, nth: int, names: str) -> str:
    """What is wrong after a store's run with this and another without; as above."""
    data_dir = _made(folder)
    written = HandWritten(data_dir)
    wanted = []
    for number in range(3):
        notes = [note for seq in range(_CALLS) for note in whole_call(number * _CALLS + seq + 1)]
        wanted += [note.call_id.hex() for note in notes[::3]]
        written.write(number + 1, *framed(*notes))
    written.tally.count("received", len(wanted))
    written.tally.count("ended", len(wanted))
    written.die()
    ran = await strace.run(
        names, what, nth, "tests.faults.filling", str(data_dir), str(len(wanted)), trace=folder / "trace"
    )  # fmt: skip
    if not ran.struck:
        return NOT_REACHED if ran.said == [str(len(wanted))] else f"the store ended for another reason: {ran}"
    if what.startswith("error") and ran.said != [str(len(wanted))]:
        return f"the store did not go on: {ran}"
    counters = await ingested(data_dir)
    found = sorted(str(row["id"]).replace("-", "") for row in await rows(data_dir))
    if found != sorted(wanted):
        return f"{len(wanted)} calls were noted, {len(found)} are in the book, {len(set(found))} of them different"
    if counters["stored"] != len(wanted) or counters["received"] != len(wanted):
        return f"the counters do not balance: {counters}"
    if written.directory.path.exists():
        return "the journal is still there"
    return ""
