"""The published price lists: how old they are, and whether upstreams name one that is not there.

The lists carry no date of their own, so the newest price in them tells.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from proxy.cli.checkup.finding import Finding, ok, warn
from proxy.config.model import Config

OLD_DAYS = 60


def prices() -> Iterator[Finding]:
    """One finding: whether the lists may miss recent prices."""
    from store.pricing import PriceBook

    today = datetime.now(UTC).date()
    yield age(*PriceBook((), {}).edition(today), today)


def without_a_list(config: Config) -> Iterator[Finding]:
    """A finding for each upstream whose `provider` has no price list. One that is only named so needs none."""
    from store.pricing.published import PublishedPrices

    lists = PublishedPrices()
    for name, upstream in config.upstreams.items():
        if upstream.provider not in (name, "none") and not lists.known(upstream.provider):
            yield warn(
                "price lists",
                f'upstreams.{name}.provider = "{upstream.provider}": there is no price list of this name',
                f'Use one of {", ".join(lists.sellers)}; or "none", with [[prices]] tables of your own.',
            )


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
