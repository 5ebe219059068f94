"""kind x count x rate = amount, and the sum of the amounts, rounded once.

Refuses to add up half an answer: if part of what was counted has no rate, or what the price bills was not counted,
there is no total, and it says what is missing.

Tools that the provider runs (searches) are billed on top of the model's own work. Where they were counted and have no
rate there is no total: it would be too small. Where none were counted there were none: a provider that bills them by
the piece counts them, and leaves the count out when there is nothing to count. Anything else that is not billed by
tokens is another way to bill the same work, so such a count needs no rate as long as tokens are billed.

What caching of the prompt spared is told along with it: the same tokens at the rates of a prompt that met no cache,
minus what they cost. In the same band, because the length of the prompt would have been the same.
"""

from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

import msgspec

from store.call import Cost, CostLine, Reading, Tokens, Units
from store.pricing.missing import no_count, no_rate
from store.pricing.price import TOKEN_KINDS, Band, Price, UnitKind

# Wide enough that no product or sum of real counts and rates is ever rounded before the end. No traps: nonsense
# becomes a value that is not finite, and that is no total.
_EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_add, _multiply, _divide = _EXACT.add, _EXACT.multiply, _EXACT.divide
_BILLION = Decimal(1_000_000_000)
_THOUSAND = Decimal(1_000)
_NONE = Decimal(0)
_LARGEST = 2**63 - 1  # what a column of the book can hold
_DIGITS = len(str(_LARGEST))

_WORK: tuple[UnitKind, ...] = (
    "image", "second", "character", "page", "annotated_page", "search_unit", "text_message",
)  # fmt: skip
"""What a model's own work may be billed by; one of these counted is enough for a cost."""
_TOLD_APART: tuple[UnitKind, ...] = ("output_citation", "input_video", "output_video")  # tokens, by the million
_USUAL = ("input", "cache_read", "output")
"""All that most calls have: looking at these three and asking once for the others takes a fifth of the time."""


class Bill(msgspec.Struct):
    """The lines that add up to a cost."""

    lines: list[CostLine]
    nano: int | None = 0  # their sum in whole nano-dollars; None: not at hand, or more than any book holds
    saved: int | None = 0  # nano-dollars that caching spared, negative when writing cost more; None: unknown


def lines_of(
    price: Price,
    model: str | None,
    tokens: Tokens | None,
    units: Units | None,
    *,
    prompted: bool = False,
    of: str | None = None,
    told_elsewhere: bool = False,
) -> Bill | str:
    """The lines that add up to the cost of what was read, or what is missing (`store/pricing/missing.py`).

    Args:
        price: the price of this model
        model: whose work it is
        tokens: None when nobody told
        units: None when there are none
        prompted: a prompt was asked, and a prompt is never empty
        of: the model that the lines shall name, together with its price
        told_elsewhere: the work itself is in other lines; only what comes on top of it is asked for
    """
    bill = Bill([])
    entry = None if of is None else price.named
    counted = told_elsewhere
    bands = price.bands
    if tokens is not None and bands:
        whole_input = tokens.input_uncached  # enough to know that the input is known
        if whole_input is None or len(bands) > 1:
            whole_input = tokens.input
        counted = whole_input is not None or tokens.output is not None
        if counted:
            if whole_input is None and prompted:
                return no_count("input", model)  # an answer may be empty: without its prompt the sum would be too small
            if units is not None and (units.video_in or units.video_out):
                tokens = _without_video(price, tokens, units)
            found = _bill_of_tokens(price.band(whole_input or 0), tokens, of, entry)
            if isinstance(found, str):
                return no_rate(found, model)
            bill = found
    lines = bill.lines
    by_unit = False
    if units is not None:
        for kind, count in _counts(price, units):
            by_unit = by_unit or kind in _WORK
            if count:
                rate = price.units.get(kind)
                if rate is None:
                    return no_rate(kind, model)
                number = Decimal(count)
                amount = _divide(_multiply(number, rate.usd), Decimal(rate.per))
                per_unit = kind not in _TOLD_APART
                lines.append(CostLine(kind, number, rate.one if per_unit else rate.usd, amount, per_unit, of, entry))
                bill.nano = None
    rates = price.units
    request = rates.get("request") if rates else None
    if not (counted or by_unit):
        by_request_alone = request is not None and not bands and not any(kind in rates for kind in _WORK)
        if not by_request_alone:
            return no_count(_billed_by(price), model)
    if request is not None:
        lines.append(CostLine("request", Decimal(1), request.one, request.one, True, of, entry))
        bill.nano = None
    return bill


def _bill_of_tokens(band: Band, tokens: Tokens, of: str | None, entry: str | None) -> Bill | str:
    """A line per bucket that is not empty, and their sum; or the first of them that has no rate."""
    output, reasoning = tokens.output_text, None
    if band.reasoning_apart and tokens.reasoning and output is not None:
        reasoning = min(tokens.reasoning, output)  # an "of which": told apart only where it costs something else
        output -= reasoning
    kinds: tuple[str, ...] = _USUAL
    counts: tuple[int | None, ...] = (tokens.input_uncached, tokens.cache_read, output)
    rare = (
        tokens.cache_write_5m, tokens.cache_write_1h, tokens.input_audio, tokens.input_image,
        tokens.cache_read_audio, tokens.cache_read_image, tokens.output_audio, tokens.output_image, reasoning,
    )  # fmt: skip
    if any(rare):
        kinds, counts = TOKEN_KINDS, (*counts[:2], *rare[:6], output, *rare[6:])
    lines: list[CostLine] = []
    billed, total, spared = band.billed, 0, 0
    told = True
    for kind, count in zip(kinds, counts, strict=True):
        if not count:
            continue
        rate = billed.get(kind)
        if rate is None:
            return kind
        number = Decimal(count)
        # An operator takes a third of the time of a context's method, and is as exact within its 28 digits.
        small = count <= rate.exact_to
        usd = number * rate.usd_per_token if small else _multiply(number, rate.usd_per_token)
        lines.append(CostLine(kind, number, rate.usd, usd, False, of, entry))
        total += count * rate.scaled
        if rate.spares:
            spared += count * rate.spares
        elif rate.spares is None:
            told = False
    return Bill(lines, _nano(total, band.per_nano), _nano(spared, band.per_nano) if told else None)


def _counts(price: Price, units: Units) -> Iterable[tuple[UnitKind, int | Decimal]]:
    """What of these units is billed: what has a rate, and tools that the provider ran whether they have one or not."""
    rates = price.units
    if units.images is not None and "image" in rates:
        yield "image", units.images
    if units.seconds is not None and units.seconds.is_finite() and "second" in rates:
        short = 0 < units.seconds < price.minimum_seconds
        yield "second", Decimal(price.minimum_seconds) if short else units.seconds
    if units.characters is not None and "character" in rates:
        yield "character", units.characters
    yield from _pages(price, units)
    if units.search_units is not None and "search_unit" in rates:
        yield "search_unit", units.search_units
    if units.text_messages is not None and "text_message" in rates:
        yield "text_message", units.text_messages
    if units.web_searches is not None:
        yield "web_search", units.web_searches
    if units.file_searches is not None:
        yield "file_search", units.file_searches
    if units.citation_tokens is not None and "output_citation" in rates:
        yield "output_citation", units.citation_tokens
    if units.video_in and "input_video" in rates:
        yield "input_video", units.video_in
    if units.video_out and "output_video" in rates:
        yield "output_video", units.video_out


def _without_video(price: Price, tokens: Tokens, units: Units) -> Tokens:
    """The tokens without those of video that have a rate, and so a line, of their own."""
    into = units.video_in if "input_video" in price.units else None
    out = units.video_out if "output_video" in price.units else None
    return msgspec.structs.replace(
        tokens,
        input_uncached=_less(tokens.input_uncached, into),
        output_text=_less(tokens.output_text, out),
    )


def _less(all_of_them: int | None, some: int | None) -> int | None:
    return all_of_them if all_of_them is None or some is None else max(all_of_them - some, 0)


def _pages(price: Price, units: Units) -> Iterable[tuple[UnitKind, int]]:
    """Pages without annotations, and those with; the latter are plain pages where they have no rate of their own."""
    annotated = units.annotated_pages
    if units.pages is None and annotated is None:
        return
    plain = max((units.pages or 0) - (annotated or 0), 0)
    if annotated and "annotated_page" not in price.units:
        plain, annotated = plain + annotated, None
    if plain or annotated is None:
        billed = "page" in price.units or "annotated_page" in price.units
        yield from (("page", plain),) if billed else ()
    if annotated is not None:
        yield "annotated_page", annotated


def _billed_by(price: Price) -> str:
    """What nobody counted, of all that this price bills."""
    if price.bands:
        return "tokens"
    return next((kind for kind in _WORK if kind in price.units), "request")


def _nano(scaled: int, per_nano: int) -> int | None:
    """Counts times scaled rates in whole nano-dollars, half away from zero; None when no column holds it."""
    if scaled < 0:
        lost = _nano(-scaled, per_nano)
        return None if lost is None else -lost
    nano = scaled if per_nano == 1 else (2 * scaled + per_nano) // (2 * per_nano)
    return nano if nano < _LARGEST else None


def total_nano(amounts: Iterable[Decimal]) -> int | None:
    """The sum of these USD in whole nano-dollars, rounded once, half up; None when it is no amount of money."""
    total = _NONE
    for amount in amounts:
        total = _add(total, amount)
    return _whole(_multiply(total, _BILLION))


def usage_micro(cost: Cost, ratio: Decimal, per_usd: Decimal) -> int | None:
    """The usage in whole micro-credits: cost x ratio x credits per USD, rounded once, half up; None when unknown."""
    nano = cost.nano_usd
    if nano is None or nano < 0:
        return None
    numerator, denominator = _micro_per_nano(ratio, per_usd)
    micro = (2 * nano * numerator + denominator) // (2 * denominator)
    return micro if micro < _LARGEST else None


@lru_cache(maxsize=1024)
def _micro_per_nano(ratio: Decimal, per_usd: Decimal) -> tuple[int, int]:
    """Micro-credits for a nano-dollar, as a fraction: whole numbers take a fifth of the time of decimals."""
    return _divide(_multiply(ratio, per_usd), _THOUSAND).as_integer_ratio()


def fallback_usage_micro(reading: Reading, usd_per_million: Decimal, ratio: Decimal, per_usd: Decimal) -> int | None:
    """The usage of a call without a known cost: its tokens x a rate for all of them; None when they are not known."""
    tokens = reading.tokens
    if tokens is None or tokens.total is None:
        return None
    if tokens.input is None and reading.type in ("chat", "completion"):
        return None  # as in a cost: a prompt is never empty
    # USD per million tokens, in millionths of a credit per credit: the two millions cancel out.
    return _whole(_multiply(_multiply(_multiply(Decimal(tokens.total), usd_per_million), ratio), per_usd))


def _whole(amount: Decimal) -> int | None:
    # Its magnitude first: a number with an exponent of a million would take its time to become a whole one.
    if not amount.is_finite() or amount.adjusted() > _DIGITS or (amount.is_signed() and amount):
        return None
    whole = int(amount.to_integral_value(ROUND_HALF_UP))
    return whole if whole < _LARGEST else None
