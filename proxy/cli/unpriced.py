"""`tollbook prices --unknown`: what waits for a price, how much of it, and a table to copy for each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli import wording
from proxy.cli.asking import ask
from proxy.cli.screen import Cell, Column, console, print_json, print_table, text

if TYPE_CHECKING:
    from store.pricing import PriceBook
    from store.reader import Reader

_LOOK_S = 20.0
_MOST = 10_000


def unpriced_models(data_dir: Path, upstream: str | None) -> dict[str, Any]:
    """What the book says, of this upstream or of all."""

    async def question(reader: "Reader") -> dict[str, Any]:
        from store.questions.unpriced import unpriced

        return await unpriced(reader, allowed_s=_LOOK_S, most=_MOST)

    told = ask(data_dir, question)
    rows = [row for row in told["unpriced"] if upstream is None or row["upstream"] == upstream]
    return {"models": rows, "read_back_to": told["unpriced_read_back_to"]}


def print_unpriced(told: Mapping[str, Any], book: "PriceBook", *, as_json: bool) -> None:
    """Those that wait for a price, apart from those whose cost is unknown for another reason."""
    now = datetime.now(UTC)
    waiting = []
    for row in told["models"]:
        if row["waiting_calls"]:
            known = row["upstream"] and row["model"] and book.look_up(row["upstream"], row["model"], now) is not None
            waiting.append(row | {"has_price_now": bool(known)})
    others = [row for row in told["models"] if row["untold_calls"] or row["missing"] is None]
    if as_json:
        print_json({"models": waiting, "others": others, "read_back_to": told["read_back_to"]})
        return
    if waiting:
        print_table(_WAITING, [_waiting(row) for row in waiting])
        _say_what_to_do(waiting)
    else:
        click.echo("No call waits for a price.", err=True)
    if others:
        click.echo("\nUnknown for another reason, which no price would change:")
        print_table(_OTHERS, [_other(row) for row in others])
    if told["read_back_to"] is not None:
        click.echo(f"There are more: these are of the newest calls, back to {told['read_back_to']}.", err=True)


_WAITING = (
    Column("Upstream", leaves=2),
    Column("Model", cut=15),
    Column("Calls", "right"),
    Column("Tokens in", "right", leaves=3),
    Column("Tokens out", "right", leaves=4),
    Column("Since", leaves=1),
    Column("Last seen", leaves=5),
    Column("What is missing", cut=20),
)
_OTHERS = (Column("Upstream", leaves=1), Column("Model", cut=15), Column("Calls", "right"), Column("Why", cut=20))


def _waiting(row: Mapping[str, Any]) -> Sequence[Cell]:
    why = "; ".join(row["lacks"])
    if row["has_price_now"] and not any("rate" in words for words in row["lacks"]):
        why = "nothing any more: there is a price now"
    return [
        *_named(row),
        Cell(wording.count(row["waiting_calls"])),
        Cell(wording.count(row["tokens"]["input"])),
        Cell(wording.count(row["tokens"]["output"])),
        Cell((row["first_seen"] or "")[:10]),
        Cell((row["last_seen"] or "")[:10]),
        Cell(why),
    ]


def _other(row: Mapping[str, Any]) -> Sequence[Cell]:
    why = "; ".join(row["lacks"]) or "unknown: the calls are pruned, or too many to look at"
    return [*_named(row), Cell(wording.count(row["untold_calls"] or row["calls"])), Cell(why)]


def _named(row: Mapping[str, Any]) -> Sequence[Cell]:
    return [Cell(row["upstream"] or "none"), Cell(row["model"] or "none")]


def _say_what_to_do(waiting: Sequence[Mapping[str, Any]]) -> None:
    stubs = [row["stub"] for row in waiting if row["stub"] and not row["has_price_now"]]
    if stubs:
        click.echo("\nTo be filled in, and put into the configuration:")
        for stub in stubs:
            click.echo()
            console().print(text(stub, lines=True), soft_wrap=True)
        click.echo()
    click.echo("Then `tollbook reprice --cost-state unknown --dry-run` shows what changes.")
