"""A copy of the book at one moment, taken while it is being written.

Reads only, through connections of its own, so the rule of the one writer stands. The book is copied first: bodies are
committed before their calls, so what is copied of them afterwards has the bodies of every call that was copied. Bodies
of later calls are left out, as at any start.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from proxy.keys.file import FILE as KEYS_FILE
from store.book import BODIES_FILE, BOOK_FILE
from store.read_only import uri

Advance = Callable[[int, int], None]
"""Told how many bytes are copied, of how many."""

_PAGES_AT_ONCE = 1000

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Copied:
    """What is in a backup."""

    calls: int
    newest_us: int | None  # when the last of them was received
    files: tuple[Path, ...]


def files_of(target: Path) -> dict[str, Path]:
    """The files of a backup: the book under the name given, bodies and keys beside it."""
    return {
        BOOK_FILE: target,
        BODIES_FILE: target.with_name(f"{target.stem}.bodies{target.suffix or '.db'}"),
        KEYS_FILE: target.with_name(f"{target.stem}.keys.json"),
    }


def back_up(data_dir: Path, target: Path, advance: Advance = lambda done, of: None, *, bodies: bool = True) -> Copied:
    """Copy the book to `target`, its bodies and keys beside it. Each file appears under its name when it is whole.

    Raises:
        sqlite3.Error, OSError: it could not be copied; files that were whole before stay as they were.
    """
    names = files_of(target)
    parts: list[tuple[Path, Path]] = []
    try:
        last = _copied(data_dir / BOOK_FILE, _part(names[BOOK_FILE], parts), advance, _last_call)
        if bodies and (data_dir / BODIES_FILE).exists():
            _copied(
                data_dir / BODIES_FILE, _part(names[BODIES_FILE], parts), advance,
                lambda copy: copy.execute("delete from bodies where id > ?", (last[1],)),
            )  # fmt: skip
        if (data_dir / KEYS_FILE).exists():
            _written(_part(names[KEYS_FILE], parts), (data_dir / KEYS_FILE).read_bytes())
        for part, whole in parts:
            part.replace(whole)
    except BaseException:
        for part, _ in parts:
            part.unlink(missing_ok=True)
        raise
    _sync(target.parent)
    calls, _, newest_us = last
    return Copied(calls, newest_us, tuple(whole for _, whole in parts))


def _last_call(copy: sqlite3.Connection) -> tuple[int, int, int | None]:
    calls, last, newest = copy.execute("select count(*), coalesce(max(id), 0), max(started_at) from calls").fetchone()
    return calls, last, newest


def _copied(file: Path, part: Path, advance: Advance, afterwards: Callable[[sqlite3.Connection], _T]) -> _T:
    os.close(os.open(part, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
    with (
        closing(sqlite3.connect(uri(file), uri=True, isolation_level=None)) as source,
        closing(sqlite3.connect(part, isolation_level=None)) as copy,
    ):
        (size,) = source.execute("pragma page_size").fetchone()
        # One transaction for all steps: without it a copy begins again whenever the book is written meanwhile.
        source.execute("begin")
        source.execute("select 1 from sqlite_schema").fetchall()
        source.backup(
            copy, pages=_PAGES_AT_ONCE, progress=lambda _, left, of: advance((of - left) * size, of * size), sleep=0
        )
        source.execute("rollback")
        copy.execute("pragma journal_mode = delete")  # one file, complete in itself
        copy.execute("pragma synchronous = full")
        return afterwards(copy)


def _written(part: Path, data: bytes) -> None:
    with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _part(whole: Path, parts: list[tuple[Path, Path]]) -> Path:
    part = whole.with_name(whole.name + ".part")
    parts.append((part, whole))
    return part


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
