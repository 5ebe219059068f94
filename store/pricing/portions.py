"""What a call cost when other models had a part in it: each portion by its own model's price, then one sum.

Portions beside the call's own counts are added to them; where one is not beside, the portions are what the call's
tokens were made of, and those are not priced again (its own units, such as searches, still are). Refuses to leave out
a portion: if one of them has no price, the whole cost is unknown and names the model.
"""

from collections.abc import Sequence

from store.call import Cost, CostLine, CostState, Portion, Reading, Units
from store.pricing.arithmetic import lines_of, total_nano
from store.pricing.missing import NO_AMOUNT, no_list_price, no_price
from store.pricing.price import Price

_NO_UNITS = Units()


def cost_together(reading: Reading, price: Price | None, prices: Sequence[Price | None]) -> Cost:
    """The cost of this call. `price`: that of its own model; `prices`: those of its portions, in their order."""
    shares = list(zip(reading.portions, prices, strict=True))
    replaced = not all(portion.beside for portion in reading.portions)
    if not replaced or reading.units != _NO_UNITS:
        own = Portion(
            reading.model or reading.requested_model or "", None if replaced else reading.tokens, reading.units
        )
        shares.insert(0, (own, price))
    lines: list[CostLine] = []
    saved: int | None = 0
    for place, (portion, its_price) in enumerate(shares):
        is_own = place == 0 and len(shares) > len(prices)
        if its_price is None:
            return Cost("unknown", missing=no_price(portion.model or None))
        if its_price.free:
            continue
        if its_price.prepaid is not None:
            return Cost("unknown", missing=no_list_price(its_price.prepaid, portion.model))
        found = lines_of(
            its_price,
            portion.model,
            portion.tokens,
            portion.units,
            prompted=is_own and reading.type in ("chat", "completion"),
            of=None if is_own else portion.model,
            told_elsewhere=is_own and replaced,
        )
        if isinstance(found, str):
            return Cost("unknown", missing=found)
        lines += found.lines
        saved = None if saved is None or found.saved is None else saved + found.saved
    nano = total_nano([line.usd for line in lines])
    if nano is None:
        return Cost("unknown", missing=NO_AMOUNT)
    named = price or next(one for one in prices if one is not None)
    if all(one is not None and one.free for _, one in shares):
        return Cost("free", 0, (), named.source, named.entry, named.since, cache_saved=0)
    guessed = any(one.tokens is not None and one.tokens.source == "estimated" for one, _ in shares)
    state: CostState = "estimated" if guessed else "priced"
    return Cost(state, nano, tuple(lines), named.source, named.entry, named.since, cache_saved=saved)
