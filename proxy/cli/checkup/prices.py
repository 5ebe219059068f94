"""The published price lists: how old they are. They carry no date of their own, so the newest price in them tells."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from proxy.cli.checkup.finding import Finding, ok, warn

OLD_DAYS = 60


def prices() -> Iterator[Finding]:
    """One finding: whether the lists may miss recent prices."""
    from store.pricing import PriceBook

    today = datetime.now(UTC).date()
    yield age(*PriceBook((), {}).edition(today), today)


def age(edition: str, newest: date | None, today: date) -> Finding:
    """What the newest price says about the lists."""
    lists = f"Published prices: {edition}"
    if newest is None:
        return warn("price lists", f"{lists}, of unknown age", "Install the latest genai-prices.")
    days = (today - newest).days
    if days > OLD_DAYS:
        return warn(
            "price lists",
            f"{lists}; the newest price in it is {days} days old ({newest})",
            "Install the latest genai-prices; newer models may be unpriced or wrongly priced.",
        )
    return ok("price lists", f"{lists}, newest price of {newest}")
