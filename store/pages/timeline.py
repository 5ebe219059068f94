"""The time of one call as a small bar: stretches that follow each other, drawn to scale, none too thin to see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 1000  # units of the drawing
_THINNEST: Final = 4.0
_LABELS: Final = {
    "sending": "Sending the request",
    "overhead": "Tollbook's own work",
    "passing_on": "Passing on the request",
    "waiting": "Waiting for the upstream",
    "first_token": "First token",
    "streaming": "Streaming the answer",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One part of the bar."""

    part: str
    label: str
    means: str
    ms: float
    share: float  # of the whole
    x: str
    width: str


def timeline(parts: Sequence[Mapping[str, Any]], *, streamed: bool) -> list[Stretch]:
    """The stretches, from left to right; empty when nothing tells them apart."""
    whole = sum(part["ms"] for part in parts)
    if not whole:
        return []
    widths = [max(_THINNEST, WIDTH * part["ms"] / whole) for part in parts]
    scale = WIDTH / sum(widths)
    stretches: list[Stretch] = []
    x = 0.0
    for part, width in zip(parts, widths, strict=True):
        name = part["part"]
        label = "Receiving the answer" if name == "streaming" and not streamed else _LABELS.get(name, name)
        share = part["ms"] / whole
        stretches.append(Stretch(name, label, part["means"], part["ms"], share, f"{x:.1f}", f"{width * scale:.1f}"))
        x += width * scale
    return stretches
