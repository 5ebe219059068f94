"""`python -m tests.faults.writing DATA_DIR CALLS BUFFER`: a worker's run that tells which calls are kept.

BUFFER is how large half of the buffer for its notes is; 0 for none.
"""

import asyncio
import sys
from pathlib import Path

from proxy.journal.buffer import Buffer
from proxy.journal.directory import claim, new_boot_id
from proxy.journal.tally import Tally
from proxy.journal.writer import Journal
from tests.journal.runs import whole_call

_SEGMENT_BYTES = 4096  # so that there are many


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(data_dir: Path, calls: int, half_bytes: int) -> None:
    """Note calls one after the other; say which outlive this process, then leave in order."""
    boot_id = new_boot_id()
    tally = Tally(data_dir, boot_id)
    directory = claim(data_dir, boot_id)
    buffer = Buffer.of_run(data_dir, boot_id, half_bytes) if half_bytes else None
    journal = Journal(directory, tally, patience_s=5, segment_bytes=_SEGMENT_BYTES, buffer=buffer)
    for seq in range(1, calls + 1):
        tally.count("received")
        start, asked, end = whole_call(seq)
        await journal.written(journal.put(start, asked))
        tally.count("ended")
        if await journal.written(journal.put(end)):
            _say(start.call_id.hex())
    await journal.close()
    _say("done")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
