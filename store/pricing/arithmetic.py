"""kind x count x rate = amount, and the sum of the amounts, rounded once.

Refuses to add up half an answer: if part of what was counted has no rate, or what the price bills was not counted,
there is no total.
"""

from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal

from store.call import Cost, CostLine, Reading, Tokens, Units
from store.pricing.price import TOKEN_KINDS, Band, Price, UnitKind

# Wide enough that no product or sum of real counts and rates is ever rounded before the end. No traps: nonsense
# becomes a value that is not finite, and that is no total.
_EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_add, _multiply, _divide = _EXACT.add, _EXACT.multiply, _EXACT.divide
_BILLION = Decimal(1_000_000_000)
_MILLION = Decimal(1_000_000)
_NONE = Decimal(0)
_LARGEST = Decimal(2**63 - 1)  # what a column of the book can hold


def lines_of(price: Price, reading: Reading) -> tuple[CostLine, ...] | None:
    """The lines that add up to the cost of what was read; None when the price and the counts do not make one."""
    tokens = reading.tokens
    lines: list[CostLine] = []
    counted = False
    if tokens is not None and price.bands:
        whole_input = tokens.input
        counted = whole_input is not None or tokens.output is not None
        if counted and whole_input is None and reading.type in ("chat", "completion"):
            return None  # an answer may be empty, a prompt never is: without its count the sum would be too small
        if not _add_token_lines(price.band(whole_input or 0), tokens, lines):
            return None
    by_unit = _add_unit_lines(price, reading.units, lines)
    request = price.units.get("request")
    by_request_alone = request is not None and not price.bands and len(price.units) == 1
    if not (counted or by_unit or by_request_alone):
        return None
    if request is not None:
        lines.append(CostLine("request", Decimal(1), request.one, request.one, per_unit=True))
    return tuple(lines)


def _add_token_lines(band: Band, tokens: Tokens, lines: list[CostLine]) -> bool:
    """Adds a line per bucket that is not empty; False when one of them has no rate."""
    output, reasoning = tokens.output_text, None
    if band.reasoning_apart and tokens.reasoning and output is not None:
        reasoning = min(tokens.reasoning, output)  # an "of which": told apart only where it costs something else
        output -= reasoning
    counts = (
        tokens.input_uncached, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h,
        tokens.input_audio, tokens.input_image, tokens.cache_read_audio, tokens.cache_read_image,
        output, tokens.output_audio, tokens.output_image, reasoning,
    )  # fmt: skip
    for kind, count, rates in zip(TOKEN_KINDS, counts, band.billed, strict=True):
        if count:
            if rates is None:
                return False
            number = Decimal(count)
            lines.append(CostLine(kind, number, rates[0], _multiply(number, rates[1])))
    return True


def _add_unit_lines(price: Price, units: Units, lines: list[CostLine]) -> bool:
    """Adds a line per unit that has both a rate and a count; False when there was none."""
    if not price.units:
        return False
    seconds = units.seconds if units.seconds is not None and units.seconds.is_finite() else None
    if seconds and price.minimum_seconds:
        seconds = max(seconds, Decimal(price.minimum_seconds))
    counts: tuple[tuple[UnitKind, int | Decimal | None], ...] = (
        ("image", units.images),
        ("second", seconds),
        ("character", units.characters),
    )
    known = False
    for kind, count in counts:
        rate = price.units.get(kind)
        if rate is None or count is None:
            continue
        known = True
        if count:
            number = Decimal(count)
            amount = _divide(_multiply(number, rate.usd), Decimal(rate.per))
            lines.append(CostLine(kind, number, rate.one, amount, per_unit=True))
    return known


def total_nano(amounts: Iterable[Decimal]) -> int | None:
    """The sum of these USD in whole nano-dollars, rounded once, half up; None when it is no amount of money."""
    total = _NONE
    for amount in amounts:
        total = _add(total, amount)
    return _whole(_multiply(total, _BILLION))


def usage_micro(cost: Cost, ratio: Decimal, per_usd: Decimal) -> int | None:
    """The usage in whole micro-credits: cost x ratio x credits per USD, rounded once, half up; None when unknown."""
    if cost.nano_usd is None:
        return None
    credit_nanos = _multiply(_multiply(Decimal(cost.nano_usd), ratio), per_usd)
    return _whole(_divide(_multiply(credit_nanos, _MILLION), _BILLION))


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
    if not amount.is_finite() or not _NONE <= amount < _LARGEST:
        return None
    return int(amount.to_integral_value(ROUND_HALF_UP))
