"""JSONL: one call to a line, exactly as /api/logs tells it."""

from collections.abc import Sequence

import orjson

from store.export.columns import Json


class Jsonl:
    """Lines of JSON, in UTF-8. A line end inside a value is escaped by JSON itself."""

    media_type = "application/x-ndjson"

    def begin(self) -> bytes:
        return b""

    def add(self, calls: Sequence[Json]) -> bytes:
        return b"".join([orjson.dumps(call, option=orjson.OPT_APPEND_NEWLINE) for call in calls])

    def end(self) -> bytes:
        return b""
