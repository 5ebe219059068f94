"""`tollbook prune`: what `[store]` does not keep goes now, instead of within the hour.

A dry run only reads. Pruning is an errand of the running store (store/errands/); when none runs, this command takes the
store's lock and does it itself.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli import wording
from proxy.cli.asking import PATIENCE_S, book_dir, no_trouble
from proxy.cli.changing import changed
from proxy.cli.place import configuration, place
from proxy.cli.progress import bar
from proxy.cli.screen import print_json
from proxy.cli.trouble import Trouble

if TYPE_CHECKING:
    from proxy.config.model import Config
    from store.book import Book
    from store.pruning import Limits, Outlook

_AFTER = "What went is gone, the rest is as it was. Run it again to do the rest."
Advance = Callable[[int], None]


@click.command(short_help="Forget what is not kept any more.")
@click.option("--dry-run", is_flag=True, help="Show what would go; remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@place
def prune(dry_run: bool, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Remove the bodies and calls that the configuration does not keep: keep_bodies, max_bodies, keep_calls of [store].

    What was summed of calls stays. While `serve` runs it does the same by itself, about once an hour.
    """
    from store.pruning import Limits
    from store.sizes import look as look_at_sizes

    chosen = configuration(config, data_dir, secrets=False)
    where = book_dir(config, data_dir)
    limits = Limits.of(chosen.store)
    sizes = asdict(look_at_sizes(where))
    try:
        with no_trouble(where):
            told = asyncio.run(_looked(where, limits) if dry_run else _pruned(where, limits, chosen))
    except KeyboardInterrupt:
        if not dry_run:
            click.echo("tollbook: Stopped. What went is gone; run it again to do the rest.", err=True)
        raise
    files = {"before": sizes, "after": None if dry_run else asdict(look_at_sizes(where))}
    if as_json:
        print_json({"pruned": not dry_run, **told, "files": files})
    else:
        _print(told, files, limits, dry_run=dry_run)
    if not told["finished"]:
        raise Trouble(f"It did not come to its end. {_AFTER}")


async def _looked(data_dir: Path, limits: "Limits") -> dict[str, Any]:
    return {"finished": True, **(await _outlook(data_dir, limits)).as_json()}


async def _outlook(data_dir: Path, limits: "Limits") -> "Outlook":
    from store.pruning import look
    from store.reader import Reader

    async with Reader.open(data_dir, PATIENCE_S) as reader:
        with _bar(None, "bodies looked at") as to:
            return await look(reader, limits.at(datetime.now(UTC)), to)


async def _pruned(data_dir: Path, limits: "Limits", config: "Config") -> dict[str, Any]:
    from store.errands.pruning import Prune
    from store.pruning import Alone, Pruned, prune
    from store.reader import Reader
    from store.search.indexing import Indexing

    async def alone(book: "Book", heard: Callable[[int, int], None]) -> Pruned:
        async with Reader.open(data_dir, PATIENCE_S) as reader:
            done = await prune(reader, limits, datetime.now(UTC), Alone(book), advance=lambda gone: heard(gone, gone))
        await asyncio.to_thread(Indexing(data_dir, lambda: 0).forget)
        return done

    source = None if config.source is None else str(config.source.resolve())
    total = await _expected(data_dir, limits) if sys.stderr.isatty() else None
    with _bar(total, "forgotten") as to:
        done = await changed(data_dir, Prune(source, limits), Pruned, lambda gone, _: to(gone), alone, after=_AFTER)
    return done.as_json()


async def _expected(data_dir: Path, limits: "Limits") -> int | None:
    seen = await _outlook(data_dir, limits)
    return None if seen.calls is None else seen.calls + seen.bodies


@contextmanager
def _bar(total: int | None, what: str) -> Iterator[Advance]:
    """A bar on a terminal, nothing elsewhere; it is told how far it is."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    with bar(total, what) as advance:
        before = [0]

        def to(done: int) -> None:
            advance(done - before[0])
            before[0] = done

        yield to


# ------------------------------------------------------------------------------------------------------ for a person


def _print(told: dict[str, Any], files: dict[str, Any], limits: "Limits", *, dry_run: bool) -> None:
    if limits.none:
        click.echo("Everything is kept: [store] names no keep_bodies, max_bodies or keep_calls.")
        return
    goes = "would go" if dry_run else "went"
    calls = "many" if told["calls"] is None else wording.count(told["calls"])
    size = wording.short_count(told["bodies_bytes"])
    click.echo(f"Bodies of {wording.count(told['bodies'])} calls ({size} bytes) and {calls} calls {goes}.")
    for what, name in (("call", "oldest_call"), ("bodies", "oldest_bodies")):
        oldest = told[name]
        stays = "none" if oldest is None else wording.moment(oldest, None)
        click.echo(f"  the oldest {what} that {'stay' if what == 'bodies' else 'stays'}: {stays}")
    for name, before in files["before"].items():
        after = files["after"] and files["after"][name]
        now = "" if after is None else f", now {wording.short_count(after)}"
        click.echo(f"  {name}.db: {wording.short_count(before)} bytes{now}")
