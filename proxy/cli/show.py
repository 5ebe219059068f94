"""`tollbook show ID`: one call with everything that is known about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.asking import READING_S, ask, book_dir, judged
from proxy.cli.place import place
from proxy.cli.screen import print_json
from proxy.cli.trouble import Trouble

if TYPE_CHECKING:
    from store.reader import Reader

_NAMED_AT_MOST = 5  # when a beginning fits several calls


@click.command(short_help="Show one call with everything.")
@click.argument("id_", metavar="ID")
@click.option("--tz", metavar="ZONE", help="Zone of the times (default: the machine's own).")
@click.option("--json", "as_json", is_flag=True, help="Print what GET /api/logs/{id} answers.")
@place
def show(id_: str, tz: str | None, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show one call: facts, timings, tokens, cost line by line, what was asked and answered.

    ID is the id of a call, the beginning of one, the provider's id of its request, or `last`.
    """
    zone = judged([("tz", tz)]).zone if tz else None
    answer = ask(book_dir(config, data_dir), lambda reader: _find(reader, id_))
    if as_json:
        print_json(answer)
        return
    from proxy.cli.portrait import draw

    draw(answer, zone)


async def _find(reader: "Reader", told: str) -> Mapping[str, Any]:
    from store.filters import PAGING
    from store.questions.call import call
    from store.questions.ids import ids_beginning
    from store.questions.logs import logs

    if told == "last":
        newest = (await logs(reader, judged([("limit", "1")], also=PAGING)))["logs"]
        if not newest:
            raise Trouble("There are no calls yet.")
        ids = [newest[0]["id"]]
    else:
        ids = await ids_beginning(reader, told, _NAMED_AT_MOST)
    if not ids and not told.startswith("!") and "*" not in told:
        wanted = judged([("request_id", told), ("limit", str(_NAMED_AT_MOST))], also=PAGING)
        ids = [one["id"] for one in (await logs(reader, wanted, allowed_s=READING_S))["logs"]]
        if len(ids) > 1:
            raise Trouble(f"Several calls have the provider's id {told}; name one of them: {', '.join(ids)}.")
    if len(ids) > 1:
        raise Trouble(f"Several calls begin with {told}; say more of the id: {', '.join(ids)}.")
    found = await call(reader, ids[0]) if ids else None
    if found is None:
        raise Trouble(f"No call begins with {told}, and none has it as its provider's id (`tollbook logs` lists them).")
    return found
