"""`tollbook backup`: a copy of the book, while it is being written or not."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from proxy.cli import wording
from proxy.cli.asking import book_dir
from proxy.cli.place import place
from proxy.cli.trouble import Trouble
from proxy.harmless import harmless

Advance = Callable[[int, int], None]


@click.command(short_help="Copy the book, while it is being written.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--no-bodies", is_flag=True, help="Without requests and answers.")
@click.option("--force", is_flag=True, help="Replace a backup of this name.")
@place
def backup(file: Path, no_bodies: bool, force: bool, config: Path | None, data_dir: Path | None) -> None:
    """Copy the book to FILE, the bodies and the keys beside it (FILE.bodies.db, FILE.keys.json).

    Every call that is in the book when the copy begins is in it, whole. To go back to a backup, stop `serve` and put
    its files into an empty data directory as book.db, bodies.db and keys.json.
    """
    from store.backup import back_up, files_of

    where = book_dir(config, data_dir)
    target = file.absolute()
    there = [path for path in files_of(target).values() if path.exists()]
    if there and not force:
        raise Trouble(f"{there[0]} is there already: choose another name, or replace it with --force.")
    if not target.parent.is_dir():
        raise Trouble(f"There is no directory {target.parent}.")
    try:
        with _bar() as advance:
            copied = back_up(where, target, advance, bodies=not no_bodies)
    except sqlite3.Error as error:
        raise Trouble(f"The book in {where} could not be copied: {error}.") from error
    newest = "" if copied.newest_us is None else f", the last received at {_moment(copied.newest_us)}"
    click.echo(f"{wording.count(copied.calls)} calls{newest}")
    for path in copied.files:
        click.echo(f"  {harmless(str(path))}  {wording.short_count(path.stat().st_size)} bytes")


def _moment(time_us: int) -> str:
    from store.moments import rfc3339

    return wording.moment(rfc3339(time_us), None)


@contextmanager
def _bar() -> Iterator[Advance]:
    """How far the copy is, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        console=Console(stderr=True),
    )  # fmt: skip
    with bar:
        task = bar.add_task("copied", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
