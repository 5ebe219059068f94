"""`tollbook export`: every call of the filter, into a file or a pipe.

A file appears under its name only when it is whole. Until then it is `FILE.part`, which is removed when the export
fails or is ended: nobody shall take half of the calls for all of them. It is for its owner alone, like the book it
comes from, and one that it replaces keeps who may read it.
"""

import asyncio
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from proxy.cli.asking import PATIENCE_S, book_dir, judged, no_trouble
from proxy.cli.filters import FilterCommand, Pairs, filters
from proxy.cli.place import place
from proxy.cli.progress import progress
from proxy.cli.screen import on_terminal
from proxy.cli.unread import say_unread
from proxy.harmless import harmless, harmless_json

if TYPE_CHECKING:
    from store.filters import Filter

_FORMATS = ("csv", "jsonl", "parquet")
_Write = Callable[[bytes], object]


@click.command(cls=FilterCommand, short_help="Write every call that matches to a file or a pipe.")
@click.option("--format", "kind", type=click.Choice(_FORMATS), required=True, help="What kind of file.")
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where to (default: stdout)."
)
@filters(sorting=True)
@place
def export(pairs: Pairs, kind: str, output: Path | None, config: Path | None, data_dir: Path | None) -> None:
    """Write every call that matches, newest first, as CSV, JSONL or Parquet.

    For example: tollbook export --format csv --output november.csv --from 2026-11-01 --to 2026-11-30
    """
    if output is None and kind == "parquet" and on_terminal():
        raise click.UsageError("Parquet is not for a terminal: name a file with --output FILE.")
    from store.export import EXPORTING

    wanted = judged([*pairs, ("format", kind)], also=EXPORTING)
    where = book_dir(config, data_dir)
    with no_trouble(where), _sink(output, kind) as write:
        beside = output is not None or not on_terminal()  # a bar among the calls would spoil both
        asyncio.run(_write_all(where, wanted, kind, write, with_bar=beside and sys.stderr.isatty()))


async def _write_all(data_dir: Path, wanted: "Filter", kind: str, write: _Write, *, with_bar: bool) -> None:
    from store.export import encoder, exported, settled
    from store.reader import Reader
    from store.search.reach import searched

    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(Reader.open(data_dir, PATIENCE_S))
        wanted = await settled(reader, wanted)
        pieces = await stack.enter_async_context(aclosing(exported(reader, wanted, encoder(kind))))
        advance = await stack.enter_async_context(progress(reader, wanted)) if with_bar else None
        async for piece in pieces:
            write(piece.data)
            if advance is not None:
                advance(piece.calls)
        async with reader.snapshot() as snapshot:
            say_unread(await searched(snapshot, wanted))


@contextmanager
def _sink(output: Path | None, kind: str) -> Iterator[_Write]:
    """Where the pieces go."""
    if output is None:
        yield _harmless(kind) if on_terminal() else sys.stdout.buffer.write
        sys.stdout.flush()
    elif output.exists() and not output.is_file():  # a device or a pipe: what is written cannot be taken back
        with output.open("wb") as file:
            yield file.write
    else:
        with _whole(output.resolve()) as file:
            yield file.write


@contextmanager
def _whole(output: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name at the end of the block, if that is reached."""
    part = output.with_name(output.name + ".part")
    try:
        file = os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")
        if output.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(output.stat().st_mode))
    except OSError as error:  # named as it was asked for
        raise OSError(error.errno, error.strerror, str(output)) from None
    try:
        with file:
            yield file
        part.replace(output)
    except BaseException:
        part.unlink(missing_ok=True)
        click.echo(f"tollbook: {harmless(str(output))} was not written: the export did not come to its end.", err=True)
        raise


def _harmless(kind: str) -> _Write:
    """Writes to a terminal: what strangers wrote must not move its cursor."""

    def write(data: bytes) -> None:
        text = data.decode()
        sys.stdout.write(harmless_json(text) if kind == "jsonl" else harmless(text, lines=True))

    return write
