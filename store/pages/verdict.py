"""What the figures of /health mean: good, attention or bad, each with its reason in words.

Pure: figures in, findings out. Judges only what is told; what is not known is said to be unknown, not good.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from proxy.journal.ladder import Step
from store.pages.figures import count, duration, size

State = Literal["good", "attention", "bad"]

_SLOW_LAG_MS: Final = 5_000
_BAD_LAG_MS: Final = 60_000
_LITTLE_BYTES: Final = 1_000_000_000
_FEW_DAYS, _VERY_FEW_DAYS = 30, 7
_OLD_PRICES_DAYS: Final = 120
_ORDER: Final[tuple[State, ...]] = ("bad", "attention", "good")

LOST: Final = {
    "disk": "the disk could not be written",
    "damaged": "the journal was damaged",
    "unwritten": "they were not written before their worker ended",
    "refused": "the database refused them; they are in quarantine",
}
"""Why calls were lost, by the name of the count."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was judged."""

    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Balance:
    """received = stored + waiting + open + lost."""

    received: int
    stored: int
    waiting: int
    open: int
    lost: int

    @property
    def difference(self) -> int:
        return self.received - (self.stored + self.waiting + self.open + self.lost)


def balance(told: Mapping[str, Any]) -> Balance:
    """Where every call stands."""
    return Balance(told["received"], told["stored"], told["waiting"], told["open"], told["lost"]["total"])


def findings(
    told: Mapping[str, Any], growth: Mapping[str, Any], unpriced: Sequence[Mapping[str, Any]], today: date
) -> list[Finding]:
    """All that was judged, the worst first."""
    found = [
        *_calls(told), *_ladder(told["ladder"]), *_budgets(told["budgets"]), *_webhook(told["webhook"]),
        *_disk(told["disk"], growth), *_prices(told["prices"], unpriced, today),
    ]  # fmt: skip
    return sorted(found, key=lambda finding: _ORDER.index(finding.state))


def worst(found: Sequence[Finding]) -> State:
    """The state of the whole."""
    return min((finding.state for finding in found), key=_ORDER.index, default="good")


def _calls(told: Mapping[str, Any]) -> Iterator[Finding]:
    apart = balance(told).difference
    if apart:
        yield Finding("bad", f"The counts differ by {count(apart)}: a call is neither stored, waiting, open nor lost.")
    if lost := told["lost"]["total"]:
        why = "; ".join(
            f"{count(calls)}: {LOST.get(reason, reason)}"
            for reason, calls in told["lost"].items()
            if reason != "total" and calls
        )
        yield Finding("bad", f"{count(lost)} call{' was' if lost == 1 else 's were'} lost ({why}).")
    else:
        yield Finding("good", "No call was lost.")
    lag = told["lag_ms"]
    if lag >= _SLOW_LAG_MS:
        state: State = "bad" if lag >= _BAD_LAG_MS else "attention"
        yield Finding(state, f"The book is {duration(lag)} behind the calls.")
    else:
        yield Finding("good", "The book is up to date.")
    if late := told["late_notes"]:
        yield Finding("attention", f"The disk was too slow {count(late)} times for an answer to wait for its note.")


def _ladder(ladder: Mapping[str, Any]) -> Iterator[Finding]:
    if ladder["step"] != Step.FULL.label:
        state: State = "attention" if ladder["step"] == Step.BODIES_OFF.label else "bad"
        yield Finding(state, ladder["means"])
    if (error := ladder["book_error"]) is not None:
        yield Finding("bad", f"The book cannot be written ({error}); the journal keeps the calls until it can.")


def _budgets(budgets: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for one in budgets:
        period = "in all" if one["period"] == "total" else f"a {one['period']}"
        what = f"the budget of {one['credits']:,.10g} credits {period} of the {one['of']} {one['name']}"
        if one["state"] == "used_up":
            yield Finding("attention", f"Calls are refused: {what} is used up.")
        elif one["state"] == "warned":
            yield Finding("attention", f"{one['share']:.0%} of {what} are used.")


def _webhook(webhook: Mapping[str, Any] | None) -> Iterator[Finding]:
    if webhook is None or webhook["last_error"] is None:
        return  # those that wait have not failed yet
    why = webhook["last_error"]
    if failed := webhook["failed"]:
        messages = "1 message about a budget was" if failed == 1 else f"{count(failed)} messages about budgets were"
        yield Finding("attention", f"{messages} not taken by the webhook for a day, and given up: {why}.")
    if pending := webhook["pending"]:
        messages = "1 message about a budget waits" if pending == 1 else f"{count(pending)} messages about budgets wait"
        yield Finding("attention", f"{messages} to be sent again: {why}.")


def _disk(disk: Mapping[str, Any], growth: Mapping[str, Any]) -> Iterator[Finding]:
    free, days = disk["free_bytes"], growth["full_in_days"]
    if free is None:
        yield Finding("attention", "How much disk is free is unknown.")
    elif free < _LITTLE_BYTES:
        yield Finding("bad", f"Only {size(free)} of disk are free.")
    elif days is not None and days < _FEW_DAYS:
        state: State = "bad" if days < _VERY_FEW_DAYS else "attention"
        yield Finding(state, f"At this pace the disk is full in {days:.0f} days.")
    else:
        yield Finding("good", f"{size(free)} of disk are free.")


def _prices(
    prices: Mapping[str, Any], unpriced: Sequence[Mapping[str, Any]], today: date
) -> Iterator[Finding]:  # fmt: skip
    missing = [one for one in unpriced if one["missing"] in ("price", "both")]
    if missing:
        models, their = ("1 model has", "its") if len(missing) == 1 else (f"{len(missing)} models have", "their")
        yield Finding("attention", f"{models} no price, so what {their} calls cost is unknown.")
    else:
        yield Finding("good", "Every model whose tokens are known has a price.")
    try:
        age = (today - date.fromisoformat(str(prices.get("date")))).days
    except ValueError:
        yield Finding("attention", "The date of the price lists is unknown.")
        return
    if age > _OLD_PRICES_DAYS:
        yield Finding("attention", f"The price lists are {age} days old; a newer version brings newer ones.")
