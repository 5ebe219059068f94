"""`tollbook stats`: sums over the calls that match."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.cli import asking, wording
from proxy.cli.asking import ask, book_dir, judged
from proxy.cli.filters import FilterCommand, Pairs, filters
from proxy.cli.place import place
from proxy.cli.screen import Cell, Column, on_terminal, print_json, print_table, width
from proxy.cli.unread import say_unread

if TYPE_CHECKING:
    from store.reader import Reader

_SUMS = (
    Column("Calls", "right"),
    Column("Errors", "right"),
    Column("Tokens", "right"),
    Column("Cost", "right"),
    Column("Usage", "right", leaves=1),
    Column("p50", "right", leaves=2),
    Column("p95", "right"),
    Column("p99", "right", leaves=4),
    Column("First token p50", "right", leaves=3),
)
_ROOMY = 110


@click.command(cls=FilterCommand)
@filters()
@click.option(
    "--by", metavar="FIELD", multiple=True,
    help="model, key, group, type, upstream, status, outcome, user, session, minute, hour, day, month; "
    "two may be joined: day,model.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what GET /api/stats answers.")
@place
def stats(pairs: Pairs, by: tuple[str, ...], as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Sum up calls, errors, tokens, cost, usage and durations.

    For example: tollbook stats --by model --from 7d
    """
    from store.filters import GROUPING

    wanted = judged([*pairs, *([("by", ",".join(by))] if by else [])], also=GROUPING)

    async def sums(reader: "Reader") -> dict[str, Any]:
        from store.questions import stats as question

        return await question(reader, wanted, allowed_s=asking.READING_S)

    answer = ask(book_dir(config, data_dir), sums)
    if as_json:
        print_json(answer)
        return
    _print(answer, wanted.by)
    say_unread(answer)


def _print(answer: Mapping[str, Any], fields: Sequence[str]) -> None:
    short = on_terminal() and width() < _ROOMY
    named = [Column(field.capitalize(), cut=12) for field in fields]
    rows = [[*(_value(row[field]) for field in fields), *_sums(row, short=short)] for row in answer.get("stats", ())]
    total = _sums(answer["total"], short=short)
    if fields:
        rows.append([Cell("Total", "bold"), *(Cell("") for _ in fields[1:]), *(Cell(c.text, "bold") for c in total)])
    else:
        rows.append(total)
    print_table([*named, *_SUMS], rows)
    if estimated := _estimated(answer["total"]):
        click.echo(estimated, err=True)
    if short and answer["total"]["tokens"]["unknown_calls"] + answer["total"]["cost"]["unknown_calls"]:
        click.echo("+N?: and N calls of which nobody knows", err=True)


def _value(value: object) -> Cell:
    return Cell("none", "dim") if value is None else Cell(str(value))


def _sums(row: Mapping[str, Any], *, short: bool) -> list[Cell]:
    durations, first_tokens = row["duration_ms"] or {}, row["first_token_ms"] or {}
    return [
        Cell(wording.count(row["calls"])),
        Cell(wording.count(row["errors"]), "red" if row["errors"] else ""),
        Cell(_with_unknown(wording.tokens(row["tokens"], short=short), row["tokens"]["unknown_calls"], short=short)),
        Cell(_with_unknown(_money(row["cost"]), row["cost"]["unknown_calls"], short=short)),
        Cell(_with_unknown(_usage(row), row["usage_unknown_calls"], short=short)),
        Cell(wording.duration(durations.get("p50"))),
        Cell(wording.duration(durations.get("p95"))),
        Cell(wording.duration(durations.get("p99"))),
        Cell(wording.duration(first_tokens.get("p50"))),
    ]


def _money(cost: Mapping[str, Any]) -> str:
    """A sum with costs of estimated tokens in it has a tilde."""
    return f"{'~' if cost['shares']['estimated']['calls'] else ''}{wording.money(cost['usd'])}"


def _usage(row: Mapping[str, Any]) -> str:
    about = "~" if row["usage"] is not None and row["cost"]["estimated_calls"] else ""
    return f"{about}{wording.usage(row['usage'])}"


def _calls(number: int) -> str:
    return f"{wording.count(number)} call{'' if number == 1 else 's'}"


def _estimated(total: Mapping[str, Any]) -> str | None:
    """What of these sums is not known but estimated."""
    tokens, cost = total["tokens"]["shares"]["estimated"], total["cost"]["shares"]["estimated"]
    if not tokens["calls"] and not cost["calls"]:
        return None
    told = f"~: {wording.count(tokens['total'])} tokens of {_calls(tokens['calls'])} are estimated"
    return f"{told}, and {wording.money(cost['usd'])} of the cost is by them" if cost["calls"] else told


def _with_unknown(told: str, calls: int, *, short: bool) -> str:
    """A sum that leaves calls out says how many."""
    if not calls or told == wording.UNKNOWN:
        return told
    return f"{told} +{wording.short_count(calls)}?" if short else f"{told} + {wording.count(calls)} unknown"
