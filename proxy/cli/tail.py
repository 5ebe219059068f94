"""`tollbook tail`: new calls as they enter the book, until Ctrl-C."""

import asyncio
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.cli.asking import PATIENCE_S, book_dir, judged, no_trouble, zone_of
from proxy.cli.filters import FilterCommand, Pairs, filters
from proxy.cli.place import place
from proxy.cli.rows import RunningRows
from proxy.cli.screen import print_json_line

if TYPE_CHECKING:
    from store.filters import Filter


@click.command(cls=FilterCommand)
@filters()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per call and line.")
@place
def tail(pairs: Pairs, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Print calls as they end, until Ctrl-C.

    For example: tollbook tail --status error
    """
    from proxy.cli.checkup.running import is_running

    wanted = judged(pairs)
    where = book_dir(config, data_dir)
    if not is_running(where):
        click.echo("No `tollbook serve` runs with this data: calls come once one does.", err=True)
    with no_trouble(where):
        try:
            asyncio.run(_follow(where, wanted, zone_of(pairs), as_json=as_json))
        except KeyboardInterrupt:
            return  # the way to end it


async def _follow(data_dir: Path, wanted: "Filter", zone: tzinfo | None, *, as_json: bool) -> None:
    from store.questions import new_calls
    from store.reader import Reader

    rows = RunningRows(zone)
    async with Reader.open(data_dir, PATIENCE_S) as reader:
        async for arrivals in new_calls(reader, wanted):
            for arrival in arrivals:
                if as_json:
                    print_json_line(arrival.call)
                else:
                    rows.print(arrival.call)
