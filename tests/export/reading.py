"""Exports as another program reads them: rows of plain values, the same whichever the format."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from store.export import encoder, exported, settled
from store.export.columns import COLUMNS, Kind
from store.filters import Filter
from store.reader import Source

Rows = list[dict[str, Any]]

_FROM_CSV: dict[Kind, Callable[[str], Any]] = {
    "time": datetime.fromisoformat, "count": int, "milliseconds": float, "credits": Decimal, "usd": Decimal,
    "flag": {"true": True, "false": False}.__getitem__, "json": orjson.loads,
}  # fmt: skip
_FROM_JSON: dict[Kind, Callable[[Any], Any]] = {
    "time": datetime.fromisoformat, "usd": Decimal, "credits": lambda number: Decimal(repr(number)),
}  # fmt: skip


async def file_of(source: Source, asked: Filter, name: str) -> bytes:
    """The whole file."""
    asked = await settled(source, asked)
    return b"".join([piece.data async for piece in exported(source, asked, encoder(name))])


def read_back(name: str, data: bytes) -> Rows:
    """What is in a file of this format."""
    return {"csv": _from_csv, "jsonl": _from_jsonl, "parquet": _from_parquet}[name](data)


def cells(data: bytes) -> list[dict[str, str]]:
    """A CSV file as it stands there."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def table(data: bytes) -> pa.Table:
    """A Parquet file."""
    return parquet.read_table(pa.BufferReader(data))


def _from_csv(data: bytes) -> Rows:
    return [
        {name: _FROM_CSV.get(COLUMNS[name], str)(text) if text else None for name, text in row.items()}
        for row in cells(data)
    ]


def _from_jsonl(data: bytes) -> Rows:
    return [flattened(orjson.loads(line)) for line in data.splitlines()]


def flattened(call: dict[str, Any]) -> dict[str, Any]:
    """A call of /api/logs as a flat row, by its names alone."""
    flat: dict[str, Any] = {}
    for name, value in call.items():
        if name in ("tokens", "cost"):
            flat |= {f"{name}_{part}": one for part, one in value.items()}
        elif name == "error":
            flat |= {f"error_{part}": (value or {}).get(part) for part in ("type", "code", "message")}
        else:
            flat[name] = value
    return {
        name: _FROM_JSON[kind](flat[name]) if flat[name] is not None and kind in _FROM_JSON else flat[name]
        for name, kind in COLUMNS.items()
    }


def _from_parquet(data: bytes) -> Rows:
    rows: Rows = table(data).to_pylist()
    return [{**row, "tags": orjson.loads(row["tags"])} for row in rows]
