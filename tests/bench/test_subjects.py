"""What the measurements know of a running Tollbook without asking it."""

import shutil
from pathlib import Path

from bench.subjects import Subject
from proxy.journal.directory import claim, new_boot_id
from proxy.journal.tally import Tally, tally_dir
from store.search.file import SEARCH_FILE


def test_calls_are_told_by_worker(tmp_path: Path) -> None:
    """Each worker's count is read from its page; other files beside the pages are nobody's count."""
    workers = [new_boot_id(), new_boot_id()]
    tallies = [Tally(tmp_path, boot_id) for boot_id in workers]
    directories = [claim(tmp_path, boot_id) for boot_id in workers]
    (tally_dir(tmp_path) / "something-else").write_bytes(b"\xff" * 64)
    tallies[0].count("received", 7)
    try:
        subject = Subject("tollbook-2", 1, data_dir=tmp_path)
        assert subject.calls_by_worker() == {workers[0]: 7, workers[1]: 0}
    finally:
        for tally, directory in zip(tallies, directories, strict=True):
            tally.close()
            directory.release()
        shutil.rmtree(tally_dir(tmp_path))


def test_the_index_finds_its_files_again(tmp_path: Path) -> None:
    """Held, there is no file to write; freed, all files are where they were."""
    names = [SEARCH_FILE, f"{SEARCH_FILE}-wal", f"{SEARCH_FILE}-shm"]
    for name in names:
        (tmp_path / name).write_text(name)
    subject = Subject("tollbook", 1, data_dir=tmp_path)
    subject.hold_index()
    assert (tmp_path / SEARCH_FILE).is_dir()
    subject.free_index()
    subject.free_index()  # once more changes nothing
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: name for name in names}
