"""A few numbers as a line that is read at a glance: the points of an SVG polyline, made here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 90
HEIGHT: Final = 24
_EDGE: Final = 2  # so that the line is not cut where it is at its highest


@dataclass(frozen=True, slots=True)
class Spark:
    """The line, the area beneath it, and what it says."""

    points: str
    area: str
    most: int
    last: int


def spark(values: Sequence[int]) -> Spark | None:
    """None where there is nothing to draw."""
    most = max(values, default=0)
    if not most or len(values) < 2:
        return None
    step = WIDTH / (len(values) - 1)
    room = HEIGHT - 2 * _EDGE
    places = [
        (round(number * step, 1), round(_EDGE + room * (1 - value / most), 1)) for number, value in enumerate(values)
    ]
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    return Spark(points, f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}", most, values[-1])
