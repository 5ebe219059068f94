"""`tollbook prices`: which price applies now, from where, since when; and which models wait for one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli import wording
from proxy.cli.asking import ask, book_dir, judged
from proxy.cli.place import configuration, place
from proxy.cli.screen import Cell, Column, console, print_json, print_table, text
from proxy.cli.trouble import Trouble
from proxy.cli.unpriced import print_unpriced, unpriced_models

if TYPE_CHECKING:
    from proxy.config.model import Config
    from store.pricing import Price, PriceBook
    from store.reader import Reader


@click.command(short_help="Show which price applies, from where.")
@click.argument("model", required=False)
@click.option("--upstream", metavar="NAME", help="At this upstream only.")
@click.option("--unknown", is_flag=True, help="The models of the book whose calls wait for a price, and how many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@place
def prices(
    model: str | None, upstream: str | None, unknown: bool, as_json: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Show the price that applies to MODEL now; without MODEL, or where `*` matches, to each model in the book.

    The order: [[prices]] of the configuration, then the published lists of genai-prices, else unknown.
    """
    if model is not None and unknown:
        raise click.UsageError("--unknown lists models of the book, so it takes no MODEL.")
    chosen = configuration(config, data_dir, secrets=False)
    if upstream is not None and upstream not in chosen.upstreams:
        raise click.UsageError(f"--upstream: there is no {upstream}; there are {', '.join(chosen.upstreams)}.")
    if model is not None and "*" not in model:
        _print_one(model, upstream, chosen, as_json=as_json)
        return
    where = book_dir(config, data_dir)
    if unknown:
        print_unpriced(unpriced_models(where, upstream), _price_book(chosen), as_json=as_json)
        return
    _print_all(_used(where, upstream, model), chosen, as_json=as_json, some=bool(model))


def _price_book(config: "Config") -> "PriceBook":
    from store.pricing import PriceBook

    return PriceBook(config.prices, {name: one.provider for name, one in config.upstreams.items()})


def _print_one(model: str, upstream: str | None, config: "Config", *, as_json: bool) -> None:
    book, now = _price_book(config), datetime.now(UTC)
    found: list[tuple[Price, str | None, list[str]]] = []
    for name in [upstream] if upstream is not None else config.upstreams:
        for price, tier in _at_tiers(book, name, model, now, config):
            for other, at, names in found:
                if (other, at) == (price, tier):
                    names.append(name)
                    break
            else:
                found.append((price, tier, [name]))
    if not found:
        where = f" at {upstream}" if upstream else ""
        raise Trouble(f"No price is known for {model}{where}: add a [[prices]] table to the configuration.")
    if as_json:
        told = [{"upstreams": names, "tier": tier, **price_json(price)} for price, tier, names in found]
        print_json({"model": model, "prices": told})
        return
    for price, tier, names in found:
        _draw(model, price, tier, names)


def _at_tiers(
    book: "PriceBook", upstream: str, model: str, now: datetime, config: "Config"
) -> Iterable[tuple["Price", str | None]]:
    """The standard price, and those of tiers that have one of their own."""
    from store.pricing.tiers import KNOWN

    standard = book.look_up(upstream, model, now)
    if standard is not None:
        yield standard, None
    for tier in sorted({*KNOWN, *(one.tier.lower() for one in config.prices if one.tier)}):
        price = book.look_up(upstream, model, now, tier)
        if price is not None and (standard is None or price.entry != standard.entry):
            yield price, tier


def _used(data_dir: Path, upstream: str | None, pattern: str | None) -> list[Mapping[str, Any]]:
    """The models of the book that match, each with its upstream and how many calls it answered."""
    from store.filters import GROUPING

    narrowed = [(name, value) for name, value in (("upstream", upstream), ("model", pattern)) if value]
    wanted = judged([*narrowed, ("by", "upstream,model")], also=GROUPING)

    async def sums(reader: "Reader") -> dict[str, Any]:
        from store.questions import stats

        return await stats(reader, wanted)

    rows = [row for row in ask(data_dir, sums)["stats"] if row["model"] is not None]
    return sorted(rows, key=lambda row: (row["upstream"] or "", row["model"]))


def _print_all(used: Iterable[Mapping[str, Any]], config: "Config", *, as_json: bool, some: bool) -> None:
    book, now = _price_book(config), datetime.now(UTC)
    priced = [(row, book.look_up(row["upstream"], row["model"], now) if row["upstream"] else None) for row in used]
    if as_json:
        print_json({
            "models": [
                {
                    "upstream": row["upstream"],
                    "model": row["model"],
                    "calls": row["calls"],
                    "price": None if price is None else price_json(price),
                }
                for row, price in priced
            ]
        })  # fmt: skip
        return
    if not priced:
        click.echo("No calls match." if some else "No calls yet.", err=True)
        return
    print_table(_COLUMNS, [_row(row, price) for row, price in priced])


_COLUMNS = (
    Column("Upstream", leaves=1),
    Column("Model", cut=15),
    Column("Calls", "right", leaves=3),
    Column("Input", "right"),
    Column("Cached", "right", leaves=4),
    Column("Output", "right"),
    Column("Since", leaves=5),
    Column("From", cut=16, leaves=2),
)


def _row(row: Mapping[str, Any], price: "Price | None") -> list[Cell]:
    named = [Cell(row["upstream"] or "none"), Cell(row["model"]), Cell(wording.count(row["calls"]))]
    if price is None:
        return [*named, *(Cell(wording.UNKNOWN) for _ in range(3)), Cell(""), Cell("no price: add a [[prices]] table")]
    if price.free:
        rates = ["free"] * 3
    elif not price.bands:
        rates = ["per unit"] * 3
    else:
        given = (price.bands[0].rate(kind) for kind in ("input", "cache_read", "output"))
        more = "+" if len(price.bands) > 1 else ""  # long prompts cost more: `tollbook prices MODEL` says how much
        rates = ["none" if rate is None else wording.money(rate, exact=True) + more for rate in given]
    return [*named, *map(Cell, rates), Cell(price.since or ""), Cell(f"{price.source}: {price.entry}")]


def _draw(model: str, price: "Price", tier: str | None, upstreams: list[str]) -> None:
    out = console()
    at = f", tier {tier}" if tier else ""
    out.print(text(model, "bold"), text(f"at {', '.join(upstreams)}{at}"), soft_wrap=True)
    since = f", since {price.since}" if price.since else ""
    out.print(text(f"  from {price.source}, entry {price.entry}{since}", "dim"), soft_wrap=True)
    if price.free:
        out.print(text("  free"), soft_wrap=True)
    rows = []
    for band in price.bands:
        above = f"above {wording.count(band.above)} tokens" if band.above >= 0 else ""
        for kind, rate in band.rates.items():
            rows.append(
                [Cell(f"  {kind}"), Cell(wording.money(rate, exact=True)), Cell("per million tokens"), Cell(above)]
            )
    for unit, rate_ in price.units.items():
        one, many = _UNIT_WORDS.get(unit, (unit.replace("_", " "), f"{unit.replace('_', ' ')}s"))
        per = f"per {one}" if rate_.per == 1 else f"per {wording.count(rate_.per)} {many}"
        rows.append([Cell(f"  {unit}"), Cell(wording.money(rate_.usd, exact=True)), Cell(per), Cell("")])
    print_table([Column(""), Column("", "right"), Column(""), Column("")], rows, headings=False)


_UNIT_WORDS = {
    "web_search": ("web search", "web searches"),
    "file_search": ("file search", "file searches"),
    "output_citation": ("token of citations", "tokens of citations"),
    "input_video": ("token of video", "tokens of video"),
    "output_video": ("token of video", "tokens of video"),
}


def price_json(price: "Price") -> dict[str, Any]:
    """A price as JSON: money as decimal strings."""
    return {
        "source": price.source,
        "entry": price.entry,
        "since": price.since,
        "free": price.free,
        "usd_per_million": [
            {
                "above_tokens": band.above if band.above >= 0 else None,
                "rates": {kind: str(rate) for kind, rate in band.rates.items()},
            }
            for band in price.bands
        ],
        "usd_per_unit": {unit: {"usd": str(rate.usd), "per": rate.per} for unit, rate in price.units.items()},
    }
