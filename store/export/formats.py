"""The formats there are, by the name they are asked for."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from store.export.columns import Json
from store.export.csv import Csv
from store.export.jsonl import Jsonl
from store.export.parquet import Parquet
from store.filters import WrongFilter


class Encoder(Protocol):
    """Makes one file, from its beginning to its end. What it gives back comes next in the file; it may be empty."""

    @property
    def media_type(self) -> str:
        """What the file is, for `Content-Type`."""

    def begin(self) -> bytes:
        """What comes before the first call."""

    def add(self, calls: Sequence[Json]) -> bytes:
        """More calls, as /api/logs tells them."""

    def end(self) -> bytes:
        """What comes after the last."""


_ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {"csv": Csv, "jsonl": Jsonl, "parquet": Parquet}
FORMATS: Final = tuple(_ENCODERS)
MEDIA_TYPES: Final = {"csv": Csv.media_type, "jsonl": Jsonl.media_type, "parquet": Parquet.media_type}
EXPORTING: Final = ("format", "sort", "order")
"""The parameters an export takes beside the filters."""


def format_asked(params: Iterable[tuple[str, str]]) -> str:
    """The format that these parameters name.

    Raises:
        WrongFilter: none, or one that there is not.
    """
    for name, value in params:
        if name == "format" and value in FORMATS:
            return value
    raise WrongFilter("format", f"use one of {', '.join(FORMATS)}")


def encoder(name: str) -> Encoder:
    """A fresh encoder of this format, for one file."""
    return _ENCODERS[name]()
