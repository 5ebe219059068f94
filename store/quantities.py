"""What a call is billed by beside its own tokens, as the book keeps it: units and portions as JSON, and back.

Only what is known is written; a decimal is a string, because a JSON number would pass through a float on its way back.
"""

from collections.abc import Sequence

import msgspec

from store.call import NO_UNITS, Portion, Units

_encode = msgspec.json.Encoder(decimal_format="string").encode
_units = msgspec.json.Decoder(Units).decode
_portions = msgspec.json.Decoder(tuple[Portion, ...]).decode


def units_to_json(units: Units) -> str | None:
    """The units as JSON; None when there are none."""
    return None if units is NO_UNITS or units == NO_UNITS else _encode(units).decode()


def units_from_json(text: str | None) -> Units:
    """The units again."""
    return NO_UNITS if text is None else _units(text)


def portions_to_json(portions: Sequence[Portion]) -> str | None:
    """The portions as JSON; None when there are none."""
    return _encode(portions).decode() if portions else None


def portions_from_json(text: str | None) -> tuple[Portion, ...]:
    """The portions again."""
    return () if text is None else _portions(text)
