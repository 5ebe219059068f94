"""What caching of the prompt spared: the same tokens at the rates of a prompt that met no cache, minus what they cost.

In the same band, because the length of the prompt would have been the same. Negative when writing to the cache cost
more than reading from it spared. Refuses to guess a rate: without the uncached one the answer is unknown.
"""

from store.call import Tokens
from store.pricing.arithmetic import rounded
from store.pricing.price import Price

_KINDS = ("cache_read", "cache_write_5m", "cache_write_1h", "cache_read_audio", "cache_read_image")


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
    band = price.band((tokens.input or 0) if len(price.bands) > 1 else 0)
    billed, spared = band.billed, 0
    for kind, count in zip(_KINDS, counts, strict=True):
        if count:
            rate = billed.get(kind)
            if rate is None or rate.spares is None:
                return None
            spared += count * rate.spares
    if spared < 0:
        lost = rounded(-spared, band.per_nano)
        return None if lost is None else -lost
    return rounded(spared, band.per_nano)
