"""`tollbook keys budgets`: how much of every budget is used, of keys and of groups; the fullest first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from proxy.cli import asking, wording
from proxy.cli.asking import ask, book_dir
from proxy.cli.place import configuration, place
from proxy.cli.screen import Cell, Column, print_json, print_table
from proxy.cli.unread import say_unread

if TYPE_CHECKING:
    from store.reader import Reader

_COLUMNS = (
    Column("Of", leaves=3),
    Column("Name", cut=12),
    Column("Budget"),
    Column("Used", "right"),
    Column("Share", "right"),
    Column("State"),
    Column("Anew", leaves=1),
)
_STATES = {"ok": ("ok", ""), "warned": ("nearly used", "yellow"), "used_up": ("used up", "red")}


@click.command("budgets", short_help="Show how much of every budget is used.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@place
def budgets(as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show how much of every budget of keys and groups is used, the fullest first."""
    chosen = configuration(config, data_dir, secrets=False)

    async def standing(reader: "Reader") -> Mapping[str, Any]:
        from store.questions.budgets import budgets as question

        return await question(reader, chosen, datetime.now(UTC), allowed_s=asking.READING_S)

    answer = ask(book_dir(config, data_dir), standing)
    if as_json:
        print_json(answer)
        return
    if not answer["budgets"]:
        click.echo(
            "No budgets: `tollbook keys limit NAME --budget 50000/month`, or [groups.NAME], gives one.", err=True
        )
        return
    print_table(_COLUMNS, [_row(one, ZoneInfo(chosen.credits.tz)) for one in answer["budgets"]])
    say_unread(answer)


def _row(one: Mapping[str, Any], zone: ZoneInfo) -> list[Cell]:
    unknown = one["usage_unknown_calls"]
    return [
        Cell(one["of"]),
        Cell(one["name"]),
        Cell(f"{one['credits']:f}".rstrip("0").rstrip(".") + f"/{one['period']}"),
        Cell(wording.usage(one["used"]) + (f" + {wording.count(unknown)} unknown" if unknown else "")),
        Cell(f"{one['share']:.1%}"),
        Cell(*_STATES[one["state"]]),
        Cell("never" if one["until"] is None else wording.moment(one["until"], zone, form="%Y-%m-%d %H:%M")),
    ]
