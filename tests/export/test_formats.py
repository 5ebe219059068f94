"""What stands in the files: types, unknown values, and text that was written by strangers."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet

from store.call import CallError, Cost, Tokens
from store.export import FORMATS, encoder, file_name
from store.export.columns import COLUMNS
from store.filters import Filter, parse
from store.moments import at
from store.questions import logs
from store.reader import Reader
from tests.books import NOON_US, a_book, a_call
from tests.export.reading import cells, file_of, read_back, table

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=HYPERLINK("http://x","y")']  # noqa: RUF001
ODD_TEXT = ["a,b", 'say "x"', "two\r\nlines", "cr\ronly", "lf\nonly", "ünïcode 🙂", " spaces ", "'", "tab\there", ";"]


async def csv_cells(directory: Path, *texts: str) -> list[dict[str, str]]:
    calls = [a_call(user=text, key=text, model=text, error=CallError(text, text, text)) for text in texts]
    async with Reader.open(a_book(directory, calls)) as reader:
        return cells(await file_of(reader, Filter(order="asc"), "csv"))


async def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """Text that a spreadsheet would calculate begins with an apostrophe, in every column of strangers."""
    for row, text in zip(await csv_cells(tmp_path, *FORMULAS), FORMULAS, strict=True):
        for column in ("user", "key", "model", "error_type", "error_code", "error_message"):
            assert row[column] == f"'{text}"


async def test_other_text_is_unchanged(tmp_path: Path) -> None:
    """Commas, quotes, line ends of every kind and any script are read back as they were."""
    for row, text in zip(await csv_cells(tmp_path, *ODD_TEXT), ODD_TEXT, strict=True):
        assert {row["user"], row["key"], row["model"], row["error_message"]} == {text}


async def test_a_csv_file_is_what_the_rfc_calls_one(tmp_path: Path) -> None:
    """A header line, as many cells on every line, CRLF after each, UTF-8."""
    async with Reader.open(a_book(tmp_path, [a_call(user="ü"), a_call()])) as reader:
        data = await file_of(reader, Filter(), "csv")
    lines = data.decode().split("\r\n")
    assert lines[0] == ",".join(COLUMNS)
    assert (len(lines), lines[-1]) == (4, "")
    assert "\n" not in "".join(lines)


async def test_unknown_is_empty_and_numbers_are_plain(tmp_path: Path) -> None:
    """Unknown cells are empty, zero is 0, and no number has an exponent or an apostrophe."""
    unknown = a_call(
        tokens=None, cost=Cost("unknown"), usage_micro=None, status=None, duration_us=None, key=None, upstream=None
    )
    tiny = a_call(usage_micro=1, cost=Cost("priced", 1), duration_us=1, tokens=Tokens("reported", output_text=0))
    async with Reader.open(a_book(tmp_path, [tiny, unknown])) as reader:
        second, first = cells(await file_of(reader, Filter(), "csv"))
    for column in ("usage", "cost_usd", "tokens_total", "tokens_input", "status", "duration_ms", "key", "error_type"):
        assert first[column] == ""
    assert (first["cost_state"], first["tokens_source"], first["tags"]) == ("unknown", "none", "{}")
    assert (second["usage"], second["cost_usd"], second["duration_ms"]) == ("0.000001", "0.000000001", "0.001")
    assert (second["tokens_output"], second["stream"]) == ("0", "false")


async def test_parquet_has_types(tmp_path: Path) -> None:
    """Times are moments, money and usage decimals, counts whole numbers; what is unknown is null."""
    known = a_call(started_at_us=NOON_US + 123_456, status=200, stream=True, tags={"team": "=x"}, user="=x")
    async with Reader.open(a_book(tmp_path, [known, a_call(cost=Cost("unknown"), usage_micro=None)])) as reader:
        read = table(await file_of(reader, Filter(order="asc"), "parquet"))
    assert read.schema.names == list(COLUMNS)
    types = {name: read.schema.field(name).type for name in ("time", "cost_usd", "usage", "tokens_total", "stream")}
    assert types == {
        "time": pa.timestamp("us", "UTC"),
        "cost_usd": pa.decimal128(38, 9),
        "usage": pa.decimal128(19, 6),
        "tokens_total": pa.int64(),
        "stream": pa.bool_(),
    }
    (row,) = (row for row in read.to_pylist() if row["stream"])
    assert row["time"] == datetime(2026, 11, 21, 12, 0, 0, 123_456, UTC)
    assert (row["cost_usd"], row["usage"], row["user"]) == (Decimal("0.000045"), Decimal("0.045"), "=x")
    assert orjson.loads(row["tags"]) == {"team": "=x"}
    assert (read["cost_usd"].null_count, read["usage"].null_count) == (1, 1)


async def test_a_line_of_jsonl_is_the_row_of_the_page(tmp_path: Path) -> None:
    """Each line is what /api/logs tells of the call, to the field."""
    calls = [a_call(user=text, error=CallError("t", None, text), tags={"a": text}) for text in (*FORMULAS, *ODD_TEXT)]
    async with Reader.open(a_book(tmp_path, calls)) as reader:
        lines = (await file_of(reader, Filter(), "jsonl")).split(b"\n")
        assert lines.pop() == b""
        assert [orjson.loads(line) for line in lines] == (await logs(reader, Filter()))["logs"]


@pytest.mark.parametrize("name", FORMATS)
async def test_a_file_of_no_calls_is_a_file(tmp_path: Path, name: str) -> None:
    """A book without calls, or not there yet, gives a file that can be read and has no rows."""
    async with Reader.open(tmp_path) as reader:
        assert read_back(name, await file_of(reader, Filter(), name)) == []
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        assert read_back(name, await file_of(reader, Filter(from_us=NOON_US + 10**12), name)) == []


async def test_row_groups_are_neither_small_nor_endless(tmp_path: Path) -> None:
    """Pages are gathered into groups of some thousands, and a cut file cannot be read."""
    async with Reader.open(a_book(tmp_path, [a_call()])) as reader:
        (call,) = (await logs(reader, Filter()))["logs"]
    made = encoder("parquet")
    data = made.begin() + b"".join(made.add([call] * 1000) for _ in range(20))
    whole = data + made.end()
    groups = parquet.ParquetFile(pa.BufferReader(whole)).metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [16_000, 4_000]
    with pytest.raises(pa.ArrowInvalid):
        table(data)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=2026-11-01&to=2026-11-22", "tollbook-2026-11-01_2026-11-22.csv"),
        ("from=2026-11-22&to=2026-11-22", "tollbook-2026-11-22.csv"),
        ("from=2026-11-22&to=2026-11-22&tz=Asia/Kathmandu", "tollbook-2026-11-22.csv"),
        ("from=2026-11-22T23:00:00Z&to=2026-11-22T23:30:00Z&tz=Asia/Kathmandu", "tollbook-2026-11-23.csv"),
        ("from=2026-11-22&to=2026-11-21", "tollbook.csv"),
        ("", "tollbook.csv"),
    ],
)
def test_the_name_tells_the_days(query: str, name: str) -> None:
    """A file is named by its first and last day in the zone asked for."""
    pairs = [tuple(pair.split("=")) for pair in query.split("&") if pair]
    asked = parse([(key, value) for key, value in pairs], at(NOON_US))
    assert file_name(asked, "csv") == name
    assert re.fullmatch(r"[a-z0-9._-]+", file_name(replace(asked, from_us=None), "csv"))


def test_the_large_library_waits_until_it_is_needed() -> None:
    """Making the application, with every format's encoder, loads no pyarrow."""
    code = (
        "import sys, store.api, store.export;"
        "[store.export.encoder(name) for name in store.export.FORMATS];"
        "print('pyarrow' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
