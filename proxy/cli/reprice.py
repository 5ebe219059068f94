"""`tollbook reprice`: costs computed anew by the prices of the configuration, shown as a difference first.

A dry run only reads, like any question. Applying is an errand of the running store (store/errands/); when none runs,
this command takes the store's lock and writes the book itself.
"""

import asyncio
import os
import pwd
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli import wording
from proxy.cli.asking import PATIENCE_S, book_dir, judged, no_trouble
from proxy.cli.changing import changed
from proxy.cli.filters import FilterCommand, Pairs, filters
from proxy.cli.place import configuration, place
from proxy.cli.progress import bar, expected
from proxy.cli.screen import Cell, Column, print_json, print_table
from proxy.cli.trouble import Trouble

if TYPE_CHECKING:
    from proxy.config.model import Config
    from store.book import Book
    from store.charging import Charging
    from store.filters import Filter
    from store.reader import Reader
    from store.repricing import Asked, Report, Written

_AFTER = "What was written stays. Run it again to do the rest."
Advance = Callable[[int, int], None]


@click.command(cls=FilterCommand, short_help="Compute costs anew, shown as a difference first.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option("--apply", is_flag=True, help="Write the new amounts; the old ones are kept beside them.")
@filters()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@place
def reprice(
    pairs: Pairs, dry_run: bool, apply: bool, as_json: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Compute the costs of the calls that match anew, by the [[prices]] of the configuration and the published lists.

    What a provider reported stays. For example: tollbook reprice --cost-state unknown --from 30d --dry-run
    """
    if dry_run == apply:
        raise click.UsageError("Say either --dry-run, to see what would change, or --apply, to write it.")
    wanted = judged(pairs)
    chosen = configuration(config, data_dir, secrets=False)
    where = book_dir(config, data_dir)
    try:
        with no_trouble(where):
            report, more = asyncio.run(_compared(where, wanted, chosen) if dry_run else _applied(where, pairs, chosen))
    except KeyboardInterrupt:
        if apply:
            click.echo("tollbook: Stopped. What was written stays; run it again to do the rest.", err=True)
        raise
    told = {"applied": apply, "filter": [list(pair) for pair in _fixed(pairs, wanted)], **more}
    if as_json:
        print_json(told | report.as_json())
    else:
        _print(report, told)
    if not told["finished"]:
        raise Trouble("It did not come to its end. What was written stays; run it again to do the rest.")


async def _compared(data_dir: Path, wanted: "Filter", config: "Config") -> "tuple[Report, dict[str, Any]]":
    from store.reader import Reader
    from store.repricing import compare

    charging = _charging(config)
    async with Reader.open(data_dir, PATIENCE_S) as reader:
        with await _bar(reader, wanted) as advance:
            report = await compare(reader, wanted, charging, advance)
    return report, {"id": None, "finished": True, "prices": charging.edition}


async def _applied(data_dir: Path, pairs: Pairs, config: "Config") -> "tuple[Report, dict[str, Any]]":
    from store.charging import Tariff
    from store.reader import Reader
    from store.repricing import Asked, written

    wanted = judged(pairs)
    source = None if config.source is None else str(config.source.resolve())
    asked = Asked(who=_user(), source=source, filter=_fixed(pairs, wanted), tariff=Tariff.of(config))
    charging = _charging(config)
    async with Reader.open(data_dir, PATIENCE_S) as reader:
        with await _bar(reader, wanted) as advance:
            done = await _done(data_dir, asked, charging, advance)
        report = await written(reader, wanted, done)
    return report, {"id": done.number, "finished": done.finished, "prices": charging.edition}


async def _done(data_dir: Path, asked: "Asked", charging: "Charging", advance: Advance) -> "Written":
    """By the running store; by ourselves when there is none.

    Raises:
        Trouble: neither can.
    """
    from store.reader import Reader
    from store.repricing import Alone, Written, apply

    async def alone(book: "Book", heard: Advance) -> Written:
        async with Reader.open(data_dir, PATIENCE_S) as reader:
            return await apply(reader, asked, charging, Alone(book), advance=heard)

    return await changed(data_dir, asked, Written, advance, alone, after=_AFTER)


def _charging(config: "Config") -> "Charging":
    from store.charging import Charging, Tariff

    return Charging(Tariff.of(config))


def _fixed(pairs: Pairs, wanted: "Filter") -> tuple[tuple[str, str], ...]:
    from store.repricing import fixed

    return fixed(pairs, wanted)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


@contextmanager
def _steps(total: int | None) -> Iterator[Advance]:
    with bar(total) as advance:
        before = [0]

        def to(done: int, _: int) -> None:
            advance(done - before[0])
            before[0] = done

        yield to


async def _bar(reader: "Reader", wanted: "Filter") -> Any:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(lambda done, changed: None)
    return _steps(await expected(reader, wanted))


# ------------------------------------------------------------------------------------------------------ for a person

_SUMS = (
    Column("Calls", "right"),
    Column("Before", "right"),
    Column("After", "right"),
    Column("Difference", "right"),
    Column("Now known", "right", leaves=2),
    Column("Now unknown", "right", leaves=3),
    Column("Usage", "right", leaves=1),
)
_STAYS = {
    "reported": "keep the cost that their provider reported",
    "already_counted": "cost nothing: another call is charged for what they were told",
    "unreadable": "could not be read when they came, so nothing is known that could be priced",
    "units_not_kept": "keep their lines: they are billed by images, seconds or characters, and came when these were "
    "not kept",
}


def _print(report: "Report", told: dict[str, Any]) -> None:
    total = report.as_json()["total"]
    what = "changed" if told["applied"] else "would change"
    of = f"{wording.count(total['calls'])} of {wording.count(report.looked_at)} calls {what}"
    how = f"repricing {told['id']}" if told["id"] is not None else "nothing was written"
    click.echo(f"{of}, by {told['prices']} ({how}).")
    if total["calls"]:
        for heading, place_ in (("Model", 0), ("Key", 1), ("Day", 2)):
            click.echo()
            _table(heading, report, place_)
    for reason, calls in report.stays.items():
        click.echo(f"{wording.count(calls)} calls {_STAYS[reason]}.")


def _table(heading: str, report: "Report", place_: int) -> None:
    rows = report.as_json()[f"by_{heading.lower()}"]
    lines = [[Cell(_named(row[heading.lower()])), *_cells(row)] for row in rows]
    if place_ == 0:
        lines.append([Cell("Total", "bold"), *_cells(report.total.as_json())])
    print_table([Column(heading, cut=15), *_SUMS], lines)


def _named(value: str | None) -> str:
    return "none" if value is None else value


def _cells(row: dict[str, Any]) -> Sequence[Cell]:
    cost, unknown = row["cost_usd"], row["unknown_calls"]
    return [
        Cell(wording.count(row["calls"])),
        Cell(_sum(cost["before"], unknown["before"], row["calls"])),
        Cell(_sum(cost["after"], unknown["after"], row["calls"])),
        Cell(_signed(wording.money(cost["difference"].lstrip("-")), cost["difference"].startswith("-"))),
        Cell(wording.count(row["became_known"])),
        Cell(wording.count(row["became_unknown"])),
        Cell(_signed(wording.usage(abs(row["usage"]["difference"])), row["usage"]["difference"] < 0)),
    ]


def _sum(usd: str, unknown: int, calls: int) -> str:
    """A sum that leaves calls out says how many; of nothing known there is none."""
    if unknown == calls:
        return wording.UNKNOWN
    return wording.money(usd) + (f" + {wording.count(unknown)} unknown" if unknown else "")


def _signed(text: str, negative: bool) -> str:
    return f"{'-' if negative else '+'}{text}"
