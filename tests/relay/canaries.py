"""Looking for secrets in everything that Tollbook leaves: files, answers, what it prints."""

import html
import re
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote_to_bytes

import zstandard

_ESCAPE = re.compile(rb"\\u00([0-9a-fA-F]{2})")
_WORD = re.compile(rb"[0-9A-Za-z]{16,}")


def core(canary: str) -> bytes:
    """Its longest run of letters and digits: what is left of it however its other signs are written or split."""
    return max(_WORD.findall(canary.encode()), key=len)


def forms(canary: str) -> Iterator[bytes]:
    """The core as it may be written, in lower case."""
    plain = core(canary)
    yield plain.lower()
    yield plain[::-1].lower()
    for data in (plain, plain.lower()):
        yield data.hex().encode()
        for shift in range(3):  # base64 of something in which it stands
            encoded = b64encode(b"-" * shift + data)
            yield encoded[4 : len(encoded) // 4 * 4 - 4].lower()


def caught(canaries: Mapping[str, str], places: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """Which canary stands in which place."""
    found = set()
    for place, data in places.items():
        seen = data.lower()
        readings = {seen, unquote_to_bytes(seen), _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), seen)}
        readings.add(html.unescape(seen.decode("latin-1")).lower().encode("latin-1", "replace"))
        for name, canary in canaries.items():
            if any(form in reading for form in forms(canary) for reading in readings):
                found.add((name, place))
    return found


def files(data_dir: Path) -> dict[str, bytes]:
    """Every byte of every file."""
    return {str(path.relative_to(data_dir)): path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}


def kept(data_dir: Path) -> dict[str, bytes]:
    """What the databases say: every row, every body unpacked, every word of the index."""
    places = {}
    for name in ("book.db", "bodies.db"):
        with closing(sqlite3.connect(data_dir / name)) as database:
            places[f"{name}: rows"] = "\n".join(database.iterdump()).encode()
    with closing(sqlite3.connect(data_dir / "bodies.db")) as database:
        bodies = database.execute("select content from bodies where content is not null").fetchall()
    unpacked = zstandard.ZstdDecompressor().decompress
    places["bodies"] = b"\n".join(unpacked(content) for (content,) in bodies)
    with closing(sqlite3.connect(data_dir / "search.db")) as database:
        shelves = database.execute("select name from sqlite_master where sql like '%fts5%'").fetchall()
        words: list[str] = []
        for (shelf,) in shelves:
            database.execute(f"create virtual table temp.words_{shelf} using fts5vocab(main, {shelf}, row)")
            words += [word for (word,) in database.execute(f"select term from temp.words_{shelf}")]
    places["search.db: words"] = "\n".join(words).encode()
    return places
