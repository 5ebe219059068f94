"""`tollbook logs`: one page of calls, newest first."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli import asking
from proxy.cli.asking import ask, book_dir, judged, zone_of
from proxy.cli.filters import FilterCommand, Pairs, filters
from proxy.cli.place import place
from proxy.cli.rows import print_rows
from proxy.cli.screen import on_terminal, print_json
from proxy.cli.unread import say_unread

if TYPE_CHECKING:
    from store.reader import Reader


@click.command(cls=FilterCommand)
@filters(paging=True)
@click.option("--json", "as_json", is_flag=True, help="Print what GET /api/logs answers.")
@place
def logs(pairs: Pairs, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List calls, newest first.

    For example: tollbook logs --from 1h --model 'gpt-*' --status error
    """
    from store.filters import PAGING

    wanted = judged(pairs, also=PAGING)

    async def page(reader: "Reader") -> dict[str, Any]:
        from store.questions import logs as question

        return await question(reader, wanted, allowed_s=asking.READING_S)

    answer = ask(book_dir(config, data_dir), page)
    if as_json:
        print_json(answer)
        return
    if answer["logs"]:
        print_rows(answer["logs"], zone_of(pairs))
    else:
        click.echo("No calls match." if pairs else "No calls yet.", err=True)
    say_unread(answer)
    if answer["next"] and on_terminal():
        click.echo(f"More: add --cursor {answer['next']}", err=True)
