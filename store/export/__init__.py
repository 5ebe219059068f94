"""Calls as a file that other programs read: CSV, JSONL, Parquet. Streamed: never more than a few pages in memory.

    asked = await settled(reader, parse(params, now, also=EXPORTING))
    async for piece in exported(reader, asked, encoder("csv")):
        ...                                             # Piece(data, calls)
    file_name(asked, "csv")                             # tollbook-2026-11-01_2026-11-22.csv

JSONL tells each call as the query endpoint does; CSV and Parquet have the same fields in columns (columns.py).
"""

from store.export.file_name import file_name
from store.export.formats import EXPORTING, FORMATS, MEDIA_TYPES, encoder, format_asked
from store.export.stream import Piece, exported
from store.questions.every_call import settled

__all__ = [
    "EXPORTING",
    "FORMATS",
    "MEDIA_TYPES",
    "Piece",
    "encoder",
    "exported",
    "file_name",
    "format_asked",
    "settled",
]
