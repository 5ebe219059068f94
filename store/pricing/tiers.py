"""The tiers that a call can be served at: what providers call them, and which of them are known to change the price.

What counts is the tier that was served, not the one that was asked for.
"""

_STANDARD = frozenset({"default", "standard", "auto", "on_demand", "standard_only"})
# Paid for by reserved capacity, not by the call: a list price would be fiction.
_PREPAID = frozenset({"provisioned", "provisioned_throughput", "scale", "reserved"})
# Known to have a price of their own, wherever they are offered...
_OWN_PRICE = frozenset({"flex", "priority", "batch", "fast", "ultrafast", "offpeak", "optimized"})
KNOWN = tuple(sorted(_OWN_PRICE))
# ... but for Groq's flex: on-demand prices at a lower chance of being served (console.groq.com/docs/flex-processing).
_SAME_PRICE = frozenset({("groq", "flex")})


def tier_of(told: str | None) -> str | None:
    """A tier as the provider told it, in lower case and without its prefixes; None: nobody told."""
    return None if told is None else told.lower().removeprefix("service_tier_").removeprefix("on_demand_")


def is_tier(served: str | None, named: str) -> bool:
    """Whether the tier that was served is the one that somebody named. Nothing told is the standard one."""
    return served == named.lower() or (named.lower() in _STANDARD and (served is None or served in _STANDARD))


def is_prepaid(tier: str | None) -> bool:
    """Whether a call at this tier is paid for by reserved capacity."""
    return tier in _PREPAID


def has_own_price(tier: str | None, provider: str) -> bool:
    """Whether this tier is known to cost something else than the standard one."""
    return tier in _OWN_PRICE and (provider, tier) not in _SAME_PRICE
