"""Calls as rows of a table: Time, Usage, Model, Duration, Tokens, Cost, and what tells one call from another."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Any

from proxy.cli import wording
from proxy.cli.screen import Cell, Column, fits, on_terminal, print_running, print_table, width

Row = Mapping[str, Any]

COLUMNS = (
    Column("Time"),
    Column("Usage", "right", leaves=1),
    Column("Model", cut=15),
    Column("Duration", "right"),
    Column("Tokens", "right"),
    Column("Cost", "right"),
    Column("Status", leaves=2),
    Column("Key", leaves=4, cut=8),
    Column("Type", leaves=5),
    Column("Id", leaves=3),
)
_ROOMY = 150  # where rows come one by one: from here on there is place for whole counts
_ID_START = 13  # of a UUIDv7: its milliseconds


def print_rows(rows: Sequence[Row], zone: tzinfo | None) -> None:
    """The rows under their headings."""
    whole = cells(rows, zone, short=False)
    # Whole numbers and words where everything fits, else the short ones.
    print_table(COLUMNS, whole if not on_terminal() or fits(COLUMNS, whole) else cells(rows, zone, short=True))


class RunningRows:
    """Rows that come one at a time: the columns keep the widths of what is usual, and widen when they must."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._short = on_terminal() and width() < _ROOMY
        self._widths: dict[int, int] = {}

    def print(self, row: Row) -> None:
        """One more row, at once; the headings come before the first."""
        self._widths = print_running(COLUMNS, cells([row], self._zone, short=self._short)[0], self._widths)


def cells(rows: Sequence[Row], zone: tzinfo | None, *, short: bool) -> list[list[Cell]]:
    """What the columns say about each call."""
    person = on_terminal()
    form = _time_form(rows, zone, short=short) if person else None
    size = _id_size(rows) if person else None
    return [_cells(row, zone, form, size, short=short) for row in rows]


def _cells(row: Row, zone: tzinfo | None, form: str | None, id_size: int | None, *, short: bool) -> list[Cell]:
    status, outcome, error = row["status"], row["outcome"], row["error"]
    estimated = row["cost"]["state"] == "estimated"
    cost = wording.money(row["cost"]["usd"])
    return [
        Cell(wording.moment(row["time"], zone, form=form)),
        Cell(wording.usage(row["usage"])),
        Cell(row["model"] or wording.UNKNOWN),
        Cell(wording.duration(row["duration_ms"])),
        Cell(wording.tokens(row["tokens"], short=short)),
        Cell(f"~{cost}" if estimated else cost),
        Cell(wording.ending(status, outcome, error, short=short), wording.colour(status, outcome, error)),
        Cell(row["key"] or "none", "" if row["key"] else "dim"),
        Cell(row["type"]),
        Cell(row["id"][:id_size], "dim"),
    ]


def _time_form(rows: Sequence[Row], zone: tzinfo | None, *, short: bool) -> str:
    """No more of the time than tells the rows apart: today's calls need no date."""
    today = datetime.now(zone).astimezone(zone).date()
    days = {datetime.fromisoformat(row["time"]).astimezone(zone).date() for row in rows}
    if days == {today}:
        return "%H:%M:%S"
    if {day.year for day in days} == {today.year}:
        return "%m-%d %H:%M" if short else "%m-%d %H:%M:%S"
    return "%Y-%m-%d" if short else "%Y-%m-%d %H:%M:%S"


def _id_size(rows: Sequence[Row]) -> int:
    """How much of an id tells these calls apart: what `tollbook show` takes."""
    ids = sorted(row["id"] for row in rows)
    size = _ID_START
    for one, next_ in pairwise(ids):
        while one[:size] == next_[:size] and size < len(one):
            size += 1
    return size
