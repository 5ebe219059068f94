"""The `.sql` files beside this one. Where a statement varies, a /*comment*/ marks the place.

Only text of our own ever goes into a place; whatever someone asked for is bound as a value.
"""

from functools import cache
from importlib.resources import files


@cache
def _text(name: str) -> str:
    return (files("store.questions") / f"{name}.sql").read_text()


def statement(name: str, **places: str) -> str:
    """The statement in the file of this name, with its places filled."""
    text = _text(name)
    for place, filling in places.items():
        mark = f"/*{place}*/"
        if mark not in text:
            raise LookupError(f"{name}.sql has no place {mark}")
        text = text.replace(mark, filling)
    return text
