"""JSON that somebody sent, as a value that an answer of ours can hold."""

from typing import Any

import msgspec
import orjson

_OURS = 8  # levels that our answers put around it, and more


def value_of(data: bytes) -> Any:
    """The value, if we can write it again; JSON with longer integers or deeper nesting than that stays text.

    Raises:
        one of store.dialects.shape.NOT_JSON: it is no JSON.
    """
    value = within = msgspec.json.decode(data)
    for _ in range(_OURS):
        within = [within]
    try:
        orjson.dumps(within)
    except TypeError:
        return data.decode()
    return value
