"""CSV as RFC 4180 has it: a header line, quotes where they are needed, UTF-8, and CRLF at the end of a line.

CRLF because the RFC says so, and because a line end of either kind inside a value is then quoted by Python's writer.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and what is in these cells was written
by strangers. Such text gets a leading `'`; numbers stay numbers. JSONL and Parquet have the text untouched.
Unknown is an empty cell.
"""

import csv
from collections.abc import Sequence
from io import StringIO

from store.export.columns import COLUMNS, Json, flat

# Beside the four: characters that a spreadsheet skips before it looks, and the wide forms that some read as the plain.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - meant as they are
_USAGE, _STREAM = list(COLUMNS).index("usage"), list(COLUMNS).index("stream")


class Csv:
    """Rows under a header line."""

    media_type = "text/csv; charset=utf-8; header=present"

    def begin(self) -> bytes:
        return _lines([list(COLUMNS)])

    def add(self, calls: Sequence[Json]) -> bytes:
        return _lines([_cells(call) for call in calls])

    def end(self) -> bytes:
        return b""


def _lines(rows: Sequence[Sequence[object]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(call: Json) -> list[object]:
    cells = list(flat(call, inert))
    cells[_USAGE] = _plain(call["usage"])
    cells[_STREAM] = "true" if call["stream"] else "false"
    return cells


def inert(text: str | None) -> str | None:
    """The text such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text is not None and text[:1] in _FORMULA else text


def _plain(number: float | None) -> str | None:
    """Micro-credits have six places; without an exponent, which not every reader knows."""
    if number is None:
        return None
    text = repr(number)
    return f"{number:.6f}" if "e" in text else text
