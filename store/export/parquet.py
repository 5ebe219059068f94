"""Parquet: typed columns, so that sums over the file are exact. Written from front to back, without seeking.

pyarrow is large and takes long to load: it is loaded when the first such file is begun, and nowhere else.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from store.export.columns import COLUMNS, Json, Kind, flat

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP_ROWS = 16_000  # a row group: large enough to compress and to skip by, small enough to hold in memory
_FEW_VALUES = ("model", "requested_model", "key", "group", "type", "upstream", "outcome", "status",
               "tokens_source", "cost_state", "error_type", "error_code", "user", "tags")  # fmt: skip


class Parquet:
    """A file of row groups; its end tells where they are, so that a file cut short cannot be read as a whole one."""

    media_type = "application/vnd.apache.parquet"

    def __init__(self) -> None:
        self._sink = _Sink()
        self._schema: Any = None
        self._writer: Any = None
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def begin(self) -> bytes:
        import pyarrow as pa
        from pyarrow import parquet

        self._schema = pa.schema([(name, _types(pa)[kind]) for name, kind in COLUMNS.items()])
        self._writer = parquet.ParquetWriter(
            self._sink, self._schema, compression="zstd", use_dictionary=list(_FEW_VALUES)
        )
        return self._sink.taken()

    def add(self, calls: Sequence[Json]) -> bytes:
        import pyarrow as pa

        if calls:
            columns = zip(*map(flat, calls), strict=True)
            arrays = [
                pa.array(_READ[kind](column) if kind in _READ else column, type=field.type)
                for kind, field, column in zip(COLUMNS.values(), self._schema, columns, strict=True)
            ]
            # Packed at once: as Python's objects a row group would be ten times as large.
            self._waiting.append(pa.record_batch(arrays, schema=self._schema))
            self._rows += len(calls)
        if self._rows >= _GROUP_ROWS:
            self._write()
        return self._sink.taken()

    def end(self) -> bytes:
        self._write()
        self._writer.close()
        return self._sink.taken()

    def _write(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=self._rows)
            self._waiting, self._rows = [], 0


def _types(pa: Any) -> dict[Kind, Any]:
    text = pa.string()
    return {
        "id": text, "text": text, "word": text, "json": text,
        "time": pa.timestamp("us", tz="UTC"),
        "count": pa.int64(), "milliseconds": pa.float64(), "flag": pa.bool_(),
        "credits": pa.decimal128(19, 6),  # as many micro-credits as fit into 64 bits
        "usd": pa.decimal128(38, 9),
    }  # fmt: skip


def _known(of: Callable[[Any], object]) -> Callable[[Iterable[Any]], list[object]]:
    return lambda column: [None if value is None else of(value) for value in column]


_READ: Final[dict[Kind, Callable[[Iterable[Any]], list[object]]]] = {
    "time": _known(datetime.fromisoformat),
    "credits": _known(lambda number: Decimal(repr(number))),
    "usd": _known(Decimal),
}


class _Sink(io.RawIOBase):
    """What has been written and not yet been taken; it can only be appended to."""

    def __init__(self) -> None:
        self._written = bytearray()
        self._before = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._written += data
        return len(data)

    def tell(self) -> int:
        return self._before + len(self._written)

    def taken(self) -> bytes:
        """Everything written since the last time."""
        taken = bytes(self._written)
        self._before += len(taken)
        self._written.clear()
        return taken
