"""What the provider itself says a call cost, in USD. It beats every price table: tool and request fees are in it.

Whoever tells dollars tells fractions of them. There are gateways that tell whole numbers, of a unit of theirs: 555533
for what cost less than a cent (https://github.com/BerriAI/litellm/pull/39325). Those are no costs here.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from proxy.journal.notes import Headers

_TICK = Decimal("1e-10")  # xAI counts in these
_LARGEST = Decimal(1_000_000)
_HEADER = "x-litellm-response-cost"


def reported_cost_usd(usage: dict[str, Any] | None, beside_usage: Any, headers: Headers) -> Decimal | None:
    """The cost told in the usage object, in the body's own `cost`, or in a header; None when nobody told one."""
    if usage is not None:
        if usage.get("cost") is not None:
            return _in_usage(usage)
        if usage.get("cost_in_usd_ticks") is not None:
            ticks = _amount(usage["cost_in_usd_ticks"], largest=_LARGEST / _TICK)
            return ticks * _TICK if ticks is not None else None
        if usage.get("estimated_cost") is not None:  # DeepInfra, which bills it
            return _amount(usage["estimated_cost"])
    if isinstance(beside_usage, dict):
        return _amount(beside_usage.get("usd"))
    for name, value in headers:
        if name == _HEADER:
            return _amount(value)
    return None


def _in_usage(usage: dict[str, Any]) -> Decimal | None:
    cost = usage["cost"]
    if isinstance(cost, int) and cost > 0:
        return None
    if isinstance(cost, dict):  # Perplexity
        return _amount(cost.get("total_cost"))
    details = usage.get("cost_details")
    if usage.get("is_byok") is True and isinstance(details, dict):  # OpenRouter with the user's own upstream key
        own = _amount(details.get("upstream_inference_cost"))
        fee = _amount(cost)
        return own if fee is None or own is None else own + fee
    return _amount(cost)


def _amount(value: Any, largest: Decimal = _LARGEST) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        amount = Decimal(str(value)) if not isinstance(value, Decimal) else value
    except (InvalidOperation, ValueError):
        return None
    return amount if amount.is_finite() and 0 <= amount <= largest else None
