"""What caching of the prompt spared: the same tokens at the rates of a prompt that met no cache, minus what they cost.

In the same band, because the length of the prompt would have been the same. Negative when writing to the cache cost
more than reading from it spared. Refuses to guess a rate: without the uncached one the answer is unknown.
"""

from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal

from store.call import Tokens
from store.pricing.price import TOKEN_KINDS, Price

# Kind of token: what it would have been without a cache.
_UNCACHED = {
    "cache_read": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "input",
    "cache_read_audio": "input_audio",
    "cache_read_image": "input_image",
}
_PLACES = tuple((TOKEN_KINDS.index(kind), TOKEN_KINDS.index(plain)) for kind, plain in _UNCACHED.items())
_EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])  # as wide as the arithmetic of costs
_NANO = Decimal(1_000_000_000)
_LARGEST = 2**63 - 1  # what a column of the book can hold


def spared_nano(price: Price, tokens: Tokens | None) -> int | None:
    """Nano-dollars, rounded once, half away from zero; 0 where nothing was cached, None where a rate is missing."""
    if tokens is None or not price.bands:
        return 0
    counts = (
        tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h,
        tokens.cache_read_audio, tokens.cache_read_image,
    )  # fmt: skip
    if not any(counts):
        return 0
    billed = price.band(tokens.input or 0).billed
    spared = Decimal(0)
    for count, (here, plain) in zip(counts, _PLACES, strict=True):
        if count:
            rates, uncached = billed[here], billed[plain]
            if rates is None or uncached is None:
                return None
            spared = _EXACT.add(spared, _EXACT.multiply(Decimal(count), _EXACT.subtract(uncached[1], rates[1])))
    amount = _EXACT.multiply(spared, _NANO)
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        return None
    return int(amount.to_integral_value(ROUND_HALF_UP))
