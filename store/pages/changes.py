"""What changed against the period before, figure by figure, in words that need no colour."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from store.pages.measures import MEASURES, TOKENS, Row

_FIGURES: Final[dict[str, Callable[[Row], Any]]] = {
    **{name: measure.of for name, measure in MEASURES.items()},
    **{kind: TOKENS[kind].of for kind in ("input", "output", "cached")},
    "p50": lambda row: row["duration_ms"]["p50"],
    "p95": lambda row: row["duration_ms"]["p95"],
    "first_token": lambda row: row["first_token_ms"]["p50"],
}
_NOTABLE: Final = 0.0005
_MANY_TIMES: Final = 9


def changes(now: Row, before: Row | None) -> Mapping[str, str]:
    """For every figure the page shows what became of it; empty where there were no calls to compare with."""
    if before is None or not before["calls"]:
        return dict.fromkeys(_FIGURES, "")
    return {name: change(of(now), of(before)) for name, of in _FIGURES.items()}


def change(now: Any, before: Any) -> str:
    """In words: "▲ 12 % more"."""
    if now is None or before is None:
        return "change unknown"
    if not before:
        return "none before"
    ratio = float((Decimal(str(now)) - Decimal(str(before))) / Decimal(str(before)))
    if abs(ratio) < _NOTABLE:
        return "as before"
    if ratio > _MANY_TIMES:
        return f"▲ {ratio + 1:,.0f} times as much"
    arrow, word = ("▲", "more") if ratio > 0 else ("▼", "less")
    return f"{arrow} {abs(ratio) * 100:.3g} % {word}"
